"""Mountains at dawn, the moon over the sea, northern lights: drawn with numpy when they are needed."""

import numpy as np
from PIL import Image, ImageDraw

from workers.cpu_render.demo.brush import (
    HEIGHT,
    WIDTH,
    Canvas,
    Mask,
    X,
    Y,
    below,
    clouds,
    colour,
    disc,
    eased,
    finish,
    glow,
    lighten,
    mirror,
    paint,
    ramp,
    sky,
    smooth,
    stars,
    wander,
)


def dawn() -> Image.Image:
    """Mountain after mountain in the morning mist."""
    rng = np.random.default_rng(11)
    canvas = sky((0, "27315f"), (0.28, "6d5a93"), (0.52, "d98a98"), (0.7, "f9bf93"), (0.82, "ffe3ae"))
    paint(canvas, smooth(0.56, 0.78, clouds(rng, 2, 14, 4)) * smooth(0.75, 0.35, Y) * 0.35, colour("f6b7a4"))
    lighten(canvas, 0.75 * glow(0.62, 0.64, 0.16), colour("ffd9a0"))
    lighten(canvas, disc(0.62, 0.64, 0.062, 0.0012), colour("fff4d6"))
    layers = ("e3a9a2", "c98fa0", "a3759a", "7b5b8c", "57457a", "372f61", "1d1c42")
    for depth, code in enumerate(layers):
        near = depth / (len(layers) - 1)
        peaks = wander(rng, 2 + depth, 8, 0.47)
        line = 0.66 + 0.1 * depth + 0.012 * depth**1.3 + (0.045 + 0.05 * near) * peaks
        if depth == len(layers) - 1:
            line = line - _pines(rng, line)
        mist = smooth(0.0, 0.2 + 0.06 * near, Y - eased(line, 150)[None, :])
        body = colour(code) + (1 - near) ** 0.7 * 0.55 * mist[..., None] * (colour("fbd3b0") - colour(code))
        paint(canvas, below(line), body)
    _birds(canvas, rng)
    return finish(canvas, rng)


def _pines(rng: np.random.Generator, ground: Mask) -> Mask:
    """Tree tops along a ridge: how far above the ground each column reaches."""
    height = np.zeros(WIDTH, np.float32)
    columns = np.arange(WIDTH)
    for _ in range(150):
        x, tall = rng.uniform(0, WIDTH), rng.uniform(0.015, 0.05)
        away = np.abs(columns - x) / WIDTH
        tiers = 1 + 0.35 * np.abs(((away / tall * 16) % 1) - 0.5)
        height = np.maximum(height, np.clip(tall - away * 3.6 * tiers, 0, None)).astype(np.float32)
    return height


def _birds(canvas: Canvas, rng: np.random.Generator) -> None:
    scale = 3
    layer = Image.new("L", (WIDTH * scale, int(0.2 * WIDTH) * scale))
    pen = ImageDraw.Draw(layer)
    for _ in range(7):
        x, y = rng.uniform(0.18, 0.5) * WIDTH * scale, rng.uniform(0.03, 0.17) * WIDTH * scale
        wing = rng.uniform(9, 17) * scale
        for side in (-1, 1):
            box = (x + min(0, side * wing), y - wing * 0.35, x + max(0, side * wing), y + wing * 0.5)
            pen.arc(box, 185, 355, fill=230, width=int(1.7 * scale))
    mask = np.asarray(layer.resize((WIDTH, int(0.2 * WIDTH)), Image.Resampling.BOX), np.float32) / 255
    top = int(0.4 * WIDTH)
    paint(canvas[top : top + mask.shape[0]], mask, colour("4b3a66"))


def moon_path() -> Image.Image:
    """The moon over a night sea, and its path on the water."""
    rng = np.random.default_rng(23)
    horizon, moon_x, moon_y = 0.7, 0.5, 0.36
    canvas = sky((0, "04091f"), (0.35, "0b1d45"), (0.6, "1d3f70"), (0.7, "3e6a93"))
    stars(canvas, rng, 520, horizon)
    lighten(canvas, 0.5 * glow(moon_x, moon_y, 0.21), colour("7fb0dc"))
    lighten(canvas, 0.55 * glow(moon_x, moon_y, 0.1), colour("cfe3f5"))
    paint(canvas, disc(moon_x, moon_y, 0.092, 0.001), colour("f7f3e3"))
    maria = smooth(0.5, 0.64, clouds(rng, 11, 15, 3)) * disc(moon_x, moon_y, 0.088, 0.006)
    paint(canvas, maria * 0.22, colour("a9adb8"))
    veil = smooth(0.5, 0.75, clouds(rng, 2, 22, 5, 0.55)) * smooth(0.72, 0.48, Y) * smooth(0.1, 0.4, Y)
    paint(canvas, veil * 0.5, ramp(glow(moon_x, moon_y, 0.3), (0, "16305c"), (1, "9dbbd6")))
    _water(canvas, rng, horizon, moon_x)
    for reach, base, code in ((0.034, -0.014, "16294d"), (0.03, 0.002, "0a1734")):
        hills = (
            horizon
            - base
            - reach * np.clip(wander(rng, 3, 7) + 0.9 * np.abs(2 * X[0] - 1) - 0.75, -0.02, None)
        )
        band = below(hills) * (horizon > Y)
        paint(canvas, band.astype(np.float32), colour(code))
    return finish(canvas, rng, grain=0.013)


