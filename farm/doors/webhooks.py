"""Webhook endpoints: register, change, rotate, remove and test them. One account never sees another's."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, func, insert, select, update

from farm.account import Account, Caller
from farm.doors.hall import Hall
from farm.errors import BadRequest, Conflict, NotFound
from farm.net.guard import UrlRefused
from farm.store.rows import AnyRow
from farm.store.schema import deliveries, outbox, webhook_endpoints
from farm.webhook import (
    TEST_EVENT,
    DeliveryState,
    Endpoint,
    EndpointState,
    NewEndpoint,
    body_text,
    check_events,
    check_headers,
    new_secret,
    webhook_id,
)

_STOPPED = "The endpoint was disabled."


@dataclass(frozen=True, slots=True)
class EndpointChange:
    """What is to be changed; None stays as it is. `enabled` True also forgets past failures."""

    url: str | None = None
    description: str | None = None
    events: tuple[str, ...] | None = None
    headers: Mapping[str, str] | None = None
    enabled: bool | None = None


def check_url(hall: Hall, url: str, param: str) -> None:
    """Raise BadRequest naming `param`, code `url_refused`, unless the farm may call this URL."""
    try:
        hall.guard.look(url)
    except UrlRefused as refused:
        raise BadRequest(f"{param}: {refused.message}", param=param, code=refused.public_code) from None


def add_endpoint(hall: Hall, account: Account, new: NewEndpoint) -> tuple[Endpoint, str]:
    """Register an endpoint. Returns it with its secret, which is told once. Raises BadRequest, Conflict."""
    _check(hall, new.url, new.events, new.headers)
    secret = new_secret()
    values = {
        "public_id": hall.ids.public("whep"),
        "account_id": account.id,
        "url": new.url,
        "description": new.description,
        "events": list(new.events),
        "headers_sealed": _sealed_headers(hall, new.headers),
        "secret_sealed": hall.secrets.seal(secret),
        "state": EndpointState.ENABLED,
        "created_at": hall.clock.now(),
    }
    with hall.store.write() as connection:
        _require_room(hall, connection, account)
        row = connection.execute(insert(webhook_endpoints).values(values).returning(webhook_endpoints)).one()
    return _endpoint(hall, row), secret


def list_endpoints(hall: Hall, account: Account) -> list[Endpoint]:
    """The account's endpoints, oldest first."""
    query = (
        select(webhook_endpoints)
        .where(
            webhook_endpoints.c.account_id == account.id, webhook_endpoints.c.state != EndpointState.DELETED
        )
        .order_by(webhook_endpoints.c.id)
    )
    with hall.store.read() as connection:
        return [_endpoint(hall, row) for row in connection.execute(query)]


def endpoint(hall: Hall, account: Account, endpoint_id: str) -> Endpoint:
    """One endpoint. Raises NotFound."""
    with hall.store.read() as connection:
        return _endpoint(hall, _row(connection, account, endpoint_id))


def change_endpoint(hall: Hall, account: Account, endpoint_id: str, change: EndpointChange) -> Endpoint:
    """Change what the caller named. Disabling also gives up what is still to be delivered there."""
    _check(hall, change.url, change.events or (), change.headers or {})
    values: dict[str, Any] = {}
    if change.url is not None:
        values["url"] = change.url
    if change.description is not None:
        values["description"] = change.description
    if change.events is not None:
        values["events"] = list(change.events)
    if change.headers is not None:
        values["headers_sealed"] = _sealed_headers(hall, change.headers)
    with hall.store.write() as connection:
        row = _row(connection, account, endpoint_id)
        if change.enabled is True:
            values |= {"state": EndpointState.ENABLED, "disabled_because": None, "failing_since": None}
        if values:
            connection.execute(
                update(webhook_endpoints).where(webhook_endpoints.c.id == row.id).values(values)
            )
        if change.enabled is False:
            disable(connection, row.id, "Disabled by its owner.", hall.clock.now())
        return _endpoint(hall, _row(connection, account, endpoint_id))


def rotate_secret(hall: Hall, account: Account, endpoint_id: str) -> tuple[Endpoint, str]:
    """Give the endpoint a new secret; the one before signs beside it for `webhooks.rotate_s`."""
    secret = new_secret()
    with hall.store.write() as connection:
        row = _row(connection, account, endpoint_id)
        connection.execute(
            update(webhook_endpoints)
            .where(webhook_endpoints.c.id == row.id)
            .values(
                secret_sealed=hall.secrets.seal(secret),
                old_secret_sealed=row.secret_sealed,
                old_secret_until=hall.clock.now() + hall.catalog.webhooks.rotate_s,
            )
        )
        return _endpoint(hall, _row(connection, account, endpoint_id)), secret


