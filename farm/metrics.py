"""What the scheduler tells Prometheus: the farm's state from SQL, and what this process has settled.

States (depth, age, slots, workers, credits, lag) are read from the store when somebody scrapes, a few cheap
queries at most every few seconds. Counters and histograms count what this scheduler settled since it
started: a restart is a counter reset, and with two schedulers they sum.
"""

import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, start_http_server
from prometheus_client.core import GaugeMetricFamily, Metric
from sqlalchemy import Connection, and_, case, func, literal_column, select, union_all

from farm.doors.hall import Hall
from farm.doors.schedulers import schedulers_here
from farm.errors import FarmUnavailable
from farm.money import month_of
from farm.states import WorkerState
from farm.store.engine import StoreAway
from farm.store.rows import AnyRow
from farm.store.schema import (
    LIVE,
    accounts,
    attempts,
    breakers,
    deliveries,
    jobs,
    lanes,
    outbox,
    provider_health,
    tasks,
    workers,
)

_SECONDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600, 1800, 3600)
_TICK = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5)
_MILLI = 1000.0

Reading = Callable[[Hall, Connection, float], Sequence[Metric]]


class Meter:
    """Counts what one scheduler does. `registry` holds it all; counting is cheap and never fails."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._attempts = Counter(
            "farm_attempts",
            "Attempts settled, by how they ended.",
            ("pool", "outcome", "failure_class"),
            registry=self.registry,
        )
        self._calls = Counter(
            "farm_provider_calls",
            "Attempts at providers that were settled, by how they ended.",
            ("provider", "model", "outcome"),
            registry=self.registry,
        )
        self._wait = Histogram(
            "farm_task_wait_seconds",
            "From when a task could first have run to when it did.",
            ("pool", "tier"),
            buckets=_SECONDS,
            registry=self.registry,
        )
        self._run = Histogram(
            "farm_attempt_run_seconds",
            "How long attempts ran.",
            ("pool",),
            buckets=_SECONDS,
            registry=self.registry,
        )
        self._tick = Histogram(
            "farm_scheduler_tick_seconds",
            "How long the scheduler's turns took, publishing included.",
            buckets=_TICK,
            registry=self.registry,
        )
        self._deleted = Counter(
            "farm_retention_deleted",
            "Rows that retention has deleted, files with their blobs.",
            ("what",),
            registry=self.registry,
        )
        self._ticked_at = Gauge(
            "farm_scheduler_last_tick_timestamp_seconds",
            "When the scheduler last ended a turn, in Unix seconds.",
            registry=self.registry,
        )

    def ticked(self, took_s: float, settled: Iterable[AnyRow]) -> None:
        """A turn was committed, and these attempts settled with it."""
        self._tick.observe(took_s)
        self._ticked_at.set_to_current_time()
        for row in settled:
            self._attempts.labels(row.pool, row.outcome, row.failure_class or "").inc()
            if row.provider is not None:
                self._calls.labels(row.provider, row.model, row.failure_class or row.outcome).inc()
            if row.started_at is None:
                continue
            if row.ended_at is not None:
                self._run.labels(row.pool).observe(max(0.0, row.ended_at - row.started_at))
            if row.attempts == 1 and row.ready_at is not None:
                wait_s = max(0.0, row.started_at - row.ready_at)
                self._wait.labels(row.pool, row.lane_tier).observe(wait_s)

    def deleted(self, what: str, number: int) -> None:
        """Retention let go of so many artifacts, assets, jobs, …"""
        self._deleted.labels(what).inc(number)

    def serve(self, hall: Hall, host: str, port: int) -> Callable[[], None]:
        """Serve /metrics from a thread of its own. Returns what stops it.

        Raises FarmUnavailable where the port is taken; it may be called again then.
        """
        try:
            server, thread = start_http_server(port, host, self.registry)
        except OSError as error:
            raise FarmUnavailable(
                f"/metrics cannot listen on {host}:{port}: {error.strerror}. Choose another --metrics-port."
            ) from error
        self.registry.register(StoreCollector(hall))

        def stop() -> None:
            server.shutdown()
            server.server_close()
            thread.join()

        return stop


class StoreCollector:
    """The farm's state, read from the store when it is asked for, but not more often than the configs say."""

    def __init__(self, hall: Hall) -> None:
        rules = hall.catalog.metrics
        self._hall = hall
        self._lock = threading.Lock()
        self._cheap = _Cached(hall, _CHEAP, rules.cache_s)
        self._dear = _Cached(hall, _DEAR, rules.cache_dear_s)

    def describe(self) -> Iterable[Metric]:
        return ()  # else registering would read the store

    def collect(self) -> Iterator[Metric]:
        with self._lock:
            up = GaugeMetricFamily("farm_store_up", "Whether the store answers.")
            try:
                found = [*self._cheap.read(), *self._dear.read()]
                up.add_metric((), 1)
            except StoreAway:
                found = []
                up.add_metric((), 0)
        yield up
        yield from found


