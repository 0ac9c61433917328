"""Sets text into lines: which font can draw it, where lines break, how large it may be. Sizes are pixels.

The bundled fonts are tried in order and one font sets a whole caption: the first that has every letter.
Pillow shapes with raqm where it can, so Arabic joins and runs from the right.
"""

import re
import unicodedata
from collections.abc import Callable, Sequence, Set
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from farm.errors import BadRequest
from farm.timeline import Position
from workers.cpu_render.text.contract import Stage

_FONTS = Path(__file__).parent / "fonts"
_ORDER = ("Inter-ExtraBold.ttf", "DejaVuSans-Bold.ttf")
_LEADING = 1.18  # distance of baselines, in font sizes
_STEPS = 24  # sizes tried between the wished and the smallest
# Unicode categories that need no glyph of their own (joiners, variation selectors, combining marks), and
# those that a caption can do without (emoji and other symbols, where no font has them).
_UNDRAWN = frozenset({"Cf", "Cc", "Mn", "Me", "Zs"})
_EXPENDABLE = frozenset({"So", "Sk", "Cn", "Co", "Cs"})

# Share of the frame kept free at the top, bottom and sides. On video that fills an upright phone, where
# players lay buttons and captions over the lower fifth and a bar over the top, more; posts of a feed
# (4:5, 1:1) have theirs beside the picture.
_PHONE_MARGINS = (0.12, 0.20, 0.075)
_FEED_MARGINS = (0.075, 0.085, 0.065)
_WIDE_MARGINS = (0.08, 0.09, 0.06)
_PHONE_SHAPE = 1.5  # height over width from which a frame counts as one
_TALLEST = 0.34  # share of the frame's height that one caption may take


@dataclass(frozen=True, slots=True)
class SafeArea:
    """Where text may stand in a frame."""

    left: int
    top: int
    right: int
    bottom: int

    @classmethod
    def of(cls, stage: Stage) -> "SafeArea":
        top, bottom, side = _margins(stage.height / stage.width)
        return cls(
            round(stage.width * side),
            round(stage.height * top),
            round(stage.width * (1 - side)),
            round(stage.height * (1 - bottom)),
        )

    @property
    def width(self) -> int:
        return self.right - self.left

    def top_of(self, height: int, position: Position) -> int:
        """Where a block of that height starts."""
        if position is Position.TOP:
            return self.top
        if position is Position.BOTTOM:
            return self.bottom - height
        return (self.top + self.bottom - height) // 2


@dataclass(frozen=True, slots=True)
class Setting:
    """A text, set: its lines, and the size at which they fit."""

    font: ImageFont.FreeTypeFont
    lines: tuple[str, ...]
    leading: int

    @property
    def width(self) -> int:
        return max(round(self.font.getlength(line)) for line in self.lines)

    @property
    def capital(self) -> int:
        """The height of a capital letter above its baseline."""
        return -round(self.font.getbbox("H", anchor="ls")[1])

    @property
    def height(self) -> int:
        """From the top of the first line's tall letters to the foot of the last line's deep ones."""
        ascent, descent = self.font.getmetrics()
        return ascent + descent + self.leading * (len(self.lines) - 1)

    def draw(
        self, canvas: Image.Image, x: int, y: int, fill: str, *, stroke: int = 0, stroke_fill: str = "black"
    ) -> None:
        """Draw the lines centred in a block whose top left corner is at x, y."""
        ascent, _ = self.font.getmetrics()
        pen = ImageDraw.Draw(canvas)
        for number, line in enumerate(self.lines):
            baseline = y + ascent + number * self.leading
            centre = x + self.width / 2
            pen.text(
                (centre, baseline), line, fill, self.font, "ms", stroke_width=stroke, stroke_fill=stroke_fill
            )


def typeset(
    text: str,
    stage: Stage,
    *,
    size: int,
    smallest: int,
    most_lines: int,
    leading: float = _LEADING,
    padding: float = 0.0,
) -> Setting:
    """Break a text into lines of like length and shrink it from `size` until it fits the safe area.

    `leading` is the distance of baselines and `padding` what a box needs left and right of the lines, both
    in font sizes. Below `smallest` long words are broken anywhere, and lines may become more. Raises
    BadRequest when no bundled font has the text's letters.
    """
    area = SafeArea.of(stage)
    highest = stage.height * _TALLEST
    readable, path = readable_part(text)
    for step in range(_STEPS):
        font = _font(path, round(size + (smallest - size) * step / (_STEPS - 1)))
        width = area.width - 2 * round(padding * font.size)
        lines = _balanced(readable, font, width)
        setting = Setting(font, lines, round(font.size * leading))
        if setting.width <= width and setting.height <= highest and len(lines) <= most_lines:
            return setting
    return Setting(font, _broken(lines, font, width), round(font.size * leading))


