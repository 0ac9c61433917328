"""Frames as a viewer sees them: small RGB pictures for whoever looks at what is in them."""

import av
import numpy as np
import numpy.typing as npt
from av.video.reformatter import ColorRange, Colorspace, VideoReformatter

from workers.media.colour import Converter

Picture = npt.NDArray[np.uint8]
"""RGB, rows x columns x 3."""

_LEAST_PX = 16


def small(frame: av.VideoFrame, side_px: int) -> av.VideoFrame:
    """A composable frame, no more than `side_px` on its longer side."""
    scale = min(1.0, side_px / max(frame.width, frame.height))
    width, height = (max(_LEAST_PX, round(side * scale / 2) * 2) for side in (frame.width, frame.height))
    return Converter().convert(frame, width, height)


def rgb(frame: av.VideoFrame) -> Picture:
    """A composable frame's pixels."""
    shown = VideoReformatter().reformat(
        frame,
        format="rgb24",
        src_colorspace=Colorspace.ITU709,
        src_color_range=ColorRange.MPEG,
        dst_color_range=ColorRange.JPEG,
        threads=1,
    )
    return np.asarray(shown.to_ndarray(), np.uint8)
