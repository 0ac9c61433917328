"""Snapchat Hook: bold white letters near the top, legible on anything through a soft shadow."""

from PIL import Image, ImageFilter

from workers.cpu_render.text.contract import Drawing, Stage, Template
from workers.cpu_render.text.typesetting import SafeArea, Setting, typeset

_SIZE, _SMALLEST = 0.082, 0.040  # share of the frame's shorter side
_MOST_LINES = 4
# In font sizes: the blur of the shadow, how far below the letters it falls, the outline around them.
_BLUR, _DROP, _OUTLINE = 0.14, 0.05, 0.03
_SHADOW, _EDGE = 0.75, "#00000070"


def draw(text: str, stage: Stage) -> Drawing:
    """White lines, centred, on a blurred shadow of themselves."""
    shorter = min(stage.width, stage.height)
    setting = typeset(
        text, stage, size=round(shorter * _SIZE), smallest=round(shorter * _SMALLEST), most_lines=_MOST_LINES
    )
    margin = round(setting.font.size * 3 * _BLUR)
    image = _shadow(setting, margin)
    outline = max(1, round(setting.font.size * _OUTLINE))
    setting.draw(image, margin, margin, _EDGE, stroke=outline, stroke_fill=_EDGE)
    setting.draw(image, margin, margin, "white")
    top = SafeArea.of(stage).top_of(setting.height, stage.position)
    return Drawing(image, (stage.width - image.width) // 2, top - margin)


def _shadow(setting: Setting, margin: int) -> Image.Image:
    size = setting.font.size
    mask = Image.new("L", (setting.width + 2 * margin, setting.height + 2 * margin))
    letters = Image.new("RGBA", mask.size)
    setting.draw(letters, margin, margin + round(size * _DROP), "white", stroke=round(size * _BLUR / 2))
    mask.paste(letters.getchannel("A").filter(ImageFilter.GaussianBlur(size * _BLUR)))
    shadow = Image.new("RGBA", mask.size)
    shadow.putalpha(mask.point(lambda value: round(value * _SHADOW)))
    return shadow


TEMPLATE = Template("Snapchat Hook", draw, "Bold white hook near the top.")
