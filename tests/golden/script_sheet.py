"""Draws one line of each script in all seven text templates over a real photo, on one sheet.

`python -m tests.golden.script_sheet [OUT.jpg]` writes it, by default the preview in this folder.
"""

import sys
from pathlib import Path

from PIL import Image, ImageDraw

from farm.timeline import Position
from tasks.media_render.params import TEXT_TEMPLATES
from tests.golden.text_sheet import frame_with, thumb
from workers.cpu_render.text.typesetting import label_font

PREVIEW = Path(__file__).parent / "previews" / "text-scripts.jpg"
SCRIPTS = {
    "Japanese": "本日限定「新作スニーカー」がついに登場🎉",
    "Chinese": "全新产品今天正式上线，快来看看吧🔥",  # noqa: RUF001  # Chinese commas are full-width
    "Korean": "신제품이 드디어 출시되었습니다 😍",
    "Arabic": "وصل الجديد (iPhone 15) 🚀",
    "Hebrew": "המוצר החדש ב-50% הנחה (היום)",
    "Thai": "สินค้าใหม่มาแล้ว ลด 50%",
    "Devanagari": "नया प्रोडक्ट आज लॉन्च हुआ ✨",
    "Emoji": "Team 👩🏽‍🚀 wins 🇯🇵🇧🇷 ❤️‍🔥 1️⃣ day!",
}
_WIDTH, _HEIGHT, _CUT = 1080, 1920, 0.30  # the frame, and the share of its height that is shown
_ACROSS, _GAP, _LABEL = 180, 4, 18
_GROUND, _INK = "#101216", "#f2f3f5"
_QUALITY = 36


def draw_script_sheet() -> Image.Image:
    """A row per script, a column per template."""
    cells = [[_cell(slug, text) for slug in TEXT_TEMPLATES] for text in SCRIPTS.values()]
    down = cells[0][0].height + _LABEL + _GAP
    size = (len(TEXT_TEMPLATES) * (_ACROSS + _GAP) + _GAP, len(SCRIPTS) * down + _GAP)
    sheet = Image.new("RGB", size, _GROUND)
    pen = ImageDraw.Draw(sheet)
    for row, (name, cut) in enumerate(zip(SCRIPTS, cells, strict=True)):
        top = _GAP + row * down
        pen.text((_GAP, top), name, _INK, label_font(13))
        for column, cell in enumerate(cut):
            sheet.paste(cell, (_GAP + column * (_ACROSS + _GAP), top + _LABEL))
    return sheet


def _cell(template: str, text: str) -> Image.Image:
    """The middle of a frame with a caption."""
    whole = thumb(frame_with(template, Position.MIDDLE, _WIDTH, _HEIGHT, text, "flower"), _ACROSS)
    middle, half = (
        whole.height * 0.46,
        round(whole.height * _CUT / 2),
    )  # captions stand a little over the middle
    return whole.crop((0, round(middle) - half, _ACROSS, round(middle) + half))


if __name__ == "__main__":
    out = Path(sys.argv[1]) if len(sys.argv) > 1 else PREVIEW
    sheet = draw_script_sheet()
    sheet.save(out, quality=_QUALITY, optimize=True)
    print(f"{out}: {out.stat().st_size // 1000} KB, {sheet.width}x{sheet.height}")
