"""Towns: rows of buildings with lit windows, signs, and a wet street that mirrors them."""

import numpy as np
from PIL import Image, ImageDraw

from workers.gpu_generate.animatic.canvas import Canvas, Layer, blurred
from workers.gpu_generate.animatic.colour import Rgb, mix, smoothstep
from workers.gpu_generate.animatic.places.land import mist
from workers.gpu_generate.animatic.places.setting import Setting
from workers.gpu_generate.animatic.places.sky import bloom, sky_layers
from workers.gpu_generate.animatic.scene import Scene
from workers.gpu_generate.animatic.words import Mood, Weather

_FINER = 2


def city(scene: Scene, canvas: Canvas) -> Setting:
    """Three rows of towers and a street in front."""
    foot = scene.horizon
    behind = sky_layers(scene, canvas)
    behind += skyline(scene, canvas, foot=foot, tall=0.42, near=0.12, depth=0.1, word="far")
    behind += [mist(scene, canvas, "far", at=foot - 0.08, thick=0.13, amount=0.55, depth=0.1)]
    behind += skyline(scene, canvas, foot=foot, tall=0.56, near=0.45, depth=0.26, word="middle")
    behind += [mist(scene, canvas, "middle", at=foot - 0.02, thick=0.07, amount=0.4, depth=0.26)]
    behind += [bloom(scene, canvas, 0.26, 0.26)]
    behind += skyline(scene, canvas, foot=foot, tall=0.5, near=0.85, depth=0.5, word="near", gap=True)
    wet = scene.weather is Weather.RAIN or scene.mood is Mood.NEON or scene.is_night
    behind += _street(scene, canvas, foot, shine=0.75 if wet else 0.22)
    return Setting(
        behind,
        _lamps(scene, canvas),
        ground=0.868,
        depth=0.72,
        scale=0.74,
        mirror=0.4 if wet else 0.0,
        lit=0.95,
    )


def skyline(
    scene: Scene,
    canvas: Canvas,
    *,
    foot: float,
    tall: float,
    near: float,
    depth: float,
    word: str,
    gap: bool = False,
) -> list[Layer]:
    """A row of buildings, and then the light of its windows. `gap`: low in the middle."""
    rng = canvas.dice("skyline", word)
    size = (canvas.columns * _FINER, canvas.rows * _FINER)
    walls, shade = Image.new("L", size), Image.new("L", size)
    lights = Image.new("RGB", (canvas.columns, canvas.rows))
    pens = ImageDraw.Draw(walls), ImageDraw.Draw(shade), ImageDraw.Draw(lights)
    x = canvas.x[0, 0] - 0.02
    while x < canvas.x[0, -1]:
        wide = float(rng.uniform(0.035, 0.085)) * (0.7 + 0.7 * near)
        middle = x + wide / 2
        room = 1.0 if not gap else float(np.clip(abs(middle - 0.5) / 0.3, 0.0, 1)) ** 1.5
        high = tall * (0.3 + 0.7 * float(rng.random()) ** 1.4) * room
        if high > 0.03:
            _building(scene, canvas, pens, rng, x, wide, foot, high, near)
        x += wide * float(rng.uniform(0.78, 1.12))
    cover = np.asarray(walls.resize((canvas.columns, canvas.rows), Image.Resampling.BOX), np.float32) / 255
    faces = np.asarray(shade.resize((canvas.columns, canvas.rows), Image.Resampling.BOX), np.float32) / 255
    dark = np.asarray(mix(scene.palette.land(near), scene.palette.sky[0], 0.2), np.float32)
    lit = np.asarray(mix(scene.palette.land(near), scene.palette.glow, 0.34 - 0.14 * near), np.float32)
    share = (faces / np.maximum(cover, 1e-3))[..., None]
    paint = dark * (1 - share) + lit * share
    rise = smoothstep(foot - tall, foot, canvas.y)[..., None] * (0.75 - 0.55 * near)
    paint = paint * (1 - rise) + np.asarray(scene.palette.haze, np.float32) * rise
    glow = np.asarray(lights, np.float32) / 255
    soft = blurred(glow, canvas.height / 90)
    shining = np.clip(glow + (1.1 if scene.is_night else 0.25) * soft, 0, 1)
    lit_sheet = canvas.shining(shining, np.ones((canvas.rows, canvas.columns), np.float32))
    return [Layer(canvas.painted(paint, cover), depth), Layer(lit_sheet, depth)]


