"""How a video stands, as OpenAI's clients read it."""

from collections.abc import Sequence
from decimal import Decimal
from math import floor

from farm.api.desk import Desk
from farm.api.surfaces.generations.video_view import View, film_of, views
from farm.api.surfaces.generations.videos_wire import VideoFault, VideoPage, VideoState, VideoView
from farm.generation import VIDEOS_SURFACE, whole
from farm.generations import Generation
from farm.job import Artifact, Job
from farm.provider_facts import Served
from farm.states import JobState

_ALMOST = 99


def videos_view(desk: Desk, found: Sequence[Generation], base_url: str) -> list[VideoView]:
    """All of them, in order."""
    made = views(desk, [one.job for one in found], base_url, {one.job.seq: one.files for one in found})
    return [_view(one, view) for one, view in zip(found, made, strict=True)]


def page_of(shown: Sequence[VideoView], *, has_more: bool) -> VideoPage:
    return VideoPage(
        data=list(shown),
        first_id=shown[0].id if shown else None,
        last_id=shown[-1].id if shown else None,
        has_more=has_more,
    )


def _view(one: Generation, view: View) -> VideoView:
    job, served, film = one.job, view.served, film_of(one.files)
    fault = view.error
    return VideoView(
        id=job.id,
        model=served.model or str(job.params["model"]),
        model_actual=served.model_actual,
        status=_word(job.state),
        progress=100 if job.state is JobState.COMPLETED else min(_ALMOST, floor(job.progress * 100)),
        prompt=job.params["prompt"],
        seconds=_seconds(job, film),
        size=_size(job, film),
        created_at=int(job.created_at),
        completed_at=None if job.ended_at is None else int(job.ended_at),
        expires_at=int(film.expires_at) if film is not None and film.expires_at is not None else None,
        error=VideoFault(code=fault.code, message=fault.message) if fault else None,
        remixed_from_video_id=job.reference if job.surface == VIDEOS_SURFACE else None,
        credits=_credits(served),
    )


def _credits(served: Served) -> float | int:
    return whole(served.credits_mc)


def _word(state: JobState) -> VideoState:
    match state:
        case JobState.QUEUED:
            return "queued"
        case JobState.RUNNING:
            return "in_progress"
        case JobState.COMPLETED:
            return "completed"
        case JobState.FAILED | JobState.CANCELLED:
            return "failed"


def _seconds(job: Job, film: Artifact | None) -> str:
    """As it came out, else as it was asked for: `8`, and `3.4` where it is not whole."""
    length = film.meta.get("duration_s") if film is not None else None
    if length is None:
        length = job.params.get("length_s") or 0
    text = f"{round(Decimal(str(length)), 2):f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _size(job: Job, film: Artifact | None) -> str:
    told = film.meta if film is not None and "width" in film.meta else job.params
    return f"{told.get('width') or 0}x{told.get('height') or 0}"
