"""How charts look: colours and letters."""

from collections.abc import Sequence
from typing import TypeAlias

from workers.gpu_generate.animatic.colour import Rgb, mix, rgb

Yuv: TypeAlias = tuple[int, int, int]

GROUND_TOP, GROUND_FOOT = rgb("#141c2e"), rgb("#0c111d")
GRID, AXIS = rgb("#26324a"), rgb("#465673")
TITLE, WORDS = rgb("#f4f7fb"), rgb("#a7b4c8")
SERIES: Sequence[Rgb] = tuple(
    rgb(text)
    for text in ("#4fd1c5", "#f6ad55", "#f687b3", "#9f8cf5", "#63b3ed", "#a3d977", "#fc8181", "#f6e05e")
)


_AGAIN = (0.0, 0.4, -0.4)  # lighter, then darker, when all have been used


def series(number: int) -> Rgb:
    """The colour of a series, or of a pie's slice."""
    colour = SERIES[number % len(SERIES)]
    share = _AGAIN[number // len(SERIES) % len(_AGAIN)]
    return mix(colour, TITLE if share > 0 else GROUND_FOOT, abs(share)) if share else colour


def yuv(colour: Rgb) -> Yuv:
    """BT.709, limited range."""
    red, green, blue = (255 * part for part in colour)
    return (
        round(16 + 0.18259 * red + 0.61423 * green + 0.06201 * blue),
        round(128 - 0.10064 * red - 0.33857 * green + 0.43922 * blue),
        round(128 + 0.43922 * red - 0.39894 * green - 0.04027 * blue),
    )
