"""Where an account's credits went, key by key: jobs, spend, models, and how often another had to stand in."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from sqlalchemy import ColumnElement, Select, case, distinct, false, func, or_, select

from farm.chat import CHAT
from farm.doors.hall import Hall
from farm.states import JobState
from farm.store.rows import AnyRow
from farm.store.schema import api_keys, attempts, jobs, tasks


@dataclass(slots=True)
class ModelUsage:
    """Calls that a model served, and how many of them came to it or left it by a failover."""

    calls: int = 0
    failovers: int = 0


@dataclass(slots=True)
class KindUsage:
    """Jobs of one kind, and what they cost."""

    jobs: int = 0
    charged_mc: int = 0


@dataclass(slots=True)
class KeyUsage:
    """What one key did. `prefix` is None for jobs that no key made. `held_mc` is what its open jobs hold."""

    prefix: str | None
    name: str
    jobs: int = 0
    completed: int = 0
    failed: int = 0
    charged_mc: int = 0
    held_mc: int = 0
    kinds: dict[str, KindUsage] = field(default_factory=dict)
    models: dict[str, ModelUsage] = field(default_factory=dict)

    @property
    def failovers(self) -> int:
        return sum(model.failovers for model in self.models.values())


def usage(hall: Hall, account_id: int, since: float, until: float) -> list[KeyUsage]:
    """By key, the dearest first, for jobs submitted from `since` to before `until` (Unix seconds)."""
    asked = (jobs.c.account_id == account_id) & (jobs.c.created_at >= since) & (jobs.c.created_at < until)
    found: dict[int | None, KeyUsage] = {}
    with hall.store.read() as connection:
        named = _names(connection.execute(_KEYS.where(api_keys.c.account_id == account_id)))
        for row in connection.execute(_JOBS.where(asked)):
            key = found.setdefault(row.api_key_id, KeyUsage(*named.get(row.api_key_id, (None, ""))))
            key.jobs += row.number
            key.completed += row.completed
            key.failed += row.failed
            key.charged_mc += int(row.charged)
            key.held_mc += int(row.held)
            key.kinds[row.kind] = KindUsage(row.number, int(row.charged))
        for query in (_ROUTED, _TALKED):
            for row in connection.execute(query.where(asked)):
                model = found[row.api_key_id].models.setdefault(row.served_by, ModelUsage())
                model.calls += row.number
                model.failovers += row.failovers
    return sorted(found.values(), key=lambda key: (-key.charged_mc, key.prefix or ""))


def _names(rows: Iterable[AnyRow]) -> Mapping[int | None, tuple[str, str]]:
    return {row.id: (row.prefix, row.name) for row in rows}


def _count(condition: ColumnElement[bool]) -> ColumnElement[int]:
    return func.coalesce(func.sum(case((condition, 1), else_=0)), 0)


_KEYS = select(api_keys.c.id, api_keys.c.prefix, api_keys.c.name)
_JOBS: Select[tuple[object, ...]] = select(
    jobs.c.api_key_id,
    jobs.c.kind,
    func.count().label("number"),
    _count(jobs.c.state == JobState.COMPLETED).label("completed"),
    _count(jobs.c.state == JobState.FAILED).label("failed"),
    func.coalesce(func.sum(jobs.c.charged_mc), 0).label("charged"),
    func.coalesce(func.sum(case((jobs.c.ended_at.is_(None), jobs.c.held_mc), else_=0)), 0).label("held"),
).group_by(jobs.c.api_key_id, jobs.c.kind)

# An attempt tells what followed it, and who was passed over before it.
_MOVED = or_(
    attempts.c.decision["then"]["what"].as_string() == "failover",
    attempts.c.decision["skipped"][0]["provider"].as_string().is_not(None),
)
_ROUTED = (
    select(
        jobs.c.api_key_id,
        tasks.c.choice["model"].as_string().label("served_by"),
        func.count(distinct(tasks.c.id)).label("number"),
        func.count(distinct(case((_MOVED, tasks.c.id)))).label("failovers"),
    )
    .join_from(tasks, jobs, jobs.c.seq == tasks.c.job_seq)
    .join(attempts, attempts.c.task_id == tasks.c.id, isouter=True)
    .where(tasks.c.choice.is_not(None))
    .group_by(jobs.c.api_key_id, "served_by")
)
_SAID = jobs.c.result[CHAT]
_TALKED = (
    select(
        jobs.c.api_key_id,
        _SAID["model_actual"].as_string().label("served_by"),
        func.count().label("number"),
        _count(func.coalesce(_SAID["failover_used"].as_boolean(), false())).label("failovers"),
    )
    .where(jobs.c.kind == CHAT, jobs.c.state == JobState.COMPLETED)
    .group_by(jobs.c.api_key_id, "served_by")
)
