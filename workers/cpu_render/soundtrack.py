"""The whole sound of a timeline, mixed and mastered, as the encoder takes it."""

from collections.abc import Generator, Iterator, Mapping
from pathlib import Path
from threading import Event

from farm.timeline import Timeline
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
        theirs, made = _built_in(timeline)
        mixed = mix(timeline, {**files, **theirs}, builtin=made, checkpoint=self._checkpoint)
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


def _built_in(timeline: Timeline) -> tuple[Mapping[str, Path], Mapping[str, Samples]]:
    """The sounds that no runner fetches: the operator's own files, and what is made here."""
    if not any(medium.builtin for medium in timeline.media):
        return {}, {}
    from workers.cpu_render.builtin import builtin_files, builtin_sounds  # heavy: all tunes and their catalog

    return builtin_files(timeline), builtin_sounds(timeline)


class _Stopped(Exception):
    """Nobody wants the sound any more."""


def _closable(chunks: Iterator[Samples]) -> Generator[Samples, None, None]:
    yield from chunks
