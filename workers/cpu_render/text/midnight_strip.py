"""Midnight Strip: white letters on a dark blue strip from edge to edge of the frame."""

from PIL import Image

from workers.cpu_render.text.contract import Drawing, Stage, Template
from workers.cpu_render.text.ink import write
from workers.cpu_render.text.safe_area import SafeArea
from workers.cpu_render.text.typesetting import typeset

_SIZE, _SMALLEST = 0.058, 0.034  # share of the frame's shorter side
_MOST_LINES = 3
_LEADING = 1.24
_ABOVE = 0.72  # font sizes left free over capitals and under the last baseline
_STRIP, _INK = "#0A1030DE", "#FFFFFF"


def draw(text: str, stage: Stage) -> Drawing:
    """Centred lines; the strip is as wide as the frame, the lines stay within the safe area."""
    shorter = min(stage.width, stage.height)
    setting = typeset(
        text,
        stage,
        size=round(shorter * _SIZE),
        smallest=round(shorter * _SMALLEST),
        most_lines=_MOST_LINES,
        leading=_LEADING,
    )
    above = round(_ABOVE * setting.size)
    height = setting.body + 2 * above
    image = Image.new("RGBA", (stage.width, height), _STRIP)
    write(image, setting, (stage.width - setting.width) // 2, above - setting.over, _INK)
    return Drawing(image, 0, SafeArea.of(stage).top_of(height, stage.position))


TEMPLATE = Template("Midnight Strip", draw, "Dark strip with white text.")
