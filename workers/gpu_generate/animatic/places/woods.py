"""Forests: trunks that fade into light, shafts of it between them, ferns in front."""

import numpy as np

from workers.gpu_generate.animatic.canvas import Canvas, Layer, blurred
from workers.gpu_generate.animatic.colour import Field, gradient, mix, rgb
from workers.gpu_generate.animatic.noise import clouds
from workers.gpu_generate.animatic.places.land import (
    FINER,
    conifers,
    drawn,
    grass,
    mask_of,
    mist,
    ridge,
    wander,
)
from workers.gpu_generate.animatic.places.setting import Setting
from workers.gpu_generate.animatic.scene import Scene
from workers.gpu_generate.animatic.words import Mood, Weather


def forest(scene: Scene, canvas: Canvas) -> Setting:
    """A clearing with light behind it."""
    colours = scene.palette
    leaf = rgb("#4a7350") if scene.weather is not Weather.LEAVES else rgb("#b5702c")
    if scene.is_night:
        leaf = rgb("#234a52")
    down = np.clip(canvas.y[:, 0] / 0.95, 0, 1)
    stops = [
        mix(colours.sky[1], leaf, 0.4),
        mix(colours.sky[-2], leaf, 0.3),
        mix(colours.haze, colours.glow, 0.4),
        mix(colours.haze, leaf, 0.2),
    ]
    back = np.repeat(gradient(stops, down)[:, None, :], canvas.columns, axis=1)
    far = canvas.distance(scene.light_x, 0.42, flat=1.2)
    halo = np.clip(0.85 * np.exp(-((far / 0.42) ** 2)) * min(1.0, colours.strength + 0.2), 0, 0.92)[..., None]
    back = back * (1 - halo) + np.asarray(mix(colours.glow, colours.light, 0.5), np.float32) * halo
    whole = np.ones((canvas.rows, canvas.columns), np.float32)
    behind = [Layer(canvas.painted(back, whole), 0.0)]
    snowy = scene.weather is Weather.SNOW
    for number, (near, count, wide, depth) in enumerate(
        ((0.06, 34, 0.007, 0.1), (0.24, 24, 0.011, 0.22), (0.5, 15, 0.019, 0.4))
    ):
        edge = wander(canvas, f"wood {number}", base=0.74 + 0.045 * number, rise=0.03, waves=3.0)
        trees = conifers(
            canvas,
            f"wood {number}",
            edge,
            count=26 - 7 * number,
            least=0.2 + 0.08 * number,
            most=0.75 + 0.2 * number,
        )
        trunks = _trunks(canvas, f"trunk {number}", count=count, wide=wide, foot=0.78 + 0.045 * number)
        colour = mix(mix(colours.haze, leaf, 0.25 + 0.25 * near), mix(colours.near, leaf, 0.12), near * 1.35)
        foot = np.clip((canvas.y - 0.45) / 0.4, 0, 1)[..., None] * (0.5 - 0.5 * near)
        paint = np.asarray(colour, np.float32) * (1 - foot) + np.asarray(colours.haze, np.float32) * foot
        lit = np.exp(-(((canvas.x - scene.light_x) / 0.22) ** 2))[..., None] * (0.5 - 0.5 * near)
        paint = paint * (1 - lit) + np.asarray(colours.glow, np.float32) * lit
        ground = canvas.below(edge)
        behind += [Layer(canvas.painted(paint, np.maximum(np.maximum(trees, trunks), ground)), depth)]
        behind += [
            mist(
                scene,
                canvas,
                f"wood {number}",
                at=0.74 + 0.05 * number,
                thick=0.07,
                amount=0.5 - 0.1 * number,
                depth=depth,
            )
        ]
    behind += [_shafts(scene, canvas)]
    floor = wander(canvas, "floor", base=0.87, rise=0.035, waves=2.0)
    earth = rgb("#dfe7ef") if snowy else mix(leaf, colours.near, 0.45)
    tint = mix(mix(earth, colours.near, 0.0 if snowy else 0.3), colours.glow, 0.12)
    behind += [
        Layer(ridge(scene, canvas, floor, near=0.5, mist=0.0, texture=0.35, tint=tint, drop=0.3), 0.62)
    ]
    return Setting(behind, _close(scene, canvas, snowy), ground=0.885, depth=0.66, scale=0.95, lit=0.72)


