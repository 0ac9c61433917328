"""What scene-timestamps answers: camelCase JSON, `data` and `meta`."""

from typing import Any, Literal

from farm.api.surfaces.postproduction.wire import Answer, FindingView
from farm.money import credits
from farm.timeline import Rate
from tasks.compose_otio import Finding
from tasks.compose_otio.findings import pointer
from tasks.scene_timestamps.outputs import SceneMarker, SceneView, SpokenWord, views_of
from tasks.scene_timestamps.placed import Remark, Timed


class TimestampsView(Answer):
    """The scenes in the caller's order; what `formats` asked for, else null."""

    scenes: list[SceneView]
    duration_ms: int
    fps: str | None
    srt: str | None = None
    vtt: str | None = None
    markers: list[SceneMarker] | None = None
    words: list[SpokenWord] | None = None


class TimestampsMeta(Answer):
    """What belongs to the call. `method` says how exactly words were timed, `credits` what it cost."""

    request_id: str
    job_id: str
    method: Literal["recognised-and-aligned", "aligned", "recognised", "proportional"]
    language: str
    duration_ms: int
    credits: float
    warnings: list[FindingView]


class TimestampsAnswer(Answer):
    """A narration's scenes, timed."""

    data: TimestampsView
    meta: TimestampsMeta


def answer_of(
    request_id: str, job_id: str, timed: Timed, fps: float | None, charged_mc: int, files: dict[str, Any]
) -> TimestampsAnswer:
    """The answer of a completed job; `files` are the contents of those that were asked for."""
    rate = None if fps is None else str(Rate.of(fps).fps)
    return TimestampsAnswer(
        data=TimestampsView(scenes=views_of(timed), duration_ms=timed.duration_ms, fps=rate, **files),
        meta=TimestampsMeta(
            request_id=request_id,
            job_id=job_id,
            method=timed.method.value,
            language=timed.language,
            duration_ms=timed.duration_ms,
            credits=credits(charged_mc),
            warnings=[_warning(remark) for remark in timed.warnings],
        ),
    )


def _warning(remark: Remark) -> FindingView:
    path = pointer("metadata") if remark.scene is None else pointer("metadata", "scenes", remark.scene)
    return FindingView.of(Finding(code=remark.code, path=path, message=remark.message))
