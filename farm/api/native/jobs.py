"""Submit, list, look at, wait for, follow, cancel and retry jobs."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from typing import Annotated, Any

from fastapi import Path, Query, Response
from fastapi.responses import StreamingResponse
from pydantic import JsonValue, ValidationError

from farm.account import Caller
from farm.api.auth import may_operate
from farm.api.desk import AtDesk, Desk, SignedIn
from farm.api.errors import refused_params
from farm.api.generation import tiered
from farm.api.idempotency import MadeOnce
from farm.api.inputs import require_inputs
from farm.api.native.sse import event_stream, frame
from farm.api.native.wire import JobChange, JobPage, JobRequest, JobView, PreviewView
from farm.api.own_voices import with_own_voice
from farm.api.routing import farm_router, rated, submits
from farm.asset import is_media_project
from farm.doors import batch_retry, jobs, watch
from farm.doors.submit import Submitted, submit, submit_to_project
from farm.doors.webhooks import check_url
from farm.errors import BadRequest, Conflict, NotAllowed
from farm.job import Job, JobSpec
from farm.kinds import Kind, Params, registry
from farm.preview import PreviewNote
from farm.states import JobState

LONGEST_WAIT_S = 60
_PREVIEW_HEADERS = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}

router = farm_router("/farm/v1", "jobs")
JobId = Annotated[str, Path(max_length=64, examples=["job_0123456789abcdefghjkmn"])]


@router.post("/jobs", status_code=202, openapi_extra=submits("native"))
def create(body: JobRequest, desk: AtDesk, caller: SignedIn, once: MadeOnce) -> JobView:
    """Accept one job of any kind. Its asset ids must be the caller's own and uploaded."""
    if body.webhook_url is not None:
        check_url(desk.hall, body.webhook_url, "webhook_url")
    spec = JobSpec(
        params=asked_params(desk, body.kind, body.params, caller),
        priority=body.priority,
        start_after=body.start_after,
        deadline=body.deadline,
        webhook_url=body.webhook_url,
        auto_retry=body.webhook_auto_retry,
        max_running=body.max_running,
        interactive=body.interactive,
        reference=body.reference,
    )
    require_inputs(desk, caller.account, spec)
    return _view(desk, caller, submit(desk.hall, caller, spec, once))


@router.get("/jobs")
def index(
    desk: AtDesk,
    caller: SignedIn,
    state: Annotated[list[JobState] | None, Query(description="Only these states; may be repeated.")] = None,
    kind: Annotated[str | None, Query(max_length=64)] = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    cursor: Annotated[
        str | None, Query(max_length=64, description="`next_cursor` of the page before.")
    ] = None,
) -> JobPage:
    """The account's jobs, newest first; an operator's key sees all accounts'."""
    account_id = whose(caller)
    before = jobs.job(desk.hall, account_id, cursor).seq if cursor else None
    found = jobs.list_jobs(
        desk.hall, account_id, states=state or (), kind=kind, before_seq=before, limit=limit + 1
    )
    page = found[:limit]
    return JobPage(
        data=[JobView.of(job) for job in page], next_cursor=page[-1].id if len(found) > limit else None
    )


@router.get("/jobs/{job_id}", openapi_extra=rated("native_status"))
async def show(
    job_id: JobId,
    desk: AtDesk,
    caller: SignedIn,
    wait: Annotated[float, Query(ge=0, le=LONGEST_WAIT_S, description="Seconds to wait for its end.")] = 0,
) -> JobView:
    """The job as it is, or with `wait` as soon as it has ended."""
    if wait:
        return JobView.of(await watch.wait(desk.hall, whose(caller), job_id, wait))
    return JobView.of(await asyncio.to_thread(jobs.job, desk.hall, whose(caller), job_id))


@router.get(
    "/jobs/{job_id}/events",
    response_class=StreamingResponse,
    openapi_extra=rated("native_status"),
    responses={
        200: {
            "content": {"text/event-stream": {}},
            "description": "`job` events, each a JobView, and `preview` events, each a PreviewView.",
        }
    },
)
async def events(job_id: JobId, desk: AtDesk, caller: SignedIn) -> Response:
    """Server-sent events: the job now and after each change, and each new preview, until it has ended."""
    await asyncio.to_thread(jobs.job, desk.hall, whose(caller), job_id)  # a 404 now, not within the stream
    return event_stream(_frames(job_id, watch.follow_closely(desk.hall, whose(caller), job_id)))


