"""GET /api/generate/status/{id}: how any generation stands, with its state in upper case (X-03)."""

from collections.abc import Callable, Mapping
from typing import Annotated, Literal

from fastapi import Path
from pydantic import BaseModel, JsonValue

from farm.api.desk import AtDesk, BaseUrl, Desk, SignedIn
from farm.api.links import link
from farm.api.routing import farm_router, rated
from farm.doors import jobs
from farm.doors.served import served
from farm.errors import NotFound
from farm.generation import PublicError, error_of, family_of, iso, paid, status_word
from farm.job import Job

StatusWord = Literal["PENDING", "PROCESSING", "COMPLETED", "FAILED"]

router = farm_router("/api/generate", "generations")


class GenerationStatus(BaseModel):
    """A generation. `output_url` is there once it is completed; more than one file is in `output_urls`.

    Poll every 3 seconds, or name a `webhook_url`. A failed one costs nothing: `credits_refunded` came back.
    """

    id: str
    type: str
    model: str | None
    status: StatusWord
    progress: float
    output_url: str | None
    output_urls: list[str] = []
    credits: int | float
    credits_refunded: int | float = 0
    parameters: dict[str, JsonValue]
    error: PublicError | None
    created_at: str
    completed_at: str | None


@router.get("/status/{generation_id}", openapi_extra=rated("generation_status"))
def show_status(
    generation_id: Annotated[str, Path(max_length=64, examples=["voice_0123456789abcdefghjkmn"])],
    desk: AtDesk,
    caller: SignedIn,
    base_url: BaseUrl,
) -> GenerationStatus:
    """How a generation stands: speech, compositions, charts, pictures and their utilities, videos."""
    return status_view(desk, generation(desk, caller.account.id, generation_id), base_url)


def generation(desk: Desk, account_id: int, generation_id: str) -> Job:
    """The account's job of that id, if it is one of the surface's. Raises NotFound."""
    if family_of(generation_id) is None:
        raise NotFound(f"There is no generation {generation_id!r}.", param="generation_id")
    try:
        return jobs.job(desk.hall, account_id, generation_id)
    except NotFound:
        raise NotFound(f"There is no generation {generation_id!r}.", param="generation_id") from None


def submitted(desk: Desk, account_id: int, job_id: str, base_url: str) -> GenerationStatus:
    """The answer to what was just accepted."""
    return status_view(desk, jobs.job(desk.hall, account_id, job_id), base_url)


def status_view(desk: Desk, job: Job, base_url: str) -> GenerationStatus:
    """The job as this surface shows it."""
    family = family_of(job.id)
    assert family is not None
    files = jobs.job_artifacts(desk.hall, job.account_id, job.id) if job.ended else []
    urls = [link(desk, file, base_url) for file in files]
    cost, refunded = paid(job.state, job.held_mc, job.charged_mc)
    return GenerationStatus(
        id=job.id,
        type=family.type,
        model=served(desk.hall, job.account_id, job.id).model_actual or None,
        status=_WORDS[status_word(job.state)],
        progress=round(job.progress, 3),
        output_url=urls[0] if urls else None,
        output_urls=urls,
        credits=cost,
        credits_refunded=refunded,
        parameters=_PARAMETERS.get(job.kind, _plain)(job.params),
        error=error_of(job.state, job.failure, family, job.limit_s),
        created_at=iso(job.created_at) or "",
        completed_at=iso(job.ended_at),
    )


_WORDS: Mapping[str, StatusWord] = {
    "pending": "PENDING",
    "processing": "PROCESSING",
    "completed": "COMPLETED",
    "failed": "FAILED",
}


def _plain(params: Mapping[str, JsonValue]) -> dict[str, JsonValue]:
    """What was said in words and numbers: no files, and nothing that was left open."""
    shown = ("prompt", "negative_prompt", "width", "height", "count", "scale", "seed", "length_s")
    return {name: params[name] for name in shown if params.get(name) not in (None, "")}


def _of_voice(params: Mapping[str, JsonValue]) -> dict[str, JsonValue]:
    return {name: params[name] for name in ("voice", "language", "speed")}


def _of_composition(params: Mapping[str, JsonValue]) -> dict[str, JsonValue]:
    return {name: params[name] for name in ("replace_audio", "hold_last_frame")}


def _of_chart(params: Mapping[str, JsonValue]) -> dict[str, JsonValue]:
    chart = params["chart"]
    said = {name: params[name] for name in ("animation_style", "title")}
    length = params["length_s"]
    said["duration"] = float(length) if isinstance(length, str | int | float) else None
    return {**said, "type": chart["type"]} if isinstance(chart, dict) else said


_PARAMETERS: Mapping[str, Callable[[Mapping[str, JsonValue]], dict[str, JsonValue]]] = {
    "generate-voice": _of_voice,
    "compose-video": _of_composition,
    "generate-chart": _of_chart,
}
