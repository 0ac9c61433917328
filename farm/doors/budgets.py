"""Monthly budgets of single API keys: counted in the submit's own transaction, told of at 80 and 100 percent.

A key's row counts what its jobs of this month hold or were charged, and only while it has a budget: keys
without one never wait for each other here. Months are calendar months in UTC.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, bindparam, case, func, insert, select, update

from farm.account import Caller
from farm.doors import audit
from farm.doors.hall import Hall
from farm.errors import BadRequest, BudgetExceeded, NotFound
from farm.money import credits, credits_text, month_of, month_start
from farm.store.rows import AnyRow
from farm.store.schema import api_keys, jobs, outbox


@dataclass(frozen=True, slots=True)
class _Threshold:
    """A share of the budget in percent, its event, and the bit of `alerted` that says it was told."""

    percent: int
    event: str
    bit: int


_WARNING = _Threshold(80, "budget.warning", 1)
_EXHAUSTED = _Threshold(100, "budget.exhausted", 2)


@contextmanager
def budgets_told(hall: Hall, caller: Caller) -> Iterator[None]:
    """Around a submit's transaction: a refusal by the budget rolls that back, and is told in its own."""
    try:
        yield
    except BudgetExceeded:
        with hall.store.write() as connection:
            now = hall.clock.now()
            row = _count(connection, caller.key_id, 0, month_of(now))
            if row is not None:
                _alert(connection, caller, row, [_EXHAUSTED], now)
        raise


def spend(connection: Connection, caller: Caller, amount_mc: int, now: float) -> None:
    """Count new jobs against the key's budget. Raises BudgetExceeded naming the key.

    Comes after the insert of the jobs: their reference to the key's row makes set_budget wait for us, or us
    for it.
    """
    row = _count(connection, caller.key_id, amount_mc, month_of(now))
    if row is None:
        return
    if amount_mc > 0 and row.spent_mc > row.budget_mc:
        left = max(0, row.budget_mc - row.spent_mc + amount_mc)
        raise BudgetExceeded(
            f"This needs {credits_text(amount_mc)} credits; key {caller.key_prefix} has "
            f"{credits_text(left)} left of its monthly budget of {credits_text(row.budget_mc)}."
        )
    _alert(connection, caller, row, _reached(row), now)


def give_back(connection: Connection, ended: Sequence[tuple[int, float, int]]) -> None:
    """Take what jobs did not cost from their keys' counts: (key, time of the submit, milli-credits) each."""
    back: dict[tuple[int, str], int] = {}
    for key_id, submitted_at, amount_mc in ended:
        of_month = (key_id, month_of(submitted_at))
        back[of_month] = back.get(of_month, 0) + amount_mc
    for (key_id, month), amount_mc in sorted(back.items()):
        if amount_mc:
            connection.execute(
                update(api_keys)
                .where(
                    api_keys.c.id == key_id,
                    api_keys.c.budget_mc.is_not(None),
                    api_keys.c.spent_month == month,
                )
                .values(spent_mc=api_keys.c.spent_mc - amount_mc)
            )


def set_budget(hall: Hall, prefix: str, budget_mc: int | None, *, who: str = "system") -> None:
    """Limit what a key may spend in a calendar month; None lifts it. Raises NotFound, BadRequest.

    What its jobs of this month hold or were charged counts.
    """
    if budget_mc is not None and budget_mc < 0:
        raise BadRequest("A budget is 0 or more.", param="credits")
    with hall.store.write() as connection:
        key = connection.execute(
            select(api_keys.c.id, api_keys.c.account_id).where(api_keys.c.prefix == prefix).with_for_update()
        ).one_or_none()
        if key is None:
            raise NotFound(f"There is no key {prefix!r}.", param="prefix")
        now = hall.clock.now()
        connection.execute(
            update(api_keys)
            .where(api_keys.c.id == key.id)
            .values(
                budget_mc=budget_mc,
                spent_mc=_spent_by_jobs(connection, key, month_start(now)),
                spent_month=month_of(now),
                alerted=0,
            )
        )
        audit.note(connection, hall, who, "key.set_budget", prefix, {"milli_credits": budget_mc})


def _count(connection: Connection, key_id: int, amount_mc: int, month: str) -> AnyRow | None:
    """Add to the key's count of this month, and hold its row. None: it has no budget."""
    said = {"of_key": key_id, "by_mc": amount_mc, "this_month": month}
    return connection.execute(_COUNT, said).one_or_none()


def _this_month(column: ColumnElement[int]) -> ColumnElement[int]:
    return case((api_keys.c.spent_month == bindparam("this_month"), column), else_=0)


_COUNT = (
    update(api_keys)
    .where(api_keys.c.id == bindparam("of_key"), api_keys.c.budget_mc.is_not(None))
    .values(
        spent_mc=_this_month(api_keys.c.spent_mc) + bindparam("by_mc", type_=api_keys.c.spent_mc.type),
        alerted=_this_month(api_keys.c.alerted),
        spent_month=bindparam("this_month"),
    )
    .returning(
        api_keys.c.id,
        api_keys.c.budget_mc,
        api_keys.c.spent_mc,
        api_keys.c.spent_month,
        api_keys.c.alerted,
    )
)


def _reached(row: AnyRow) -> list[_Threshold]:
    return [
        threshold
        for threshold in (_WARNING, _EXHAUSTED)
        if row.spent_mc > 0 and row.spent_mc * 100 >= threshold.percent * row.budget_mc
    ]


def _alert(
    connection: Connection, caller: Caller, row: AnyRow, reached: Sequence[_Threshold], now: float
) -> None:
    """Tell of each threshold once a month; the key's row, which we hold, remembers."""
    fresh = [threshold for threshold in reached if not row.alerted & threshold.bit]
    if not fresh:
        return
    alerted = row.alerted | sum(threshold.bit for threshold in fresh)
    connection.execute(update(api_keys).where(api_keys.c.id == row.id).values(alerted=alerted))
    connection.execute(
        insert(outbox),
        [
            {
                "account_id": caller.account.id,
                "event": threshold.event,
                "endpoint": "",
                "payload": _told(caller, row, threshold),
                "state": "pending",
                "due_at": now,
                "created_at": now,
            }
            for threshold in fresh
        ],
    )


def _told(caller: Caller, row: AnyRow, threshold: _Threshold) -> dict[str, object]:
    return {
        "key": caller.key_prefix,
        "account": caller.account.public_id,
        "month": row.spent_month,
        "percent": threshold.percent,
        "budget_credits": credits(row.budget_mc),
        "spent_credits": credits(row.spent_mc),
    }


def _spent_by_jobs(connection: Connection, key: AnyRow, since: float) -> int:
    """What the key's jobs that were submitted since then hold or were charged."""
    cost = case((jobs.c.ended_at.is_(None), jobs.c.held_mc), else_=jobs.c.charged_mc)
    query = select(func.coalesce(func.sum(cost), 0)).where(
        jobs.c.account_id == key.account_id, jobs.c.api_key_id == key.id, jobs.c.created_at >= since
    )
    return int(connection.scalar(query) or 0)
