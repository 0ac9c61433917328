"""What a slot does with one message: claim, fetch, perform, store, finish. The body of the only Celery task.

Everything an attempt can end with becomes a Report; nothing here decides what follows.
"""

import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import structlog
from structlog.contextvars import bound_contextvars

from farm.blobs import Blobs
from farm.broker.shown import Watcher
from farm.doors.hall import Hall
from farm.doors.purchases import accepted, dropped
from farm.doors.work import (
    Claimed,
    Ended,
    Report,
    claim_all,
    finish,
    finish_all,
    give_back,
    put_back,
    seen,
)
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
from workers.recorder import Recorder
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


@dataclass(slots=True)
class _Turn:
    """An attempt that was claimed: it waits for those before it, runs, and is recorded."""

    claimed: Claimed
    sign: StopSign
    lease: Lease
    ended: Ended | None = None


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
        self._leases = Leases(hall, self._put_back)
        self._recorder = Recorder(self._record)
        self._running: dict[int, _Turn] = {}
        self._change = threading.Condition()
        self._closing = False

    @property
    def models(self) -> tuple[str, ...]:
        """What lies loaded in its engines."""
        return self._engines.models

    def run(self, named: Sequence[tuple[int, int]], watcher: Watcher) -> None:
        """Take these attempts (id and token each), and bring one after another to its end.

        Their ends are recorded within milliseconds.
        """
        claimed = claim_all(self._hall, named, self._name)  # delivered twice, cancelled, another's: left out
        with self._listed(claimed) as turns:
            for turn in turns:
                self._run(turn, watcher)

    def _run(self, turn: _Turn, watcher: Watcher) -> None:
        claimed, lease = turn.claimed, turn.lease
        if not lease.begin():  # it had waited too long, and was put back
            return
        watcher.began(claimed.attempt_id)
        with bound_contextvars(attempt=claimed.attempt_id, job=claimed.job_id, worker=self._name):
            began_at = self._hall.clock.now()
            report = self._attempt(claimed, turn.sign, lease)
            _log_end(report, lease)
            lease.flush()
            turn.ended = Ended(
                claimed.attempt_id, claimed.token, report, self._hall.clock.now(), began_at=began_at
            )
            if self._closing:  # the process may end with this slot
                self._record([turn])
            else:
                self._recorder.add(turn)
        failed = report.failure
        watcher.ended(claimed.attempt_id, f"{failed.failure_class}: {failed.message}" if failed else None)

    def close(self, patience_s: float) -> None:
        """Stop everything at once and give it back: kill the engines, wait a while, answer for the rest."""
        with self._change:
            self._closing = True
            for turn in self._running.values():
                turn.sign.show(Reason.RETURNED)
            self._change.wait_for(lambda: not self._running, patience_s)
            left = [turn.claimed for turn in self._running.values()]
        for claimed in left:
            give_back(self._hall, claimed.attempt_id, claimed.token)
        self._engines.close()

    @contextmanager
    def _listed(self, claimed: Sequence[Claimed]) -> Iterator[Sequence[_Turn]]:
        """Hold their leases and keep them among the running ones, each until it is recorded."""
        turns: list[_Turn] = []
        try:
            for each in claimed:
                turns.append(self._list(each))
            yield turns
        finally:
            for turn in turns:
                if turn.ended is None:
                    self._let_go(turn)

    def _list(self, claimed: Claimed) -> _Turn:
        """When the worker is closing already, it stops at once."""
        sign = StopSign()
        turn = _Turn(claimed, sign, self._leases.hold(claimed, sign))
        with self._change:
            self._running[claimed.attempt_id] = turn
            if self._closing:
                sign.show(Reason.RETURNED)
        return turn

    def _let_go(self, turn: _Turn) -> None:
        self._leases.let_go(turn.claimed)
        turn.sign.close()
        with self._change:
            self._running.pop(turn.claimed.attempt_id, None)
            self._change.notify_all()

    def _put_back(self, claimed: Claimed) -> None:
        """Return what waited too long behind another, for others to take."""
        try:
            put_back(self._hall, claimed.attempt_id, claimed.token)
        except Exception:  # part of the runner: its lease ends by itself
            _log.exception("not_put_back", attempt=claimed.attempt_id, job=claimed.job_id)
        self._leases.let_go(claimed)

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
            result = engine.run(order, limits, sign, lease.progress, on_log, on_purchase, lease.preview)
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

    def _record(self, turns: Sequence[_Turn]) -> None:
        """Record how these ended, and let go of them, whatever happens."""
        try:
            ended = [(turn, turn.ended) for turn in turns if turn.ended is not None]
            # Somebody else's by now: nothing of ours may be recorded.
            ours = [(turn, end) for turn, end in ended if end.report.outcome is not Outcome.LOST]
            if ours:
                recorded = self._record_all([end for _, end in ours])
                for (turn, end), done in zip(ours, recorded, strict=True):
                    if not done and end.report.outputs:
                        discard(self._blobs, turn.claimed)
        except Exception:  # the runner's border: what is not recorded is done again, when its lease has ended
            _log.exception("reports_not_recorded", attempts=[turn.claimed.attempt_id for turn in turns])
        finally:
            for turn in turns:
                self._let_go(turn)

    def _record_all(self, ended: Sequence[Ended]) -> list[bool]:
        try:
            return finish_all(self._hall, ended)
        except FarmUnavailable:
            raise
        except Exception:  # the store refused what an engine answered (a NUL in a text, say)
            if len(ended) > 1:
                return [done for each in ended for done in self._record_all([each])]
            _log.exception("report_not_recorded", attempt=ended[0].attempt_id)
            refused = Report(Outcome.FAILED, _NOT_RECORDED)
            finish(self._hall, ended[0].attempt_id, ended[0].token, refused)
            return [False]  # as far as its outputs go


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
