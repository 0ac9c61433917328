"""Sets text into lines: where they break, how large they may be, and draws them. Sizes are pixels.

Every line is shaped by raqm run by run, each in the first font that has its letters; emoji are pictures.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from typing import NamedTuple

from PIL import Image, ImageDraw, ImageFont

from workers.cpu_render.text import emoji
from workers.cpu_render.text.bidi import is_rtl
from workers.cpu_render.text.breaking import Atom, atoms, clusters, joined
from workers.cpu_render.text.contract import Stage
from workers.cpu_render.text.faces import direction, faces, variant
from workers.cpu_render.text.lines import MIDDLE_EM, PICTURE_EM, Line, line_of
from workers.cpu_render.text.prepared import Prepared, prepare
from workers.cpu_render.text.safe_area import SafeArea

_LEADING = 1.18  # distance of baselines, in font sizes
_AIR = 0.05  # font sizes left free between the ink of neighbouring lines
_STEPS = 24  # sizes tried between the wished and the smallest
_TALLEST = 0.34  # share of the frame's height that one caption may take
_LEVEL_ROOM = 0.12  # font sizes that letters may hang below the baseline before a box grows for them


class Placed(NamedTuple):
    """A picture, and where its top left corner goes."""

    image: Image.Image
    x: int
    y: int


@dataclass(frozen=True, slots=True)
class Setting:
    """A text, set: its lines, and the size at which they fit."""

    size: int
    shaped: tuple[Line, ...]
    lines: tuple[str, ...]
    leading: int

    @property
    def width(self) -> int:
        return round(self.size * max(line.width for line in self.shaped))

    @property
    def rise(self) -> int:
        """How far the first line reaches over its baseline: a capital's height, more for tall scripts."""
        capital = -faces()[0].at(self.size).getbbox("H", anchor="ls")[1]
        return round(max(capital, self.size * self.shaped[0].ink.rise))

    @property
    def fall(self) -> int:
        """How far the last line clearly reaches under its baseline; tails as of a g do not count."""
        return round(self.size * max(0.0, self.shaped[-1].ink.fall - _LEVEL_ROOM))

    @property
    def ascent(self) -> int:
        """From the top of the block to the first baseline."""
        return max(self._metrics[0], self.rise)

    @property
    def over(self) -> int:
        """From the top of the block to where the eye sees the first line begin."""
        return self.ascent - self.rise

    @property
    def body(self) -> int:
        """The height of what the eye sees, without tails: what a box stands around."""
        return self.rise + self.leading * (len(self.lines) - 1) + self.fall

    @property
    def height(self) -> int:
        """From the top of the first line's tall letters to the foot of the last line's deep ones."""
        deepest = max(self._metrics[1], round(self.size * self.shaped[-1].ink.fall))
        return self.ascent + deepest + self.leading * (len(self.lines) - 1)

    @property
    def _metrics(self) -> tuple[int, int]:
        return faces()[0].at(self.size).getmetrics()

    def draw(self, mask: Image.Image, x: int, y: int, *, stroke: int = 0) -> None:
        """Draw the letters into a mask, centred in a block whose top left corner is at x, y."""
        pen = ImageDraw.Draw(mask)
        for left, baseline, line in self._places(x, y):
            for run in line.runs:
                if run.face is not None:
                    pen.text(
                        (left, baseline),
                        run.text,
                        "white",
                        run.face.at(self.size),
                        "ls",
                        direction=direction(run.is_rtl),
                        language=variant(line.language),
                        stroke_width=stroke,
                    )
                left += run.advance * self.size

    def pictures(self, x: int, y: int) -> Iterator[Placed]:
        """Its emoji, for a block whose top left corner is at x, y."""
        side = round(PICTURE_EM * self.size)
        for left, baseline, line in self._places(x, y):
            top = round(baseline - MIDDLE_EM * self.size - side / 2)
            for run in line.runs:
                if run.picture is not None:
                    middle = left + run.advance * self.size / 2
                    yield Placed(emoji.picture(run.picture, side), round(middle - side / 2), top)
                left += run.advance * self.size

    def _places(self, x: int, y: int) -> Iterator[tuple[float, int, Line]]:
        """Where each line starts, and on which baseline."""
        for number, line in enumerate(self.shaped):
            left = x + (self.width - line.width * self.size) / 2 - line.ink.before * self.size
            yield left, y + self.ascent + number * self.leading, line


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

    `leading` is the least distance of baselines and `padding` what a box needs left and right of the lines,
    both in font sizes. Below `smallest` long words are broken anywhere, and lines may become more. Raises
    BadRequest when no font at hand has the text's letters.
    """
    room = SafeArea.of(stage).width
    highest = stage.height * _TALLEST
    block = _Block.of(prepare(text))
    for step in range(_STEPS):
        px = max(1, round(size + (smallest - size) * step / (_STEPS - 1)))
        width = (room - 2 * round(padding * px)) / px
        setting = block.set(px, block.lines(width), leading)
        if setting.width <= width * px and setting.height <= highest and len(setting.lines) <= most_lines:
            return setting
    return block.set(px, block.broken(width), leading)


def undrawable(text: str) -> str:
    """The symbols of a text that are left out because no font has them. Raises as prepare does."""
    return " ".join(prepare(text).lost)


def label_font(size: int) -> ImageFont.FreeTypeFont:
    """The first bundled font, for labels that no user wrote."""
    return faces()[0].at(size)


_Row = tuple[Sequence[Atom], int]  # the atoms of a line, and the level of its paragraph


@dataclass(frozen=True, slots=True)
class _Block:
    """A prepared text, cut into what stays together; widths are in font sizes."""

    prepared: Prepared
    paragraphs: tuple[_Row, ...]

    @classmethod
    def of(cls, prepared: Prepared) -> "_Block":
        signs = dict(prepared.pictures).keys()
        rows = (
            (tuple(atoms(row, prepared.language, signs)), int(is_rtl(row, signs)))
            for row in prepared.text.splitlines()
        )
        return cls(prepared, tuple(row for row in rows if row[0]))

    def set(self, size: int, rows: Sequence[_Row], leading: float) -> Setting:
        lines = tuple(joined(row) for row, _ in rows)
        bases = (base for _, base in rows)
        shaped = tuple(line_of(text, base, self.prepared) for text, base in zip(lines, bases, strict=True))
        needed = (above.room.fall + below.room.rise + _AIR for above, below in pairwise(shaped))
        return Setting(size, shaped, lines, round(size * max([leading, *needed])))

    def lines(self, width: float) -> list[_Row]:
        """As few lines as the width allows, evened out."""
        return [
            (line, base)
            for paragraph, base in self.paragraphs
            for line in _evened(partial(self._filled, paragraph, base), width)
        ]

    def broken(self, width: float) -> list[_Row]:
        """Likewise, lines that are too long broken between any two letters, into pieces of like length."""
        out: list[_Row] = []
        for line, base in self.lines(width):
            text = joined(line)
            if self._width(text, base) <= width:
                out.append((line, base))
            else:
                letters = [Atom(cluster) for cluster in clusters(text)]
                out += [(piece, base) for piece in _evened(partial(self._filled, letters, base), width)]
        return out

    def _filled(self, line: Sequence[Atom], base: int, width: float) -> list[list[Atom]]:
        """Lines as full as the width allows; a letter that is wider has one of its own."""
        out: list[list[Atom]] = []
        used = 0.0
        space = self._width(" ", base)
        for atom in line:
            wide = self._width(atom.text, base)
            gap = space if atom.is_spaced else 0.0
            if out and used + gap + wide <= width:
                out[-1].append(atom)
                used += gap + wide
            elif atom.text.strip():
                out.append([atom])
                used = wide
        return out

    def _width(self, text: str, base: int) -> float:
        return line_of(text, base, self.prepared).advance


def _evened(fill: Callable[[float], list[list[Atom]]], width: float) -> list[list[Atom]]:
    """What `fill` makes of the least width for which it needs no more lines than for `width`."""
    lines = fill(width)
    narrowest, widest = width / max(1, len(lines)) * 0.8, width
    while widest - narrowest > 1 / 8:
        middle = (narrowest + widest) / 2
        if len(fill(middle)) > len(lines):
            narrowest = middle
        else:
            widest = middle
    return fill(widest)
