"""What can be said of a picture without knowing what it shows: measured here, or read by an extra reader."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import av
import numpy as np

from farm.noun import Noun
from workers.media.planes import Planes
from workers.media.rgb import Picture, rgb, small
from workers.media.stills import StillInfo, open_still, probe_still
from workers.vision_describe.describing.palette import named_cells, parts, shares
from workers.vision_describe.detail import SIDE_PX, Glance, Grey, glance, lightness, sharpness

_SPAN = (5, 95)  # percentiles of the lightness between which contrast is measured
_RANGE = 219.0  # of BT.709's limited luma
_KEPT = 4  # colours of each part


class Facts(Noun):
    """One picture. Shares, `lightness`, `contrast` and `sharpness` are 0 to 1; `width` and `height` pixels.

    `places` has what covers most of each part of it. `twin` is the place of an earlier picture that shows the
    same. `faces` is None where nobody looked for any.
    """

    width: int
    height: int
    lightness: float
    contrast: float
    sharpness: float
    colours: Mapping[str, float]
    places: Mapping[str, Mapping[str, float]]
    twin: int | None = None
    lines: tuple[str, ...] = ()
    faces: int | None = None


@dataclass(frozen=True, slots=True)
class Seen:
    """A picture, upright, and what was measured of it."""

    frame: av.VideoFrame
    facts: Facts
    glance: Glance

    def picture(self, side_px: int = SIDE_PX) -> Picture:
        """Its pixels in RGB, no more than `side_px` on its longer side."""
        return rgb(small(self.frame, side_px))


def see(path: Path, name: str) -> Seen:
    """Measure a picture. Raises AssetUnreadable naming it."""
    info, frame = probe_still(path, name), open_still(path, name)
    little = small(frame, SIDE_PX)
    planes = Planes.of(little)
    return Seen(frame, _measured(info, planes, rgb(little)), glance(planes))


def twin_of(seen: Glance, earlier: Sequence[Glance]) -> int | None:
    """The place of the first that shows the same."""
    return next((place for place, other in enumerate(earlier) if seen.is_like(other)), None)


def _measured(info: StillInfo, planes: Planes, picture: Picture) -> Facts:
    luma: Grey = np.asarray(planes.y, np.float32)
    darkest, lightest = np.percentile(luma, _SPAN)
    cells = named_cells(picture)
    return Facts(
        width=info.width,  # the file's own: a very large picture was opened at a half of it
        height=info.height,
        lightness=round(lightness(luma), 3),
        contrast=round(float(np.clip((lightest - darkest) / _RANGE, 0, 1)), 3),
        sharpness=round(sharpness(luma), 3),
        colours=shares(cells),
        places={name: dict(islice(shares(part).items(), _KEPT)) for name, part in parts(cells).items()},
    )
