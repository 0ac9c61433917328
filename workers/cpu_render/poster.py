"""Picks the frame that stands for a film: the sharpest of some, none of them dark or empty.

The candidates are the middles of its visuals, where no transition reaches; they are decoded from the finished
film, so the poster is a frame of what viewers get.
"""

from collections.abc import Iterator, Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import numpy.typing as npt
from PIL import Image

from farm.timeline import Rate, Timeline
from workers.media.video import VideoReader

CANDIDATES = 12
_QUALITY = 92
_JUDGED_SIDE = 360  # pixels: sharpness is judged at one size, so that grain does not pass for it
_DARK, _BRIGHT = 40.0, 225.0  # mean luma, limited range
_EMPTY = 6.0  # standard deviation of luma

Luma = npt.NDArray[np.float32]


def candidates(timeline: Timeline, most: int = CANDIDATES) -> list[int]:
    """The middle frames of up to `most` visuals, spread over the film; more of each where there are few."""
    clips = [clip for track in timeline.video for clip in track.clips]
    parts = -(-most // max(1, len(clips)))
    found = {
        clip.start_frame + (2 * part + 1) * clip.frames // (2 * parts)
        for clip in clips
        for part in range(parts)
    }
    middles = sorted(found)
    if len(middles) <= most:
        return middles
    return [middles[(2 * place + 1) * len(middles) // (2 * most)] for place in range(most)]


def write_poster(film: Path, out: Path, *, rate: Rate, frames: Sequence[int]) -> int:
    """Write the best of `frames` (rising numbers at `rate`) as a JPEG. Returns which it was."""
    best = max(_judged(film, rate, frames), key=lambda seen: seen[0])
    Image.fromarray(best[2].to_ndarray(format="rgb24")).save(
        out, format="JPEG", quality=_QUALITY, optimize=True
    )
    return best[1]


def _judged(film: Path, rate: Rate, frames: Sequence[int]) -> Iterator[tuple[float, int, av.VideoFrame]]:
    with VideoReader(film, rate=rate, source_start=Fraction(0)) as reader:
        for number in frames:
            frame = reader.frame(number)
            yield score(_luma(frame)), number, frame


def score(luma: Luma) -> float:
    """How sharp a picture is: the variance of its Laplacian. Dark, glaring and empty ones come last."""
    mean, spread = float(luma.mean()), float(luma.std())
    inner = luma[1:-1, 1:-1]
    edges = luma[:-2, 1:-1] + luma[2:, 1:-1] + luma[1:-1, :-2] + luma[1:-1, 2:] - 4 * inner
    sharpness = float(edges.var())
    usable = _DARK <= mean <= _BRIGHT and spread >= _EMPTY
    return sharpness if usable else sharpness / 1e6


def _luma(frame: av.VideoFrame) -> Luma:
    scale = min(1.0, _JUDGED_SIDE / min(frame.width, frame.height))
    size = (max(3, round(frame.width * scale)), max(3, round(frame.height * scale)))
    gray = frame.reformat(
        width=size[0], height=size[1], format="gray", dst_color_range=1, interpolation="AREA"
    )
    plane = gray.planes[0]
    rows = np.frombuffer(memoryview(plane), np.uint8).reshape(plane.height, plane.line_size)
    return rows[:, : plane.width].astype(np.float32)
