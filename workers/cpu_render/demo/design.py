"""A skyline, a poster of the sun, ribbons of silk: drawn with numpy when they are needed."""

import numpy as np
from PIL import Image, ImageDraw

from workers.cpu_render.demo.brush import (
    ASPECT,
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
    finish,
    glow,
    lighten,
    mirror,
    paint,
    ramp,
    sky,
    smooth,
    stars,
)


def city() -> Image.Image:
    """A skyline in the blue hour, its windows lit, doubled in the river."""
    rng = np.random.default_rng(77)
    shore = 0.98
    canvas = sky((0, "141b44"), (0.35, "2f3575"), (0.62, "7a4d8c"), (0.8, "d9707c"), (0.93, "ffb27a"))
    paint(canvas, smooth(0.52, 0.8, clouds(rng, 2, 16, 4)) * smooth(0.85, 0.4, Y) * 0.4, colour("f08f8a"))
    stars(canvas, rng, 120, 0.4)
    paint(canvas, disc(0.27, 0.27, 0.045, 0.001) * (1 - disc(0.287, 0.262, 0.041, 0.001)), colour("fff3d9"))
    lighten(canvas, 0.35 * glow(0.5, 0.95, 0.16, 3), colour("ffc48a"))
    layers = (
        ("6d4f86", 0.2, 0.34, 44, 0.05),
        ("43386f", 0.18, 0.46, 30, 0.2),
        ("1a1b40", 0.1, 0.52, 20, 0.42),
    )
    for code, low, high, count, lit in layers:
        paint(canvas, *_buildings(rng, shore, low, high, count, lit, code))
    lighten(canvas, 0.30 * glow(0.5, shore, 0.05, 6) * (shore > Y), colour("ffb070"))
    mirror(canvas, rng, shore, "0d1030")
    return finish(canvas, rng, grain=0.013)


def _buildings(
    rng: np.random.Generator, shore: float, low: float, high: float, count: int, lit: float, code: str
) -> tuple[Mask, Canvas]:
    """A row of houses, tallest near the middle: where they stand, and their colours."""
    shape = Image.new("L", (WIDTH, HEIGHT))
    walls = Image.new("RGB", (WIDTH, HEIGHT), f"#{code}")
    outline, pen = ImageDraw.Draw(shape), ImageDraw.Draw(walls)
    ground = int(shore * WIDTH)
    for x in np.linspace(-30, WIDTH - 30, count) + rng.uniform(-14, 14, count):
        wide = int(rng.uniform(0.75, 1.5) * WIDTH / count)
        middle = np.exp(-(((x + wide / 2) / WIDTH - 0.54) ** 2) / 0.05)
        tall = int((low + (high - low) * middle * rng.uniform(0.45, 1)) * WIDTH)
        left, top = int(x), ground - tall
        outline.rectangle((left, top, left + wide, ground), fill=255)
        shade = rng.uniform(0.88, 1.12)
        face = tuple(min(255, int(255 * channel * shade)) for channel in colour(code))
        pen.rectangle((left, top, left + wide, ground), fill=face)
        _roof(outline, rng, left, top, wide)
        _windows(pen, rng, left, top, wide, ground, lit)
    mask = np.asarray(shape, np.float32) / 255
    painted = np.asarray(walls, np.float32) / 255
    haze = smooth(shore - 0.35, shore, Y)[..., None] * 0.35
    return mask, painted + haze * (colour("c46a80") * 0.7 - painted) * (1 - lit)


