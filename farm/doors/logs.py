"""The logs door: what a job's attempts say while they run, and for a while after they ended."""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence

from farm.doors.hall import Hall
from farm.doors.jobs import job
from farm.job import LogEntry

FROM_THE_START = "0"
_LOOK_EVERY_S = 1.0


def tail(hall: Hall, account_id: int | None, job_id: str, count: int, *, private: bool) -> list[LogEntry]:
    """The last lines, oldest first; with the `private` ones for operators. Raises NotFound."""
    job(hall, account_id, job_id)
    return [entry for entry in hall.live.tail(job_id, count) if private or not entry.line.private]


async def follow(
    hall: Hall, account_id: int | None, job_id: str, *, after: str = FROM_THE_START, private: bool
) -> AsyncIterator[LogEntry]:
    """Each line from `after` (an entry's id) on, as it is said, until the job has ended. Raises NotFound."""
    async with hall.live.read_log(job_id) as reader:
        ended, look_at = False, 0.0
        while True:
            if time.monotonic() >= look_at:
                ended = (await asyncio.to_thread(job, hall, account_id, job_id)).ended
                look_at = time.monotonic() + _LOOK_EVERY_S
            entries: Sequence[LogEntry] = await reader.after(after, 0 if ended else _LOOK_EVERY_S)
            for entry in entries:
                after = entry.id
                if private or not entry.line.private:
                    yield entry
            if ended and not entries:
                return
