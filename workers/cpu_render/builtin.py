"""The sounds of a timeline that no runner fetches: `sfx/…` and `tunes/…`, made here or the operator's own."""

from pathlib import Path

from farm.errors import BadRequest, FailureClass, TaskFailure
from farm.timeline import Timeline
from tasks.media_render.shelf import tunes_here
from tasks.media_render.tunes import BUILTIN as TUNES
from workers.cpu_render.sfx import sound_named
from workers.cpu_render.sfx.contract import SAMPLE_RATE
from workers.cpu_render.tunes import scores, tune_sound
from workers.media.sound import Samples, resampled

EFFECTS = "sfx/"


def builtin_sounds(timeline: Timeline) -> dict[str, Samples]:
    """Those that are made, by media id, at the timeline's sample rate. Raises BadRequest for unknown ones."""
    files = builtin_files(timeline)
    return {
        medium.id: _made(medium.builtin, timeline.sample_rate)
        for medium in timeline.media
        if medium.builtin is not None and medium.id not in files
    }


def builtin_files(timeline: Timeline) -> dict[str, Path]:
    """The operator's own tunes, by media id. Raises TaskFailure when this worker lacks one."""
    wanted = {
        medium.id: medium.builtin.removeprefix(TUNES)
        for medium in timeline.media
        if medium.builtin is not None and medium.builtin.startswith(TUNES)
    }
    if not wanted:
        return {}
    files = {tune.name: tune.file for tune in tunes_here()}
    return {media_id: path for media_id, name in wanted.items() if (path := _here(name, files)) is not None}


def _here(name: str, files: dict[str, Path | None]) -> Path | None:
    """Where a tune lies; None for a bundled one."""
    path = files.get(name)
    if (name not in files and name not in scores()) or (path is not None and not path.is_file()):
        raise TaskFailure(
            f"This worker has no tune {name!r} in the folder that tunes.toml names.", FailureClass.TRANSIENT
        )
    return path


def _made(name: str, sample_rate: int) -> Samples:
    if name.startswith(TUNES):
        return resampled(tune_sound(name.removeprefix(TUNES)), SAMPLE_RATE, sample_rate)
    if not name.startswith(EFFECTS):
        raise BadRequest(f"There is no built-in sound {name!r}.", param="timeline")
    return resampled(sound_named(name.removeprefix(EFFECTS)).samples(), SAMPLE_RATE, sample_rate)
