"""Webhook deliveries: list them, look at one, send one again. One account never sees another's."""

from dataclasses import replace

from sqlalchemy import Connection, select, update

from farm.doors.hall import Hall
from farm.errors import Conflict, NotFound
from farm.store.rows import AnyRow
from farm.store.schema import deliveries, outbox, webhook_endpoints
from farm.webhook import Delivery, DeliveryState, EndpointState

_VIEW = (
    select(
        deliveries,
        outbox.c.event,
        outbox.c.body,
        outbox.c.endpoint.label("job_url"),
        webhook_endpoints.c.public_id.label("endpoint_public_id"),
        webhook_endpoints.c.url.label("endpoint_url"),
        webhook_endpoints.c.state.label("endpoint_state"),
    )
    .join(outbox, outbox.c.id == deliveries.c.outbox_id)
    .join(webhook_endpoints, webhook_endpoints.c.id == deliveries.c.endpoint_id, isouter=True)
)


def list_deliveries(
    hall: Hall,
    account_id: int | None,
    *,
    endpoint_id: str | None = None,
    subject: str | None = None,
    state: DeliveryState | None = None,
    before: int | None = None,
    limit: int = 50,
) -> list[Delivery]:
    """Deliveries, newest first, without their bodies. `subject` is a job's id; `before` continues a page."""
    query = _VIEW.order_by(deliveries.c.id.desc()).limit(limit)
    if account_id is not None:
        query = query.where(deliveries.c.account_id == account_id)
    if endpoint_id is not None:
        query = query.where(deliveries.c.target == endpoint_id)
    if subject is not None:
        query = query.where(deliveries.c.subject == subject)
    if state is not None:
        query = query.where(deliveries.c.state == state)
    if before is not None:
        query = query.where(deliveries.c.id < before)
    with hall.store.read() as connection:
        return [replace(_delivery(row), body=None) for row in connection.execute(query)]


def delivery(hall: Hall, account_id: int | None, delivery_id: str) -> Delivery:
    """One delivery with its body. `account_id` None is the operator. Raises NotFound."""
    with hall.store.read() as connection:
        return _delivery(_row(connection, account_id, delivery_id))


def replay(hall: Hall, account_id: int | None, delivery_id: str) -> Delivery:
    """Send an ended delivery again, from the first attempt on: same webhook-id, same body.

    Raises Conflict while it is under way, and when its endpoint is disabled or deleted.
    """
    with hall.store.write() as connection:
        row = _row(connection, account_id, delivery_id)
        if row.endpoint_state not in (None, EndpointState.ENABLED):
            raise Conflict(f"The endpoint is {row.endpoint_state}; enable it first.", param="delivery_id")
        done = connection.execute(
            update(deliveries)
            .where(deliveries.c.id == row.id, deliveries.c.state != DeliveryState.PENDING)
            .values(state=DeliveryState.PENDING, tries=0, due_at=hall.clock.now(), ended_at=None)
        )
        if done.rowcount == 0:
            raise Conflict("The delivery is still under way.", param="delivery_id")
        return _delivery(_row(connection, account_id, delivery_id))


def _row(connection: Connection, account_id: int | None, delivery_id: str) -> AnyRow:
    query = _VIEW.where(deliveries.c.public_id == delivery_id)
    if account_id is not None:
        query = query.where(deliveries.c.account_id == account_id)
    row = connection.execute(query).one_or_none()
    if row is None:
        raise NotFound(f"There is no delivery {delivery_id!r}.", param="delivery_id")
    return row


def _delivery(row: AnyRow) -> Delivery:
    state = DeliveryState(row.state)
    return Delivery(
        id=row.public_id,
        number=row.id,
        event=row.event,
        subject=row.subject,
        endpoint_id=row.endpoint_public_id,
        url=row.endpoint_url or row.job_url,
        webhook_id=row.webhook_id,
        state=state,
        tries=row.tries,
        due_at=row.due_at if state is DeliveryState.PENDING else None,
        last_status=row.last_status,
        last_error=row.last_error,
        response=row.response,
        body=row.body,
        created_at=row.created_at,
        tried_at=row.tried_at,
        ended_at=row.ended_at,
    )
