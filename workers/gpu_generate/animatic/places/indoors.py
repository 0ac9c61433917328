"""Studios and rooms: a backdrop, light on it, and a surface to stand on."""

import numpy as np

from workers.gpu_generate.animatic.canvas import Canvas, Layer, blurred
from workers.gpu_generate.animatic.colour import luma, mix, smoothstep
from workers.gpu_generate.animatic.noise import clouds
from workers.gpu_generate.animatic.places.setting import Setting
from workers.gpu_generate.animatic.scene import Scene


def studio(scene: Scene, canvas: Canvas) -> Setting:
    """A seamless backdrop with a pool of light and a polished floor."""
    colours = scene.palette
    floor = 0.74
    far = canvas.distance(0.5, 0.42, flat=1.35)
    pool = np.exp(-((far / 0.46) ** 2))[..., None]
    side = np.clip(1.1 - canvas.distance(0.1 if scene.light_x < 0.5 else 0.9, 0.1) / 1.5, 0, 1)[..., None]
    wall = (
        np.asarray(colours.sky[1], np.float32) * (1 - pool) + np.asarray(colours.sky[-1], np.float32) * pool
    )
    wall = wall * (1 - 0.3 * side) + np.asarray(colours.glow, np.float32) * 0.3 * side
    tint = np.asarray(mix(colours.accent, colours.accent_2, 0.3), np.float32)
    wall = wall * (1 - 0.16 * pool) + tint * 0.16 * pool
    below = np.clip((canvas.y - floor) / 0.26, 0, 1)
    seam = smoothstep(floor - 0.05, floor + 0.07, np.asarray(canvas.y, np.float32))[..., None]
    lit = np.exp(-(((canvas.x - 0.5) / 0.34) ** 2)) * np.exp(-(((canvas.y - 0.86) / 0.14) ** 2))
    ground = np.asarray(mix(colours.sky[0], colours.sky[2], 0.4), np.float32) * (1 - 0.4 * below[..., None])
    ground = (
        ground * (1 - 0.6 * lit[..., None]) + np.asarray(colours.sky[-1], np.float32) * 0.6 * lit[..., None]
    )
    paint = wall * (1 - seam) + ground * seam
    whole = np.ones((canvas.rows, canvas.columns), np.float32)
    behind = [Layer(canvas.painted(paint.astype(np.float32), whole), 0.12), _beam(scene, canvas)]
    behind += [_plinth(scene, canvas)]
    return Setting(behind, [], ground=0.80, depth=0.5, scale=0.92, mirror=0.0, lit=0.95, shadow=0.5)


def _beam(scene: Scene, canvas: Canvas) -> Layer:
    """A soft box's cone from above one side."""
    x = 0.12 if scene.light_x < 0.5 else 0.88
    angle = np.arctan2((canvas.x - x) * canvas.aspect, canvas.y + 0.4)
    aim = np.arctan2((0.5 - x) * canvas.aspect, 1.15)
    cone = np.exp(-(((angle - aim) / 0.2) ** 2)) * np.clip(1.1 - canvas.y, 0, 1)
    bright = 0.1 if luma(scene.palette.sky[1]) > 0.7 else 0.3
    return Layer(canvas.shining(scene.palette.light, (cone * bright).astype(np.float32)), 0.2, flicker=0.1)