def _roof(outline: ImageDraw.ImageDraw, rng: np.random.Generator, left: int, top: int, wide: int) -> None:
    style = rng.integers(0, 5)
    middle = left + wide // 2
    if style == 0:
        outline.rectangle((middle - 2, top - 70, middle + 2, top), fill=255)
    elif style == 1:
        outline.rectangle((left + wide // 4, top - 26, left + wide * 3 // 4, top), fill=255)
    elif style == 2:
        outline.polygon([(left, top), (middle, top - wide // 2), (left + wide, top)], fill=255)
    elif style == 3:
        for step in range(1, 4):
            inset = step * wide // 9
            outline.rectangle((left + inset, top - 16 * step, left + wide - inset, top), fill=255)


def _windows(
    pen: ImageDraw.ImageDraw,
    rng: np.random.Generator,
    left: int,
    top: int,
    wide: int,
    ground: int,
    lit: float,
) -> None:
    warm = ("#ffd58a", "#ffc06b", "#ffe7b8", "#f7a95c", "#cfe4ff")
    across, down = int(rng.integers(11, 16)), int(rng.integers(15, 21))
    for y in range(top + 14, ground - 12, down):
        floor_lit = lit * rng.uniform(0.4, 1.5)
        for x in range(left + 8, left + wide - 10, across):
            if rng.random() < floor_lit:
                pen.rectangle(
                    (x, y, x + across // 2, y + down // 2), fill=warm[int(rng.integers(0, len(warm)))]
                )


def sunset() -> Image.Image:
    """A poster: the sun in stripes over dunes of flat colour."""
    rng = np.random.default_rng(5)
    canvas = sky((0, "f6e2c0"), (0.5, "f7cf9f"), (0.9, "f2a977"))
    x, y, radius = 0.5, 0.56, 0.3
    for ring, code in ((0.47, "f5c48f"), (0.385, "f2ad74")):
        paint(canvas, disc(x, y, ring) * 0.55, colour(code))
    sun = disc(x, y, radius)
    paint(canvas, sun, ramp(Y, (y - radius, "f6a545"), (y, "ea6a3a"), (y + radius, "c8384a")))
    for stripe in range(7):
        middle = y + 0.015 + stripe * 0.043
        half = 0.0028 + stripe * 0.0021
        band = np.clip((half - np.abs(Y - middle)) * WIDTH + 0.5, 0, 1)
        paint(canvas, (band * sun).astype(np.float32), ramp(Y, (0.5, "f7cf9f"), (0.9, "f2a977")))
    dunes = (
        (0.8, 0.045, 1.1, 0.3, "d9825b", "c96a4c"),
        (0.88, 0.06, 0.8, 2.2, "b2504a", "93404a"),
        (0.985, 0.055, 1.0, 4.1, "7a3350", "5c2a4d"),
        (1.09, 0.06, 0.75, 5.6, "3d2149", "2a183c"),
    )
    for base, swing, waves, phase, light, dark in dunes:
        line = base + swing * np.sin(X[0] * 2 * np.pi * waves + phase) + 0.012 * np.sin(X[0] * 9 + phase * 2)
        body = ramp(np.repeat(Y, WIDTH, 1) - line[None, :], (0, light), (0.28, dark))
        crest = line - 0.02 + 0.05 * np.cos(X[0] * 2 * np.pi * waves + phase)
        shade = below(np.maximum(line, crest + 0.035))
        paint(canvas, below(line), body)
        paint(canvas, shade * below(line) * 0.28, colour(dark) * 0.75)
    paper = clouds(rng, 180, 240, 2)
    canvas *= (0.97 + 0.06 * paper)[..., None]
    return finish(canvas, rng, grain=0.016, vignette=0.1)


def ribbons() -> Image.Image:
    """Silk in the wind: bands that fold over each other in teal, coral and gold."""
    rng = np.random.default_rng(8)
    canvas = np.repeat(ramp(Y, (0, "0d2437"), (0.7, "123a52"), (1.34, "07131f")), WIDTH, 1)
    cosine, sine = 0.848, -0.530  # of the direction in which they run
    along = (X - 0.5) * cosine + (Y - ASPECT / 2) * sine
    across = -(X - 0.5) * sine + (Y - ASPECT / 2) * cosine
    palette = (
        ("0b3c5d", "1c7293"), ("14746f", "56c5a8"), ("1b998b", "a7ecd0"), ("e8c547", "fff0b8"),
        ("f08a4b", "ffd6a5"), ("ef5d60", "ffb3a7"), ("b83b6a", "ff8fa3"), ("5a2a6b", "b26fc2"),
    )  # fmt: skip
    for index, (dark, light) in enumerate(palette):
        centre = -0.55 + index * 0.155
        a, b, c = rng.uniform(0, 2 * np.pi, 3).tolist()
        fold = 0.075 * np.sin(along * 4.2 + a + index * 0.4) + 0.03 * np.sin(along * 9.1 + b)
        half = 0.125 + 0.05 * np.sin(along * 3.1 + c)
        at = (across - centre - fold) / half
        shadow = smooth(1.9, 0.9, np.abs(at - 0.25)) * 0.5
        canvas *= (1 - shadow)[..., None]
        sheen = np.clip(0.5 - 0.5 * np.sin(at * 2.0 + 0.6 * np.sin(along * 5 + b)), 0, 1)
        silk = np.exp(-(((at + 0.35) / 0.3) ** 2)) * (0.5 + 0.5 * np.sin(along * 6.5 + c))
        threads = 0.02 * np.sin(at * 60 + 3 * np.sin(along * 7 + a))
        band = ramp(np.clip(sheen + threads, 0, 1), (0, dark), (1, light))
        lighten(band, np.clip(0.45 * silk, 0, 1).astype(np.float32), colour("ffffff"))
        paint(canvas, np.clip((1 - np.abs(at)) * half * WIDTH + 0.5, 0, 1).astype(np.float32), band)
    return finish(canvas, rng, grain=0.012, vignette=0.3)