def _water(canvas: Canvas, rng: np.random.Generator, horizon: float, moon_x: float) -> None:
    top = int(horizon * WIDTH)
    depth = Y[top:] - horizon + 0.004
    water = np.repeat(
        ramp(depth, (0, "4a7499"), (0.06, "23517f"), (0.3, "0d2851"), (0.64, "050f2b")), WIDTH, 1
    )
    tile = _tile(rng)
    waves = np.zeros((HEIGHT - top, WIDTH), np.float32)
    for scale, weight in ((1.0, 0.4), (2.6, 0.35), (6.1, 0.25)):
        across = (X - moon_x) / (depth + 0.12) * 42 * scale
        along = 150 * scale * np.log(depth * 40 + 1)
        waves += weight * _sample(tile, across, along)
    waves = (waves - 0.5) * 2.6
    water *= (1 + 0.3 * waves)[..., None]
    width = 0.035 + 0.3 * depth
    path = np.exp(-(((X - moon_x) / width) ** 2))
    glints = smooth(0.15, 0.75, 1.25 * path + 0.75 * waves - 0.75) * (1 - 0.7 * depth)
    lighten(water, 0.3 * path * np.exp(-depth * 2.2), colour("8fb8da"))
    lighten(water, glints.astype(np.float32), colour("fdf3d3"))
    canvas[top:] = water


def _tile(rng: np.random.Generator) -> Mask:
    """256 × 256 soft noise that repeats without a seam, spread over 0..1."""  # noqa: RUF002
    spectrum = np.fft.rfft2(rng.standard_normal((256, 256)))
    frequency = np.hypot(np.fft.fftfreq(256)[:, None], np.fft.rfftfreq(256)[None, :])
    soft = np.fft.irfft2(spectrum * np.exp(-((frequency / 0.05) ** 2)))
    rank = np.argsort(np.argsort(soft, axis=None)).reshape(soft.shape)
    return (rank / rank.size).astype(np.float32)


def _sample(tile: Mask, x: Mask, y: Mask) -> Mask:
    """Bilinear values of a repeating tile."""
    size = tile.shape[0]
    x0, y0 = np.floor(x), np.floor(y)
    fx, fy = x - x0, y - y0
    xi, yi = x0.astype(int) % size, y0.astype(int) % size
    xj, yj = (xi + 1) % size, (yi + 1) % size
    upper = tile[yi, xi] * (1 - fx) + tile[yi, xj] * fx
    lower = tile[yj, xi] * (1 - fx) + tile[yj, xj] * fx
    return np.asarray(upper * (1 - fy) + lower * fy, np.float32)


def aurora() -> Image.Image:
    """Northern lights over snowy peaks and a still lake."""
    rng = np.random.default_rng(42)
    shore = 0.94
    canvas = sky((0, "060b24"), (0.45, "0b2140"), (0.8, "124052"), (0.94, "1d5a5f"))
    stars(canvas, rng, 420, 0.8)
    for base, swing, tall, strength in (
        (0.6, 0.09, 0.30, 0.8),
        (0.46, 0.13, 0.36, 0.95),
        (0.7, 0.05, 0.16, 0.4),
    ):
        _curtain(canvas, rng, base, swing, tall, strength)
    slopes = (
        (0.055, 0.77, "14384c", "2f7076"),
        (0.06, 0.83, "0d2a3f", "1f5563"),
        (0.035, 0.9, "081b2e", "12384a"),
    )
    for reach, base, top, foot in slopes:
        ridge = base + reach * wander(rng, 3, 8, 0.5)
        fall = Y - eased(ridge, 120)[None, :]
        paint(canvas, below(ridge), ramp(fall, (0.02, top), (0.16, foot)))
    trees = shore - 0.012 - 0.6 * _pines(rng, X[0])
    paint(canvas, below(trees), colour("050d16"))
    mirror(canvas, rng, shore, "04101f")
    return finish(canvas, rng, grain=0.014)


def _curtain(
    canvas: Canvas, rng: np.random.Generator, base: float, swing: float, tall: float, strength: float
) -> None:
    """One band of light: sharp below, fading upward in rays from green to violet."""
    foot = eased(base + swing * wander(rng, 2, 3, 0.4), 90)
    rays = np.clip(0.55 + 0.5 * wander(rng, 34, 3, 0.7), 0.08, None) * np.clip(
        0.75 + 0.6 * wander(rng, 3, 2), 0, 1.3
    )
    reach = tall * np.clip(0.8 + 0.5 * wander(rng, 12, 3, 0.6), 0.3, None)
    up = (foot[None, :] - Y) / reach[None, :]
    light = np.where(up > 0, np.exp(-1.9 * up), np.exp(-((up / 0.09) ** 2)))
    light = np.clip(light * rays[None, :] * strength, 0, 1) * smooth(1.9, 1.1, up)
    tint = ramp(
        np.clip(up, 0, 1.5),
        (0, "8dffb0"),
        (0.25, "3df2a0"),
        (0.6, "2fb9b4"),
        (1.0, "7a5be0"),
        (1.5, "b04bd0"),
    )
    lighten(canvas, light.astype(np.float32), tint)
