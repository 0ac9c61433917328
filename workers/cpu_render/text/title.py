"""Title: large white letters set tight, on a wide soft shade that any picture bears."""

from PIL import Image

from workers.cpu_render.text.contract import Drawing, Stage, Template
from workers.cpu_render.text.ink import blurred, lay, letters, reach, write
from workers.cpu_render.text.safe_area import SafeArea
from workers.cpu_render.text.typesetting import typeset

_SIZE, _SMALLEST = 0.125, 0.046  # share of the frame's shorter side
_MOST_LINES = 4
_LEADING = 1.06
# In font sizes: how far the letters are thickened and blurred for the wide shade, and for the near one.
_WIDE, _NEAR = (0.08, 0.36), (0.03, 0.07)
_WIDE_SHADE, _NEAR_SHADE = "#00000094", "#00000094"


def draw(text: str, stage: Stage) -> Drawing:
    """White lines on two shades of themselves: one that darkens the picture around, one for the edges."""
    shorter = min(stage.width, stage.height)
    setting = typeset(
        text,
        stage,
        size=round(shorter * _SIZE),
        smallest=round(shorter * _SMALLEST),
        most_lines=_MOST_LINES,
        leading=_LEADING,
    )
    em = setting.size
    margin = reach(_WIDE[1] * em)
    image = Image.new("RGBA", (setting.width + 2 * margin, setting.height + 2 * margin))
    for (thick, blur), shade in ((_WIDE, _WIDE_SHADE), (_NEAR, _NEAR_SHADE)):
        mask = letters(setting, image.size, margin, margin, stroke=round(thick * em))
        lay(image, blurred(mask, blur * em), shade)
    write(image, setting, margin, margin, "#FFFFFF")
    top = SafeArea.of(stage).top_of(setting.height, stage.position)
    return Drawing(image, (stage.width - image.width) // 2, top - margin)


TEMPLATE = Template("Title", draw, "Large title text.")
