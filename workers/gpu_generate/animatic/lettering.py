"""The words on an animatic: what it is, what was asked for, what the camera does."""

from functools import cache
from pathlib import Path

import numpy as np
from PIL import Image, ImageChops, ImageDraw, ImageFilter, ImageFont

from workers.gpu_generate.animatic.canvas import Canvas, Layer
from workers.gpu_generate.animatic.scene import BADGE, Scene

_MOST_LINES = 2
_SHADE = 105  # of 255, behind the badge
_TRACKING, _WORD_GAP = 0.012, 0.07  # of the font's size: more room after each letter, and between words
# The renderer's fonts, for scripts that Pillow's own font has no letters of.
_FONTS = Path(__file__).parents[2] / "cpu_render" / "text" / "fonts"


def lettering(scene: Scene, canvas: Canvas, *, caption: bool = True) -> Layer:
    """One sheet that stays where it is. The badge is always on it."""
    size = (canvas.columns, canvas.rows)
    text, shade = Image.new("L", size), Image.new("L", size)
    pen = ImageDraw.Draw(text)
    unit = min(canvas.height, canvas.width * 0.75)
    left, top = canvas.column(0) + 0.05 * unit, canvas.row(0) + 0.05 * unit
    right, bottom = canvas.column(1) - 0.05 * unit, canvas.row(1) - 0.055 * unit
    _badge(pen, ImageDraw.Draw(shade), left, top, unit)
    moves = "  ·  ".join(scene.moves) if scene.says_moves else ""
    small = 0.026 * unit
    _spaced(pen, right - _width(moves, small), top + 0.006 * unit, moves, small, 190)
    if caption:
        large = 0.036 * unit
        lines = _lines(" ".join(scene.prompt.split()), large, min(right - left, 30 * large))
        for number, line in enumerate(reversed(lines)):
            _spaced(pen, left, bottom - (number + 0.8) * 1.38 * large, line, large, 244)
    behind = ImageChops.lighter(
        shade, text.filter(ImageFilter.GaussianBlur(0.008 * unit)).point(lambda tone: tone * 0.6)
    )
    out = np.empty((canvas.rows, canvas.columns, 4), np.uint8)
    out[...] = np.asarray(text)[..., None]
    out[..., 3] = np.maximum(out[..., 3], np.asarray(behind))
    return Layer(out, 1.0, fixed=True)


def _badge(
    pen: ImageDraw.ImageDraw, shade: ImageDraw.ImageDraw, left: float, top: float, unit: float
) -> None:
    """A small frame around words, as on a slate."""
    size = 0.027 * unit
    pad = 0.55 * size
    wide = _width(BADGE, size)
    box = (left, top - 0.2 * size, left + wide + 2 * pad + 1.1 * size, top + 1.42 * size)
    shade.rounded_rectangle(box, 0.81 * size, fill=_SHADE)
    pen.rounded_rectangle(box, 0.81 * size, outline=215, width=max(1, round(unit / 420)))
    dot = 0.2 * size
    pen.ellipse(
        (left + pad, top + 0.62 * size - dot, left + pad + 2 * dot, top + 0.62 * size + dot), fill=240
    )
    _spaced(pen, left + pad + 1.0 * size, top, BADGE, size, 238)


def _lines(text: str, size: float, width: float) -> list[str]:
    found, current = [], ""
    for word in text.split(" "):
        longer = f"{current} {word}".strip()
        if current and _width(longer, size) > width:
            found.append(current)
            current = word
        else:
            current = longer
    found.append(current)
    if len(found) > _MOST_LINES:
        last = found[_MOST_LINES - 1]
        while _width(last + "…", size) > width:
            last = last[:-1].rstrip()
        found = [*found[: _MOST_LINES - 1], last + "…"]
    return found


def _spaced(pen: ImageDraw.ImageDraw, x: float, y: float, text: str, size: float, ink: int) -> None:
    for letter in text:
        font = _font(letter, size)
        pen.text((x, y + font.size), letter, font=font, fill=ink, anchor="ls")
        x += _advance(letter, font, size)


def _width(text: str, size: float) -> float:
    return sum(_advance(letter, _font(letter, size), size) for letter in text)


def _advance(letter: str, font: ImageFont.FreeTypeFont, size: float) -> float:
    return float(font.getlength(letter)) + (_WORD_GAP if letter == " " else _TRACKING) * size


def _font(letter: str, size: float) -> ImageFont.FreeTypeFont:
    return opened(face_of(letter), max(6, round(size)))


@cache
def opened(path: Path | None, size: int) -> ImageFont.FreeTypeFont:
    """A font, `size` in pixels; None is Pillow's own."""
    font = ImageFont.load_default(size) if path is None else ImageFont.truetype(path, size)
    assert isinstance(font, ImageFont.FreeTypeFont)
    return font


@cache
def face_of(letter: str) -> Path | None:
    """The first font that has a letter: Pillow's own, else one of the renderer's where it is installed."""
    others = sorted(_FONTS.glob("*.[ot]tf")) if _FONTS.is_dir() else []
    return next((path for path in (None, *others) if has_letter(path, letter)), None)


@cache
def has_letter(path: Path | None, letter: str) -> bool:
    """Whether a font has it."""
    font = opened(path, 24)
    return letter.isspace() or bytes(font.getmask(letter)) != bytes(font.getmask("\U0010ffff"))
