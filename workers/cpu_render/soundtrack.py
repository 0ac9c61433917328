"""The whole sound of a timeline, mixed and mastered, as the encoder takes it."""

from collections.abc import Generator, Iterator, Mapping
from pathlib import Path
from threading import Event

from farm.timeline import Timeline
from workers.cpu_render.builtin import builtin_files, builtin_sounds
from workers.media.audio import mix
from workers.media.master import mastered
from workers.media.sound import Samples


class Soundtrack:
    """Iterate over float32 chunks of shape (2, n). The first comes once all is mixed and measured.

    `folder` takes the mix meanwhile. Raises BadRequest at once for a built-in sound that nobody knows, and
    AssetUnreadable or OSError while it is read.
    """

    def __init__(self, timeline: Timeline, files: Mapping[str, Path], folder: Path) -> None:
        self._stopped = Event()
        heard = {**files, **builtin_files(timeline)}
        mixed = mix(timeline, heard, builtin=builtin_sounds(timeline), checkpoint=self._checkpoint)
        self._chunks = _closable(mastered(mixed, timeline.sample_rate, folder))

    def __iter__(self) -> Iterator[Samples]:
        return self._chunks

    def stop(self) -> None:
        """From any thread: whoever reads gets an error within half a second of sound."""
        self._stopped.set()

    def close(self) -> None:
        self._chunks.close()

    def _checkpoint(self) -> None:
        if self._stopped.is_set():
            raise _Stopped


class _Stopped(Exception):
    """Nobody wants the sound any more."""


def _closable(chunks: Iterator[Samples]) -> Generator[Samples, None, None]:
    yield from chunks
