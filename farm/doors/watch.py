"""The watch door: follow a job as it changes, or wait for its end; look at what it draws.

Live progress comes over the broker and may be lost; the store is looked at whenever something was told,
and every second in any case.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import aclosing
from typing import Any

from farm.doors.hall import Hall
from farm.doors.jobs import job
from farm.errors import NotFound
from farm.job import Job
from farm.preview import Preview, PreviewNote

_LOOK_EVERY_S = 1.0


async def follow(hall: Hall, account_id: int | None, job_id: str) -> AsyncIterator[Job]:
    """Yield the job now and after each change, until it has ended. Raises NotFound."""
    async with aclosing(follow_closely(hall, account_id, job_id)) as seen:
        async for what in seen:
            if isinstance(what, Job):
                yield what


async def follow_closely(
    hall: Hall, account_id: int | None, job_id: str
) -> AsyncGenerator[Job | PreviewNote]:
    """As `follow`, with a note of each preview that comes."""
    async with hall.live.listen(job_id) as listener:
        shown: Job | None = None
        while True:
            seen = await asyncio.to_thread(job, hall, account_id, job_id)
            if seen != shown:
                yield seen
                shown = seen
            if seen.ended:
                return
            note = _note_of(await listener.next(_LOOK_EVERY_S) or {})
            if note is not None:
                yield note


async def wait(hall: Hall, account_id: int | None, job_id: str, timeout_s: float) -> Job:
    """The job once it has ended, or as it is after `timeout_s`. Raises NotFound."""
    try:
        async with asyncio.timeout(timeout_s):
            async for seen in follow(hall, account_id, job_id):
                if seen.ended:
                    return seen
    except TimeoutError:
        pass
    return await asyncio.to_thread(job, hall, account_id, job_id)


def preview(hall: Hall, account_id: int | None, job_id: str) -> Preview:
    """The latest of a job that runs. Raises NotFound: no such job, or `preview_missing`."""
    if job(hall, account_id, job_id).ended:
        raise _missing("The job has ended; its artifacts are what it made.")
    found = hall.live.preview(job_id)
    if found is None:
        raise _missing("There is no preview of this job yet. Not every model and service shows any.")
    return found


def _missing(message: str) -> NotFound:
    return NotFound(message, param="job_id", code="preview_missing")


def _note_of(event: Mapping[str, Any]) -> PreviewNote | None:
    """What lies in the broker may be anything."""
    task, at = event.get("task"), event.get("preview_at")
    return PreviewNote(task, at) if isinstance(task, str) and isinstance(at, float) else None
