"""The farm with one promise-keeper missing: the simulation must catch each of these."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from unittest import mock

from sqlalchemy import Connection, update

from farm.broker.message import Message
from farm.doors import work
from farm.doors.hall import Hall
from farm.states import AttemptState
from farm.store.schema import attempts
from schedulers import endings
from schedulers.loop import Scheduler


@contextmanager
def breaking(what: str, crash: Callable[[str], None]) -> Iterator[None]:
    """Switch one promise-keeper off while the block runs."""
    patches: dict[str, Any] = {
        "sweep": mock.patch.object(Scheduler, "_sweep", _no_sweep),
        "fencing": mock.patch.multiple(work, claim=_unfenced_claim, finish=_unfenced_finish),
        "settlement": mock.patch.object(endings, "_settle_money", _split_from(endings._settle_money, crash)),
    }
    with patches[what]:
        yield


def _no_sweep(_scheduler: Scheduler, _connection: Connection, _now: float, *_more: object) -> list[Message]:
    return []


def _unfenced_claim(hall: Hall, attempt_id: int, token: int, worker: str) -> work.Claimed | None:
    """Takes whatever it is told to, whoever has it."""
    now = hall.clock.now()
    take = (
        update(attempts)
        .where(attempts.c.id == attempt_id)
        .values(state=AttemptState.RUNNING, worker=worker, started_at=now, lease_at=now + 12)
    )
    with hall.store.write() as connection:
        connection.execute(take)
        row = connection.execute(work._CLAIMED, {"attempt": attempt_id}).one()
        return work._claimed(connection, row, attempt_id, token, 0.0)


def _unfenced_finish(hall: Hall, attempt_id: int, _token: int, report: work.Report) -> bool:
    """Records whatever it is told, whoever has it."""
    record = (
        update(attempts)
        .where(attempts.c.id == attempt_id)
        .values(
            state=AttemptState.FINISHED,
            outcome=report.outcome,
            ended_at=hall.clock.now(),
            report={"outputs": [], "result": {}, "tasks": [t.model_dump(mode="json") for t in report.tasks]},
        )
    )
    with hall.store.write() as connection:
        connection.execute(record)
    hall.bell.ring()
    return True


def _split_from(settle: Callable[..., None], crash: Callable[[str], None]) -> Callable[..., None]:
    """Money in a transaction of its own, after the one that ended the job."""

    def split(connection: Connection, *arguments: Any) -> None:
        connection.exec_driver_sql("COMMIT")
        connection.exec_driver_sql("BEGIN IMMEDIATE")
        crash("between_end_and_money")
        settle(connection, *arguments)

    return split
