"""Writes what was drawn as a film: with its sound, and the mark of the account's tier."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import av
import numpy as np
import numpy.typing as npt

from farm.encoders import EncoderProfile
from farm.models import Fitted
from farm.timeline import Rate
from workers.gpu_generate.diffusing.checks import Frames, as_bytes
from workers.gpu_generate.marking import mark_of
from workers.media.colour import Converter
from workers.media.encode import encode
from workers.media.planes import Planes
from workers.media.shape import Shape

SAMPLE_RATE = 48_000
# A constant quantiser: with crf, x264 makes other bytes of the same frames each time it uses several threads.
_PROFILE = EncoderProfile(options={"preset": "veryfast", "qp": "20"})
Samples = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Drawn:
    """A film as a model draws it. `sound` has shape (channels, n) at its own `sample_rate`, full scale 1."""

    frames: Frames
    sound: Samples | None = None
    sample_rate: int = SAMPLE_RATE


@dataclass(frozen=True, slots=True)
class _Shown:
    planes: Planes
    frames: int = 1


def write(drawn: Drawn, path: Path, fitted: Fitted, *, marked: bool, on_frame: Callable[[int], None]) -> None:
    """Encode it. Raises as `encode` does."""
    rate = Rate(num=fitted.frame_rate, den=1)
    frames = len(drawn.frames)
    samples = round(frames * SAMPLE_RATE / fitted.frame_rate) if drawn.sound is not None else 0
    shape = Shape(fitted.width, fitted.height, rate, frames, SAMPLE_RATE, samples)
    sound = [sound_of(drawn, samples)] if samples else []
    encode(_shown(drawn.frames, fitted, marked=marked), sound, path, shape, _PROFILE, on_frame)


def sound_of(drawn: Drawn, samples: int) -> Samples:
    """So many samples of stereo at the film's rate: what is too much is cut, what is missing is silence."""
    assert drawn.sound is not None
    wave = np.atleast_2d(drawn.sound)[:2]
    stereo = np.ascontiguousarray(np.broadcast_to(wave, (2, wave.shape[1])), np.float32)
    frame = av.AudioFrame.from_ndarray(stereo, format="fltp", layout="stereo")
    frame.sample_rate = drawn.sample_rate
    resampler = av.AudioResampler(format="fltp", layout="stereo", rate=SAMPLE_RATE)
    pieces = [piece.to_ndarray() for given in (frame, None) for piece in resampler.resample(given)]
    whole = np.concatenate(pieces, axis=1)[:, :samples]
    return np.pad(whole, ((0, 0), (0, samples - whole.shape[1]))).astype(np.float32)


def _shown(frames: Frames, fitted: Fitted, *, marked: bool) -> Iterator[_Shown]:
    converter = Converter()
    mark = mark_of(fitted.width, fitted.height) if marked else None
    for frame in frames:
        pixels: npt.NDArray[Any] = as_bytes(frame)
        if mark is not None:
            mark.lay(pixels)
        picture = av.VideoFrame.from_ndarray(pixels, format="rgb24")
        yield _Shown(Planes.of(converter.convert(picture, fitted.width, fitted.height)))
