"""An `.otio` on disk, and the media it names: looked for beside it and below, never anywhere else."""

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote

from farm.cli.footage import Footage, MediaFile, checked_file, checked_music
from farm.errors import BadRequest
from farm.otio import read_otio
from farm.timeline import Media, Timeline

SUFFIX = ".otio"


def gather_cut(path: Path, music: Path | None, size: tuple[int, int]) -> Footage:
    """The cut and its files; the ids of its media become their paths. `size` is for a cut that says none.

    Raises BadRequest naming all that is wrong with it, or every file that is not there.
    """
    if not path.is_file():
        raise BadRequest(f"There is no file {path}.")
    read = read_otio(path.read_bytes(), size=size)
    used = {clip.media for track in read.timeline.video for clip in track.clips}
    used |= {clip.media for track in read.timeline.audio for clip in track.clips}
    wanted = [medium for medium in read.timeline.media if medium.builtin is None and medium.id in used]
    found = {medium.id: _beside(path.parent, medium) for medium in wanted}
    if missing := [medium.name for medium in wanted if found[medium.id] is None]:
        raise BadRequest(f"{path.name} needs what does not lie beside it: {', '.join(missing)}.")
    files: dict[Path, MediaFile] = {}
    for place in found.values():
        if place is not None and place not in files:
            files[place] = checked_file(place)
    cut = renamed(read.timeline, {name: str(place) for name, place in found.items()})
    return Footage(
        visuals=tuple(files.values()),
        music=None if music is None else checked_music(music),
        skipped=(),
        cut=cut,
        notes=read.warnings,
    )


def renamed(timeline: Timeline, names: dict[str, str]) -> Timeline:
    """The timeline with other ids for its media; what no clip uses is left out."""
    used = {clip.media for track in timeline.video for clip in track.clips}
    used |= {clip.media for track in timeline.audio for clip in track.clips}
    media: dict[str, Media] = {}
    for medium in timeline.media:
        if medium.id in used:
            name = names.get(medium.id, medium.id)
            media.setdefault(name, medium.model_copy(update={"id": name}))
    update = {
        kind: tuple(
            track.model_copy(
                update={
                    "clips": tuple(
                        clip.model_copy(update={"media": names.get(clip.media, clip.media)})
                        for clip in track.clips
                    )
                }
            )
            for track in tracks
        )
        for kind, tracks in (("video", timeline.video), ("audio", timeline.audio))
    }
    return timeline.model_copy(update={**update, "media": tuple(media.values())})


def _beside(folder: Path, medium: Media) -> Path | None:
    """Where a medium lies: at its path below the folder, else under its name in it."""
    return next((path for path in _places(folder, medium) if _is_file(path)), None)


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:  # longer than a name can be
        return False


def _places(folder: Path, medium: Media) -> Iterator[Path]:
    """A name with percent signs may be meant as it is, or as URLs have it."""
    for said in (medium.id, medium.name, unquote(medium.id)):
        slashed = said.replace("\\", "/")
        for place in (slashed, slashed.rpartition("/")[2]):
            path = folder / place
            if place and "\0" not in place and path.resolve().is_relative_to(folder.resolve()):
                yield path
