"""A narration's sound as 16 kHz mono, on disk rather than in memory: an hour is 115 MB."""

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from farm.errors import AssetUnreadable, BadRequest
from workers.media.probe import probe
from workers.media.sound import SoundReader

SAMPLE_RATE = 16_000

Floats = npt.NDArray[np.float32]
Times = npt.NDArray[np.float64]  # seconds, or places in between whole ones

_CHUNK_S = 10
_PIECE = 60 * SAMPLE_RATE
_FULL_SCALE = 32_767


@dataclass(frozen=True, slots=True)
class Sound:
    """Samples as int16, mapped from a file; `peak` is the loudest of them, at least 1."""

    samples: npt.NDArray[np.int16]
    peak: int

    @property
    def duration_s(self) -> float:
        return self.samples.size / SAMPLE_RATE

    def between(self, start_s: float, end_s: float) -> npt.NDArray[np.int16]:
        """The samples of `[start_s, end_s)`, cut at both ends of the sound."""
        start, end = round(max(0.0, start_s) * SAMPLE_RATE), round(max(0.0, end_s) * SAMPLE_RATE)
        return self.samples[start:end]

    def pieces(self) -> Iterator[Floats]:
        """All of it, a minute at a time, full scale ±1."""
        for start in range(0, self.samples.size, _PIECE):
            yield self.floats(start, start + _PIECE)

    def floats(self, start: int, end_exclusive: int) -> Floats:
        """The samples `[start, end_exclusive)`, full scale ±1."""
        piece: Floats = self.samples[max(0, start) : end_exclusive].astype(np.float32)
        return piece / np.float32(_FULL_SCALE)


@contextmanager
def opened(
    path: Path, name: str | None, longest_s: float | None, report: Callable[[float], None]
) -> Iterator[Sound]:
    """Decode the whole sound of a file; `report` hears 0 to 1 and may raise.

    Raises AssetUnreadable, naming the file, for one that cannot be read, has no sound, or lasts no time, and
    BadRequest `audio_too_long` as soon as it has gone on for longer than `longest_s`.
    """
    label = name or path.name
    info = probe(path, name)
    if not info.has_audio:
        raise AssetUnreadable(f"{label} has no sound.", param="audio")
    with tempfile.TemporaryFile() as file:
        peak = 0
        for piece in _pieces(path, name, float(info.duration or 0), report):
            peak = max(peak, int(np.abs(piece.astype(np.int32)).max()))
            file.write(piece.tobytes())
            if longest_s is not None and file.tell() > longest_s * SAMPLE_RATE * piece.itemsize:
                raise _too_long(label, longest_s)
        file.flush()
        if not file.tell():
            raise AssetUnreadable(f"{label} lasts no time: there is nothing to hear.", param="audio")
        yield Sound(np.memmap(file, np.int16, "r"), max(1, peak))


def _too_long(label: str, longest_s: float) -> BadRequest:
    what = f"{label} goes on for more than {longest_s:.0f} s, which is the most that is taken."
    return BadRequest(what, param="audio", code="audio_too_long")


def _pieces(
    path: Path, name: str | None, duration_s: float, report: Callable[[float], None]
) -> Iterator[npt.NDArray[np.int16]]:
    done = 0
    with SoundReader(path, sample_rate=SAMPLE_RATE, name=name) as reader:
        while (chunk := reader.read(_CHUNK_S * SAMPLE_RATE)).shape[1]:
            done += chunk.shape[1]
            report(min(1.0, done / SAMPLE_RATE / max(duration_s, 1e-3)))
            mono = chunk.mean(axis=0)
            yield (mono * _FULL_SCALE).round().clip(-_FULL_SCALE, _FULL_SCALE).astype(np.int16)
