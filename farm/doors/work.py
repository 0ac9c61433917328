"""The worker's doors: announce, claim, beat, finish, give back, leave.

Every change is one UPDATE of the attempt's own row, guarded by its fencing token: zero rows means that
the attempt belongs to somebody else by now. Each is idempotent, so that a dead database connection is
answered by saying it again.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from sqlalchemy import Connection, bindparam, select, update

from farm.choices import purchase_key
from farm.doors.claims import take
from farm.doors.hall import Hall
from farm.doors.inputs import InputBlob, named_inputs, needed_inputs
from farm.doors.insist import insist
from farm.doors.reports import record, record_all
from farm.job import Failure
from farm.kinds import TaskSpec
from farm.states import AttemptState, Outcome, WorkerState
from farm.store.dialect import upsert
from farm.store.rows import AnyRow
from farm.store.schema import LIVE, attempts, workers


@dataclass(frozen=True, slots=True)
class WorkerCard:
    """What a worker announces. `slots` counts by resource, `kinds` are `name@version`."""

    name: str
    pool: str
    host: str
    pid: int
    queue: str
    slots: Mapping[str, int]
    kinds: Sequence[str]
    labels: Mapping[str, str] = field(default_factory=dict)
    models: Sequence[str] = ()
    software: str = ""


@dataclass(frozen=True, slots=True)
class Claimed:
    """An attempt that is ours until its lease ends. Blobs go under `blob_prefix`.

    `missing` are inputs that the task wants and the account does not have (any more).

    `attempt_no` counts the task's attempts from 1, without those that never ran to an end of their own.
    `no_progress_s` 0 is never.

    What a `provider` is asked to do goes under `idempotency_key`, the same for every attempt that may buy it;
    `provider_ref` is what an earlier attempt bought, to be resumed, and `in_doubt` that one may have bought
    without our hearing of it, to be looked up by the key.
    """

    attempt_id: int
    token: int
    job_id: str
    account_id: int
    kind: str
    step: str
    task_name: str
    params: Mapping[str, Any]
    inputs: Sequence[InputBlob]
    missing: Sequence[str]
    soft_s: float
    hard_s: float
    no_progress_s: float
    attempt_no: int
    blob_prefix: str
    provider: str | None = None
    model: str | None = None
    idempotency_key: str | None = None
    provider_ref: str | None = None
    in_doubt: bool = False
    resource: str = "cpu"
    affinity: str | None = None


@dataclass(frozen=True, slots=True)
class Beat:
    """What the worker hears: go on, stop because the job is cancelled, or stop because it is not ours."""

    ours: bool
    cancel: bool


@dataclass(frozen=True, slots=True)
class StoredOutput:
    """A finished file, already in the blob store; see workers.context.Output."""

    name: str
    blob_key: str
    file_name: str
    content_type: str
    size_bytes: int
    sha256: str
    meta: Mapping[str, Any]
    intermediate: bool = False
    cache_key: str | None = None


@dataclass(frozen=True, slots=True)
class Report:
    """How an attempt ended."""

    outcome: Outcome
    failure: Failure | None = None
    outputs: Sequence[StoredOutput] = ()
    result: Mapping[str, Any] = field(default_factory=dict)
    tasks: Sequence[TaskSpec] = ()


@dataclass(frozen=True, slots=True)
class Ended:
    """An attempt and how it ended, when; `began_at` where it had waited since it was claimed."""

    attempt_id: int
    token: int
    report: Report
    at: float
    began_at: float | None = None


def announce(hall: Hall, card: WorkerCard, *, restarted: bool = True) -> WorkerState:
    """Say that a worker is here and what it can do; whatever it ran before it restarted is lost.

    Returns what the farm wants of it: a worker that was kept out still is, whatever restarted.
    """
    now = hall.clock.now()
    row = asdict(card) | {
        "labels": dict(card.labels),
        "slots": dict(card.slots),
        "kinds": list(card.kinds),
        "models": list(card.models),
        "state": WorkerState.ONLINE,
        "started_at": now,
        "seen_at": now,
    }

    def change(connection: Connection) -> WorkerState:
        connection.execute(upsert(connection, workers, "name", row))
        if restarted:
            connection.execute(
                update(attempts)
                .where(LIVE, attempts.c.worker == card.name, attempts.c.state == AttemptState.RUNNING)
                .values(state=AttemptState.FINISHED, outcome=Outcome.LOST, ended_at=now)
            )
        kept_out = connection.scalar(select(workers.c.kept_out).where(workers.c.name == card.name))
        return WorkerState(kept_out or WorkerState.ONLINE)

    wanted = insist(hall, change)
    hall.bell.ring()
    return wanted


def seen(hall: Hall, name: str, models: Sequence[str] | None = None) -> WorkerState:
    """Say that the worker lives, and which `models` are warm in it (None: as before).

    Returns what the farm wants of it; OFFLINE = announce yourself again.
    """
    said = {} if models is None else {"models": list(models)}
    statement = (
        update(workers)
        .where(workers.c.name == name)
        .values(seen_at=hall.clock.now(), **said)
        .returning(workers.c.state, workers.c.kept_out)
    )
    row = insist(hall, lambda connection: connection.execute(statement).one_or_none())
    if row is None or row.state == WorkerState.OFFLINE:
        return WorkerState.OFFLINE
    return WorkerState(row.kept_out or row.state)


def leave(hall: Hall, name: str) -> None:
    """Say goodbye: nothing new is sent to this worker."""
    insist(
        hall,
        lambda c: c.execute(update(workers).where(workers.c.name == name).values(state=WorkerState.OFFLINE)),
    )
    hall.bell.ring()


def claim(hall: Hall, attempt_id: int, token: int, worker: str) -> Claimed | None:
    """Take a published attempt. None when it was delivered twice, cancelled or given to another.

    Also when this worker is kept out, or by its own announcement cannot run it (it came to the pool after the
    attempt was published for all): then the attempt goes back unharmed.
    """
    taken = claim_all(hall, [(attempt_id, token)], worker)
    return taken[0] if taken else None


def claim_all(hall: Hall, named: Sequence[tuple[int, int]], worker: str) -> list[Claimed]:
    """Take those of the attempts (id and token each) that `claim` would take, in their order, at once."""
    named = list(dict.fromkeys(named))
    call = {"by": worker, "this": hall.ids.token()}
    rules = hall.catalog.scheduling

    def change(connection: Connection) -> list[Claimed]:
        now = hall.clock.now()  # not the first try's: a lease counts from the moment the store is back
        rows = take(connection, named, call | {"now": now, "lease": now + rules.lease_s})
        found = dict[int, Claimed]()
        for row in rows:
            if row.worker_kinds is not None and (row.kept_out is not None or not _can_run(row)):
                again = {"attempt": row.attempt_id, "opens": row.token, "this": call["this"], "now": now}
                connection.execute(_REFUSE, again)
            else:
                found[row.attempt_id] = _claimed(connection, row, rules.no_progress_s)
        return [found[attempt_id] for attempt_id, _ in named if attempt_id in found]

    claimed = insist(hall, change, apart=True)
    if len(claimed) < len(named):
        hall.bell.ring()
    return claimed


def beat(hall: Hall, attempt_id: int, token: int, progress: float, stage: str) -> Beat:
    """Extend the lease and leave the latest progress."""
    lease_s = hall.catalog.scheduling.lease_s
    said = {"attempt": attempt_id, "opens": token, "at": progress, "doing": stage[:100]}

    def change(connection: Connection) -> bool | None:
        now = hall.clock.now()  # not the first try's: see claim
        cancel: bool | None = connection.execute(
            _BEAT, said | {"now": now, "lease": now + lease_s}
        ).scalar_one_or_none()
        return cancel

    cancel = insist(hall, change, apart=True)
    return Beat(ours=cancel is not None, cancel=bool(cancel))


def finish(hall: Hall, attempt_id: int, token: int, report: Report) -> bool:
    """Record how the attempt ended. False when it was no longer ours: then nothing changed."""
    said = _said(Ended(attempt_id, token, report, hall.clock.now()))
    recorded = insist(hall, lambda connection: record(connection, said), durable=True, apart=True)
    hall.bell.ring()
    return recorded


def finish_all(hall: Hall, ended: Sequence[Ended]) -> list[bool]:
    """The same for several attempts in one transaction; each is ours or is not by itself."""
    said = sorted((_said(each) for each in ended), key=lambda each: int(each["attempt"]))  # as all lock them
    alone = len(said) == 1 or not hall.store.is_sqlite  # one statement, which is a transaction by itself
    recorded = insist(hall, lambda connection: record_all(connection, said), durable=True, apart=alone)
    hall.bell.ring()
    by_attempt = {each["attempt"]: done for each, done in zip(said, recorded, strict=True)}
    return [by_attempt[each.attempt_id] for each in ended]


def give_back(hall: Hall, attempt_id: int, token: int) -> bool:
    """Return an attempt unharmed (the host is going away); it costs the job no attempt."""
    return finish(hall, attempt_id, token, Report(Outcome.RETURNED))


def put_back(hall: Hall, attempt_id: int, token: int) -> None:
    """Return an attempt that was claimed and never begun: nothing can have been stored or bought."""
    said = {"attempt": attempt_id, "opens": token, "now": hall.clock.now()}
    insist(hall, lambda connection: connection.execute(_PUT_BACK, said), durable=True, apart=True)
    hall.bell.ring()


# It never started: nothing can have been stored or bought.
_PUT_BACK = (
    update(attempts)
    .where(attempts.c.id == bindparam("attempt"), attempts.c.token == bindparam("opens"))
    .where(attempts.c.state == AttemptState.RUNNING)
    .values(
        state=AttemptState.FINISHED,
        outcome=Outcome.RETURNED,
        started_at=None,
        ended_at=bindparam("now"),
    )
)
_REFUSE = _PUT_BACK.where(attempts.c.claim == bindparam("this"))
_BEAT = (
    update(attempts)
    .where(attempts.c.id == bindparam("attempt"), attempts.c.token == bindparam("opens"))
    .where(attempts.c.state == AttemptState.RUNNING)
    .values(
        lease_at=bindparam("lease"),
        beat_at=bindparam("now"),
        progress=bindparam("at"),
        stage=bindparam("doing"),
    )
    .returning(attempts.c.cancel)
)


def _said(ended: Ended) -> dict[str, Any]:
    report, failure = ended.report, ended.report.failure
    return {
        "attempt": ended.attempt_id,
        "opens": ended.token,
        "how": report.outcome,
        "began": ended.began_at,
        "now": ended.at,
        "to_class": failure.failure_class if failure else None,
        "to_code": failure.code if failure else None,
        "to_message": failure.message[:4000] if failure else None,
        "to_pause": failure.retry_after_s if failure else None,
        "to_report": {
            "outputs": [asdict(output) for output in report.outputs],
            "result": dict(report.result),
            "tasks": [task.model_dump(mode="json") for task in report.tasks],
        },
    }


def _can_run(row: AnyRow) -> bool:
    """Whether the worker announced all that the task requires."""
    labels = {name: value for name, value in row.requires.items() if name != "kind"}
    return row.requires["kind"] in row.worker_kinds and labels.items() <= row.worker_labels.items()


def _claimed(connection: Connection, row: AnyRow, no_progress_s: float) -> Claimed:
    given = named_inputs(connection, row.account_id, row.batch_id, row.inputs)
    return Claimed(
        attempt_id=row.attempt_id,
        token=row.token,
        job_id=row.job_id,
        account_id=row.account_id,
        kind=row.kind,
        step=row.step,
        resource=row.resource,
        affinity=row.affinity,
        task_name=row.name,
        params=row.params,
        inputs=[*given, *(needed_inputs(connection, row.task_id) if row.has_needs else ())],
        missing=sorted(set(row.inputs) - {blob.id for blob in given}),
        soft_s=row.soft_s,
        hard_s=row.hard_s,
        no_progress_s=no_progress_s if row.no_progress_s is None else row.no_progress_s,
        attempt_no=1 + row.earlier,
        blob_prefix=f"attempts/{row.account_id}/{row.job_id}/{row.attempt_id}",
        **_purchase(row),
    )


def _purchase(row: AnyRow) -> dict[str, Any]:
    """What the attempt must know to buy at most once; nothing where it needs no provider."""
    if row.provider is None:
        return {}
    number = int(row.decision["purchase"])  # read leniently: a newer scheduler may say more
    return {
        "provider": row.provider,
        "model": row.model,
        "idempotency_key": purchase_key(row.job_id, row.name, row.provider, row.model, number),
        "provider_ref": row.provider_ref,
        "in_doubt": bool(row.decision["in_doubt"]),
    }
