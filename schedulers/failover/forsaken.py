"""Fails jobs whose task nobody may do any more, because an operator took its provider or its model away.

They wait for `rest_max_s` first: configs are put right again, or change in two steps.
"""

from collections.abc import Iterator, Sequence

from sqlalchemy import Connection, bindparam, select

from farm.choices import NOBODY, Choice
from farm.doors.hall import Hall
from farm.errors import FailureClass
from farm.job import Failure
from farm.providers import ProviderBook, Route
from farm.states import JobState, TaskState
from farm.store.rows import AnyRow
from farm.store.schema import tasks
from schedulers.endings import Ended, end_jobs
from schedulers.failover.views import candidates_of

_AT_ONCE = 500
_WAITED = (
    select(tasks.c.job_seq, tasks.c.route, tasks.c.choice)
    .where(tasks.c.state == TaskState.WAITING, tasks.c.parked_for == NOBODY)
    .where(tasks.c.due_at <= bindparam("now"))
    .order_by(tasks.c.due_at)
    .limit(_AT_ONCE)
)


def fail_forsaken(hall: Hall, connection: Connection, now: float) -> None:
    """Before the sweep brings them back: who is offered again by now is left to it."""
    rows = connection.execute(_WAITED, {"now": now}).all()
    end_jobs(hall, connection, [*_ends(hall.catalog.providers, rows)], now)


def _ends(book: ProviderBook, rows: Sequence[AnyRow]) -> Iterator[Ended]:
    for row in rows:
        choice = Choice.model_validate(row.choice)
        offered = [
            candidate.key for candidate in candidates_of(book, Route.model_validate(row.route), choice)
        ]
        if not offered or (choice.is_bound and choice.key not in offered):
            yield Ended(row.job_seq, JobState.FAILED, _failure(choice))


def _failure(choice: Choice) -> Failure:
    if choice.is_bound:
        said = f"The provider {choice.provider}, which may have done it, is not part of this farm any more."
        return Failure(FailureClass.AMBIGUOUS, "provider_removed", said)
    said = f"No provider of this farm offers {choice.model} any more."
    return Failure(FailureClass.INTERNAL, "provider_removed", said)
