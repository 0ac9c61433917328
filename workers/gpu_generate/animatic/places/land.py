"""Land: ridges that fade with distance, the mist between them, trees and grass along their edges."""

import numpy as np
from PIL import Image, ImageDraw

from workers.gpu_generate.animatic.canvas import Canvas, Layer, Rgba
from workers.gpu_generate.animatic.colour import Field, Rgb, mix, smoothstep
from workers.gpu_generate.animatic.noise import clouds, line
from workers.gpu_generate.animatic.scene import Scene

FINER = 2


def wander(
    canvas: Canvas,
    word: str,
    *,
    base: float,
    rise: float,
    waves: float,
    rough: float = 0.5,
    tilt: float = 0.0,
) -> Field:
    """An edge of shape (W,): heights between `base` and `rise` above it, wandering."""
    shape = line(canvas.dice("edge", word), canvas.columns, waves=waves, rough=rough)
    return np.asarray(base - rise * shape - tilt * (canvas.x[0] - 0.5), np.float32)


def ridge(
    scene: Scene,
    canvas: Canvas,
    edge: Field,
    *,
    near: float,
    mist: float = 0.3,
    texture: float = 0.1,
    rocky: float = 0.0,
    snow: float = 0.0,
    tint: Rgb | None = None,
    drop: float = 0.3,
) -> Rgba:
    """Land below an edge. `near` 0..1 sets its colour, `mist` how it fades at its foot, `drop` over how much.

    `rocky` gives it faces turned to and from the light, `snow` caps of so many heights.
    """
    colours = scene.palette
    base = tint or colours.land(near)
    depth = np.clip((canvas.y - edge[None, :]) / drop, 0, 1)
    lumps = clouds(
        canvas.dice("texture", f"{near:.3f}"),
        canvas.columns,
        canvas.rows,
        cell=canvas.height * 0.09,
        octaves=5,
    )
    side = 1.0 if scene.light_x < 0.5 else -1.0
    slope = np.gradient(edge) * canvas.height
    light = np.clip(0.5 + side * slope * 0.7, 0, 1)[None, :] * np.ones_like(depth)
    if rocky > 0:
        light = light * (1 - rocky) + rocky * _faces(canvas, edge, near, side)
    sunny = np.asarray(mix(base, colours.glow, 0.42), np.float32)
    shade = np.asarray(mix(base, colours.sky[0], 0.22), np.float32)
    share = (light * (0.8 - 0.45 * near) + texture * (lumps - 0.5))[..., None]
    paint = shade * (1 - np.clip(share, 0, 1)) + sunny * np.clip(share, 0, 1)
    if snow > 0:
        paint = _snowed(scene, canvas, edge, paint, light, snow)
    fade = (mist * smoothstep(0, 1, depth))[..., None]
    paint = paint * (1 - fade) + np.asarray(colours.haze, np.float32) * fade
    rim = np.exp(-np.clip(canvas.y - edge[None, :], 0, None) * canvas.height / 2.2)
    glowing = (
        np.exp(-np.abs(canvas.x - scene.light_x) / 0.3) * rim * 0.5 * colours.strength * (1 - 0.5 * near)
    )
    paint = paint + (np.asarray(colours.glow, np.float32) - paint) * np.clip(glowing, 0, 0.8)[..., None]
    return canvas.painted(paint, canvas.below(edge))


def _faces(canvas: Canvas, edge: Field, near: float, side: float) -> Field:
    """Light on the flanks of mountains: spurs that run down from the edge, slanting and splitting."""
    rng = canvas.dice("faces", f"{near:.3f}")
    down = np.clip(canvas.y - edge[None, :], 0, None)
    bend = clouds(rng, canvas.columns, canvas.rows, cell=canvas.height * 0.22, octaves=5)
    at = canvas.x * canvas.aspect + 0.32 * (bend - 0.5)
    spurs = np.zeros_like(down)
    for number, (times, lean) in enumerate(((5.0, 0.9), (11.0, -0.7), (23.0, 0.5))):
        phase = rng.random() * 6
        wave = (at + lean * down * (1 + 0.3 * number)) * times + phase
        spurs += (0.55**number) * (2 * np.abs(wave - np.floor(wave) - 0.5) * 2 - 1)
    return np.asarray(np.clip(0.5 + side * 0.42 * spurs, 0, 1))


