"""Looks at what a model has drawn before anybody is told that it succeeded."""

import numpy as np
import numpy.typing as npt
from PIL import Image

from farm.errors import FailureClass, TaskFailure

Frames = npt.NDArray[np.float32]  # (count, height, width, 3), 0 to 1
_DARK = 2 / 255  # nothing brighter anywhere: black


def checked(
    drawn: object, count: int, width: int, height: int, *, is_sized: bool, is_film: bool = True
) -> Frames:
    """What was drawn, as it was asked for: (count, height, width, 3).

    A pipeline that takes no size (not `is_sized`) may have another; it is brought to the one asked for.
    A film may be black in part, no picture may. Raises TaskFailure CORRUPT_OUTPUT.
    """
    frames = np.asarray(drawn, np.float32)
    if frames.ndim != 4 or frames.shape[-1] != 3:
        raise _corrupt("output_shape", f"an array of shape {frames.shape} instead of pictures")
    if len(frames) != count:
        raise _corrupt("output_length", f"{len(frames)} pictures instead of {count}")
    if not all(np.isfinite(frame).all() for frame in frames):  # one by one: all of a film's are gigabytes
        raise _corrupt("output_not_finite", "numbers that are none (NaN)")
    if any(float(shown.max()) <= _DARK for shown in ([frames] if is_film else frames)):
        raise _corrupt("output_black", "nothing but black")
    if frames.shape[1:3] == (height, width):
        return frames
    if is_sized:
        raise _corrupt("output_size", f"{frames.shape[2]}x{frames.shape[1]} instead of {width}x{height}")
    return np.stack([_resized(frame, width, height) for frame in frames])


def as_bytes(frame: Frames) -> npt.NDArray[np.uint8]:
    """A picture of 0 to 1 as 0 to 255."""
    return np.asarray(np.clip(frame, 0, 1) * 255 + 0.5, np.uint8)


def _resized(frame: Frames, width: int, height: int) -> Frames:
    picture = Image.fromarray(as_bytes(frame)).resize((width, height), Image.Resampling.LANCZOS)
    return np.asarray(picture, np.float32) / np.float32(255)


def _corrupt(code: str, what: str) -> TaskFailure:
    return TaskFailure(f"The model drew {what}.", FailureClass.CORRUPT_OUTPUT, code=code)
