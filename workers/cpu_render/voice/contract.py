"""What a speech engine is to a voiceover: text in, samples out, at whatever level it likes."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from farm.errors import FailureClass, TaskFailure

Pcm = npt.NDArray[np.int16]  # mono, of shape (n,)
_HUM = 184  # -45 dB of full scale: Pico hums at a third of that where it cannot read what it is given


@dataclass(frozen=True, slots=True)
class Engine:
    """`speak(code, text, folder, speed)` says a text with the voice of that code, always at `sample_rate`.

    `folder` takes its files; `speed` 1 is how the voice speaks by itself. It raises TaskFailure when it
    cannot. `install` tells an operator how to get it.
    """

    name: str
    install: str
    sample_rate: int
    is_installed: Callable[[], bool]
    speak: Callable[[str, str, Path, float], Pcm]


def pcm_of(data: bytes) -> Pcm:
    """Samples from little-endian 16-bit mono; half a sample at the end is dropped."""
    return np.frombuffer(data[: len(data) // 2 * 2], "<i2").astype(np.int16)


def pcm_from(sound: npt.NDArray[np.float32]) -> Pcm:
    """Samples from floats, full scale ±1; what is louder is clipped."""
    return (sound * 32_767).round().clip(-32_768, 32_767).astype(np.int16)


def is_heard(line: Pcm) -> bool:
    """Whether anybody speaks in it."""
    return bool(np.any(np.abs(line.astype(np.int32)) > _HUM))


def speech_failed(engine: str, why: str) -> TaskFailure:
    """The failure of an engine that is there and does not speak."""
    return TaskFailure(f"{engine} could not speak: {why}.", FailureClass.INTERNAL, code="speech_failed")