def _margins(shape: float) -> tuple[float, float, float]:
    """Top, bottom and side, for a frame that is so many times as high as wide."""
    if shape >= _PHONE_SHAPE:
        return _PHONE_MARGINS
    return _FEED_MARGINS if shape >= 1 else _WIDE_MARGINS


def undrawable(text: str) -> str:
    """The symbols of a text that are left out because no font has them. Raises as readable_part does."""
    kept, _ = readable_part(text)
    lost = (char for char in _plain(text) if char not in kept and _is_expendable(char))
    return " ".join(dict.fromkeys(lost))


def readable_part(text: str) -> tuple[str, Path]:
    """The text without the symbols that no font has, and the font for it.

    Raises BadRequest when letters are missing in every font, or nothing would be left.
    """
    text = _plain(text)
    missing = {path: _missing(text, path) for path in _fonts()}
    path = min(missing, key=lambda p: (sum(not _is_expendable(c) for c in missing[p]), len(missing[p])))
    letters = sorted(char for char in missing[path] if not _is_expendable(char))
    kept = _without(text, missing[path])
    if letters or not kept.strip():
        undrawn = " ".join(letters or sorted(missing[path])) or "an empty text"
        raise BadRequest(f"No font at hand draws {undrawn}.", param="text")
    return kept, path


def _plain(text: str) -> str:
    """Composed letters, and no hints on how to draw an emoji."""
    return re.sub("[\ufe0e\ufe0f\u20e3]", "", unicodedata.normalize("NFC", text))


def _without(text: str, lost: Set[str]) -> str:
    """Leave characters out, with the joiners that tied them together."""
    if not lost:
        return text
    return re.sub(f"[{re.escape(''.join(lost))}]\u200d?", "", text)


def _balanced(text: str, font: ImageFont.FreeTypeFont, width: int) -> tuple[str, ...]:
    """Break at spaces into as few lines as `width` allows, then even them out."""
    paragraphs = [paragraph.split() for paragraph in text.splitlines()]
    return tuple(line for words in paragraphs if words for line in _even_lines(words, font, width))


def _even_lines(words: Sequence[str], font: ImageFont.FreeTypeFont, width: int) -> list[str]:
    return _evened(partial(_greedy, words, font), font, width)


def _evened(fill: Callable[[float], list[str]], font: ImageFont.FreeTypeFont, width: int) -> list[str]:
    """What `fill` makes of the least width for which it needs no more lines than for `width`."""
    lines = fill(width)
    narrowest, widest = width / max(1, len(lines)) * 0.8, float(width)
    while widest - narrowest > font.size / 8:
        middle = (narrowest + widest) / 2
        if len(fill(middle)) > len(lines):
            narrowest = middle
        else:
            widest = middle
    return fill(widest)


def _greedy(words: Sequence[str], font: ImageFont.FreeTypeFont, width: float) -> list[str]:
    lines = [words[0]]
    for word in words[1:]:
        longer = f"{lines[-1]} {word}"
        if font.getlength(longer) <= width:
            lines[-1] = longer
        else:
            lines.append(word)
    return lines


def _broken(lines: Sequence[str], font: ImageFont.FreeTypeFont, width: int) -> tuple[str, ...]:
    """Break lines that are too long between any two letters, into pieces of like length."""
    out: list[str] = []
    for line in lines:
        fits = font.getlength(line) <= width
        out += [line] if fits else _evened(partial(_pieces, line, font), font, width)
    return tuple(out)


def _pieces(line: str, font: ImageFont.FreeTypeFont, width: float) -> list[str]:
    out = [""]
    for char in line:
        if out[-1] and font.getlength(out[-1] + char) > width:
            out.append("")
        out[-1] += char
    return [piece.strip() for piece in out if piece.strip()]


def _is_expendable(char: str) -> bool:
    return unicodedata.category(char) in _EXPENDABLE


def _missing(text: str, path: Path) -> set[str]:
    drawn = {char for char in text if unicodedata.category(char) not in _UNDRAWN}
    return {char for char in drawn if not _has_glyph(path, char)}


@lru_cache(maxsize=4096)
def _has_glyph(path: Path, char: str) -> bool:
    """A font draws what it does not know as one and the same box."""
    font = ImageFont.truetype(path, 24, layout_engine=ImageFont.Layout.BASIC)
    drawn, box = font.getmask(char), font.getmask("\U0010ffff")
    return (drawn.size, bytes(drawn)) != (box.size, bytes(box))


@lru_cache(maxsize=64)
def _font(path: Path, size: int) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(path, size)


@lru_cache(maxsize=1)
def _fonts() -> tuple[Path, ...]:
    """The bundled fonts, the best-looking first."""
    found = sorted(_FONTS.glob("*.ttf"))
    return tuple(sorted(found, key=lambda p: _ORDER.index(p.name) if p.name in _ORDER else len(_ORDER)))


def label_font(size: int) -> ImageFont.FreeTypeFont:
    """The first bundled font, for labels that no user wrote."""
    return _font(_fonts()[0], size)
