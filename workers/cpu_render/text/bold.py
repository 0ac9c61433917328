"""Bold: heavy white letters with a thick black outline, as on a sticker."""

from PIL import Image

from workers.cpu_render.text.contract import Drawing, Stage, Template
from workers.cpu_render.text.ink import lay, letters, write
from workers.cpu_render.text.safe_area import SafeArea
from workers.cpu_render.text.typesetting import typeset

_SIZE, _SMALLEST = 0.100, 0.042  # share of the frame's shorter side
_MOST_LINES = 4
_LEADING = 1.20  # outlines of neighbouring lines just touch
# In font sizes: the outline around the letters, and how far it is drawn out downwards.
_OUTLINE, _DEPTH = 0.095, 0.045
_INK, _EDGE = "#FFFFFF", "#000000"


def draw(text: str, stage: Stage) -> Drawing:
    """White lines over the outlines of all of them, which are a little deeper below."""
    shorter = min(stage.width, stage.height)
    setting = typeset(
        text,
        stage,
        size=round(shorter * _SIZE),
        smallest=round(shorter * _SMALLEST),
        most_lines=_MOST_LINES,
        leading=_LEADING,
        padding=_OUTLINE,
    )
    outline, depth = (max(1, round(setting.size * share)) for share in (_OUTLINE, _DEPTH))
    margin = outline + depth
    image = Image.new("RGBA", (setting.width + 2 * margin, setting.height + 2 * margin))
    for down in (depth, 0):
        lay(image, letters(setting, image.size, margin, margin + down, stroke=outline), _EDGE)
    write(image, setting, margin, margin, _INK)
    top = SafeArea.of(stage).top_of(setting.height, stage.position)
    return Drawing(image, (stage.width - image.width) // 2, top - margin)


TEMPLATE = Template("Bold", draw, "Heavy outlined text.")
