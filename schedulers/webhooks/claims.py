"""Who sends what, and what came of it. A claim is a lease: two deliverers never make the same attempt."""

from collections import Counter
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, func, select, update

from farm.doors.webhooks import disable
from farm.net.http import Reply
from farm.rules.running import WebhookRules
from farm.store.rows import AnyRow
from farm.store.schema import api_keys, deliveries, outbox, webhook_endpoints
from farm.webhook import DeliveryState
from schedulers.webhooks.outcomes import Delivered, GivenUp, Later, after

_EXCERPT = 1000

_DUE = (deliveries.c.state == DeliveryState.PENDING,)
_ENDPOINT = select(webhook_endpoints.c.id).with_for_update()
_CLAIMED = (
    select(
        deliveries.c.id,
        deliveries.c.public_id,
        deliveries.c.account_id,
        deliveries.c.claims,
        deliveries.c.tries,
        deliveries.c.webhook_id,
        deliveries.c.subject,
        outbox.c.event,
        outbox.c.body,
        outbox.c.endpoint.label("job_url"),
        webhook_endpoints.c.id.label("endpoint_id"),
        webhook_endpoints.c.url,
        webhook_endpoints.c.headers_sealed,
        webhook_endpoints.c.secret_sealed,
        webhook_endpoints.c.old_secret_sealed,
        webhook_endpoints.c.old_secret_until,
        api_keys.c.prefix,
        api_keys.c.sealed,
    )
    .join(outbox, outbox.c.id == deliveries.c.outbox_id)
    .join(webhook_endpoints, webhook_endpoints.c.id == deliveries.c.endpoint_id, isouter=True)
    .join(api_keys, api_keys.c.id == outbox.c.api_key_id, isouter=True)
    .order_by(deliveries.c.id)
)


@dataclass(frozen=True, slots=True)
class Claim:
    """One attempt that is ours to make until its lease ends."""

    row: AnyRow
    started_at: float


def anything_due(connection: Connection, now: float) -> bool:
    """Whether there is anything to fan out or to deliver: a read, so that an idle farm writes nothing."""
    waiting = select(deliveries.c.id).where(*_DUE, deliveries.c.due_at <= now).limit(1)
    fresh = select(outbox.c.id).where(outbox.c.state == "pending", outbox.c.due_at <= now).limit(1)
    return connection.scalar(waiting) is not None or connection.scalar(fresh) is not None


def claim(
    connection: Connection, rules: WebhookRules, now: float, room: int, busy: Counter[int]
) -> list[Claim]:
    """Take up to `room` due attempts. `busy` counts by account what this deliverer is already sending.

    An account at its bound is passed over, not waited for.
    """
    taken: list[int] = []
    busy = busy.copy()
    while len(taken) < room:
        full = [account for account, number in busy.items() if number >= rules.per_account]
        rows = connection.execute(
            select(deliveries.c.id, deliveries.c.account_id)
            .where(*_DUE, deliveries.c.due_at <= now, deliveries.c.account_id.not_in(full))
            .where(deliveries.c.id.not_in(taken))
            .order_by(deliveries.c.due_at, deliveries.c.id)
            .limit(room - len(taken))
            .with_for_update(skip_locked=True)
        ).all()
        if not rows:
            break
        for row in rows:
            if busy[row.account_id] < rules.per_account:
                busy[row.account_id] += 1
                taken.append(row.id)
    return _take(connection, taken, rules, now) if taken else []


def record(
    connection: Connection, claimed: Claim, answer: Reply | str, rules: WebhookRules, now: float
) -> Delivered | Later | GivenUp | None:
    """Write what came of an attempt. None: the lease had ended, and another deliverer has it now."""
    row = claimed.row
    if row.endpoint_id is not None:  # first, as whoever disables it does: no deadlock
        connection.execute(_ENDPOINT.where(webhook_endpoints.c.id == row.endpoint_id))
    ours = select(deliveries.c.id).where(deliveries.c.id == row.id, deliveries.c.claims == row.claims, *_DUE)
    if connection.scalar(ours.with_for_update()) is None:
        return None
    failing_since = _failing_since(connection, row, answer, claimed.started_at)
    tries = row.tries + 1
    follows = after(
        answer,
        tries=tries,
        started_at=claimed.started_at,
        to_endpoint=row.endpoint_id is not None,
        failing_since=failing_since,
        rules=rules,
    )
    connection.execute(
        update(deliveries)
        .where(deliveries.c.id == row.id)
        .values(tries=tries, tried_at=claimed.started_at, **_told(answer), **_next(follows, now))
    )
    if isinstance(follows, GivenUp) and follows.disable is not None and row.endpoint_id is not None:
        disable(connection, row.endpoint_id, follows.disable, now)
    return follows


def _take(connection: Connection, ids: list[int], rules: WebhookRules, now: float) -> list[Claim]:
    connection.execute(
        update(deliveries)
        .where(deliveries.c.id.in_(ids))
        .values(claims=deliveries.c.claims + 1, due_at=now + rules.lease_s)
    )
    return [Claim(row, now) for row in connection.execute(_CLAIMED.where(deliveries.c.id.in_(ids)))]


def _failing_since(
    connection: Connection, row: AnyRow, answer: Reply | str, started_at: float
) -> float | None:
    """Note the endpoint's success or first failure. Returns since when it fails."""
    if row.endpoint_id is None:
        return None
    succeeded = isinstance(answer, Reply) and answer.succeeded
    since = None if succeeded else func.coalesce(webhook_endpoints.c.failing_since, started_at)
    noted: float | None = connection.execute(
        update(webhook_endpoints)
        .where(webhook_endpoints.c.id == row.endpoint_id)
        .values(failing_since=since)
        .returning(webhook_endpoints.c.failing_since)
    ).scalar_one()
    return noted


def _told(answer: Reply | str) -> dict[str, Any]:
    """What is kept of the answer, for its reader."""
    if isinstance(answer, str):
        return {"last_status": None, "last_error": answer, "response": None}
    error = None if answer.succeeded else f"It answered {answer.status}."
    if 300 <= answer.status < 400:
        error = f"It answered {answer.status}; redirects are not followed."
    return {"last_status": answer.status, "last_error": error, "response": _excerpt(answer)}


def _excerpt(reply: Reply) -> str:
    encoding = reply.headers.get("content-encoding", "identity")
    if encoding != "identity":
        return f"({len(reply.body)} bytes, {encoding})"
    return reply.body[:_EXCERPT].decode("utf-8", "replace").replace("\0", "�")


def _next(follows: Delivered | Later | GivenUp, now: float) -> dict[str, Any]:
    if isinstance(follows, Later):
        return {"due_at": follows.due_at}
    state = DeliveryState.DELIVERED if isinstance(follows, Delivered) else DeliveryState.FAILED
    return {"state": state, "ended_at": now}