def _snowed(scene: Scene, canvas: Canvas, edge: Field, paint: Field, light: Field, snow: float) -> Field:
    rng = canvas.dice("snow line")
    ragged = clouds(rng, canvas.columns, canvas.rows, cell=canvas.height * 0.07, octaves=5)
    high = np.clip((np.median(edge) - edge) / 0.12, 0, 1.6)[None, :]
    cover = smoothstep(0.0, 0.03, snow * high * (0.35 + 1.3 * ragged) - (canvas.y - edge[None, :]))
    cover *= np.clip(0.55 + light, 0, 1)
    bright = np.asarray(mix((0.97, 0.98, 1.0), scene.palette.glow, 0.35), np.float32)
    dark = np.asarray(mix((0.75, 0.82, 0.95), scene.palette.far, 0.5), np.float32)
    share = light[..., None]
    return np.asarray(paint + ((dark * (1 - share) + bright * share) - paint) * cover[..., None] * 0.92)


def mist(
    scene: Scene, canvas: Canvas, word: str, *, at: float, thick: float, amount: float, depth: float
) -> Layer:
    """A bank of haze. At the depth of what is behind it, it becomes one sheet with that."""
    lumps = clouds(
        canvas.dice("mist", word),
        canvas.columns,
        canvas.rows,
        cell=canvas.height * 0.25,
        stretch=4.5,
        octaves=4,
    )
    bank = np.exp(-(((canvas.y - at + 0.05 * (lumps - 0.5)) / thick) ** 2)) * (0.35 + 0.75 * lumps)
    colour = mix(scene.palette.haze, scene.palette.light, 0.12)
    return Layer(
        canvas.painted(colour, np.clip(bank * amount, 0, 0.9)), depth, drift=(0.05 * (0.4 + depth), 0)
    )


def drawn(canvas: Canvas) -> tuple[Image.Image, ImageDraw.ImageDraw, float]:
    """A large sheet to draw a mask on, its pen and pixels of a picture height."""
    sheet = Image.new("L", (canvas.columns * FINER, canvas.rows * FINER))
    return sheet, ImageDraw.Draw(sheet), canvas.height * FINER


def mask_of(canvas: Canvas, sheet: Image.Image) -> Field:
    """The drawn mask at its own size, 0..1."""
    small = sheet.resize((canvas.columns, canvas.rows), Image.Resampling.BOX)
    return np.asarray(small, np.float32) / 255


def conifers(canvas: Canvas, word: str, edge: Field, *, count: int, least: float, most: float) -> Field:
    """A mask of spruces that stand along an edge, in picture heights."""
    rng = canvas.dice("conifers", word)
    sheet, pen, unit = drawn(canvas)
    for at in np.sort(rng.random(count)):
        column = int(at * (canvas.columns - 1))
        size = float(least + (most - least) * rng.random() ** 1.7) * unit
        foot = canvas.row(float(edge[column])) * FINER + 0.05 * size
        _spruce(pen, column * FINER, foot, size, rng)
    return mask_of(canvas, sheet)


def _spruce(pen: ImageDraw.ImageDraw, x: float, foot: float, size: float, rng: np.random.Generator) -> None:
    tiers = 9
    left, right = [(x, foot - size)], [(x, foot - size)]
    for tier in range(1, tiers + 1):
        y = foot - size * (1 - tier / tiers)
        half = size * 0.19 * (tier / tiers) ** 0.85
        for side, into in ((-1, left), (1, right)):
            out = half * float(rng.uniform(0.75, 1.15))
            into.append((x + side * out, y + size * 0.018))
            into.append((x + side * out * 0.55, y - size * 0.012))
    pen.polygon([*left, (x, foot), *right[::-1]], fill=255)
    pen.rectangle((x - size * 0.015, foot - size * 0.05, x + size * 0.015, foot + size * 0.12), fill=255)


def grass(canvas: Canvas, word: str, edge: Field, *, count: int, tall: float) -> Field:
    """A mask of blades and stalks that rise from an edge."""
    rng = canvas.dice("grass", word)
    sheet, pen, unit = drawn(canvas)
    for at in rng.random(count):
        column = int(at * (canvas.columns - 1))
        size = float(rng.uniform(0.35, 1.0)) ** 1.5 * tall * unit
        x, foot = column * FINER, canvas.row(float(edge[column])) * FINER + 0.2 * size
        lean = float(rng.normal(0.12, 0.25)) * size
        middle = (x + 0.3 * lean, foot - 0.6 * size)
        thick = max(1.0, 0.035 * size)
        pen.polygon(
            [
                (x - thick, foot),
                middle,
                (x + lean, foot - size),
                (middle[0] + thick, middle[1]),
                (x + thick, foot),
            ],
            fill=255,
        )
        if rng.random() < 0.12:
            bud = 0.06 * size
            pen.ellipse((x + lean - bud, foot - size - bud, x + lean + bud, foot - size + bud), fill=255)
    return mask_of(canvas, sheet)
