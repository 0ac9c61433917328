"""Every transition at five moments between two photos, for the docs and for looking at.

`python -m tests.golden.transition_sheet [FILE]` draws it anew, with the transitions themselves.
"""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import get_args

import numpy as np
from PIL import Image, ImageDraw

from farm.timeline import Fit
from tasks.media_render.params import TransitionType
from tests.media import real_photo, rgb
from workers.cpu_render.layers import Fitter
from workers.cpu_render.text.typesetting import label_font
from workers.cpu_render.transitions import transition_named
from workers.media.planes import Planes
from workers.media.stills import open_still

SHEET = Path(__file__).parent / "previews" / "transitions.jpg"
MOMENTS = (3 / 16, 6 / 16, 15 / 32, 10 / 16, 13 / 16)  # of the fifteen frames in half a second
BEFORE, AFTER = "china", "coffee"
_WIDTH, _HEIGHT = 144, 81
_DRAWN = 4  # pixels per pixel of the sheet, so that soft edges look as they do in a film
_GROUND, _INK = "#101216", "#f2f3f5"
_GAP, _LABEL = 6, 22


def sheet() -> Image.Image:
    """All transitions in the order of the document, in two halves side by side."""
    names = get_args(TransitionType)
    half = -(-len(names) // 2)
    left, right = _rows(names[:half]), _rows(names[half:])
    both = Image.new("RGB", (left.width + right.width, max(left.height, right.height)), _GROUND)
    both.paste(left, (0, 0))
    both.paste(right, (left.width, 0))
    return both


def _rows(names: Sequence[str]) -> Image.Image:
    """A row of moments for each transition, below its name."""
    pitch_x, pitch_y = _WIDTH + _GAP, _HEIGHT + _LABEL + _GAP
    drawn = Image.new("RGB", (len(MOMENTS) * pitch_x + _GAP, len(names) * pitch_y + _GAP), _GROUND)
    pen = ImageDraw.Draw(drawn)
    before, after = _photo(BEFORE), _photo(AFTER)
    for row, name in enumerate(names):
        top = _GAP + row * pitch_y
        pen.text((_GAP, top), name, font=label_font(15), fill=_INK)
        for column, progress in enumerate(MOMENTS):
            shot = _moment(name, before, after, progress)
            drawn.paste(shot, (_GAP + column * pitch_x, top + _LABEL))
    return drawn


def _photo(name: str) -> Planes:
    size = (_WIDTH * _DRAWN, _HEIGHT * _DRAWN)
    return Fitter(*size, Fit.COVER).fit(open_still(real_photo(name)))


def _moment(name: str, before: Planes, after: Planes, progress: float) -> Image.Image:
    out = Planes.blank(before.width, before.height)
    out.frame.colorspace, out.frame.color_range = 1, 1
    transition_named(name).blend(before, after, progress, out)
    return Image.fromarray(np.ascontiguousarray(rgb(out.frame))).resize((_WIDTH, _HEIGHT))


if __name__ == "__main__":
    sheet().save(sys.argv[1] if len(sys.argv) > 1 else SHEET, quality=74, optimize=True, progressive=True)
