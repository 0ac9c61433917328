"""The scheduler: one tick is one transaction, then publish. Everything outside is injected.

A tick sweeps for what was lost, settles what finished, folds in what arrived and fills free slots. It
never publishes before its commit, and keeps nothing in memory that the store does not know: a tick that
fails is rolled back and simply comes again.
"""

import signal
import time
from collections.abc import Callable, Sequence
from types import FrameType

import structlog
from sqlalchemy import Connection, bindparam, case, update
from sqlalchemy.exc import DBAPIError

from farm.broker.message import Message
from farm.broker.publish import Publisher
from farm.doors.hall import Hall, open_hall
from farm.doors.idempotency import forget_expired
from farm.doors.purse import grant_allowances
from farm.job import Failure
from farm.metrics import Meter
from farm.settings import Settings
from farm.states import AttemptState, JobState, TaskState
from farm.store.engine import StoreAway, is_absence
from farm.store.rows import AnyRow
from farm.store.schema import attempts, tasks
from farm.store.turn import take_turn
from farm.tracing import tracing
from schedulers.arrivals import fold_arrivals
from schedulers.batches import Steered, end_batches, steer
from schedulers.capacity import read_capacity
from schedulers.dispatcher import Dispatcher
from schedulers.endings import Ended, end_jobs
from schedulers.failover.forsaken import fail_forsaken
from schedulers.failover.stranded import free_stranded
from schedulers.grace import Grace
from schedulers.grow import asked_for
from schedulers.lanes import LaneChanges, renew_caps
from schedulers.lead import Lead
from schedulers.metering import metering
from schedulers.news import News, read_news
from schedulers.rescue import sweep
from schedulers.retention.rounds import keeping
from schedulers.settle import Settlement, finished, still_finished
from schedulers.sleep import put_to_sleep
from schedulers.webhooks.deliverer import delivering
from schedulers.wishes import carry_out, fail_overdue

log = structlog.get_logger(__name__)

_AFTER_ERROR_S = 0.2
_LONGEST_BREATH_S, _LONG_TURN_S = 0.02, 0.1
_MUCH = 32  # done in a turn

Publish = Callable[[Sequence[Message]], bool]


