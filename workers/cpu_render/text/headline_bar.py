"""Headline Bar: dark letters on a compact white bar."""

from workers.cpu_render.text.contract import Drawing, Stage, Template
from workers.cpu_render.text.ink import Box, boxed
from workers.cpu_render.text.typesetting import typeset

_SIZE, _SMALLEST = 0.060, 0.034  # share of the frame's shorter side
_MOST_LINES = 3
_LEADING = 1.16
_BAR = Box(fill="#FFFFFF", ink="#0E1116", beside=0.54, above=0.48, radius=0.14, shadow=0.16)


def draw(text: str, stage: Stage) -> Drawing:
    """Lines on a white bar with hardly rounded corners, which a faint shadow lifts off bright pictures."""
    shorter = min(stage.width, stage.height)
    setting = typeset(
        text,
        stage,
        size=round(shorter * _SIZE),
        smallest=round(shorter * _SMALLEST),
        most_lines=_MOST_LINES,
        leading=_LEADING,
        padding=_BAR.beside,
    )
    return boxed(setting, stage, _BAR)


TEMPLATE = Template("Headline Bar", draw, "Compact white headline bar.")