def _trunks(canvas: Canvas, word: str, *, count: int, wide: float, foot: float) -> Field:
    rng = canvas.dice(word)
    sheet, pen, unit = drawn(canvas)
    for _ in range(count):
        x = float(rng.uniform(0, canvas.columns)) * FINER
        half = wide * unit * float(rng.uniform(0.5, 1.3))
        lean = float(rng.normal(0, 0.025)) * unit
        bottom = canvas.row(foot) * FINER
        pen.polygon(
            [
                (x - half * 1.5, bottom + unit * 0.03),
                (x - half * 0.8 + lean, 0),
                (x + half * 0.8 + lean, 0),
                (x + half * 1.5, bottom + unit * 0.03),
            ],
            fill=255,
        )
        for _ in range(int(rng.integers(1, 4))):
            y = float(rng.uniform(0.12, 0.5)) * bottom
            out = float(rng.choice((-1, 1))) * unit * float(rng.uniform(0.03, 0.1))
            pen.line(
                [(x + lean * (1 - y / bottom), y), (x + out, y - abs(out) * 0.7)],
                fill=255,
                width=max(1, int(half * 0.35)),
            )
    return mask_of(canvas, sheet)


def _shafts(scene: Scene, canvas: Canvas) -> Layer:
    """Beams that fan out from the light above."""
    top = -0.35
    angle = np.arctan2((canvas.x - scene.light_x) * canvas.aspect, canvas.y - top)
    rng = canvas.dice("shafts")
    rays = clouds(rng, 1024, 6, cell=40, octaves=4)[3]
    index = np.clip((angle / np.pi + 0.5) * 1023, 0, 1023).astype(int)
    beam = np.clip((rays[index] - 0.45) * 2.6, 0, 1)
    fade = np.clip(1.1 - canvas.y, 0, 1) * np.exp(-(((canvas.x - scene.light_x) / 0.5) ** 2))
    strength = 0.2 if scene.mood in (Mood.NIGHT, Mood.STORM) else 0.42
    amount = blurred(np.asarray(beam * fade, np.float32), canvas.height / 70) * strength
    return Layer(canvas.shining(mix(scene.palette.glow, scene.palette.light, 0.4), amount), 0.3, flicker=0.25)


def _close(scene: Scene, canvas: Canvas, snowy: bool) -> list[Layer]:
    """Dark trunks at the edges, and what grows before the camera, out of focus."""
    alpha = np.zeros((canvas.rows, canvas.columns), np.float32)
    rng = canvas.dice("close")
    for x in (-0.05 + 0.06 * rng.random(), 0.99 + 0.06 * rng.random()):
        wave = 0.006 * np.sin(canvas.y * 9 + x * 20)
        half = 0.035 + 0.012 * rng.random() + 0.03 * np.clip(canvas.y - 0.8, 0, 1)
        alpha = np.maximum(alpha, np.clip((half - np.abs(canvas.x - x - wave)) * canvas.width / 3, 0, 1))
    edge = wander(canvas, "close grass", base=1.06, rise=0.05, waves=3.0)
    blades = grass(canvas, "close", edge, count=90 if snowy else 340, tall=0.17)
    alpha = np.maximum(alpha, np.maximum(blades, canvas.below(edge)))
    dark = mix(scene.palette.near, (0.0, 0.0, 0.0), 0.2)
    return [Layer(canvas.painted(dark, blurred(alpha, canvas.height / 300)), 1.0)]
