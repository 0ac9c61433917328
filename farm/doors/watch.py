"""The watch door: follow a job as it changes, or wait for its end.

Live progress comes over the broker and may be lost; the store is looked at whenever something was told,
and every second in any case.
"""

import asyncio
from collections.abc import AsyncIterator

from farm.doors.hall import Hall
from farm.doors.jobs import job
from farm.job import Job

_LOOK_EVERY_S = 1.0


async def follow(hall: Hall, account_id: int | None, job_id: str) -> AsyncIterator[Job]:
    """Yield the job now and after each change, until it has ended. Raises NotFound."""
    async with hall.live.listen(job_id) as listener:
        shown: Job | None = None
        while True:
            seen = await asyncio.to_thread(job, hall, account_id, job_id)
            if seen != shown:
                yield seen
                shown = seen
            if seen.ended:
                return
            await listener.next(_LOOK_EVERY_S)


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