def remove_endpoint(hall: Hall, account: Account, endpoint_id: str) -> Endpoint:
    """Delete the endpoint and its secrets; what was still to be delivered there is given up."""
    with hall.store.write() as connection:
        row = _row(connection, account, endpoint_id)
        disable(connection, row.id, "Deleted by its owner.", hall.clock.now(), EndpointState.DELETED)
        bare = {
            "secret_sealed": "",
            "headers_sealed": "",
            "old_secret_sealed": None,
            "old_secret_until": None,
        }
        gone = connection.execute(
            update(webhook_endpoints)
            .where(webhook_endpoints.c.id == row.id)
            .values(bare)
            .returning(webhook_endpoints)
        ).one()
        return _endpoint(hall, gone)


def send_test(hall: Hall, caller: Caller, endpoint_id: str) -> str:
    """Queue a `webhook.test` event for one endpoint. Returns the delivery's id. Raises Conflict, NotFound."""
    now = hall.clock.now()
    subject = hall.ids.public("evt")
    body = {"id": subject, "object": "event", "type": TEST_EVENT, "created_at": int(now)}
    with hall.store.write() as connection:
        row = _row(connection, caller.account, endpoint_id)
        if row.state != EndpointState.ENABLED:
            raise Conflict("The endpoint is disabled; enable it first.", param="endpoint_id")
        event = {
            "account_id": caller.account.id,
            "event": TEST_EVENT,
            "endpoint": "",
            "api_key_id": caller.key_id,
            "payload": {},
            "body": body_text(body),
            "state": "told",
            "due_at": now,
            "created_at": now,
        }
        outbox_id = connection.execute(insert(outbox).values(event).returning(outbox.c.id)).scalar_one()
        delivery_id = hall.ids.public("dlv")
        connection.execute(
            insert(deliveries).values(
                public_id=delivery_id,
                account_id=caller.account.id,
                outbox_id=outbox_id,
                endpoint_id=row.id,
                target=row.public_id,
                webhook_id=webhook_id(subject, TEST_EVENT, row.public_id),
                subject=subject,
                state=DeliveryState.PENDING,
                due_at=now,
                created_at=now,
            )
        )
    return delivery_id


def key_secret(hall: Hall, caller: Caller) -> str:
    """The secret that signs what goes to the webhook_url of jobs that this API key submits."""
    return hall.secrets.webhook_secret(caller.key_prefix)


def disable(
    connection: Connection,
    endpoint_id: int,
    because: str,
    now: float,
    state: EndpointState = EndpointState.DISABLED,
) -> None:
    """Stop an endpoint, and give up what is still to be delivered there. A replay may bring it back."""
    connection.execute(
        update(webhook_endpoints)
        .where(webhook_endpoints.c.id == endpoint_id, webhook_endpoints.c.state != EndpointState.DELETED)
        .values(state=state, disabled_because=because)
    )
    connection.execute(
        update(deliveries)
        .where(deliveries.c.endpoint_id == endpoint_id, deliveries.c.state == DeliveryState.PENDING)
        .values(
            state=DeliveryState.FAILED,
            ended_at=now,
            last_error=func.coalesce(deliveries.c.last_error, _STOPPED),
        )
    )


def _check(hall: Hall, url: str | None, events: tuple[str, ...], headers: Mapping[str, str]) -> None:
    check_events(events)
    check_headers(headers)
    if url is not None:
        check_url(hall, url, "url")


def _require_room(hall: Hall, connection: Connection, account: Account) -> None:
    most = hall.catalog.webhooks.max_endpoints
    there = connection.scalar(
        select(func.count())
        .select_from(webhook_endpoints)
        .where(
            webhook_endpoints.c.account_id == account.id, webhook_endpoints.c.state != EndpointState.DELETED
        )
    )
    if (there or 0) >= most:
        raise Conflict(f"An account may register {most} endpoints; delete one first.", param="url")


def _sealed_headers(hall: Hall, headers: Mapping[str, str]) -> str:
    return hall.secrets.seal(json.dumps(dict(headers)))


def _row(connection: Connection, account: Account, endpoint_id: str) -> AnyRow:
    query = select(webhook_endpoints).where(
        webhook_endpoints.c.public_id == endpoint_id,
        webhook_endpoints.c.account_id == account.id,
        webhook_endpoints.c.state != EndpointState.DELETED,
    )
    row = connection.execute(query).one_or_none()
    if row is None:
        raise NotFound(f"There is no endpoint {endpoint_id!r}.", param="endpoint_id")
    return row


def _endpoint(hall: Hall, row: AnyRow) -> Endpoint:
    headers = json.loads(hall.secrets.unseal(row.headers_sealed)) if row.headers_sealed else {}
    return Endpoint(
        id=row.public_id,
        url=row.url,
        description=row.description,
        events=tuple(row.events),
        header_names=tuple(headers),
        state=EndpointState(row.state),
        disabled_because=row.disabled_because,
        failing_since=row.failing_since,
        old_secret_until=row.old_secret_until,
        created_at=row.created_at,
    )
