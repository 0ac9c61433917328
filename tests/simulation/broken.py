"""The farm with one promise-keeper missing: the simulation must catch each of these."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any
from unittest import mock

from sqlalchemy import Connection, Select, Update, and_, bindparam, case, func, select

from farm.broker.message import Message
from farm.choices import Choice
from farm.doors import claims as doors_claims
from farm.doors import reports
from farm.rules.running import WebhookRules
from farm.store.dialect import OneOf
from farm.store.schema import attempts, lanes, tiers
from schedulers import arrivals as arrivals_module
from schedulers import endings
from schedulers.dispatcher import Dispatcher
from schedulers.failover import desk
from schedulers.fairness import TierTurn
from schedulers.loop import Scheduler
from schedulers.webhooks import claims
from schedulers.webhooks.claims import Claim

# What is missing, and the crowd in which that can be seen at all.
VARIANTS: Mapping[str, str | None] = {
    "sweep": None,
    "fencing": None,
    "settlement": None,
    "delivery_leases": None,
    "purchases": None,
    "lane_vtime_of_its_tier": "shares",
    "weights": "shares",
    "ageing": "newcomers",
}


@contextmanager
def breaking(what: str, crash: Callable[[str], None]) -> Iterator[None]:
    """Switch one promise-keeper off while the block runs."""
    patches: dict[str, Callable[[], Any]] = {
        "sweep": lambda: mock.patch.object(Scheduler, "_sweep", _no_sweep),
        "fencing": _no_fencing,
        "settlement": lambda: mock.patch.object(
            endings, "_settle_money", _split_from(endings._settle_money, crash)
        ),
        "delivery_leases": lambda: mock.patch.object(claims, "_take", _unleased(claims._take)),
        "purchases": lambda: mock.patch.object(desk, "carried", _forgotten),
        "lane_vtime_of_its_tier": lambda: mock.patch.object(arrivals_module, "_SIBLINGS", _shared_vtime()),
        "weights": lambda: mock.patch.object(Dispatcher, "_tiers", _unweighted(Dispatcher._tiers)),
        "ageing": lambda: mock.patch.object(Dispatcher, "_is_ageing_turn", lambda *_: False),
    }
    with patches[what]():
        yield


def _no_sweep(_scheduler: Scheduler, _connection: Connection, _now: float, *_more: object) -> list[Message]:
    return []


@contextmanager
def _no_fencing() -> Iterator[None]:
    one = doors_claims._ONE
    with (
        mock.patch.object(doors_claims, "_ONE", replace(one, take=_unguarded(one.take))),
        mock.patch.object(reports, "_FINISH", _unguarded(reports._FINISH)),
    ):
        yield


def _unguarded(statement: Update) -> Update:
    """The same for the attempt's id alone: whoever has it, and in whatever state."""
    bare = statement.where()
    bare._where_criteria = (attempts.c.id == bindparam("attempt"),)
    return bare


def _split_from(settle: Callable[..., None], crash: Callable[[str], None]) -> Callable[..., None]:
    """Money in a transaction of its own, after the one that ended the job."""

    def split(connection: Connection, *arguments: Any) -> None:
        connection.exec_driver_sql("COMMIT")
        connection.exec_driver_sql("BEGIN IMMEDIATE")
        crash("between_end_and_money")
        settle(connection, *arguments)

    return split


def _unleased(take: Callable[..., list[Claim]]) -> Callable[..., list[Claim]]:
    """Claims that hold nothing: what is due stays due while it is being sent."""

    def taken(connection: Connection, ids: list[int], rules: WebhookRules, now: float) -> list[Claim]:
        return take(connection, ids, rules.model_copy(update={"lease_s": 0.0}), now)

    return taken


def _forgotten(choice: Choice, _failure: object, **_bought: object) -> Choice:
    """What an attempt bought, or may have, is nothing to the next one."""
    return choice.model_copy(update={"provider_ref": None, "in_doubt": False, "skipped": ()})


def _shared_vtime() -> Select[Any]:
    """A lane joins at the furthest virtual time of its line, of whichever tier."""
    every, lane = tiers.alias("every"), arrivals_module._lane
    furthest = (
        select(func.max(every.c.lane_vtime))
        .where(every.c.pool == lanes.c.pool, every.c.resource == lanes.c.resource)
        .correlate(lanes)
        .scalar_subquery()
    )
    own = [lanes.c[name] == tiers.c[name] for name in ("pool", "resource", "tier")]
    same = [lanes.c[name] == lane.c[name] for name in ("account_id", "pool", "resource")]
    return (
        select(lanes, case((tiers.c.lane_vtime.is_not(None), furthest)).label("lane_vtime"))
        .join_from(lane, lanes, and_(*same))
        .join(tiers, and_(*own), isouter=True)
        .where(OneOf(lane.c.id, "ids"))
    )


def _unweighted(tiers: Callable[..., dict[str, TierTurn]]) -> Callable[..., dict[str, TierTurn]]:
    """Every tier counts the same."""

    def read(*arguments: Any) -> dict[str, TierTurn]:
        return {name: replace(turn, weight=1.0) for name, turn in tiers(*arguments).items()}

    return read