@router.get(
    "/jobs/{job_id}/preview",
    response_class=Response,
    openapi_extra=rated("native_status"),
    responses={200: {"content": {"image/jpeg": {"schema": {"type": "string", "format": "binary"}}}}},
)
def preview(job_id: JobId, desk: AtDesk, caller: SignedIn) -> Response:
    """What the job draws, as it looks by now: a small JPEG. 404 `preview_missing` while there is none."""
    found = watch.preview(desk.hall, whose(caller), job_id)
    return Response(found.jpeg, media_type="image/jpeg", headers=_PREVIEW_HEADERS)


@router.patch("/jobs/{job_id}", status_code=202)
def change(job_id: JobId, body: JobChange, desk: AtDesk, caller: SignedIn) -> JobView:
    """Move what has not started of the job forward (lower) or back within its account."""
    return JobView.of(jobs.set_priority(desk.hall, caller, job_id, body.priority))


@router.post("/jobs/{job_id}/cancel", status_code=202)
def cancel(job_id: JobId, desk: AtDesk, caller: SignedIn) -> JobView:
    """Ask the job to stop. One that has ended stays as it is."""
    return JobView.of(jobs.cancel(desk.hall, whose(caller), job_id))


@router.post("/jobs/{job_id}/retry", status_code=202, openapi_extra=submits("native"))
def retry(job_id: JobId, desk: AtDesk, caller: SignedIn, once: MadeOnce) -> JobView:
    """Ask for all that an ended job asked for again, as a new job; the old one keeps its end.

    Its webhook, reference and project are the old one's; times that have gone by are left out. A row of a
    batch runs again in its batch, in its own place, and reads what it needs there.
    """
    old = jobs.job(desk.hall, whose(caller), job_id)
    if not old.ended:
        raise Conflict("The job has not ended yet.", param="job_id", code="job_in_progress")
    spec = jobs.again(desk.hall, caller, job_id)
    if old.in_batch and old.account_id == caller.account.id:
        require_inputs(desk, caller.account, spec, of_batch=True)
        made_id = batch_retry.retry_row(desk.hall, caller, job_id, once)
        return JobView.of(jobs.job(desk.hall, whose(caller), made_id))
    require_inputs(desk, caller.account, spec)
    if spec.project_id is not None and is_media_project(spec.project_id):
        return _view(desk, caller, submit_to_project(desk.hall, caller, spec, spec.project_id, once))
    return _view(desk, caller, submit(desk.hall, caller, spec, once))


def whose(caller: Caller) -> int | None:
    """The account whose jobs a caller may see; None is everybody's, for operators."""
    return None if caller.is_operator else caller.account.id


def asked_params(desk: Desk, name: str, values: Mapping[str, JsonValue], caller: Caller) -> Params:
    """The kind's parameters, checked one by one and by its plan, within the account's tier.

    Raises BadRequest and NotAllowed naming the field.
    """
    kind = known_kind(name, caller)
    try:
        params = with_own_voice(desk.hall, caller.account, kind.params.model_validate(values))
        kind.plan(params)
    except ValidationError as error:
        raise refused_params(error, "params.") from None
    except BadRequest as error:
        raise BadRequest(error.message, param=f"params.{error.param}", code=error.public_code) from None
    try:
        return tiered(desk.hall.catalog, caller.account, params)
    except NotAllowed as error:
        raise NotAllowed(error.message, param=f"params.{error.param}", code=error.public_code) from None


def known_kind(name: str, caller: Caller) -> Kind[Any]:
    """The kind of that name, if the caller may submit it. Raises BadRequest naming those it may."""
    known = {kind.name: kind for kind in registry().values() if may_operate(caller) or not kind.for_operators}
    if name not in known:
        raise BadRequest(f"There is no kind {name!r}. Known: {', '.join(sorted(known))}.", param="kind")
    return known[name]


def _view(desk: Desk, caller: Caller, done: Submitted) -> JobView:
    return JobView.of(jobs.job(desk.hall, whose(caller), done.job_id))


async def _frames(job_id: str, seen: AsyncIterator[Job | PreviewNote]) -> AsyncIterator[str]:
    async for what in seen:
        if isinstance(what, Job):
            yield frame("job", JobView.of(what).model_dump_json())
        else:
            yield frame("preview", PreviewView.of(job_id, what).model_dump_json())
