"""What a slot does with one message: claim, fetch, perform, store, finish. The body of the only Celery task.

Everything an attempt can end with becomes a Report; nothing here decides what follows.
"""

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import structlog
from structlog.contextvars import bound_contextvars

from farm.blobs import Blobs
from farm.doors.hall import Hall
from farm.doors.purchases import accepted, dropped
from farm.doors.work import Claimed, Report, claim, finish, give_back, seen
from farm.errors import FailureClass, FarmUnavailable, TaskFailure
from farm.job import Failure
from farm.kinds import registry
from farm.states import Outcome
from workers.context import Done, TaskInput
from workers.engine import EngineResult, Limits
from workers.engine_room import EngineRoom
from workers.failures import failure_of
from workers.files import discard, fetch_inputs, store_outputs
from workers.lease import Lease, Leases
from workers.stop_sign import Halted, Reason, StopSign
from workers.wire import Accepted, Dropped, LogLine, Perform
from workers.workdir import Workshop

_log = structlog.get_logger(__name__)
_NOT_RECORDED = Failure(FailureClass.INTERNAL, "internal_error", "The engine's answer could not be recorded.")
_OUTCOMES = {
    Reason.CANCELLED: Outcome.CANCELLED,
    Reason.RETURNED: Outcome.RETURNED,
    Reason.NOT_OURS: Outcome.LOST,
}


