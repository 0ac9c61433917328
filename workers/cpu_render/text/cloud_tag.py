"""Cloud Tag: a small label, round as a cloud."""

from workers.cpu_render.text.contract import Drawing, Stage, Template
from workers.cpu_render.text.ink import Box, boxed
from workers.cpu_render.text.typesetting import typeset

_SIZE, _SMALLEST = 0.044, 0.030  # share of the frame's shorter side
_MOST_LINES = 3
_LEADING = 1.24
_CLOUD = Box(
    fill="#F3F7FFF2",
    ink="#1D2B4F",
    beside=0.78,
    above=0.58,
    radius=1.0,
    shadow=0.30,
    shadow_colour="#0B153066",
)


def draw(text: str, stage: Stage) -> Drawing:
    """Small blue-black lines on a pale label with round ends and a wide soft shadow."""
    shorter = min(stage.width, stage.height)
    setting = typeset(
        text,
        stage,
        size=round(shorter * _SIZE),
        smallest=round(shorter * _SMALLEST),
        most_lines=_MOST_LINES,
        leading=_LEADING,
        padding=_CLOUD.beside,
    )
    return boxed(setting, stage, _CLOUD)


TEMPLATE = Template("Cloud Tag", draw, "Small rounded label.")