def _plinth(scene: Scene, canvas: Canvas) -> Layer:
    """A round stand."""
    high, wide, top = 0.075, 0.30, 0.79
    right = (canvas.x - 0.5) * canvas.aspect
    lid = (right / wide) ** 2 + ((canvas.y - top) / 0.05) ** 2
    foot = (right / wide) ** 2 + ((canvas.y - top - high) / 0.05) ** 2
    pixel = 3.0 / (0.05 * canvas.height)
    on_lid = smoothstep(1 + pixel, 1 - pixel, np.asarray(lid, np.float32))
    body = smoothstep(1 + pixel, 1 - pixel, np.asarray(foot, np.float32))
    between = (np.abs(right) < wide) & (canvas.y > top) & (canvas.y < top + high)
    alpha = np.maximum(np.maximum(on_lid, body), between.astype(np.float32))
    base = np.asarray(mix(scene.palette.sky[-1], scene.palette.accent, 0.3), np.float32)
    light = -1.0 if scene.light_x < 0.5 else 1.0
    round_shade = (
        np.clip(0.55 + 0.4 * light * right / wide - 0.35 * (right / wide) ** 2, 0.1, 1)[..., None]
        * np.ones_like(alpha)[..., None]
    )
    side = base * (0.45 + 0.6 * round_shade)
    lit = np.clip(1.12 - 0.3 * np.hypot(right / wide - light * 0.3, (canvas.y - top) / 0.08), 0.5, 1.3)[
        ..., None
    ]
    paint = side * (1 - on_lid[..., None]) + np.clip(base * lit * 1.22, 0, 1) * on_lid[..., None]
    under = np.exp(-(((right) / (wide * 1.25)) ** 2) - ((canvas.y - top - high - 0.03) / 0.045) ** 2) * 0.4
    alpha_all = np.maximum(alpha, under * (1 - alpha))
    paint = np.where((alpha > 0.02)[..., None], paint, 0.02)
    return Layer(canvas.painted(np.clip(paint, 0, 1).astype(np.float32), alpha_all.astype(np.float32)), 0.5)


def room(scene: Scene, canvas: Canvas) -> Setting:
    """A warm blur with lights in it, and a table's edge in front."""
    colours = scene.palette
    down = np.clip(canvas.y, 0, 1)
    lumps = clouds(canvas.dice("wall"), canvas.columns, canvas.rows, cell=canvas.height * 0.5, octaves=3)
    far = canvas.distance(scene.light_x, 0.3, flat=1.2)
    halo = np.clip(0.75 * np.exp(-((far / 0.42) ** 2)) + 0.25 * lumps, 0, 1)[..., None]
    wall = np.asarray(colours.sky[1], np.float32) * (1 - halo) + np.asarray(colours.sky[3], np.float32) * halo
    wall = wall * (1 - 0.35 * down[..., None])
    whole = np.ones((canvas.rows, canvas.columns), np.float32)
    behind = [Layer(canvas.painted(wall.astype(np.float32), whole), 0.05)]
    behind += _bokeh(scene, canvas)
    edge = np.full(canvas.columns, 0.755, np.float32)
    grain = clouds(
        canvas.dice("table"), canvas.columns, canvas.rows, cell=canvas.height * 0.03, stretch=26, octaves=4
    )
    sheen = np.exp(-(((canvas.x - scene.light_x) / 0.24) ** 2)) * np.exp(
        -np.clip(canvas.y - 0.755, 0, None) / 0.16
    )
    wood = np.asarray(mix(colours.far, colours.near, 0.35), np.float32) * (0.78 + 0.4 * grain)[..., None]
    wood = wood + np.asarray(colours.glow, np.float32) * (0.5 * sheen)[..., None]
    behind += [Layer(canvas.painted(np.clip(wood, 0, 1).astype(np.float32), canvas.below(edge)), 0.5)]
    return Setting(behind, [], ground=0.86, depth=0.6, scale=0.98, mirror=0.22, lit=0.85, shadow=0.55)


def _bokeh(scene: Scene, canvas: Canvas) -> list[Layer]:
    found = []
    for number in range(2):
        rng = canvas.dice("bokeh", str(number))
        sheet = np.zeros((canvas.rows, canvas.columns, 3), np.float32)
        for _ in range(16 - 5 * number):
            x, y = float(rng.uniform(-0.1, 1.1)), float(rng.uniform(0.02, 0.66))
            size = float(rng.uniform(0.02, 0.05)) * (1 + 0.8 * number)
            colour = mix(scene.palette.accent, scene.palette.accent_2, float(rng.random()) ** 2)
            far = canvas.distance(x, y)
            disc = smoothstep(size, size * 0.86, far) * (0.55 + 0.45 * np.clip(far / size, 0, 1) ** 4)
            sheet += disc[..., None] * np.asarray(colour, np.float32) * float(rng.uniform(0.16, 0.5))
        soft = blurred(sheet, canvas.height / 240)
        found.append(
            Layer(
                canvas.shining(soft, np.ones(sheet.shape[:2], np.float32)),
                0.1 + 0.12 * number,
                flicker=0.2,
                phase=0.4 * number,
            )
        )
    return found
