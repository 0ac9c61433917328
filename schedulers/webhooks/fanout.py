"""Turns an outbox row into deliveries: one per endpoint that listens, and one for the job's webhook_url."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, bindparam, select, update

from farm.doors.hall import Hall
from farm.doors.jobs import job_of
from farm.doors.served import served_within
from farm.generation import family_of
from farm.store.dialect import insert_ignore
from farm.store.rows import AnyRow
from farm.store.schema import CURRENT, artifacts, batches, deliveries, jobs, outbox, webhook_endpoints
from farm.webhook import JOB_URL, DeliveryState, EndpointState, body_text, webhook_id
from schedulers.webhooks.bodies import (
    Ended,
    Output,
    Told,
    account_event,
    batch_event,
    is_video_batch,
    job_event,
)

AT_ONCE = 100

# Where an artifact can be fetched for a while, or None.
Link = Callable[[AnyRow], str | None]

_TOLD = (
    update(outbox)
    .where(outbox.c.id == bindparam("event_id"))
    .values(state="told", event=bindparam("to_event"), body=bindparam("to_body"))
)


def fan_out(hall: Hall, connection: Connection, link: Link, now: float) -> int:
    """Fan out the oldest events. Returns how many; two deliverers never take the same one."""
    events = connection.execute(
        select(outbox)
        .where(outbox.c.state == "pending", outbox.c.due_at <= now)
        .order_by(outbox.c.due_at, outbox.c.id)
        .limit(AT_ONCE)
        .with_for_update(skip_locked=True)
    ).all()
    if not events:
        return 0
    listening = _endpoints(connection, {event.account_id for event in events})
    ended = _ended(connection, _jobs(connection, events), link)
    rows: list[dict[str, Any]] = []
    bodies = []
    for event in events:
        told = _told(connection, event, ended.get(event.job_seq), link)
        targets = _targets(event, told.event, listening.get(event.account_id, ()))
        rows += [_delivery(hall, event, told, target, now) for target in targets]
        bodies.append({"event_id": event.id, "to_event": told.event, "to_body": body_text(told.body)})
    if rows:
        connection.execute(insert_ignore(connection, deliveries), rows)
    connection.execute(_TOLD, bodies)
    return len(events)


def _told(connection: Connection, event: AnyRow, ended: Ended | None, link: Link) -> Told:
    """What receivers hear of it."""
    if ended is not None:
        return job_event(event.event, ended)
    if "batch" in event.payload:
        rows = _videos(connection, event.payload["batch"], link)
        return batch_event(event.event, event.payload, event.created_at, rows)
    return account_event(event.event, _own_name(event), event.payload, event.created_at)


def _own_name(event: AnyRow) -> str:
    return f"evt_{event.id}"


def _endpoints(connection: Connection, accounts: set[int]) -> Mapping[int, Sequence[AnyRow]]:
    query = select(webhook_endpoints).where(
        webhook_endpoints.c.account_id.in_(accounts), webhook_endpoints.c.state == EndpointState.ENABLED
    )
    found: dict[int, list[AnyRow]] = {}
    for row in connection.execute(query.order_by(webhook_endpoints.c.id)):
        found.setdefault(row.account_id, []).append(row)
    return found


def _jobs(connection: Connection, events: Sequence[AnyRow]) -> Sequence[AnyRow]:
    seqs = [event.job_seq for event in events if event.job_seq is not None]
    return connection.execute(select(jobs).where(jobs.c.seq.in_(seqs))).all() if seqs else ()


def _videos(connection: Connection, batch_id: str, link: Link) -> Sequence[Ended]:
    """The rows of a batch of the generations surface, as they stand; of any other none is read."""
    if not is_video_batch(batch_id):
        return ()
    query = select(jobs).join(batches, batches.c.id == jobs.c.batch_id).order_by(jobs.c.seq)
    rows = connection.execute(query.where(batches.c.public_id == batch_id, CURRENT)).all()
    return list(_ended(connection, rows, link).values())


def _ended(connection: Connection, rows: Sequence[AnyRow], link: Link) -> Mapping[int | None, Ended]:
    outputs = _outputs(connection, [row.seq for row in rows], link)
    told = [job_of(row) for row in rows if family_of(row.id) is not None]
    served = served_within(connection, told) if told else {}
    return {row.seq: Ended(row, outputs.get(row.seq, ()), served.get(row.id)) for row in rows}


def _outputs(connection: Connection, seqs: Sequence[int | None], link: Link) -> Mapping[int, list[Output]]:
    query = select(artifacts).where(
        artifacts.c.job_seq.in_(seqs), ~artifacts.c.expired, ~artifacts.c.intermediate
    )
    found: dict[int, list[Output]] = {}
    for row in connection.execute(query.order_by(artifacts.c.name, artifacts.c.id)):
        made = Output(row.name, row.display_name, row.content_type, row.size_bytes, link(row), row.meta)
        found.setdefault(row.job_seq, []).append(made)
    return found


def _targets(event: AnyRow, told: str, endpoints: Sequence[AnyRow]) -> list[AnyRow | None]:
    """Who is told: endpoints that listen for the event and were there when it came; None is the job's URL.

    They may listen for it by the farm's name, or by the one under which it is told.
    """
    fitting: list[AnyRow | None] = [
        endpoint
        for endpoint in endpoints
        if (not endpoint.events or {event.event, told} & set(endpoint.events))
        and endpoint.created_at <= event.created_at
    ]
    return [*([None] if event.endpoint else []), *fitting]


def _delivery(hall: Hall, event: AnyRow, told: Told, endpoint: AnyRow | None, now: float) -> dict[str, Any]:
    target = JOB_URL if endpoint is None else endpoint.public_id
    # A job ends once; a batch may end again, after a retry of its failed rows, and that is another event.
    happened = told.subject if event.job_seq is not None else _own_name(event)
    return {
        "public_id": hall.ids.public("dlv"),
        "account_id": event.account_id,
        "outbox_id": event.id,
        "endpoint_id": None if endpoint is None else endpoint.id,
        "target": target,
        "webhook_id": webhook_id(happened, told.event, target),
        "subject": told.subject,
        "state": DeliveryState.PENDING,
        "tries": 0,
        "claims": 0,
        "due_at": now,
        "created_at": now,
    }
