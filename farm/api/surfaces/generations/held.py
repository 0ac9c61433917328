"""Calls in the shape of OpenAI's API: held until their job has ended, and refused as its clients expect."""

from dataclasses import dataclass
from http import HTTPStatus

from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse, Response
from starlette.requests import Request

from farm.account import Caller
from farm.api.desk import Desk
from farm.api.surfaces.generations.errors import shape
from farm.doors import watch
from farm.doors.idempotency import Ticket
from farm.doors.submit import submit
from farm.errors import FailureClass
from farm.generation import error_of, family_of
from farm.job import Job, JobSpec
from farm.states import JobState

_UNAVAILABLE_S = 30
_MISSING = ("voice_engine_missing", "recogniser_missing", "provider_key_missing")  # an operator's to mend
_CALLERS = (FailureClass.INVALID_INPUT, FailureClass.POLICY)


@dataclass(frozen=True, slots=True)
class _Refusal:
    status: int
    code: str
    message: str
    retry_after_s: int | None = None


async def ended(request: Request, desk: Desk, caller: Caller, spec: JobSpec, wait_s: float) -> Job:
    """Submit, once where the call may be repeated, and wait for the end. It may not have ended by then."""
    ticket: Ticket | None = getattr(request.state, "ticket", None)
    made = await run_in_threadpool(submit, desk.hall, caller, spec, ticket)
    return await watch.wait(desk.hall, caller.account.id, made.job_id, wait_s)


def refused(job: Job) -> Response:
    """Why a job has no result: it failed, or it is not done yet. Then its id leads to its status."""
    found = _refusal(job)
    headers = {"Cache-Control": "no-store", "X-Generation-Id": job.id}
    if found.retry_after_s is not None:
        headers["Retry-After"] = str(found.retry_after_s)
    if found.status == HTTPStatus.SERVICE_UNAVAILABLE:
        headers["x-should-retry"] = "false"  # the same call would be led to the same job
    return JSONResponse(shape(found.code, found.message, None, found.status), found.status, headers)


def _refusal(job: Job) -> _Refusal:
    if not job.ended:
        return _Refusal(
            504,
            "generation_timeout",
            f"It is still under way: GET /api/generate/status/{job.id} tells how it ends.",
        )
    error = error_of(job.state, job.failure, family_of(job.id))
    assert error is not None
    if job.state is JobState.CANCELLED:
        return _Refusal(409, error.code, error.message)
    if job.failure is not None and job.failure.failure_class in _CALLERS:
        code = error.code if job.failure.failure_class == FailureClass.POLICY else job.failure.code
        return _Refusal(400, code, error.message)
    if error.code == "generation_timeout":
        return _Refusal(504, error.code, error.message)
    is_missing = job.failure is not None and job.failure.code in _MISSING
    return _Refusal(503, "provider_unavailable" if is_missing else error.code, error.message, _UNAVAILABLE_S)
