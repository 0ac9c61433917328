"""The scheduler: one tick is one transaction, then publish. Everything outside is injected.

A tick sweeps for what was lost, settles what finished, folds in what arrived and fills free slots. It
never publishes before its commit, and keeps nothing in memory that the store does not know: a tick that
fails is rolled back and simply comes again.
"""

import signal
from collections.abc import Callable, Sequence
from types import FrameType

import structlog
from sqlalchemy import Connection, text, update
from sqlalchemy.exc import SQLAlchemyError

from farm.broker.message import Message
from farm.broker.publish import Publisher
from farm.doors.hall import Hall, open_hall
from farm.job import Failure
from farm.settings import Settings
from farm.states import AttemptState, JobState, TaskState
from farm.store.engine import StoreAway
from farm.store.schema import attempts, tasks
from schedulers.capacity import read_capacity
from schedulers.dispatcher import Dispatcher
from schedulers.endings import Ended, end_jobs
from schedulers.lanes import LaneChanges, fold_arrivals
from schedulers.rescue import sweep
from schedulers.settle import Settlement, finished
from schedulers.wishes import carry_out, fail_overdue

log = structlog.get_logger(__name__)

_TICK_LOCK = 0x74696B  # PostgreSQL's advisory lock: two schedulers take turns, tick by tick
_AFTER_ERROR_S = 0.2

Publish = Callable[[Sequence[Message]], bool]


class Scheduler:
    """Decides what runs next and what follows. Several may run: their ticks take turns in the store."""

    def __init__(self, hall: Hall, publish: Publish) -> None:
        self._hall = hall
        self._publish = publish
        self._dispatcher = Dispatcher(hall.catalog, hall.ids)
        self._next_sweep = 0.0
        self._poisoned = False

    def tick(self) -> int:
        """One turn. Returns how much was done; nothing left to do is 0."""
        now = self._hall.clock.now()
        with self._hall.store.write() as connection:
            self._take_turn(connection)
            done = carry_out(self._hall, connection, now)
            again = self._sweep(connection, now)
            done += self._settle(connection, now)
            done += fold_arrivals(connection, now)
            capacity = read_capacity(connection, now - self._hall.catalog.scheduling.worker_gone_s)
            fresh = self._dispatcher.dispatch(connection, capacity, now)
        messages = [*again, *fresh]
        if messages:
            self._publish(messages)  # false when the broker is away: the sweep says it again
        return done + len(messages)

    def run(self, stopping: Callable[[], bool]) -> None:
        """Tick whenever the bell rings, and once a sweep in any case, until told to stop."""
        while not stopping():
            try:
                busy = self.tick()
            except StoreAway as away:
                log.warning("store_away", error=away.message)
                self._hall.bell.wait(_AFTER_ERROR_S)
                continue
            except Exception:  # whatever it was, the next tick starts from the store again
                log.exception("tick_failed")
                self._poisoned = True
                self._hall.bell.wait(_AFTER_ERROR_S)
                continue
            self._poisoned = False
            if not busy:
                self._hall.bell.wait(self._hall.catalog.scheduling.sweep_s)

    def _take_turn(self, connection: Connection) -> None:
        if connection.dialect.name == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _TICK_LOCK})

    def _sweep(self, connection: Connection, now: float) -> list[Message]:
        rules = self._hall.catalog.scheduling
        if now < self._next_sweep:
            return []
        self._next_sweep = now + rules.sweep_s
        fail_overdue(self._hall, connection, now)
        return sweep(connection, read_capacity(connection, now - rules.worker_gone_s), rules, now)

    def _settle(self, connection: Connection, now: float) -> int:
        """Settle a batch; after a failed tick one row at a time, so that one bad row stops nobody else."""
        rows = finished(connection, self._hall.catalog.scheduling.batch)
        if not rows:
            return 0
        if not self._poisoned:
            Settlement(self._hall, connection, now).settle(rows)
            return len(rows)
        for row in rows:
            try:
                with connection.begin_nested():
                    Settlement(self._hall, connection, now).settle([row])
            except (SQLAlchemyError, ValueError) as error:
                log.error("attempt_not_settled", attempt=row.id, job=row.job_id, error=str(error))
                self._set_aside(connection, row.id, row.task_id, row.job_seq, row.lane_id, now)
        return len(rows)

    def _set_aside(
        self, connection: Connection, attempt_id: int, task_id: int, job_seq: int, lane_id: int, now: float
    ) -> None:
        """An attempt whose report the store refuses fails its job, with the reason in the log."""
        failure = Failure("internal", "not_settled", "The result could not be recorded.")
        connection.execute(
            update(attempts).where(attempts.c.id == attempt_id).values(state=AttemptState.SETTLED)
        )
        connection.execute(
            update(tasks).where(tasks.c.id == task_id).values(state=TaskState.FAILED, ended_at=now)
        )
        changes = LaneChanges()
        changes.at(lane_id).busy -= 1
        changes.write(connection)
        end_jobs(self._hall, connection, [Ended(job_seq, JobState.FAILED, failure)], now)


def run_scheduler(settings: Settings) -> None:
    """Run until SIGTERM or SIGINT."""
    asked: list[int] = []

    def stop(number: int, _frame: FrameType | None) -> None:
        asked.append(number)

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    hall = open_hall(settings)
    publisher = Publisher(settings.redis_url or "")
    log.info("scheduler_ready")
    Scheduler(hall, publisher.publish).run(lambda: bool(asked))
    hall.close()
