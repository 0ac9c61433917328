"""Traces of ended jobs to an OpenTelemetry collector, for those who set OTEL_EXPORTER_OTLP_ENDPOINT.

One trace per job, made after its end from the times that the store has anyway: nothing is carried through
the farm, and nothing of this runs in a tick, a call or a worker. Ids follow from the job's id, so anybody can
find a job's trace, and a trace told twice is the same trace. What is not told (a restart, a collector that
is away for long) is lost, and nothing with it. The extra `otel` installs the SDK, which reads its own OTEL_*
variables: endpoint, headers, sampler, service name.
"""

import hashlib
import os
import socket
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.util import find_spec
from typing import TYPE_CHECKING

import structlog
from sqlalchemy import Connection, func, select, tuple_

from farm.doors.hall import Hall
from farm.states import JobState, Outcome
from farm.store.engine import StoreAway
from farm.store.rows import AnyRow
from farm.store.schema import accounts, attempts, batches, jobs, schedulers, tasks

if TYPE_CHECKING:
    from opentelemetry.sdk.trace.id_generator import IdGenerator
else:
    IdGenerator = object  # the SDK may not be installed

log = structlog.get_logger(__name__)

ENDPOINTS = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
_LOOK_S = 2.0
_BEHIND_S = 5.0  # a tick that ended jobs may not have committed yet
_AT_ONCE = 500
_LEAVE_S = 5.0


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of a job's life. `parent` None is the job itself. Times are Unix seconds."""

    trace_id: int
    span_id: int
    parent: int | None
    name: str
    start: float
    end: float
    attributes: Mapping[str, str | int | float] = field(default_factory=dict)
    error: str | None = None


# Where spans go, a job's at once, the job itself first. Never raises for a collector that is away.
Tell = Callable[[Sequence[Span]], None]


def trace_id(job_id: str) -> int:
    """128 bits that follow from the job's id: the first 32 hex digits of its SHA-256."""
    return int.from_bytes(hashlib.sha256(job_id.encode()).digest()[:16])


def job_spans(job: AnyRow, runs: Sequence[AnyRow], ready_at: float | None) -> list[Span]:
    """A job's trace: submit until it could run; wait and attempt of each run; settle after the last. Pure.

    `runs` are its attempts that began, in order. One that ended without any has no more than the first two.
    """
    root = _span_id(job.id, "job")
    failed = f"{job.error_code}: {job.error_message}" if job.state == JobState.FAILED else None
    spans = [
        Span(trace_id(job.id), root, None, job.kind, job.created_at, job.ended_at, _about(job), failed),
        _part(job, "submit", "submit", job.created_at, ready_at or job.created_at),
    ]
    since: dict[int, float] = {}
    for run in runs:
        free_at = since.get(run.task_id, run.ready_at or job.created_at)
        spans.append(_part(job, f"wait/{run.id}", "wait", free_at, run.started_at, {"farm.pool": run.pool}))
        spans.append(_attempt(job, run))
        since[run.task_id] = run.ended_at
    if runs:
        last = max(run.ended_at for run in runs)
        spans.append(_part(job, "settle", "settle", last, job.ended_at))
    return spans


def _attempt(job: AnyRow, run: AnyRow) -> Span:
    about = {
        "farm.attempt.id": run.id,
        "farm.task": run.task_name,
        "farm.pool": run.pool,
        "farm.worker": run.worker,
        "farm.provider": run.provider,
        "farm.outcome": run.outcome,
        "farm.failure_class": run.failure_class,
    }
    known = {name: value for name, value in about.items() if value is not None}
    wrong = run.outcome in (Outcome.FAILED, Outcome.LOST)
    error = f"{run.failure_class or run.outcome}: {run.error_message or 'nothing was heard of it'}"
    name = f"attempt/{run.id}"
    return _part(job, name, "attempt", run.started_at, run.ended_at, known, error if wrong else None)


def _part(
    job: AnyRow,
    key: str,
    name: str,
    start: float,
    end: float,
    attributes: Mapping[str, str | int | float] | None = None,
    error: str | None = None,
) -> Span:
    ids = (trace_id(job.id), _span_id(job.id, key), _span_id(job.id, "job"))
    return Span(*ids, name, start, max(start, end), attributes or {}, error)


def _about(job: AnyRow) -> Mapping[str, str | int | float]:
    about = {
        "farm.job.id": job.id,
        "farm.job.state": job.state,
        "farm.surface": job.surface,
        "farm.account": job.account,
        "farm.tier": job.tier,
        "farm.batch": job.batch,
        "farm.charged_credits": job.charged_mc / 1000,
    }
    return {name: value for name, value in about.items() if value is not None}


def _span_id(job_id: str, key: str) -> int:
    """64 bits, never 0."""
    return int.from_bytes(hashlib.sha256(f"{job_id}/{key}".encode()).digest()[:8]) or 1


class Tracing:
    """Looks for jobs that have ended since the last look, and tells of them."""

    def __init__(self, hall: Hall, tell: Tell) -> None:
        self._hall = hall
        self._tell = tell
        self._after = (hall.clock.now() - _BEHIND_S, 0)

    def look(self) -> int:
        """Tell of those that are due. Returns how many jobs. Raises StoreAway."""
        until = self._hall.clock.now() - _BEHIND_S
        with self._hall.store.read() as connection:
            ended = _ended(connection, self._after, until)
            if not ended:
                return 0
            runs, ready = _runs(connection, [job.seq for job in ended])
        self._after = (ended[-1].ended_at, ended[-1].seq)
        for job in ended:
            self._tell(job_spans(job, runs.get(job.seq, []), ready.get(job.seq)))
        return len(ended)

    def skip(self) -> None:
        """Another scheduler tells of what ends now."""
        self._after = (self._hall.clock.now() - _BEHIND_S, 0)


