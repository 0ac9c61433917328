"""Settles the provider's side of attempts: what they tell of it, what follows, what the next one must know.

One desk serves one settlement. It decides with schedulers.failover.decide and writes in bulk at its end.
"""

from collections.abc import Mapping
from functools import cached_property
from typing import Any

import structlog
from sqlalchemy import Connection, bindparam, delete, insert, select, update

from farm.breaker import Verdict
from farm.choices import Choice, Decision, Phase, Reason, Then
from farm.doors.hall import Hall
from farm.errors import FailureClass
from farm.job import Failure
from farm.providers import Route
from farm.states import Outcome
from farm.store.rows import AnyRow
from farm.store.schema import attempts, retry_budgets, tasks
from schedulers.capacity import Line, LineCapacity, read_capacity
from schedulers.failover import budget
from schedulers.failover.board import Board
from schedulers.failover.budget import RetryBudget
from schedulers.failover.choosing import View
from schedulers.failover.decide import (
    CONNECTION_CODES,
    TABLE,
    Case,
    Failover,
    Tried,
    after_failure,
    carried,
)
from schedulers.failover.moving import Mover, move, moved
from schedulers.failover.views import views_of
from schedulers.retry import GiveUp, Retry

log = structlog.get_logger(__name__)


class Desk:
    """Every routed attempt of the batch comes by once, in order: `ended` or `failed`."""

    def __init__(self, hall: Hall, connection: Connection, now: float) -> None:
        self._hall = hall
        self._book = hall.catalog.providers
        self._rules = self._book.failover
        self._connection = connection
        self._now = now
        self._board = Board(connection, self._rules, now)
        self._budgets: dict[int, RetryBudget] = {}
        self._choices: list[dict[str, Any]] = []
        self._decisions: list[dict[str, Any]] = []
        self._movers: list[Mover] = []

    def ended(self, row: AnyRow) -> None:
        """An attempt that succeeded, was stopped, or goes back unharmed to be made again."""
        is_success = row.outcome == Outcome.SUCCEEDED
        if is_success:
            self._request(row)
            self._succeeded(row)
        else:
            self._accepted(row)
            self._tell(row, Phase.SUBMISSION, Verdict.NEUTRAL)
            self._tell(row, Phase.COMPLETION, Verdict.NEUTRAL)
        if row.outcome in (Outcome.RETURNED, Outcome.SUPERSEDED):
            self._keep(row, self._carried(row, None))
        self._follow(row, Then(what="done" if is_success else str(row.outcome)))

    def failed(self, row: AnyRow, failure: Failure, rounds: int = 1) -> Retry | Failover | GiveUp:
        """What follows a failure; the task's choice and lane are this desk's to write.

        More `rounds` give its attempts so often.
        """
        kind = FailureClass(failure.failure_class)
        self._request(row)
        self._blame(row, kind, failure)
        choice = self._carried(row, kind, failure.code)
        spent = budget.spent(self._budget(row), self._now, self._rules)
        case = Case(
            kind,
            choice,
            self._tried(row),
            self._views(row, choice),
            may_retry=spent is not None,
            retry_after_s=row.retry_after_s,
            left_s=None if row.deadline_at is None else row.deadline_at - self._now,
            rounds=rounds,
        )
        decision = after_failure(case, self._rules, self._hall.catalog.retry)
        match decision:
            case Retry():
                self._keep(row, choice.model_copy(update={"why": Reason.AGAIN}))
                self._follow(row, Then(what="retry", why=kind, pause_s=decision.pause_s))
            case Failover():
                self._move(row, choice, decision)
            case GiveUp():
                self._keep(row, choice)
                self._follow(row, Then(what="give_up", why=decision.because))
        is_new_call = not isinstance(decision, GiveUp) and not TABLE[kind].is_free and not choice.is_bound
        if is_new_call and spent is not None:
            self._budgets[row.account_id] = spent
        return decision

    def write(self) -> None:
        """Keep it all. Tasks that move are made ready in the lanes of their new providers."""
        if self._choices:
            self._connection.execute(_CHOICE, self._choices)
        if self._decisions:
            self._connection.execute(_DECISION, self._decisions)
        move(self._hall, self._connection, self._movers, self._now)
        if self._budgets:
            rows = [
                {"account_id": account, "saved": kept.saved, "at": kept.at}
                for account, kept in sorted(self._budgets.items())
            ]
            self._connection.execute(_FORGET_BUDGET, [{"of_account": row["account_id"]} for row in rows])
            self._connection.execute(insert(retry_budgets), rows)
        self._board.write()

    # --- what it tells of the provider ------------------------------------------------------------------

    def _succeeded(self, row: AnyRow) -> None:
        if row.provider_ref is None:
            self._tell(row, Phase.SUBMISSION, Verdict.OK)
        else:
            self._accepted(row)
        self._tell(row, Phase.COMPLETION, Verdict.OK)
        took_s = row.ended_at - row.started_at if row.started_at is not None else None
        self._board.learn(_key(row), True, took_s, row.estimated_s)

    def _accepted(self, row: AnyRow) -> None:
        """An attempt that got so far has shown that the provider takes work."""
        if row.provider_ref is not None and not _decision(row).resumes:
            self._tell(row, Phase.SUBMISSION, Verdict.OK)

    def _blame(self, row: AnyRow, kind: FailureClass, failure: Failure) -> None:
        self._accepted(row)
        verdict = TABLE[kind].verdict
        if verdict is Verdict.FAILED and failure.code in CONNECTION_CODES:
            verdict = Verdict.UNREACHABLE
        phase = Phase.SUBMISSION if row.provider_ref is None else Phase.COMPLETION
        self._tell(row, phase, verdict, because=kind)
        if verdict is Verdict.REFUSED:
            self._refused(row)
        if phase is Phase.SUBMISSION:
            self._tell(row, Phase.COMPLETION, Verdict.NEUTRAL)
        if verdict in (Verdict.FAILED, Verdict.UNREACHABLE, Verdict.REFUSED):
            self._board.learn(_key(row), False, None, row.estimated_s)

    def _refused(self, row: AnyRow) -> None:
        """Our key or credit there is no good: that is so for all its models."""
        log.error("provider_refuses_us", provider=row.provider, reason=row.error_message)
        for key in self._book.offered_by(row.provider):
            if key != _key(row):
                self._board.record(
                    key, Phase.SUBMISSION, Verdict.REFUSED, row.task_id, because=FailureClass.PROVIDER_AUTH
                )

    def _tell(self, row: AnyRow, phase: Phase, verdict: Verdict, because: str = "") -> None:
        self._board.record(
            _key(row), phase, verdict, row.task_id, because=because, retry_after_s=row.retry_after_s
        )

    # --- what the next attempt must know ----------------------------------------------------------------

    def _carried(self, row: AnyRow, kind: FailureClass | None, code: str = "") -> Choice:
        provider = self._book.providers.get(row.provider)
        return carried(
            Choice.model_validate(row.choice),
            kind,
            code=code,
            provider_ref=row.provider_ref,
            dropped=row.dropped,
            is_remote=provider is None or provider.remote,
            has_run=row.started_at is not None,
        )

    def _keep(self, row: AnyRow, choice: Choice) -> None:
        self._choices.append({"task": row.task_id, "to_choice": choice.model_dump(mode="json")})

    def _move(self, row: AnyRow, choice: Choice, decision: Failover) -> None:
        spent = choice.model_copy(update={"tried": (*choice.tried, choice.key)})
        after = moved(spent, decision.to, decision.why, decision.skipped)
        self._movers.append(Mover.of(row, row.task_id, after, decision.to))
        then = Then(
            what="failover",
            why=decision.why,
            provider=decision.to.provider,
            model=decision.to.model,
            skipped=decision.skipped,
        )
        self._follow(row, then)

    def _follow(self, row: AnyRow, then: Then) -> None:
        decision = _decision(row).model_copy(update={"then": then})
        self._decisions.append({"attempt": row.id, "to_decision": decision.model_dump(mode="json")})

    def _views(self, row: AnyRow, choice: Choice) -> list[View]:
        route, kind = Route.model_validate(row.route), row.requires["kind"]
        return views_of(self._book, self._board, row.task_id, route, choice, kind, self._capacity)

    @cached_property
    def _capacity(self) -> Mapping[Line, LineCapacity]:
        since = self._now - self._hall.catalog.scheduling.worker_gone_s
        return read_capacity(self._connection, since)

    def _tried(self, row: AnyRow) -> list[Tried]:
        """The task's failed attempts, the one at hand included."""
        return [
            Tried(
                found.provider,
                found.model,
                FailureClass.LOST
                if found.outcome == Outcome.LOST
                else FailureClass(found.failure_class or FailureClass.INTERNAL),
            )
            for found in self._connection.execute(_TRIED, {"task": row.task_id, "attempt": row.id})
        ]

    # --- retries of an account --------------------------------------------------------------------------

    def _request(self, row: AnyRow) -> None:
        if row.attempts == 1:
            self._budgets[row.account_id] = budget.requested(self._budget(row), self._now, self._rules)

    def _budget(self, row: AnyRow) -> RetryBudget:
        if row.account_id not in self._budgets:
            kept = self._connection.execute(_BUDGET, {"account": row.account_id}).one_or_none()
            self._budgets[row.account_id] = (
                RetryBudget(kept.saved, kept.at) if kept else budget.fresh(self._now, self._rules)
            )
        return self._budgets[row.account_id]


_CHOICE = (
    update(tasks)
    .where(tasks.c.id == bindparam("task"))
    .values(choice=bindparam("to_choice", type_=tasks.c.choice.type))
)
_DECISION = (
    update(attempts)
    .where(attempts.c.id == bindparam("attempt"))
    .values(decision=bindparam("to_decision", type_=attempts.c.decision.type))
)
_TRIED = (
    select(attempts.c.provider, attempts.c.model, attempts.c.outcome, attempts.c.failure_class)
    .where(attempts.c.task_id == bindparam("task"), attempts.c.id <= bindparam("attempt"))
    .where(attempts.c.outcome.in_((Outcome.FAILED, Outcome.LOST)), attempts.c.provider.is_not(None))
    .order_by(attempts.c.id)
)
_BUDGET = select(retry_budgets.c.saved, retry_budgets.c.at).where(
    retry_budgets.c.account_id == bindparam("account")
)
_FORGET_BUDGET = delete(retry_budgets).where(retry_budgets.c.account_id == bindparam("of_account"))


def _key(row: AnyRow) -> tuple[str, str]:
    return row.provider, row.model


def _decision(row: AnyRow) -> Decision:
    return Decision.model_validate(row.decision) if row.decision else Decision(why=Reason.FIRST)
