"""Turns an outbox row into deliveries: one per endpoint that listens, and one for the job's webhook_url."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, bindparam, select, update

from farm.doors.hall import Hall
from farm.store.dialect import insert_ignore
from farm.store.rows import AnyRow
from farm.store.schema import artifacts, deliveries, jobs, outbox, webhook_endpoints
from farm.webhook import JOB_URL, DeliveryState, EndpointState, body_text, webhook_id
from schedulers.webhooks.bodies import Output, account_body, batch_body, job_body

AT_ONCE = 100

# Where an artifact can be fetched for a while, or None.
Link = Callable[[AnyRow], str | None]

_TOLD = (
    update(outbox).where(outbox.c.id == bindparam("event_id")).values(state="told", body=bindparam("to_body"))
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
    ended = _jobs(connection, [event.job_seq for event in events if event.job_seq is not None])
    outputs = _outputs(connection, list(ended), link)
    rows: list[dict[str, Any]] = []
    bodies = []
    for event in events:
        job = ended.get(event.job_seq)
        fields = job_body(event.event, job, outputs.get(job.seq, [])) if job is not None else _body(event)
        targets = _targets(event, listening.get(event.account_id, ()))
        rows += [_delivery(hall, event, str(fields["id"]), target, now) for target in targets]
        bodies.append({"event_id": event.id, "to_body": body_text(fields)})
    if rows:
        connection.execute(insert_ignore(connection, deliveries), rows)
    connection.execute(_TOLD, bodies)
    return len(events)


def _body(event: AnyRow) -> Mapping[str, Any]:
    """The body of an event that tells of no job."""
    if "batch" in event.payload:
        return batch_body(event.event, event.payload, event.created_at)
    return account_body(event.event, _own_name(event), event.payload, event.created_at)


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


def _jobs(connection: Connection, seqs: Sequence[int]) -> Mapping[int | None, AnyRow]:
    return {row.seq: row for row in connection.execute(select(jobs).where(jobs.c.seq.in_(seqs)))}


def _outputs(connection: Connection, seqs: Sequence[int | None], link: Link) -> Mapping[int, list[Output]]:
    query = select(artifacts).where(
        artifacts.c.job_seq.in_(seqs), ~artifacts.c.expired, ~artifacts.c.intermediate
    )
    found: dict[int, list[Output]] = {}
    for row in connection.execute(query.order_by(artifacts.c.name, artifacts.c.id)):
        made = Output(row.name, row.display_name, row.content_type, row.size_bytes, link(row))
        found.setdefault(row.job_seq, []).append(made)
    return found


def _targets(event: AnyRow, endpoints: Sequence[AnyRow]) -> list[AnyRow | None]:
    """Who is told: endpoints that listen for the event and were there when it came; None is the job's URL."""
    fitting: list[AnyRow | None] = [
        endpoint
        for endpoint in endpoints
        if (not endpoint.events or event.event in endpoint.events) and endpoint.created_at <= event.created_at
    ]
    return [*([None] if event.endpoint else []), *fitting]


def _delivery(hall: Hall, event: AnyRow, subject: str, endpoint: AnyRow | None, now: float) -> dict[str, Any]:
    target = JOB_URL if endpoint is None else endpoint.public_id
    # A job ends once; a batch may end again, after a retry of its failed rows, and that is another event.
    happened = subject if event.job_seq is not None else _own_name(event)
    return {
        "public_id": hall.ids.public("dlv"),
        "account_id": event.account_id,
        "outbox_id": event.id,
        "endpoint_id": None if endpoint is None else endpoint.id,
        "target": target,
        "webhook_id": webhook_id(happened, event.event, target),
        "subject": subject,
        "state": DeliveryState.PENDING,
        "tries": 0,
        "claims": 0,
        "due_at": now,
        "created_at": now,
    }
