"""Answers of calls for pictures: held until these are there (X-44), then given as OpenAI gives them.

Or streamed, where the call asks for events.
"""

import base64
from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from typing import Any

from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse, Response
from starlette.requests import Request

from farm.account import Caller
from farm.api.desk import Desk
from farm.api.links import link
from farm.api.native.sse import event_stream
from farm.api.surfaces.generations.errors import shape
from farm.api.surfaces.generations.images_stream import PictureStream, Streamed, refused
from farm.api.surfaces.generations.images_wire import PicturesAnswer, PictureView, UnderwayPictures
from farm.doors import jobs, watch
from farm.doors.idempotency import Ticket
from farm.doors.served import served
from farm.doors.submit import submit
from farm.errors import FailureClass
from farm.generation import error_of, paid
from farm.job import Artifact, Job, JobSpec
from farm.states import JobState

STATUS_PATH = "/api/generate/status"
_AGAIN_S = 5
_NO_STORE = {"Cache-Control": "no-store"}
_FINAL = {**_NO_STORE, "x-should-retry": "false"}  # the same call would only find the same job
_AWAY = (
    FailureClass.TRANSIENT,
    FailureClass.CAPACITY,
    FailureClass.PROVIDER_AUTH,
    FailureClass.UNSUPPORTED,
)
_UNAVAILABLE = "provider_unavailable"


async def held(
    request: Request,
    desk: Desk,
    caller: Caller,
    spec: JobSpec,
    base_url: str,
    response_format: str,
    events: Streamed | None = None,
) -> Response:
    """Submit, once under the call's ticket, and wait for the end as long as `api.pictures_s` says.

    With `Prefer: respond-async` nobody waits. With `events` the answer begins at once.
    """
    hall, account_id = desk.hall, caller.account.id
    ticket: Ticket | None = getattr(request.state, "ticket", None)
    waits = not _is_async(request)
    made = await run_in_threadpool(submit, hall, caller, replace(spec, interactive=waits), ticket)
    if not waits:
        return await run_in_threadpool(_underway, desk, account_id, made.job_id, base_url)
    if events is not None:
        stream = PictureStream(desk, account_id, made.job_id, events, hall.catalog.api.pictures_s)
        return event_stream(_told(stream, desk, account_id, made.job_id, base_url))
    job = await watch.wait(hall, account_id, made.job_id, hall.catalog.api.pictures_s)
    if job.state is JobState.COMPLETED:
        return await run_in_threadpool(_pictures, desk, job, base_url, response_format)
    return _failed(job) if job.ended else _late(job, base_url)


async def _told(
    stream: PictureStream, desk: Desk, account_id: int, job_id: str, base_url: str
) -> AsyncIterator[str]:
    async for event in stream.partial():
        yield event
    job = await run_in_threadpool(jobs.job, desk.hall, account_id, job_id)
    if job.state is JobState.COMPLETED:
        for event in await run_in_threadpool(stream.completed, job):
            yield event
    else:
        yield refused(_why(job)[1] if job.ended else _later(job, base_url))


def _pictures(desk: Desk, job: Job, base_url: str, response_format: str) -> Response:
    files = jobs.job_artifacts(desk.hall, job.account_id, job.id)
    who = served(desk.hall, job.account_id, job.id)
    cost, _ = paid(job.state, job.held_mc, job.charged_mc)
    answer = PicturesAnswer(
        created=int(job.created_at),
        data=[_view(desk, job, file, base_url, response_format) for file in files],
        id=job.id,
        model=who.model,
        model_actual=who.model_actual,
        failover_used=who.failover_used,
        credits=cost,
    )
    headers = {
        **_NO_STORE,
        "x-model-actual": who.model_actual,
        "x-failover-used": str(who.failover_used).lower(),
    }
    return JSONResponse(answer.model_dump(mode="json", exclude_none=True), headers=headers)


def _view(desk: Desk, job: Job, file: Artifact, base_url: str, response_format: str) -> PictureView:
    revised = str(file.meta.get("revised_prompt") or job.params["prompt"])
    if response_format == "url":
        return PictureView(url=link(desk, file, base_url), revised_prompt=revised)
    content = desk.blobs.read(file.blob_key, 0, file.size_bytes)
    return PictureView(b64_json=base64.b64encode(content).decode(), revised_prompt=revised)


def _underway(desk: Desk, account_id: int, job_id: str, base_url: str) -> Response:
    job = jobs.job(desk.hall, account_id, job_id)
    who = served(desk.hall, account_id, job_id)
    cost, _ = paid(job.state, job.held_mc, job.charged_mc)
    said = UnderwayPictures(
        id=job.id,
        model=who.model,
        model_actual=who.model_actual,
        credits=cost,
        status_url=f"{base_url}{STATUS_PATH}/{job.id}",
    )
    headers = {**_NO_STORE, "Location": said.status_url, "Preference-Applied": "respond-async"}
    return JSONResponse(said.model_dump(mode="json"), 202, headers)


def _late(job: Job, base_url: str) -> Response:
    """X-44: it goes on, and its id leads to it."""
    body = _later(job, base_url)
    return JSONResponse(body, 504, {**_FINAL, "Location": body["status_url"]})


def _later(job: Job, base_url: str) -> dict[str, Any]:
    url = f"{base_url}{STATUS_PATH}/{job.id}"
    told = f"The pictures are not done yet. They are being made as {job.id}: ask GET {url} for them."
    return {**shape("generation_pending", told, None, 504), "id": job.id, "status_url": url}


def _failed(job: Job) -> Response:
    """Why, and that it cost nothing. The farm has tried what there is to try already."""
    status, body = _why(job)
    headers = {**_FINAL, "Retry-After": str(_AGAIN_S)} if status == 503 else _FINAL
    return JSONResponse(body, status, headers)


def _why(job: Job) -> tuple[int, Mapping[str, Any]]:
    """The status and the body."""
    error = error_of(job.state, job.failure)
    assert error is not None
    status, code = _status(job, error.code)
    return status, {**shape(code, error.message, _param(job), status), "id": job.id}


def _status(job: Job, code: str) -> tuple[int, str]:
    failure = job.failure.failure_class if job.failure else ""
    if job.state is JobState.CANCELLED:
        return 409, code
    if failure in (FailureClass.INVALID_INPUT, FailureClass.POLICY):
        assert job.failure is not None
        return 400, job.failure.code
    if code == "generation_timeout":
        return 504, code
    return (503, _UNAVAILABLE) if failure in _AWAY else (500, code)


def _param(job: Job) -> str | None:
    """The field that a worker's message begins with."""
    name, colon, _ = job.failure.message.partition(":") if job.failure else ("", "", "")
    return name if colon and name in ("mask", "image", "size") else None


def _is_async(request: Request) -> bool:
    """RFC 7240: preferences by commas, each with parameters by semicolons."""
    wishes = request.headers.get("prefer", "").split(",")
    return "respond-async" in {wish.partition(";")[0].strip().lower() for wish in wishes}
