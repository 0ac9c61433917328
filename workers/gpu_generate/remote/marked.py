"""Lays the tier's mark on a finished film of somebody else's, frame by frame, and keeps its sound."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

from farm.encoders import EncoderProfile
from farm.timeline import Rate
from workers.gpu_generate.marking import Mark, mark_of
from workers.media.colour import Converter
from workers.media.encode import encode
from workers.media.planes import Planes
from workers.media.probe import MediaInfo
from workers.media.shape import Shape
from workers.media.sound import Samples, SoundReader
from workers.media.video import VideoReader

_SAMPLE_RATE = 48_000
_PROFILE = EncoderProfile(options={"preset": "veryfast", "qp": "20"})
_BLACK, _WHITE, _GREY = 16, 235, 128  # of limited range
Share = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class _Shown:
    planes: Planes
    frames: int = 1


def shape_of(info: MediaInfo) -> Shape:
    """The film as it will be written: even sides, frames at an even pace."""
    rate = Rate.of(info.rate or Fraction(24))
    length = info.duration or Fraction(0)
    samples = round(length * _SAMPLE_RATE) if info.has_audio else 0
    width, height = (side // 2 * 2 for side in (info.width or 2, info.height or 2))
    return Shape(width, height, rate, max(1, round(length * rate.fps)), _SAMPLE_RATE, samples)


def write_marked(path: Path, shape: Shape, into: Path, on_frame: Callable[[int], None]) -> None:
    """Write it anew with the mark. Raises as `encode` does."""
    encode(_pictures(path, shape), _sound(path, shape), into, shape, _PROFILE, on_frame)


def write_picture(path: Path, shape: Shape, at_s: float, into: Path) -> None:
    """The picture that it shows then, without the mark."""
    number = min(shape.frames - 1, round(Fraction(at_s) * shape.rate.fps))
    with VideoReader(path, rate=shape.rate) as reader:
        Image.fromarray(reader.frame(number).to_ndarray(format="rgb24")).save(into)


def _pictures(path: Path, shape: Shape) -> Iterator[_Shown]:
    converter, lay = Converter(), _Layer(mark_of(shape.width, shape.height), shape)
    with VideoReader(path, rate=shape.rate) as reader:
        for number in range(shape.frames):
            shown = Planes.of(converter.convert(reader.frame(number), shape.width, shape.height))
            planes = Planes.blank(shape.width, shape.height)  # one may be shown twice
            planes.copy_from(shown)
            lay(planes)
            yield _Shown(planes)


def _sound(path: Path, shape: Shape) -> Iterator[Samples]:
    """A second at a time; silence where it ends before the pictures do."""
    if not shape.samples:
        return
    left = shape.samples
    with SoundReader(path, sample_rate=_SAMPLE_RATE) as reader:
        while left > 0:
            wanted = min(left, _SAMPLE_RATE)
            piece = reader.read(wanted)
            left -= wanted
            yield np.pad(piece, ((0, 0), (0, wanted - piece.shape[1])))


class _Layer:
    """The mark for I420: what it does to RGB is linear, so it can be done to luma and chroma alike."""

    def __init__(self, mark: Mark, shape: Shape) -> None:
        self._box = np.s_[mark.top // 2 * 2 :, mark.left // 2 * 2 :]
        self._half = np.s_[mark.top // 2 :, mark.left // 2 :]
        left = self._placed(mark, shape, (1 - mark.shade) * (1 - mark.ink), 1.0)
        self._left, self._ink = left, self._placed(mark, shape, mark.ink, 0.0)
        rows, columns = left.shape
        self._half_left = left.reshape(rows // 2, 2, columns // 2, 2).mean(axis=(1, 3))

    def _placed(self, mark: Mark, shape: Shape, share: Share, around: float) -> Share:
        whole = np.full((shape.height, shape.width), around, np.float32)
        high, wide = share.shape[:2]
        whole[mark.top : mark.top + high, mark.left : mark.left + wide] = share[..., 0]
        return whole[self._box]

    def __call__(self, planes: Planes) -> None:
        luma = planes.y[self._box]
        ink = (_WHITE - _BLACK) * self._ink + 0.5
        luma[...] = np.asarray((luma - np.float32(_BLACK)) * self._left + _BLACK + ink, np.uint8)
        for plane in (planes.u, planes.v):
            chroma = plane[self._half]
            seen = (chroma - np.float32(_GREY)) * self._half_left + _GREY + 0.5
            chroma[...] = np.asarray(seen, np.uint8)
