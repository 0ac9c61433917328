"""Snapchat Hook: bold white letters near the top, legible on anything through a soft shadow."""

from PIL import Image

from workers.cpu_render.text.contract import Drawing, Stage, Template
from workers.cpu_render.text.ink import blurred, lay, letters, reach, write
from workers.cpu_render.text.safe_area import SafeArea
from workers.cpu_render.text.typesetting import typeset

_SIZE, _SMALLEST = 0.082, 0.040  # share of the frame's shorter side
_MOST_LINES = 4
# In font sizes: the blur of the shadow, how far below the letters it falls, the outline around them.
_BLUR, _DROP, _OUTLINE = 0.14, 0.05, 0.03
_SHADOW, _EDGE = "#000000BF", "#00000070"


def draw(text: str, stage: Stage) -> Drawing:
    """White lines, centred, on a blurred shadow of themselves."""
    shorter = min(stage.width, stage.height)
    setting = typeset(
        text, stage, size=round(shorter * _SIZE), smallest=round(shorter * _SMALLEST), most_lines=_MOST_LINES
    )
    em = setting.size
    margin = reach(_BLUR * em)
    image = Image.new("RGBA", (setting.width + 2 * margin, setting.height + 2 * margin))
    shade = letters(setting, image.size, margin, margin + round(_DROP * em), stroke=round(_BLUR * em / 2))
    lay(image, blurred(shade, _BLUR * em), _SHADOW)
    outline = max(1, round(_OUTLINE * em))
    lay(image, letters(setting, image.size, margin, margin, stroke=outline), _EDGE)
    write(image, setting, margin, margin, "#FFFFFF")
    top = SafeArea.of(stage).top_of(setting.height, stage.position)
    return Drawing(image, (stage.width - image.width) // 2, top - margin)


TEMPLATE = Template("Snapchat Hook", draw, "Bold white hook near the top.")
