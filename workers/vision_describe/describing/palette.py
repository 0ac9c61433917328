"""Names the colours of a picture, and tells where they are. Plain numpy.

Colours are told apart in OKLCh: lightness 0 to 1, chroma, hue in degrees.
"""

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from workers.media import oklab
from workers.media.rgb import Picture

Floats = npt.NDArray[np.float64]
Cells = npt.NDArray[np.str_]

_SIDE = 96  # cells a side that are named
_NO_HUE = 0.03  # the chroma below which a colour is a grey
_DARK = 0.2  # the lightness below which everything is black
# The hue where a family ends; above a lightness; above a chroma; its name. The first that fits is taken.
_RULES = (
    (8, 0.6, 0, "pink"),
    (8, 0, 0, "purple"),
    (32, 0.75, 0, "pink"),
    (32, 0.45, 0.1, "red"),
    (32, 0, 0.1, "dark red"),
    (50, 0.75, 0.13, "orange"),
    (50, 0.56, 0.13, "orange-red"),
    (42, 0.77, 0, "pink"),
    (42, 0.45, 0.11, "red"),
    (42, 0, 0.11, "dark red"),
    (80, 0.66, 0.115, "orange"),
    (80, 0.77, 0, "beige"),
    (80, 0.6, 0, "light brown"),
    (80, 0, 0, "brown"),
    (118, 0.7, 0.1, "yellow"),
    (118, 0.72, 0, "beige"),
    (118, 0, 0, "olive"),
    (168, 0.8, 0, "light green"),
    (168, 0.42, 0, "green"),
    (168, 0, 0, "dark green"),
    (215, 0.8, 0, "light blue"),
    (215, 0, 0, "teal"),
    (288, 0.74, 0, "light blue"),
    (288, 0.42, 0, "blue"),
    (288, 0, 0, "dark blue"),
    (320, 0, 0, "purple"),
    (360, 0.6, 0, "pink"),
    (360, 0, 0, "purple"),
)
_GREYS = ((0.93, "white"), (0.72, "light grey"), (0.45, "grey"), (0.25, "dark grey"), (0.0, "black"))


def named_cells(picture: Picture) -> Cells:
    """The colours of an RGB picture, cell by cell; shape (rows, columns)."""
    lab = oklab.lab(_means(picture) / 255)
    light = lab[..., 0]
    chroma = np.hypot(lab[..., 1], lab[..., 2])
    hue = np.degrees(np.arctan2(lab[..., 2], lab[..., 1])) % 360
    greys = np.select([light >= least for least, _ in _GREYS], [name for _, name in _GREYS], "black")
    fits = [(hue < end) & (light >= lightest) & (chroma >= purest) for end, lightest, purest, _ in _RULES]
    hues = np.select(fits, [name for *_, name in _RULES], "purple")
    return np.where(light < _DARK, "black", np.where(chroma < _NO_HUE, greys, hues))


def shares(cells: Cells) -> Mapping[str, float]:
    """How much each colour covers, 0 to 1, the most first."""
    names, counts = np.unique(cells, return_counts=True)
    found = sorted(zip(names, counts, strict=True), key=lambda item: (-int(item[1]), str(item[0])))
    return {str(name): int(count) / cells.size for name, count in found}


def parts(cells: Cells) -> Mapping[str, Cells]:
    """The thirds of a picture that are told of."""
    rows, columns = cells.shape
    third, across = max(1, rows // 3), max(1, columns // 3)
    return {
        "top": cells[:third],
        "bottom": cells[-third:],
        "left": cells[:, :across],
        "right": cells[:, -across:],
        "middle": cells[third : -third or None, across : -across or None],
    }


def _means(picture: Picture) -> Floats:
    """The mean colour of each cell."""
    rows, columns = (min(side, _SIDE) for side in picture.shape[:2])
    at = [
        np.linspace(0, side, count + 1).astype(np.intp)[:-1]
        for side, count in zip(picture.shape, (rows, columns), strict=False)
    ]
    sums = np.add.reduceat(np.add.reduceat(picture.astype(np.float64), at[0], axis=0), at[1], axis=1)
    heights, widths = (np.diff([*edges, side]) for edges, side in zip(at, picture.shape, strict=False))
    return np.asarray(sums / (heights[:, None] * widths[None, :])[..., None])