def _ended(connection: Connection, after: tuple[float, int], until: float) -> Sequence[AnyRow]:
    query = (
        select(jobs, accounts.c.name.label("account"), accounts.c.tier, batches.c.public_id.label("batch"))
        .join(accounts, accounts.c.id == jobs.c.account_id)
        .join(batches, batches.c.id == jobs.c.batch_id, isouter=True)
        .where(jobs.c.ended_at.is_not(None), tuple_(jobs.c.ended_at, jobs.c.seq) > after)
        .where(jobs.c.ended_at <= until)
        .order_by(jobs.c.ended_at, jobs.c.seq)
        .limit(_AT_ONCE)
    )
    return connection.execute(query).all()


def _runs(
    connection: Connection, seqs: Sequence[int]
) -> tuple[Mapping[int, list[AnyRow]], Mapping[int, float]]:
    """Each job's attempts that began and ended, and when the first of its tasks could run."""
    ready = select(tasks.c.job_seq, func.min(tasks.c.ready_at).label("at")).where(tasks.c.job_seq.in_(seqs))
    found: dict[int, list[AnyRow]] = {}
    query = (
        select(attempts, tasks.c.ready_at, tasks.c.name.label("task_name"))
        .join(tasks, tasks.c.id == attempts.c.task_id)
        .where(attempts.c.job_seq.in_(seqs))
        .where(attempts.c.started_at.is_not(None), attempts.c.ended_at.is_not(None))
        .order_by(attempts.c.id)
    )
    for row in connection.execute(query):
        found.setdefault(row.job_seq, []).append(row)
    rows = connection.execute(ready.group_by(tasks.c.job_seq))
    return found, {row.job_seq: row.at for row in rows if row.at is not None}


def _leads(hall: Hall) -> bool:
    """Whether this process's scheduler is the one that leads: only one tells."""
    query = select(schedulers.c.host, schedulers.c.pid).where(schedulers.c.lead == 1)
    with hall.store.read() as connection:
        row = connection.execute(query).one_or_none()
    return row is not None and (row.host, row.pid) == (socket.gethostname(), os.getpid())


@contextmanager
def tracing(hall: Hall) -> Iterator[None]:
    """Tell of ended jobs from a thread of its own while the block runs, if a collector is named."""
    if not any(os.environ.get(name) for name in ENDPOINTS):
        yield
        return
    if not _is_installed():
        log.warning("no_traces", mend="pip install 'kinefarm[otel]', or unset OTEL_EXPORTER_OTLP_ENDPOINT")
        yield
        return
    over = threading.Event()
    thread = threading.Thread(target=_keep_telling, args=[hall, over], name="tracing", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join(_LEAVE_S)  # a collector that is away must not hold the scheduler up


def _is_installed() -> bool:
    try:
        return find_spec("opentelemetry.exporter.otlp.proto.http") is not None
    except ModuleNotFoundError:  # a package above it is missing
        return False


def _keep_telling(hall: Hall, over: threading.Event) -> None:
    teller = OtlpTeller()
    tracing = Tracing(hall, teller)
    full = False
    while not over.wait(0.0 if full else _LOOK_S):
        full = False
        try:
            if _leads(hall):
                full = tracing.look() == _AT_ONCE
            else:
                tracing.skip()
        except StoreAway as away:
            log.warning("store_away", error=away.message)
        except Exception:  # whatever it was, the farm goes on without its traces
            log.exception("not_traced")
    teller.close()


class _ToldIds(IdGenerator):
    """Gives the ids that were set: ours follow from the job's."""

    trace_id = 0
    span_id = 0

    def generate_trace_id(self) -> int:
        return self.trace_id

    def generate_span_id(self) -> int:
        return self.span_id

    def is_trace_id_random(self) -> bool:
        return False


class OtlpTeller:
    """Spans to the SDK, which batches and sends them as its OTEL_* variables say. For one thread."""

    def __init__(self) -> None:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor

        self._ids = _ToldIds()
        service = {"service.name": os.environ.get("OTEL_SERVICE_NAME", "kinefarm")}
        self._provider = TracerProvider(
            resource=Resource.create(service), id_generator=self._ids, shutdown_on_exit=False
        )
        self._provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
        self._tracer = self._provider.get_tracer("kinefarm")

    def __call__(self, spans: Sequence[Span]) -> None:
        from opentelemetry.trace import Status, StatusCode, set_span_in_context

        within = None
        for span in spans:
            self._ids.trace_id, self._ids.span_id = span.trace_id, span.span_id
            made = self._tracer.start_span(
                span.name, within, attributes=span.attributes, start_time=_ns(span.start)
            )
            if span.parent is None:
                within = set_span_in_context(made)
            if span.error is not None:
                made.set_status(Status(StatusCode.ERROR, span.error))
            made.end(_ns(span.end))

    def close(self) -> None:
        """Send what is left."""
        self._provider.shutdown()


def _ns(seconds: float) -> int:
    return round(seconds * 1_000_000) * 1000
