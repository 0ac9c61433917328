"""Answers that take a worker: submitted as a job, waited for a while, else answered as the job it became.

A caller waits in its own coroutine: no thread is held, and the job is the store's before anybody waits, so
that a caller who hangs up loses nothing: the same Idempotency-Key, or the job's id, leads back to it.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Literal

from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel
from starlette.requests import Request

from farm.account import Caller
from farm.api.desk import Desk
from farm.api.errors import default_shape
from farm.api.surfaces.postproduction.form import is_too_large
from farm.api.surfaces.postproduction.wire import Answer, FindingView
from farm.doors import jobs, watch
from farm.doors.idempotency import HEADER, Ticket
from farm.doors.submit import submit
from farm.errors import FailureClass, NotFound
from farm.job import Job, JobSpec
from farm.states import JobState
from tasks.compose_otio import Finding

_MOST_ERRORS = 1_000
_MOST_SAID = 5
_AGAIN_S = 5
_NO_STORE = {"Cache-Control": "no-store"}
_ANEW = f"Try again, with a new {HEADER} if the call had one: the old one leads to this job."
# Whose message is about what the caller sent, and is passed on; others are the farm's own trouble.
_CALLERS = (FailureClass.INVALID_INPUT, FailureClass.POLICY)

AnswerOf = Callable[[Job], BaseModel]


class CallMeta(Answer):
    """What belongs to a call that became a job."""

    request_id: str
    job_id: str


class UnderwayView(Answer):
    """A job that has not ended: `statusUrl` tells how far it is, `resultUrl` answers as the call itself."""

    job_id: str
    status: Literal["queued", "running"]
    progress: float
    status_url: str
    result_url: str


class UnderwayAnswer(Answer):
    """`Prefer: respond-async`, or what is not done in time."""

    data: UnderwayView
    meta: CallMeta


def is_async(request: Request) -> bool:
    """RFC 7240: preferences by commas or lines, each with parameters by semicolons."""
    wishes = ",".join(request.headers.getlist("prefer")).split(",")
    return "respond-async" in {wish.partition(";")[0].strip().lower() for wish in wishes}


async def submit_and_wait(request: Request, desk: Desk, caller: Caller, spec: JobSpec) -> Job:
    """Submit, once if the call has an Idempotency-Key, and wait for the end as long as `api.answer_s` says.

    With `Prefer: respond-async` nobody waits. What comes back may not have ended: see `answer`.
    """
    hall, account_id = desk.hall, caller.account.id
    ticket: Ticket | None = getattr(request.state, "ticket", None)
    waits = not is_async(request)
    made = await run_in_threadpool(submit, hall, caller, replace(spec, interactive=waits), ticket)
    if waits:
        return await watch.wait(hall, account_id, made.job_id, hall.catalog.api.answer_s)
    return await run_in_threadpool(jobs.job, hall, account_id, made.job_id)


async def look(desk: Desk, caller: Caller, kind: str, job_id: str, wait_s: float) -> Job:
    """The caller's own job of that kind, as soon as it has ended or after `wait_s`. Raises NotFound."""
    found = await run_in_threadpool(jobs.job, desk.hall, caller.account.id, job_id)
    if found.kind != kind:
        raise NotFound(f"There is no such job {job_id!r} here.", param="jobId")
    if found.ended or not wait_s:
        return found
    return await watch.wait(desk.hall, caller.account.id, job_id, wait_s)


def answer(request: Request, job: Job, path: str, done: AnswerOf) -> Response:
    """200 with what `done` makes of a completed job, 202 while it is under way, else why it failed.

    `path` is the endpoint's own: below it, by the job's id, lies its answer.
    """
    if job.state is JobState.COMPLETED:
        return JSONResponse(done(job).model_dump(mode="json"), headers=_NO_STORE)
    return _failed(request, job) if job.ended else _underway(request, job, path)


def refused(request: Request, faults: Sequence[Finding]) -> Response:
    """All that is wrong with a call, at once: 413 when something is too large, else 400."""
    status = 413 if is_too_large(faults) else 400
    code = "payload_too_large" if status == 413 else "invalid_request"
    told = " ".join(f"{fault.path or '/'}: {fault.message}" for fault in faults[:_MOST_SAID])
    more = f" And {len(faults) - _MOST_SAID} more." if len(faults) > _MOST_SAID else ""
    said = dict(default_shape(code, told + more, faults[0].path, status))
    views = [FindingView.of(fault).model_dump(mode="json") for fault in faults[:_MOST_ERRORS]]
    said["error"] |= {"errors": views, "errorCount": len(faults)}
    said["meta"] = {"requestId": request.state.request_id}
    return JSONResponse(said, status, headers=_NO_STORE)


def _underway(request: Request, job: Job, path: str) -> Response:
    data = UnderwayView(
        job_id=job.id,
        status="running" if job.state is JobState.RUNNING else "queued",
        progress=round(job.progress, 3),
        status_url=f"/farm/v1/jobs/{job.id}",
        result_url=f"{path}/{job.id}",
    )
    said = UnderwayAnswer(data=data, meta=_meta(request, job))
    headers = {**_NO_STORE, "Location": data.status_url}
    if is_async(request):
        headers["Preference-Applied"] = "respond-async"
    return JSONResponse(said.model_dump(mode="json"), 202, headers=headers)


def _failed(request: Request, job: Job) -> Response:
    """Why it failed, where that is about what was sent; of the farm's own trouble only that it may pass."""
    status, code, message = _told(job)
    said = dict(default_shape(code, message, None, status))
    said["meta"] = _meta(request, job).model_dump(mode="json")
    headers = {**_NO_STORE, "Retry-After": str(_AGAIN_S)} if status == 503 else _NO_STORE
    return JSONResponse(said, status, headers=headers)


def _meta(request: Request, job: Job) -> CallMeta:
    return CallMeta(request_id=request.state.request_id, job_id=job.id)


def _told(job: Job) -> tuple[int, str, str]:
    if job.state is JobState.CANCELLED:
        return 409, "job_cancelled", "The job was cancelled; nothing was charged."
    failure = job.failure
    if failure is not None and failure.failure_class in _CALLERS:
        return 400, failure.code, failure.message
    if failure is not None and failure.failure_class == FailureClass.TIMEOUT:
        return 504, "processing_timeout", "This took longer than it may; nothing was charged."
    return 503, "processing_failed", f"The farm could not do this now; nothing was charged. {_ANEW}"
