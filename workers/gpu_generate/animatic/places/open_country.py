"""Mountains and meadows."""

import numpy as np

from workers.gpu_generate.animatic.canvas import Canvas, Layer
from workers.gpu_generate.animatic.colour import mix, rgb
from workers.gpu_generate.animatic.places.land import conifers, grass, mist, ridge, wander
from workers.gpu_generate.animatic.places.setting import Setting
from workers.gpu_generate.animatic.places.sky import bloom, sky_layers
from workers.gpu_generate.animatic.scene import Scene
from workers.gpu_generate.animatic.words import Mood, Weather


def mountain(scene: Scene, canvas: Canvas) -> Setting:
    """Four ranges, the highest with snow, and spruces before them."""
    snow = 0.3 if scene.weather is Weather.SNOW else 0.13
    behind = sky_layers(scene, canvas)
    ranges = (
        ("a", 0.66, 0.20, 2.2, 0.52, 0.05, 0.55, 0.45, 0.0),
        ("b", 0.72, 0.30, 2.6, 0.5, 0.22, 0.5, 0.75, snow),
        ("c", 0.78, 0.17, 3.4, 0.5, 0.48, 0.5, 0.5, snow * 0.3),
    )
    for number, (word, base, rise, waves, rough, near, fade, rocky, cap) in enumerate(ranges):
        edge = wander(canvas, word, base=base, rise=rise, waves=waves, rough=rough)
        pixels = ridge(scene, canvas, edge, near=near, mist=fade, rocky=rocky, snow=cap, drop=0.26)
        behind += [Layer(pixels, 0.1 + 0.13 * number)]
        behind += [
            mist(scene, canvas, word, at=base + 0.02, thick=0.05, amount=0.5, depth=0.1 + 0.13 * number)
        ]
    behind += [bloom(scene, canvas, 0.36)]
    white = rgb("#dfe8f2") if scene.weather is Weather.SNOW else None
    behind += [_spruces(scene, canvas, "far", base=0.85, near=0.68, depth=0.5, count=150, size=(0.02, 0.075))]
    floor = wander(canvas, "floor", base=0.9, rise=0.05, waves=2.0)
    tint = mix(scene.palette.land(0.75), white, 0.75) if white else None
    behind += [Layer(ridge(scene, canvas, floor, near=0.82, mist=0.1, tint=tint), 0.66)]
    before = [
        _spruces(scene, canvas, "near", base=1.06, near=1.0, depth=1.0, count=26, size=(0.2, 0.5), aside=True)
    ]
    return Setting(behind, before, ground=0.895, depth=0.68, scale=0.78, lit=0.62)


def _spruces(
    scene: Scene,
    canvas: Canvas,
    word: str,
    *,
    base: float,
    near: float,
    depth: float,
    count: int,
    size: tuple[float, float],
    aside: bool = False,
) -> Layer:
    """A wood; `aside` leaves the middle of the picture free."""
    tilt = (0.9 if aside else 0.0) * np.clip(0.33 - np.abs(canvas.x[0] - 0.5), 0, 1)
    edge = wander(canvas, word, base=base, rise=0.04, waves=3.0) + tilt.astype(np.float32)
    trees = conifers(canvas, word, edge, count=count, least=size[0], most=size[1])
    alpha = np.maximum(trees, canvas.below(edge + 0.004))
    foot = np.clip((canvas.y - edge[None, :] + size[1]) / (size[1] + 0.12), 0, 1)[..., None]
    dark = np.asarray(scene.palette.land(near), np.float32)
    fade = np.asarray(mix(scene.palette.land(near), scene.palette.haze, 0.35 * (1.2 - near)), np.float32)
    return Layer(canvas.painted(dark * (1 - foot) + fade * foot, alpha), depth)


def meadow(scene: Scene, canvas: Canvas) -> Setting:
    """Rolling hills, a far wood, grass in front with flowers in it."""
    green = {Mood.GOLDEN: "#93903a", Mood.SUNSET: "#7a5a3a", Mood.NIGHT: "#16343a", Mood.DUSK: "#2f4a4e"}
    base = rgb(green.get(scene.mood, "#6aa648"))
    if scene.weather is Weather.SNOW:
        base = rgb("#dce6ee")
    if scene.weather is Weather.LEAVES:
        base = rgb("#a8742f")
    behind = sky_layers(scene, canvas)
    edge = wander(canvas, "far", base=0.62, rise=0.09, waves=2.0, rough=0.45)
    behind += [Layer(ridge(scene, canvas, edge, near=0.1, mist=0.55, rocky=0.2), 0.1)]
    behind += [mist(scene, canvas, "far", at=0.63, thick=0.035, amount=0.5, depth=0.1)]
    for number, (word, at, rise, share) in enumerate(
        (("a", 0.70, 0.08, 0.5), ("b", 0.79, 0.10, 0.3), ("c", 0.9, 0.09, 0.1))
    ):
        edge = wander(canvas, word, base=at, rise=rise, waves=1.3 + 0.4 * number, rough=0.3)
        tint = mix(mix(base, scene.palette.near, 0.06 + 0.12 * number), scene.palette.haze, 0.75 * share)
        if number < 2:
            trees = conifers(
                canvas, word, edge, count=70 - 30 * number, least=0.008, most=0.035 + 0.02 * number
            )
            wood = mix(scene.palette.land(0.5 + 0.2 * number), tint, 0.3)
            behind += [Layer(canvas.painted(wood, trees), 0.2 + 0.16 * number)]
        pixels = ridge(
            scene, canvas, edge, near=0.35 + 0.2 * number, mist=0.22, texture=0.3, tint=tint, drop=0.2
        )
        behind += [Layer(pixels, 0.2 + 0.16 * number)]
    behind += [bloom(scene, canvas, 0.52)]
    return Setting(behind, _flowering(scene, canvas, base), ground=0.885, depth=0.62, scale=0.9, lit=0.72)


def _flowering(scene: Scene, canvas: Canvas, base: tuple[float, float, float]) -> list[Layer]:
    edge = wander(canvas, "grass", base=1.03, rise=0.06, waves=2.0)
    found = []
    for number, (tall, count, depth) in enumerate(((0.16, 500, 0.9), (0.3, 260, 1.0))):
        blades = grass(canvas, str(number), edge + 0.05 * number, count=count, tall=tall)
        alpha = np.maximum(blades, canvas.below(edge + 0.05 * number))
        up = np.clip((edge[None, :] - canvas.y) / tall, 0, 1)[..., None]
        low = np.asarray(mix(scene.palette.near, base, 0.12 - 0.1 * number), np.float32)
        high = np.asarray(mix(mix(base, scene.palette.near, 0.5), scene.palette.glow, 0.4), np.float32)
        share = up * (0.75 - 0.45 * number)
        found.append(Layer(canvas.painted(low * (1 - share) + high * share, alpha), depth, bob=(0.002, 1.5)))
    return found