class _Cached:
    def __init__(self, hall: Hall, readings: Sequence[Reading], keep_s: float) -> None:
        self._hall = hall
        self._readings = readings
        self._keep_s = keep_s
        self._read_at = float("-inf")
        self._found: list[Metric] = []

    def read(self) -> list[Metric]:
        if time.monotonic() - self._read_at >= self._keep_s:
            now = self._hall.clock.now()
            with self._hall.store.read() as connection:
                self._found = [m for reading in self._readings for m in reading(self._hall, connection, now)]
            self._read_at = time.monotonic()
        return self._found


_NEXT_OF_LANE = (
    select(tasks.c.ready_at)
    .where(tasks.c.lane_id == lanes.c.id, tasks.c.state == literal_column("'ready'"))
    .order_by(tasks.c.priority, tasks.c.id)
    .limit(1)
    .scalar_subquery()
)
_READY_LANES = (
    select(lanes.c.pool, lanes.c.resource, lanes.c.tier, lanes.c.ready, _NEXT_OF_LANE.label("since"))
    .where(lanes.c.ready > 0)
    .subquery()
)
_BACKLOG = select(
    _READY_LANES.c.pool,
    _READY_LANES.c.resource,
    _READY_LANES.c.tier,
    func.sum(_READY_LANES.c.ready).label("ready"),
    func.min(_READY_LANES.c.since).label("since"),
).group_by(_READY_LANES.c.pool, _READY_LANES.c.resource, _READY_LANES.c.tier)


def _backlog(_hall: Hall, connection: Connection, now: float) -> Sequence[Metric]:
    names = ("pool", "resource", "tier")
    depth = GaugeMetricFamily("farm_tasks_ready", "Tasks that could run now.", labels=names)
    age = GaugeMetricFamily(
        "farm_task_oldest_ready_age_seconds",
        "How long the oldest task next in line has waited.",
        labels=names,
    )
    for row in connection.execute(_BACKLOG):
        labels = (row.pool, row.resource, row.tier)
        depth.add_metric(labels, float(row.ready))
        age.add_metric(labels, max(0.0, now - row.since) if row.since is not None else 0.0)
    return depth, age


_LIVE_ATTEMPTS = (
    select(attempts.c.pool, attempts.c.resource, attempts.c.state, func.count().label("number"))
    .where(LIVE)
    .group_by(attempts.c.pool, attempts.c.resource, attempts.c.state)
)


def _live(_hall: Hall, connection: Connection, _now: float) -> Sequence[Metric]:
    names = ("pool", "resource", "state")
    live = GaugeMetricFamily("farm_attempts_live", "Attempts published to workers, or running.", labels=names)
    for row in connection.execute(_LIVE_ATTEMPTS):
        live.add_metric((row.pool, row.resource, row.state), float(row.number))
    return (live,)


def _workers(hall: Hall, connection: Connection, now: float) -> Sequence[Metric]:
    """Workers by state, and the slots of those that take work."""
    silent_since = now - hall.catalog.scheduling.worker_gone_s
    found: dict[tuple[str, str], int] = {
        (pool, state.value): 0 for pool in hall.catalog.pools for state in WorkerState
    }
    slots: dict[tuple[str, str], int] = {}
    for row in connection.execute(select(workers)):
        here = row.state != WorkerState.OFFLINE and row.seen_at >= silent_since
        state = (row.kept_out or row.state) if here else WorkerState.OFFLINE.value
        found[row.pool, state] = found.get((row.pool, state), 0) + 1
        for resource, count in row.slots.items() if state == WorkerState.ONLINE else ():
            slots[row.pool, resource] = slots.get((row.pool, resource), 0) + count
    return (
        _family("farm_workers", "Workers, by what the farm thinks of them.", ("pool", "state"), found),
        _family("farm_slots", "Slots of the workers that take work.", ("pool", "resource"), slots),
    )