class Scheduler:
    """Decides what runs next and what follows. Several may run: their ticks take turns in the store."""

    def __init__(self, hall: Hall, publish: Publish, meter: Meter | None = None) -> None:
        self._hall = hall
        self._publish = publish
        self._meter = meter or Meter()
        self._dispatcher = Dispatcher(hall)
        self._swept_at = 0.0
        self._has_ticked = False
        self._grace = Grace(hall.catalog.scheduling)
        self._poisoned = False

    def tick(self) -> int:
        """One turn. Returns how much was done; nothing left to do is 0."""
        with self._hall.store.write() as connection:
            take_turn(connection)
            began = time.monotonic()
            now = self._hall.clock.now()  # not before: a turn may be long in coming
            self._grace.turn(began, now)
            if not self._has_ticked:
                renew_caps(connection, self._hall.catalog)
            sweeps = self._is_sweep_due(now)
            news = News() if sweeps else read_news(connection)
            done = carry_out(self._hall, connection, now) if news.requests else 0
            again = self._sweep(connection, now) if sweeps else []
            settled = self._settle(connection, now) if news.finished else []
            done += len(settled)
            steered = steer(self._hall, connection, now) if news.batches else Steered()
            done += steered.done
            if news.arrivals or any(asked_for(row) for row in settled):  # what has ended may have grown
                done += fold_arrivals(connection, now)
            capacity = read_capacity(connection, now - self._hall.catalog.scheduling.worker_gone_s)
            fresh = self._dispatcher.dispatch(connection, capacity, now, steered.held_back)
            done += self._dispatcher.moved_aside
        self._has_ticked = True
        messages = [*again, *fresh]
        if messages and not self._publish(messages):
            self._not_said(messages)
        self._meter.ticked(time.monotonic() - began, settled)
        return done + len(messages)

    def run(self, stopping: Callable[[], bool]) -> None:
        """While it leads, tick whenever the bell rings, and once a sweep in any case, until told to stop."""
        lead = Lead(self._hall)
        while not stopping():
            try:
                if not self._leads(lead):
                    self._hall.pause(lead.every_s)  # the bell is the leader's
                    continue
                began = time.monotonic()
                busy = self.tick()
            except StoreAway as away:
                log.warning("store_away", error=away.message)
                self._grace.give(self._hall.clock.now())
                self._hall.pause(_AFTER_ERROR_S)
                continue
            except Exception:  # whatever it was, the next tick starts from the store again
                log.exception("tick_failed")
                self._poisoned = True
                self._hall.pause(_AFTER_ERROR_S)
                continue
            self._poisoned = False
            if busy:
                self._breathe(time.monotonic() - began, busy)
            else:
                self._hall.bell.wait(self._hall.catalog.scheduling.sweep_s)
        lead.leave()

    def _breathe(self, ticked_s: float, done: int) -> None:
        """Let work gather for a while after a turn, and workers have the store to themselves.

        Most of what a turn costs is the same for one job and for fifty; meanwhile the slots live on their
        look-ahead. After a turn that found little, little would gather, and the next ring is heard. During
        a long one (some thousand jobs of a batch are called off) enough has gathered already.
        """
        if ticked_s > _LONG_TURN_S:
            return
        self._hall.pause(min(_LONGEST_BREATH_S, 2 * ticked_s) * min(1.0, done / _MUCH))
        if done < _MUCH:
            self._hall.bell.wait(_LONGEST_BREATH_S)

    def _leads(self, lead: Lead) -> bool:
        """Whether to tick. Who takes over does not know how long nobody could beat."""
        led = lead.is_ours
        if lead.ours() and not led:
            self._grace.give(self._hall.clock.now())
        return lead.is_ours

    def _is_sweep_due(self, now: float) -> bool:
        """Also after a clock was set back: that must not stop the sweep."""
        return not self._swept_at <= now < self._swept_at + self._hall.catalog.scheduling.sweep_s

    def _sweep(self, connection: Connection, now: float) -> list[Message]:
        rules = self._hall.catalog.scheduling
        self._swept_at = now
        fail_overdue(self._hall, connection, now)
        fail_forsaken(self._hall, connection, now)
        end_batches(connection, now)
        put_to_sleep(connection, now)
        grant_allowances(self._hall, connection, now)
        forget_expired(connection, now)
        capacity = read_capacity(connection, now - rules.worker_gone_s)
        free_stranded(self._hall, connection, capacity, now)
        return sweep(connection, capacity, rules, now, judge_leases=self._grace.is_over(now))

    def _not_said(self, messages: Sequence[Message]) -> None:
        """The broker is away: the next sweep says these again, and their pauses do not grow meanwhile."""
        now = self._hall.clock.now()
        rows = [{"attempt": number, "now": now} for number in sorted(m.attempt_id for m in messages)]
        with self._hall.store.write() as connection:
            take_turn(connection)
            connection.execute(_NOT_SAID, rows)

    def _settle(self, connection: Connection, now: float) -> Sequence[AnyRow]:
        """Settle a batch; after a failed tick one row at a time, so that one bad row stops nobody else."""
        rows = finished(connection, self._hall.catalog.scheduling.batch)
        if not rows:
            return rows
        if not self._poisoned:
            Settlement(self._hall, connection, now).settle(rows)
            return rows
        for row in rows:
            try:
                with connection.begin_nested():
                    Settlement(self._hall, connection, now).settle([still_finished(connection, row.id)])
            except Exception as error:  # whatever one report makes go wrong ends its own job only
                if isinstance(error, DBAPIError) and is_absence(error):
                    raise
                log.exception("attempt_not_settled", attempt=row.id, job=row.job_id)
                self._set_aside(connection, row.id, row.task_id, row.job_seq, row.lane_id, now)
        return rows

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


_NOT_SAID = (
    update(attempts)
    .where(attempts.c.id == bindparam("attempt"), attempts.c.state == AttemptState.PUBLISHED)
    .values(
        lease_at=bindparam("now"),
        publishes=case((attempts.c.publishes > 0, attempts.c.publishes - 1), else_=0),
    )
)


def run_scheduler(
    settings: Settings, *, metrics_host: str | None = None, metrics_port: int | None = None
) -> None:
    """Run until SIGTERM or SIGINT, and serve /metrics meanwhile (None: where the configs say).

    A port that was asked for must be free; the configs' may be another scheduler's of this host.
    """
    asked: list[int] = []

    def stop(number: int, _frame: FrameType | None) -> None:
        asked.append(number)

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    hall = open_hall(settings)
    publisher = Publisher(settings.redis_url or "", events=hall.catalog.broker.task_events)
    meter = Meter()
    log.info("scheduler_ready")
    with (
        delivering(settings, hall),
        keeping(settings, hall, meter),
        tracing(hall),
        metering(meter, hall, metrics_host, metrics_port),
    ):
        Scheduler(hall, publisher.publish, meter).run(lambda: bool(asked))
    hall.close()
