"""What a speech engine is to a voiceover: text in, samples out, at whatever level and rate it likes."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from farm.errors import FailureClass, TaskFailure

Mono = npt.NDArray[np.float32]  # of shape (n,)


@dataclass(frozen=True, slots=True)
class Utterance:
    """What was spoken, full scale 1."""

    samples: Mono
    sample_rate: int


@dataclass(frozen=True, slots=True)
class Engine:
    """`speak` says a text with the voice of that code; `folder` takes its files meanwhile.

    It raises TaskFailure when it cannot. `install` tells an operator how to get it.
    """

    name: str
    install: str
    is_installed: Callable[[], bool]
    speak: Callable[[str, str, Path], Utterance]


def from_pcm16(data: bytes, sample_rate: int) -> Utterance:
    """Samples from little-endian 16-bit mono; a half one at the end is dropped."""
    pcm = np.frombuffer(data[: len(data) // 2 * 2], "<i2")
    return Utterance(pcm.astype(np.float32) / np.float32(32768), sample_rate)


def speech_failed(engine: str, why: str) -> TaskFailure:
    """The failure of an engine that is there and does not speak."""
    return TaskFailure(f"{engine} could not speak: {why}.", FailureClass.INTERNAL, code="speech_failed")