class Runner:
    """The slots of one worker. `run` is called in as many threads as there are slots."""

    def __init__(
        self, hall: Hall, blobs: Blobs, workshop: Workshop, name: str, slots: Mapping[str, int]
    ) -> None:
        self._hall = hall
        self._blobs = blobs
        self._workshop = workshop
        self._name = name
        self._engines = EngineRoom(slots)
        self._models: tuple[str, ...] = ()
        self._leases = Leases(hall)
        self._running: dict[int, tuple[Claimed, StopSign]] = {}
        self._change = threading.Condition()
        self._closing = False

    @property
    def models(self) -> tuple[str, ...]:
        """What lies loaded in its engines."""
        return self._engines.models

    def run(self, attempt_id: int, token: int) -> str | None:
        """Take the attempt and bring it to its end. Returns why it failed, if it did."""
        claimed = claim(self._hall, attempt_id, token, self._name)
        if claimed is None:  # delivered twice, cancelled, or another's by now
            return None
        with (
            bound_contextvars(attempt=attempt_id, job=claimed.job_id, worker=self._name),
            StopSign() as sign,
            self._listed(claimed, sign),
            self._leases.hold(claimed, sign) as lease,
        ):
            report = self._attempt(claimed, sign, lease)
            _log_end(report, lease)
            lease.flush()
            self._finish(claimed, report)
        return None if report.failure is None else f"{report.failure.failure_class}: {report.failure.message}"

    def close(self, patience_s: float) -> None:
        """Stop everything at once and give it back: kill the engines, wait a while, answer for the rest."""
        with self._change:
            self._closing = True
            for _, sign in self._running.values():
                sign.show(Reason.RETURNED)
            self._change.wait_for(lambda: not self._running, patience_s)
            left = [claimed for claimed, _ in self._running.values()]
        for claimed in left:
            give_back(self._hall, claimed.attempt_id, claimed.token)
        self._engines.close()

    @contextmanager
    def _listed(self, claimed: Claimed, sign: StopSign) -> Iterator[None]:
        """Keep the attempt among the running ones; when the worker is closing already, it stops at once."""
        with self._change:
            self._running[claimed.attempt_id] = claimed, sign
            if self._closing:
                sign.show(Reason.RETURNED)
        try:
            yield
        finally:
            with self._change:
                del self._running[claimed.attempt_id]
                self._change.notify_all()

    def _attempt(self, claimed: Claimed, sign: StopSign, lease: Lease) -> Report:
        """The attempt's report; whatever was raised on the way is one too."""
        try:
            with self._workshop.folder(claimed.attempt_id) as folder:
                return self._perform(claimed, folder, sign, lease)
        except Halted:
            return _stopped(sign)
        except Exception as error:  # the runner's border: one bad attempt must not end the worker
            failure = failure_of(error)
            say = _log.error if failure.failure_class == FailureClass.INTERNAL else _log.warning
            say("attempt_failed", reason=failure.message, failure_class=failure.failure_class, exc_info=error)
            return Report(Outcome.FAILED, failure)

    def _perform(self, claimed: Claimed, folder: Path, sign: StopSign, lease: Lease) -> Report:
        sign.check()
        workdir = folder / "work"
        performer = _performer(claimed)
        files = fetch_inputs(self._blobs, claimed, folder / "inputs", sign)
        if files:
            lease.log(f"fetched {len(files)} inputs")
        task = TaskInput(
            kind=claimed.kind,
            step=claimed.step,
            params=claimed.params,
            inputs=files,
            attempt=claimed.attempt_no,
            provider=claimed.provider,
            model=claimed.model,
            idempotency_key=claimed.idempotency_key,
            provider_ref=claimed.provider_ref,
            in_doubt=claimed.in_doubt,
        )
        result = self._engine(Perform(performer=performer, task=task, workdir=workdir), claimed, sign, lease)
        if sign.reason is not None:
            return _stopped(sign)
        if result.done is None:
            _show_log(result)
            return Report(Outcome.FAILED, result.failure)
        return self._store(claimed, result.done, workdir, sign, lease)

    def _engine(self, order: Perform, claimed: Claimed, sign: StopSign, lease: Lease) -> EngineResult:
        grace_s = self._hall.catalog.scheduling.kill_grace_s
        limits = Limits(claimed.soft_s, claimed.hard_s, grace_s, claimed.no_progress_s)

        def on_log(said: LogLine) -> None:
            lease.log(said.line, private=said.private)

        def on_purchase(said: Accepted | Dropped) -> None:
            if not self._note(claimed, said):
                sign.show(Reason.NOT_OURS)

        with self._engines.lent(claimed.resource, claimed.affinity) as engine:
            result = engine.run(order, limits, sign, lease.progress, on_log, on_purchase)
        self._say_models()
        return result

    def _say_models(self) -> None:
        """Tell the farm which models are warm here, before it decides what comes next."""
        models = self.models
        if models != self._models:
            self._models = models
            seen(self._hall, self._name, models)

    def _note(self, claimed: Claimed, said: Accepted | Dropped) -> bool:
        """Commit what a provider accepted or dropped. False when the attempt is no longer ours."""
        if isinstance(said, Accepted):
            return accepted(self._hall, claimed.attempt_id, claimed.token, said.ref)
        return dropped(self._hall, claimed.attempt_id, claimed.token)

    def _store(self, claimed: Claimed, done: Done, workdir: Path, sign: StopSign, lease: Lease) -> Report:
        stored = store_outputs(self._blobs, claimed, done.outputs, workdir, sign)
        if stored:
            lease.log(f"stored {len(stored)} outputs")
        return Report(Outcome.SUCCEEDED, outputs=stored, result=done.result, tasks=done.tasks)

    def _finish(self, claimed: Claimed, report: Report) -> None:
        if report.outcome is Outcome.LOST:
            return  # somebody else's by now: nothing of ours may be recorded
        recorded = self._record(claimed, report)
        if not recorded and report.outputs:
            discard(self._blobs, claimed)

    def _record(self, claimed: Claimed, report: Report) -> bool:
        try:
            return finish(self._hall, claimed.attempt_id, claimed.token, report)
        except FarmUnavailable:
            raise
        except Exception:  # the store refused what the engine answered (a NUL in a text, say)
            _log.exception("report_not_recorded")
            if report.outputs:
                discard(self._blobs, claimed)
            return finish(
                self._hall, claimed.attempt_id, claimed.token, Report(Outcome.FAILED, _NOT_RECORDED)
            )


def _show_log(result: EngineResult) -> None:
    reason = result.failure.message if result.failure else "stopped"
    failure_class = result.failure.failure_class if result.failure else None
    _log.warning("attempt_failed", reason=reason, failure_class=failure_class, log=list(result.log))


def _log_end(report: Report, lease: Lease) -> None:
    """The last line of an attempt's log, unless all went well."""
    if report.failure is not None:
        lease.log(f"failed ({report.failure.failure_class}): {report.failure.message}")
    elif report.outcome is not Outcome.SUCCEEDED:
        lease.log(f"stopped: {report.outcome}")


def _performer(claimed: Claimed) -> str:
    """Who performs the step, from this process's own registry: never from the message or the store."""
    kind = registry().get(claimed.kind)
    performer = kind.steps.get(claimed.step) if kind is not None else None
    if performer is None:
        message = f"This worker knows no step {claimed.step!r} of kind {claimed.kind!r}."
        raise TaskFailure(message, FailureClass.INTERNAL, code="kind_unknown")
    return performer


def _stopped(sign: StopSign) -> Report:
    assert sign.reason is not None
    return Report(_OUTCOMES[sign.reason])