def _schedulers(hall: Hall, connection: Connection, now: float) -> Sequence[Metric]:
    """One leads; none does when all are gone."""
    here = schedulers_here(hall, connection, now)
    leading = sum(scheduler.led_since is not None for scheduler in here)
    found = {("leading",): leading, ("standing_by",): len(here) - leading}
    return (_family("farm_schedulers", "Scheduler processes that are here.", ("state",), found),)


def _providers(_hall: Hall, connection: Connection, _now: float) -> Sequence[Metric]:
    """The breakers of those that were ever called, and how often they succeed of late."""
    names = ("provider", "model", "phase", "state")
    states = {
        (row.provider, row.model, row.phase, row.state): 1 for row in connection.execute(select(breakers))
    }
    success = GaugeMetricFamily(
        "farm_provider_success",
        "How often calls succeed, 0 to 1, the latest counting most; as of the last one.",
        labels=names[:2],
    )
    for row in connection.execute(select(provider_health)):
        success.add_metric((row.provider, row.model), row.success)
    return _family("farm_breakers", "Circuit breakers, each in its state.", names, states), success


def _webhooks(_hall: Hall, connection: Connection, now: float) -> Sequence[Metric]:
    """What is due and has not been delivered. A retry counts from its due time."""
    queries = [
        select(func.count().label("number"), func.min(table.c.due_at).label("since")).where(
            table.c.state == literal_column("'pending'"), table.c.due_at <= now
        )
        for table in (outbox, deliveries)
    ]
    rows = connection.execute(union_all(*queries)).all()
    since = min((row.since for row in rows if row.since is not None), default=now)
    pending = GaugeMetricFamily("farm_webhooks_due", "Webhook events and attempts that are due.")
    pending.add_metric((), float(sum(row.number for row in rows)))
    lag = GaugeMetricFamily("farm_webhook_lag_seconds", "How long the oldest due webhook has waited.")
    lag.add_metric((), max(0.0, now - since))
    return pending, lag


_WAITING = (
    select(tasks.c.pool, func.count().label("number"))
    .where(tasks.c.state == literal_column("'waiting'"))
    .group_by(tasks.c.pool)
)


def _waiting(_hall: Hall, connection: Connection, _now: float) -> Sequence[Metric]:
    found = {(row.pool,): row.number for row in connection.execute(_WAITING)}
    help_text = "Tasks that wait for a due time: a retry, a later start, a worker that can run them."
    return (_family("farm_tasks_waiting", help_text, ("pool",), found),)


_OPEN_JOBS = (
    select(jobs.c.state, func.count().label("number"), func.sum(jobs.c.held_mc).label("held_mc"))
    .where(jobs.c.ended_at.is_(None))
    .group_by(jobs.c.state)
)


def _credits(_hall: Hall, connection: Connection, now: float) -> Sequence[Metric]:
    rows = connection.execute(_OPEN_JOBS).all()
    this_month = and_(accounts.c.spent_month == month_of(now))
    spent = connection.scalar(select(func.sum(case((this_month, accounts.c.spent_mc), else_=0)))) or 0
    held = GaugeMetricFamily("farm_credits_held", "Credits held for jobs that have not ended.")
    held.add_metric((), float(sum(row.held_mc or 0 for row in rows)) / _MILLI)
    charged = GaugeMetricFamily("farm_credits_charged_this_month", "Credits charged since the first (UTC).")
    charged.add_metric((), float(spent) / _MILLI)
    found = {(row.state,): row.number for row in rows}
    return _family("farm_jobs_open", "Jobs that have not ended.", ("state",), found), held, charged


def _family(name: str, help_text: str, labels: Sequence[str], values: dict[Any, int]) -> GaugeMetricFamily:
    family = GaugeMetricFamily(name, help_text, labels=labels)
    for key, value in sorted(values.items()):
        family.add_metric(key, float(value))
    return family


_CHEAP: Sequence[Reading] = (_backlog, _live, _workers, _schedulers, _providers, _webhooks)
_DEAR: Sequence[Reading] = (_waiting, _credits)
