"""The log of a job's attempts: its tail, or as it grows."""

import asyncio
from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import Header, Query, Response
from pydantic import BaseModel

from farm.api.auth import may_operate
from farm.api.desk import AtDesk, SignedIn
from farm.api.native.jobs import JobId, whose
from farm.api.native.sse import event_stream, frame
from farm.api.routing import farm_router, rated
from farm.doors import jobs, logs
from farm.job import LogEntry

_ID = r"^\d{1,20}(-\d{1,20})?$"

router = farm_router("/farm/v1", "jobs")


class LogView(BaseModel):
    """One line. `id` orders the lines of a job; pass it as `after` to go on from there."""

    id: str
    at: float
    task: str
    attempt: int
    line: str

    @classmethod
    def of(cls, entry: LogEntry) -> "LogView":
        said = entry.line
        return cls(id=entry.id, at=entry.at, task=said.task, attempt=said.attempt_id, line=said.line)


class LogList(BaseModel):
    """The last lines, oldest first. Lines are kept for a while only, and may be lost."""

    data: list[LogView]


@router.get(
    "/jobs/{job_id}/logs",
    response_model=LogList,
    openapi_extra=rated("native_status"),
    responses={
        200: {
            "content": {"text/event-stream": {}},
            "description": "With `follow=1`: `log` events.",
        }
    },
)
async def index(
    job_id: JobId,
    desk: AtDesk,
    caller: SignedIn,
    follow: Annotated[bool, Query(description="Server-sent events, until the job has ended.")] = False,
    tail: Annotated[int, Query(ge=1, le=10_000, description="How many lines, without `follow`.")] = 100,
    after: Annotated[str | None, Query(pattern=_ID, description="With `follow`: an id.")] = None,
    last_event_id: Annotated[str | None, Header(pattern=_ID)] = None,
) -> LogList | Response:
    """What the job's attempts say, while they run and for a while after."""
    private = may_operate(caller)
    if not follow:
        found = await asyncio.to_thread(logs.tail, desk.hall, whose(caller), job_id, tail, private=private)
        return LogList(data=[LogView.of(entry) for entry in found])
    await asyncio.to_thread(jobs.job, desk.hall, whose(caller), job_id)  # a 404 now, not within the stream
    start = after or last_event_id or logs.FROM_THE_START
    return event_stream(_frames(logs.follow(desk.hall, whose(caller), job_id, after=start, private=private)))


async def _frames(entries: AsyncIterator[LogEntry]) -> AsyncIterator[str]:
    async for entry in entries:
        yield frame("log", LogView.of(entry).model_dump_json(), entry.id)
