"""Tells in words why a task waits for its provider: it rests, or runs as much as it may."""

from sqlalchemy import Connection, func, select

from farm.choices import NOBODY, Choice
from farm.doors.hall import Hall
from farm.states import TaskState
from farm.store.rows import AnyRow
from farm.store.schema import LIVE, attempts, breakers


def waits_for_provider(hall: Hall, connection: Connection, task: AnyRow) -> str | None:
    """Why, or None when it waits for something else."""
    choice = Choice.model_validate(task.choice)
    provider = hall.catalog.providers.providers.get(choice.provider)
    if task.parked_for == NOBODY:
        left_s = max(0.0, (task.due_at or 0.0) - hall.clock.now())
        return f"providers.toml has nobody for {choice.model} any more; the job fails in {left_s:.0f} s."
    if provider is None:
        return f"provider {choice.provider} is not in providers.toml any more."
    if task.state == TaskState.WAITING:
        return _rest(hall, connection, task, choice) if task.parked_for else None
    if provider.max_running is None:
        return None
    live = connection.scalar(_LIVE.where(attempts.c.provider == choice.provider)) or 0
    if live < provider.max_running:
        return None
    return f"provider {choice.provider} already runs {live} tasks, its limit."


def _rest(hall: Hall, connection: Connection, task: AnyRow, choice: Choice) -> str:
    """What its provider's breakers say; the others that may serve it rest as well, or it would be there."""
    now = hall.clock.now()
    name = f"provider {choice.provider} ({choice.model})"
    for row in connection.execute(
        select(breakers).where(breakers.c.provider == choice.provider, breakers.c.model == choice.model)
    ):
        if row.state == "half_open" and row.probe_task is not None:
            return f"{name} was failing ({row.because}); one task tries whether it is well again."
        if row.state == "open":
            return f"{name} rests another {max(0.0, row.until - now):.0f} s after failures ({row.because})."
        if row.until > now:
            return f"{name} has too much to do and asked for {row.until - now:.0f} s more."
    return f"{name} may be asked again in {max(0.0, (task.due_at or now) - now):.0f} s."


_LIVE = select(func.count()).select_from(attempts).where(LIVE)
