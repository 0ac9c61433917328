"""The workers door: who is here, and what they can do."""

from dataclasses import dataclass

from sqlalchemy import select

from farm.doors.hall import Hall
from farm.states import WorkerState
from farm.store.schema import workers


@dataclass(frozen=True, slots=True)
class WorkerView:
    """A worker as it announced itself. One that fell silent is shown as offline. Times are Unix seconds."""

    name: str
    pool: str
    host: str
    pid: int
    state: WorkerState
    slots: dict[str, int]
    kinds: tuple[str, ...]
    models: tuple[str, ...]
    labels: dict[str, str]
    software: str
    started_at: float
    seen_at: float


def list_workers(hall: Hall) -> list[WorkerView]:
    """Every worker the farm has seen, by pool and name."""
    silent_since = hall.clock.now() - hall.catalog.scheduling.worker_gone_s
    with hall.store.read() as connection:
        rows = connection.execute(select(workers).order_by(workers.c.pool, workers.c.name)).all()
    return [
        WorkerView(
            name=row.name,
            pool=row.pool,
            host=row.host,
            pid=row.pid,
            state=WorkerState(row.state) if row.seen_at >= silent_since else WorkerState.OFFLINE,
            slots=dict(row.slots),
            kinds=tuple(row.kinds),
            models=tuple(row.models),
            labels=dict(row.labels),
            software=row.software,
            started_at=row.started_at,
            seen_at=row.seen_at,
        )
        for row in rows
    ]
