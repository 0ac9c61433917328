"""What can be said of a picture without knowing what it shows: measured here, or read by an extra reader."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import av
import numpy as np
from av.video.reformatter import ColorRange, Colorspace, VideoReformatter

from farm.noun import Noun
from workers.media.colour import Converter
from workers.media.planes import Planes
from workers.media.stills import StillInfo, open_still, probe_still
from workers.vision_describe.describing.palette import Picture, named_cells, parts, shares
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
        return _rgb(_small(self.frame, side_px))


def see(path: Path, name: str) -> Seen:
    """Measure a picture. Raises AssetUnreadable naming it."""
    info, frame = probe_still(path, name), open_still(path, name)
    small = _small(frame, SIDE_PX)
    planes = Planes.of(small)
    return Seen(frame, _measured(info, planes, _rgb(small)), glance(planes))


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


def _small(frame: av.VideoFrame, side_px: int) -> av.VideoFrame:
    scale = min(1.0, side_px / max(frame.width, frame.height))
    width, height = (max(16, round(side * scale / 2) * 2) for side in (frame.width, frame.height))
    return Converter().convert(frame, width, height)


def _rgb(frame: av.VideoFrame) -> Picture:
    """A composable frame as a viewer sees it."""
    shown = VideoReformatter().reformat(
        frame,
        format="rgb24",
        src_colorspace=Colorspace.ITU709,
        src_color_range=ColorRange.MPEG,
        dst_color_range=ColorRange.JPEG,
        threads=1,
    )
    return np.asarray(shown.to_ndarray(), np.uint8)
