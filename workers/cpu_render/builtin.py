"""Makes the sounds of a timeline that are no files: those its media name as `sfx/…`."""

from farm.errors import BadRequest
from farm.timeline import Timeline
from workers.cpu_render.sfx import sound_named
from workers.cpu_render.sfx.contract import SAMPLE_RATE
from workers.media.sound import Samples, resampled

EFFECTS = "sfx/"


def builtin_sounds(timeline: Timeline) -> dict[str, Samples]:
    """By media id, at the timeline's sample rate. Raises BadRequest for a name that nobody knows."""
    return {
        medium.id: _made(medium.builtin, timeline.sample_rate)
        for medium in timeline.media
        if medium.builtin is not None
    }


def _made(name: str, sample_rate: int) -> Samples:
    if not name.startswith(EFFECTS):
        raise BadRequest(f"There is no built-in sound {name!r}.", param="timeline")
    return resampled(sound_named(name.removeprefix(EFFECTS)).samples(), SAMPLE_RATE, sample_rate)
