"""The pictures, clips and music that the user points at: found, named and checked before anything is sent.

Looks at names and first bytes only; decodes nothing.
"""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from farm.errors import BadRequest
from farm.media_types import CONTENT_TYPES, HEAD_BYTES, check_upload, content_type_of
from farm.timeline import MediaKind, Timeline
from tasks.media_render.layout import natural_order
from tasks.media_render.params import Voiceover


@dataclass(frozen=True, slots=True)
class MediaFile:
    """A local file that may be uploaded."""

    path: Path
    content_type: str
    size_bytes: int

    @property
    def kind(self) -> MediaKind:
        return CONTENT_TYPES[self.content_type]

    @property
    def name(self) -> str:
        """What the farm calls it."""
        return as_text(self.path.name)


@dataclass(frozen=True, slots=True)
class Footage:
    """What a render is made of. `skipped` says, file by file, what was left out and why.

    With a `cut` the files lie where it has them; its media ids are their paths, and `notes` tell of it.
    `voiceover` is what is said over it.
    """

    visuals: tuple[MediaFile, ...]
    music: MediaFile | None
    skipped: tuple[str, ...]
    cut: Timeline | None = None
    notes: tuple[str, ...] = ()
    voiceover: Voiceover | None = None

    @property
    def files(self) -> tuple[MediaFile, ...]:
        """All that must be uploaded."""
        return (*self.visuals, self.music) if self.music else self.visuals


def gather(sources: Sequence[Path], music: Path | None, leave_out: frozenset[Path] = frozenset()) -> Footage:
    """Find what to render: each folder's files in natural order, single files in the order given.

    Resolved paths of `leave_out` are passed over in folders: what the render itself writes there.

    A sound found on the way is the music unless `music` names another. Raises BadRequest when nothing can be
    shown, when a named file is missing or of no known type, or when a file is not what its name says.
    """
    skipped: list[str] = []
    found = [file for source in sources for file in _from(source, leave_out, skipped)]
    visuals = tuple(file for file in found if file.kind is not MediaKind.AUDIO)
    sounds = [file for file in found if file.kind is MediaKind.AUDIO]
    if not visuals:
        raise BadRequest(_nothing(sources, skipped))
    chosen = checked_music(music) if music is not None else sounds[0] if sounds else None
    skipped += [
        f"{sound.path.name}: the music is {chosen.path.name}"
        for sound in sounds
        if chosen and sound != chosen
    ]
    footage = Footage(visuals, chosen, tuple(skipped))
    for file in footage.files:
        _check(file)
    return footage


def checked_file(path: Path) -> MediaFile:
    """One file by its path. Raises BadRequest when it is missing, or is not what its name says."""
    file = _named(path)
    _check(file)
    return file


def checked_music(path: Path) -> MediaFile:
    """`checked_file` for what must be a sound."""
    file = checked_file(path)
    if file.kind is not MediaKind.AUDIO:
        raise BadRequest(f"{path} is no sound file: music is MP3, M4A, WAV, OGG or AAC.", param="music")
    return file


def as_text(name: str) -> str:
    """A file's name in Unicode: some systems let a name be any bytes, of which old archives make use."""
    return os.fsencode(name).decode(errors="replace")


def _from(source: Path, leave_out: frozenset[Path], skipped: list[str]) -> Iterator[MediaFile]:
    if not source.is_dir():
        yield _named(source)
        return
    for path in sorted(source.iterdir(), key=lambda path: natural_order(path.name)):
        if path.name.startswith(".") or not path.is_file() or path.resolve() in leave_out:
            continue
        content_type = content_type_of(path.name)
        if content_type is None:
            skipped.append(f"{path.name}: no picture, clip or sound by its name")
        else:
            yield MediaFile(path, content_type, path.stat().st_size)


def _named(path: Path) -> MediaFile:
    if not path.is_file():
        raise BadRequest(f"There is no file {path}.")
    content_type = content_type_of(path.name)
    if content_type is None:
        known = sorted({kind.partition("/")[2].removeprefix("x-") for kind in CONTENT_TYPES})
        raise BadRequest(f"{path} is of no known type. Known: {', '.join(known)}.")
    return MediaFile(path, content_type, path.stat().st_size)


def _check(file: MediaFile) -> None:
    with file.path.open("rb") as opened:
        check_upload(str(file.path), file.content_type, opened.read(HEAD_BYTES))


def _nothing(sources: Sequence[Path], skipped: Sequence[str]) -> str:
    where = ", ".join(str(source) for source in sources)
    seen = f" It has: {'; '.join(skipped[:5])}." if skipped else ""
    return f"There is no picture and no clip in {where}.{seen}"
