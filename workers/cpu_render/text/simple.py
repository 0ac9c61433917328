"""Simple: white letters on a dark, see-through box; readable on anything."""

from workers.cpu_render.text.contract import Drawing, Stage, Template
from workers.cpu_render.text.ink import Box, boxed
from workers.cpu_render.text.typesetting import typeset

_SIZE, _SMALLEST = 0.052, 0.032  # share of the frame's shorter side
_MOST_LINES = 4
_LEADING = 1.26
# White on this over a white picture still has a contrast of 7 : 1, WCAG's enhanced level.
_BOX = Box(fill="#000000B0", ink="#FFFFFF", beside=0.56, above=0.50, radius=0.30)


def draw(text: str, stage: Stage) -> Drawing:
    """Lines with air between them on a box with rounded corners."""
    shorter = min(stage.width, stage.height)
    setting = typeset(
        text,
        stage,
        size=round(shorter * _SIZE),
        smallest=round(shorter * _SMALLEST),
        most_lines=_MOST_LINES,
        leading=_LEADING,
        padding=_BOX.beside,
    )
    return boxed(setting, stage, _BOX)


TEMPLATE = Template("Simple", draw, "Readable boxed text.")
