"""Draws every text template at its three positions over a real photo, upright and wide, on one sheet.

`python -m tests.golden.text_sheet [OUT.jpg [TEXT [PHOTO]]]` writes it, by default the preview in this
folder. Captions are laid on the frame's planes as a render does, so the sheet shows what viewers get.
"""

import sys
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from farm.timeline import Fit, Position, TextClip
from tests.media import real_photo
from workers.cpu_render.layers import Fitter
from workers.cpu_render.text import templates
from workers.cpu_render.text.layer import TextLayer
from workers.cpu_render.text.typesetting import label_font
from workers.media.planes import Planes
from workers.media.stills import open_still

PREVIEW = Path(__file__).parent / "previews" / "text.jpg"
TEXT = "The product finally makes sense"
_FRAMES = ((1080, 1920, 112), (1920, 1080, 240))  # width, height, and the width of its thumb on the sheet
_GAP, _LABEL = 8, 24
_GROUND, _INK = "#101216", "#f2f3f5"
_QUALITY = 54


def frame_with(template: str, position: Position, width: int, height: int, text: str, photo: str) -> Planes:
    """One frame: a photo that fills it, with a caption at full strength."""
    path = real_photo(photo)
    canvas = Planes.blank(width, height)
    canvas.copy_from(Fitter(width, height, Fit.COVER).fit(open_still(path)))
    clip = TextClip(text=text, start_frame=0, end_frame_exclusive=1, template=template, position=position)
    TextLayer.of(clip, width, height).lay_on(canvas, 1.0)
    return canvas


def draw_text_sheet(text: str = TEXT, photo: str = "flower") -> Image.Image:
    """A row per template: its positions in 9:16, then in 16:9."""
    sheet, top = None, _GAP
    found = sorted(templates().items())
    for slug, template in found:
        thumbs = [
            thumb(frame_with(slug, position, width, height, text, photo), across)
            for width, height, across in _FRAMES
            for position in Position
        ]
        down = max(small.height for small in thumbs) + _LABEL + _GAP
        across = sum(small.width + _GAP for small in thumbs) + _GAP
        sheet = sheet or Image.new("RGB", (across, down * len(found) + _GAP), _GROUND)
        ImageDraw.Draw(sheet).text((_GAP, top), template.name, _INK, label_font(16))
        left = _GAP
        for small in thumbs:
            sheet.paste(small, (left, top + _LABEL))
            left += small.width + _GAP
        top += down
    assert sheet is not None
    return sheet


def thumb(planes: Planes, across: int) -> Image.Image:
    """The frame in RGB, from limited-range BT.709, scaled to a width."""
    frame = planes.frame
    frame.colorspace, frame.color_range = 1, 1
    picture = Image.fromarray(np.ascontiguousarray(frame.to_ndarray(format="rgb24")))
    return picture.resize((across, round(across * picture.height / picture.width)), Image.Resampling.LANCZOS)


if __name__ == "__main__":
    out = Path(sys.argv[1]) if len(sys.argv) > 1 else PREVIEW
    sheet = draw_text_sheet(*sys.argv[2:4])
    sheet.save(out, quality=_QUALITY, optimize=True)
    print(f"{out}: {out.stat().st_size // 1000} KB, {sheet.width}x{sheet.height}")