def _building(
    scene: Scene,
    canvas: Canvas,
    pens: tuple[ImageDraw.ImageDraw, ImageDraw.ImageDraw, ImageDraw.ImageDraw],
    rng: np.random.Generator,
    x: float,
    wide: float,
    foot: float,
    high: float,
    near: float,
) -> None:
    walls, shade, lights = pens
    left, right = canvas.column(x), canvas.column(x + wide)
    top, bottom = canvas.row(foot - high), canvas.row(foot) + 2
    box = [part * _FINER for part in (left, top, right, bottom)]
    walls.rectangle(box, fill=255)
    toward = 0.62 if scene.light_x > x + wide / 2 else 0.38
    fold = left + (right - left) * toward
    sunny = (fold, right) if scene.light_x > x + wide / 2 else (left, fold)
    tone = int(rng.uniform(60, 150))
    shade.rectangle(box, fill=tone)
    shade.rectangle(
        [sunny[0] * _FINER, top * _FINER, sunny[1] * _FINER, bottom * _FINER], fill=min(255, tone + 90)
    )
    style = rng.random()
    middle = (left + right) / 2
    if style < 0.3 and high > 0.15:  # a spire
        up = canvas.height * high * 0.16
        half = (right - left) * 0.3
        walls.polygon(
            [
                ((middle - half) * _FINER, top * _FINER),
                (middle * _FINER, (top - up) * _FINER),
                ((middle + half) * _FINER, top * _FINER),
            ],
            fill=255,
        )
        walls.line(
            [(middle * _FINER, (top - up) * _FINER), (middle * _FINER, (top - 1.7 * up) * _FINER)],
            fill=255,
            width=_FINER,
        )
    elif style < 0.62:  # a setback
        inset = (right - left) * 0.2
        up = canvas.height * high * 0.07
        walls.rectangle(
            [(left + inset) * _FINER, (top - up) * _FINER, (right - inset) * _FINER, top * _FINER], fill=255
        )
        shade.rectangle(
            [(left + inset) * _FINER, (top - up) * _FINER, (right - inset) * _FINER, top * _FINER], fill=tone
        )
    _windows(scene, canvas, lights, rng, (left, top, right, bottom), near)
    if scene.mood is Mood.NEON and near > 0.4 and rng.random() < 0.5:
        colour = _ink(scene.palette.accent if rng.random() < 0.5 else scene.palette.accent_2, 1.0)
        sign = left + (right - left) * rng.uniform(0.15, 0.7)
        high_px = (bottom - top) * rng.uniform(0.12, 0.3)
        at = top + (bottom - top) * rng.uniform(0.1, 0.5)
        lights.rectangle([sign, at, sign + max(2, canvas.height * 0.008), at + high_px], fill=colour)


def _windows(
    scene: Scene,
    canvas: Canvas,
    lights: ImageDraw.ImageDraw,
    rng: np.random.Generator,
    box: tuple[float, float, float, float],
    near: float,
) -> None:
    left, top, right, bottom = box
    step = canvas.height * (0.0095 + 0.011 * near)
    wide, high = max(1.0, step * 0.42), max(1.0, step * 0.5)
    share = {True: 0.42, False: 0.1}[scene.is_night] * float(rng.uniform(0.4, 1.3))
    strength = 0.92 if scene.is_night else 0.35
    warm, cold = scene.palette.accent, scene.palette.accent_2
    columns = np.arange(left + step * 0.6, right - wide - step * 0.3, step * 0.95)
    rows = np.arange(top + step * 0.8, bottom - step, step * 1.2)
    lit = rng.random((len(rows), len(columns)))
    shades = rng.random((len(rows), len(columns)))
    for row, y in enumerate(rows):
        floor = 1.8 if rng.random() < 0.08 else 1.0
        for column, x in enumerate(columns):
            if lit[row, column] < share * floor:
                colour = mix(warm, cold, 0.9) if shades[row, column] > 0.82 else warm
                bright = strength * (0.45 + 0.55 * float(shades[row, column]))
                lights.rectangle([x, y, x + wide, y + high], fill=_ink(colour, bright))


def _ink(colour: Rgb, strength: float) -> tuple[int, int, int]:
    red, green, blue = (round(255 * part * strength) for part in colour)
    return red, green, blue


def _street(scene: Scene, canvas: Canvas, foot: float, *, shine: float) -> list[Layer]:
    """Asphalt that shows glow and lights above it, drawn long as wet ground does."""
    below = np.clip(canvas.y - foot, 0, None)
    dark = np.asarray(mix(scene.palette.near, scene.palette.haze, 0.14), np.float32)
    glow = np.asarray(mix(scene.palette.haze, scene.palette.glow, 0.5), np.float32)
    near_light = np.exp(-(((canvas.x - scene.light_x) / 0.3) ** 2))
    share = np.clip(shine * (0.5 * near_light + 0.28) * np.exp(-below / 0.16), 0, 1)[..., None]
    paint = dark * (1 - share) + glow * share
    edge = np.full(canvas.columns, foot, np.float32)
    layers = [Layer(canvas.painted(paint, canvas.below(edge)), 0.52)]
    rng = canvas.dice("street")
    count = 46 if scene.is_night else 12
    middles, wide = rng.uniform(-0.15, 1.15, (count, 1)), rng.uniform(0.004, 0.016, (count, 1))
    long, bright = rng.uniform(0.08, 0.3, (1, count)), rng.uniform(0.15, 0.6, (1, count))
    inks = np.array(
        [scene.palette.accent if draw < 0.6 else scene.palette.accent_2 for draw in rng.random(count)]
    )
    across = np.exp(-(((canvas.x - middles) / wide) ** 2))
    along = np.exp(-below / long) * (below > 0) * bright
    streaks = np.stack([along @ (across * inks[:, part, None]) for part in range(3)], axis=-1)
    broken = 0.85 + 0.15 * np.sin(canvas.y * 240 + 3 * np.sin(canvas.x * 25))
    layers.append(
        Layer(
            canvas.shining(np.clip(streaks, 0, 1), (shine * broken).astype(np.float32)),
            0.6,
            ripple=0.002,
            flicker=0.15,
        )
    )
    return layers


def _lamps(scene: Scene, canvas: Canvas) -> list[Layer]:
    """Street lamps at the edges, out of focus."""
    alpha = np.zeros((canvas.rows, canvas.columns), np.float32)
    shine = np.zeros_like(alpha)
    for x in (-0.04, 1.03):
        post = np.abs(canvas.x - x) * canvas.aspect
        alpha = np.maximum(alpha, smoothstep(0.014, 0.008, post) * (canvas.y > 0.3))
        lean = 0.05 if x < 0.5 else -0.05
        shine += np.exp(-canvas.distance(x + lean, 0.31) / 0.035)
    layers = [Layer(canvas.painted(scene.palette.near, blurred(alpha, canvas.height / 220)), 1.0)]
    if scene.is_night:
        layers.append(Layer(canvas.shining(scene.palette.accent, np.clip(shine, 0, 1)), 1.0))
    return layers
