"""The door of who served a job: the model, its moves, its price. Derived from its attempts each time."""

from collections.abc import Sequence
from dataclasses import replace

from sqlalchemy import Connection, select

from farm.doors.hall import Hall
from farm.doors.jobs import attempt_of, job, task_of
from farm.job import Attempt, Job, Task
from farm.provider_facts import Served, served_of
from farm.store.schema import attempts, tasks


def served(hall: Hall, account_id: int | None, job_id: str) -> Served:
    """Who served one job. `account_id` None is the operator. Raises NotFound."""
    return served_all(hall, [job(hall, account_id, job_id)])[job_id]


def served_all(hall: Hall, jobs: Sequence[Job]) -> dict[str, Served]:
    """The same of many jobs by their ids, whether they come with their tasks or not; in two queries."""
    with hall.store.read() as connection:
        return served_within(connection, jobs)


def served_within(connection: Connection, jobs: Sequence[Job]) -> dict[str, Served]:
    """The same inside a caller's transaction."""
    seqs = [found.seq for found in jobs]
    of_tasks: dict[int, list[Task]] = {}
    of_attempts: dict[int, list[Attempt]] = {}
    for row in connection.execute(_TASKS.where(tasks.c.job_seq.in_(seqs))):
        of_tasks.setdefault(row.job_seq, []).append(task_of(row))
    for row in connection.execute(_ATTEMPTS.where(attempts.c.job_seq.in_(seqs))):
        of_attempts.setdefault(row.job_seq, []).append(attempt_of(row))
    return {
        found.id: served_of(
            replace(found, tasks=tuple(of_tasks.get(found.seq, ()))), of_attempts.get(found.seq, ())
        )
        for found in jobs
    }


_TASKS = select(tasks).where(tasks.c.route.is_not(None)).order_by(tasks.c.id)
_ATTEMPTS = select(attempts).where(attempts.c.provider.is_not(None)).order_by(attempts.c.id)
