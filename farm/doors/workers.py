"""The workers door: who is here, what they can do, and the operator's hold on them: drain, resume, sleep."""

from dataclasses import dataclass

from sqlalchemy import Connection, func, select, update

from farm.doors import audit
from farm.doors.hall import Hall
from farm.errors import Conflict, NotFound
from farm.sleep import TIMEZONE, Schedule, zone_of
from farm.states import AttemptState, WorkerState
from farm.store.rows import AnyRow
from farm.store.schema import LIVE, attempts, workers


@dataclass(frozen=True, slots=True)
class WorkerView:
    """A worker as it announced itself. One that fell silent is shown as offline. Times are Unix seconds.

    `kept_out` says whether it is draining, quarantined or sleeping, and `because` why, also while it is
    offline. `sleep` is its schedule, in its own `timezone`. `running` counts its attempts.
    """

    name: str
    pool: str
    host: str
    pid: int
    state: WorkerState
    kept_out: WorkerState | None
    because: str | None
    sleep: str | None
    timezone: str
    running: int
    slots: dict[str, int]
    kinds: tuple[str, ...]
    models: tuple[str, ...]
    labels: dict[str, str]
    software: str
    started_at: float
    seen_at: float


_RUNNING = (
    select(func.count())
    .where(LIVE, attempts.c.state == AttemptState.RUNNING, attempts.c.worker == workers.c.name)
    .scalar_subquery()
)
_VIEWS = select(workers, _RUNNING.label("running"))


def list_workers(hall: Hall) -> list[WorkerView]:
    """Every worker the farm has seen, by pool and name."""
    with hall.store.read() as connection:
        return [
            _view(hall, row) for row in connection.execute(_VIEWS.order_by(workers.c.pool, workers.c.name))
        ]


def drain(hall: Hall, who: str, name: str, because: str = "") -> WorkerView:
    """Send the worker nothing more; what it runs it finishes. Holds until `resume`, whatever restarts.

    Raises NotFound. One that is kept out already stays as it is.
    """
    with hall.store.write() as connection:
        row = _row(connection, name)
        if row.kept_out in (None, WorkerState.SLEEPING):
            why = because or f"drained by {who}"
            connection.execute(
                update(workers)
                .where(workers.c.name == name)
                .values(kept_out=WorkerState.DRAINING, kept_out_because=why[:300])
            )
            audit.note(connection, hall, who, "worker.drain", name, {"because": because})
        found = _view(hall, _row(connection, name))
    hall.bell.ring()
    return found


def resume(hall: Hall, who: str, name: str) -> WorkerView:
    """Send the worker tasks again, whether it was drained or quarantined.

    Raises NotFound, and Conflict while it sleeps by its schedule.
    """
    with hall.store.write() as connection:
        row = _row(connection, name)
        if row.kept_out == WorkerState.SLEEPING:
            raise Conflict(
                f"{name} sleeps by its schedule, {row.sleep}; change that, or take it away.", param="name"
            )
        connection.execute(
            update(workers)
            .where(workers.c.name == name)
            .values(kept_out=None, kept_out_because=None, failed_jobs=[], failing=0)
        )
        if row.kept_out is not None:
            audit.note(connection, hall, who, "worker.resume", name, {"was": row.kept_out})
        found = _view(hall, _row(connection, name))
    hall.bell.ring()
    return found


def set_sleep(hall: Hall, who: str, name: str, schedule: str | None) -> WorkerView:
    """Let the worker sleep at these hours of its own time zone (farm/sleep.py), or with None never again.

    The scheduler puts it to sleep within a second. Raises NotFound, and BadRequest for a schedule or a
    time zone that cannot be read.
    """
    if schedule is not None:
        Schedule.parse(schedule)
    with hall.store.write() as connection:
        row = _row(connection, name)
        if schedule is not None:
            zone_of(row.labels.get(TIMEZONE))
        values: dict[str, str | None] = {"sleep": schedule}
        if row.kept_out == WorkerState.SLEEPING:  # awake until the sweep has read the new schedule
            values |= {"kept_out": None, "kept_out_because": None}
        connection.execute(update(workers).where(workers.c.name == name).values(values))
        if schedule != row.sleep:
            audit.note(connection, hall, who, "worker.sleep", name, {"schedule": schedule, "was": row.sleep})
        found = _view(hall, _row(connection, name))
    hall.bell.ring()
    return found


def _row(connection: Connection, name: str) -> AnyRow:
    row = connection.execute(_VIEWS.where(workers.c.name == name)).one_or_none()
    if row is None:
        raise NotFound(f"There is no worker {name!r}.", param="name")
    return row


def _view(hall: Hall, row: AnyRow) -> WorkerView:
    silent_since = hall.clock.now() - hall.catalog.scheduling.worker_gone_s
    kept_out = WorkerState(row.kept_out) if row.kept_out else None
    here = row.seen_at >= silent_since and row.state != WorkerState.OFFLINE
    return WorkerView(
        name=row.name,
        pool=row.pool,
        host=row.host,
        pid=row.pid,
        state=(kept_out or WorkerState(row.state)) if here else WorkerState.OFFLINE,
        kept_out=kept_out,
        because=row.kept_out_because,
        sleep=row.sleep,
        timezone=row.labels.get(TIMEZONE, "UTC"),
        running=row.running,
        slots=dict(row.slots),
        kinds=tuple(row.kinds),
        models=tuple(row.models),
        labels=dict(row.labels),
        software=row.software,
        started_at=row.started_at,
        seen_at=row.seen_at,
    )
