"""How a long film becomes tasks: one lays it out, some render its segments, one the sound, one joins all.

Pure. Where a film is cut is decided by the first of them, which knows its final timeline; a short film stays
one task.
"""

from collections.abc import Mapping, Sequence

from pydantic import JsonValue

from farm.kinds import GROWS, CachedOutput, TaskSpec
from farm.rules.films import SegmentRules
from farm.timeline import Timeline
from tasks.media_render.profiles import Profile

POOL = "cpu-render"
RENDER, TIMELINE, SEGMENT, SOUND, JOIN = "render", "timeline", "segment", "sound", "join"
VOICE = "voiceover"  # the file that the first task leaves to the others
FRAME_S = 0.025  # measured: 900 frames of 1080x1920 cost about 20 CPU seconds
_PIXELS = 1080 * 1920
_LEAST_SHARE = 0.1  # of a large frame's cost has a small one
_SOFT_MINIMUM_S = 900.0
# Measured, in seconds of a slot: what a task costs beside its frames, and what these cost.
_FILE_S, _LINE_S = 0.03, 0.2
_SEGMENT_START_S = 0.3
_SOUND_START_S, _SOUND_S = 0.5, 0.02
_JOIN_START_S, _JOIN_FRAME_S = 0.5, 0.0005


def frame_s(timeline: Timeline, profile: Profile) -> float:
    """What a frame that moves is likely to cost, in seconds of a slot."""
    share = timeline.width * timeline.height / _PIXELS
    return FRAME_S * profile.cost * max(_LEAST_SHARE, share)


def is_long(pictures_s: float, rules: SegmentRules, *, incremental: bool) -> bool:
    """Whether a film whose pictures cost that much is rendered in segments."""
    return pictures_s >= (rules.incremental_film_s if incremental else rules.film_s)


def first_task(whole: TaskSpec, timeline: Timeline, pictures_s: float, lines: int) -> TaskSpec:
    """The task that lays a long film out, in the place of the one that would render it `whole`.

    It has a file for each of its inputs to look at, and `lines` to speak.
    """
    own_s = 1.0 + _FILE_S * len(whole.inputs) + _LINE_S * lines
    rest_s = pictures_s + sound_s(timeline) + join_s(timeline.end_frame_exclusive)
    params: dict[str, JsonValue] = {**whole.params, GROWS: rest_s}
    return whole.model_copy(
        update={"name": TIMELINE, "step": TIMELINE, "params": params, "estimated_s": own_s}
    )


def segment_task(
    number: int,
    params: Mapping[str, JsonValue],
    inputs: Sequence[str],
    pictures_s: float,
    made: CachedOutput,
    requires: Mapping[str, str],
) -> TaskSpec:
    """Renders one segment: pictures only."""
    task = _task(f"{SEGMENT}-{number:03}", SEGMENT, params, _SEGMENT_START_S + pictures_s, inputs=inputs)
    return task.model_copy(update={"requires": dict(requires), "cached": made})


def sound_task(
    timeline: Timeline,
    params: Mapping[str, JsonValue],
    inputs: Sequence[str],
    made: CachedOutput,
    *,
    speaks: bool,
) -> TaskSpec:
    """Makes the sound, once and whole."""
    needs = (TIMELINE,) if speaks else ()
    task = _task(SOUND, SOUND, params, sound_s(timeline), inputs=inputs, needs=needs)
    return task.model_copy(update={"cached": made})


def join_task(
    parts: Sequence[TaskSpec], params: Mapping[str, JsonValue], frames: int, *, speaks: bool
) -> TaskSpec:
    """Joins what these tasks make. It has the name of the task that renders a short film, and its result."""
    needs = (*(task.name for task in parts), *((TIMELINE,) if speaks else ()))
    return _task(RENDER, JOIN, params, join_s(frames), needs=needs)


def whole_task(
    params: Mapping[str, JsonValue],
    inputs: Sequence[str],
    pictures_s: float,
    requires: Mapping[str, str],
    *,
    speaks: bool,
) -> TaskSpec:
    """Renders a film that was laid out and need not be cut."""
    needs = (TIMELINE,) if speaks else ()
    task = _task(RENDER, RENDER, params, pictures_s, inputs=inputs, needs=needs)
    return task.model_copy(update={"requires": dict(requires)})


def sound_s(timeline: Timeline) -> float:
    return _SOUND_START_S + _SOUND_S * float(timeline.duration)


def join_s(frames: int) -> float:
    return _JOIN_START_S + _JOIN_FRAME_S * frames


def _task(
    name: str,
    step: str,
    params: Mapping[str, JsonValue],
    estimated_s: float,
    *,
    inputs: Sequence[str] = (),
    needs: tuple[str, ...] = (),
) -> TaskSpec:
    soft_s = max(_SOFT_MINIMUM_S, 20 * estimated_s)
    return TaskSpec(
        name=name,
        step=step,
        pool=POOL,
        params=dict(params),
        inputs=tuple(inputs),
        needs=needs,
        estimated_s=estimated_s,
        soft_s=soft_s,
        hard_s=soft_s + 60,
    )
