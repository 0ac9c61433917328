"""Picks among candidates: their order, who may be asked now, what a task does when its turn comes. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

from farm.breaker import Gate
from farm.choices import Choice, Reason, Skipped
from farm.offers import FailoverRules
from farm.providers import Candidate


@dataclass(frozen=True, slots=True)
class View:
    """A candidate as it stands now. `has_worker`: somebody online could run it."""

    candidate: Candidate
    gate: Gate
    health: float = 1.0
    running: int = 0
    has_worker: bool = True

    @property
    def key(self) -> tuple[str, str]:
        return self.candidate.key

    @property
    def is_full(self) -> bool:
        limit = self.candidate.max_running
        return limit is not None and self.running >= limit

    @property
    def obstacle(self) -> Reason | None:
        """What keeps a task from it now."""
        if not self.gate.is_open:
            return self.gate.reason or Reason.CIRCUIT_OPEN
        if self.is_full:
            return Reason.LIMIT
        return None if self.has_worker else Reason.NO_WORKER


@dataclass(frozen=True, slots=True)
class Go:
    """The task may go where it is. `probes`: it is the one that tries whether the provider is well again."""

    probes: bool = False


@dataclass(frozen=True, slots=True)
class Move:
    """The task goes to another candidate, for `why`."""

    to: Candidate
    why: str
    skipped: tuple[Skipped, ...]


@dataclass(frozen=True, slots=True)
class Park:
    """Nobody may be asked before `until`."""

    until: float


@dataclass(frozen=True, slots=True)
class Full:
    """The provider runs as much as it may; the task waits in its lane."""


def ordered(views: Sequence[View], rules: FailoverRules) -> list[View]:
    """Models in the catalog's order; of a model the healthy in that order, then the others, best first."""
    models = list(dict.fromkeys(view.candidate.model for view in views))

    def place(view: View) -> tuple[int, bool, float]:
        is_ill = view.health < rules.least_health
        return models.index(view.candidate.model), is_ill, -view.health if is_ill else 0.0

    return sorted(views, key=place)


def first_free(
    views: Sequence[View],
    choice: Choice,
    *,
    model: str | None = None,
    other_provider: bool = False,
    or_full: bool = False,
) -> tuple[Candidate | None, tuple[Skipped, ...]]:
    """The first candidate but the chosen one that may be asked now, and those before it with their reasons.

    `model` allows this one only; `other_provider` no other model of the same provider; `or_full` takes one
    that runs as much as it may, too.
    """
    skipped: list[Skipped] = []
    for view in views:
        candidate = view.candidate
        if view.key == choice.key or (model is not None and candidate.model != model):
            continue
        is_spent = view.key in choice.tried or (other_provider and candidate.provider == choice.provider)
        reason = Reason.TRIED if is_spent else view.obstacle
        if reason is None or (or_full and reason is Reason.LIMIT):
            return candidate, tuple(skipped)
        skipped.append(Skipped(provider=candidate.provider, model=candidate.model, reason=reason))
    return None, tuple(skipped)


def at_turn(
    choice: Choice, views: Sequence[View], waited_s: float, now: float, rules: FailoverRules
) -> Go | Move | Park | Full:
    """What a task does whose turn has come. `views` are ordered; `waited_s` is how long it could have run.

    A purchase to resume costs nothing, so no breaker keeps it; what is bound to its provider never moves.
    """
    if is_forsaken(choice, views):
        return Park(now + rules.rest_max_s)
    mine = next((view for view in views if view.key == choice.key), None)
    if choice.is_bound and mine is not None:
        return _bound(choice, mine, now, rules)
    why = _obstacle(mine, waited_s, rules)
    if why is None and mine is not None:
        if mine.health >= rules.least_health:
            return Go(mine.gate.probes)
        other, skipped = _healthy(views, choice, rules)
        return Move(other, Reason.UNHEALTHY, skipped) if other else Go(mine.gate.probes)
    assert why is not None
    only = choice.model if why is Reason.LIMIT or _is_brief(mine, why, now, rules) else None
    other, skipped = first_free(views, choice, model=only)
    if other is None and only is None:  # better in line at one that works than set aside until this one may
        other, skipped = first_free(views, choice, or_full=True)
    if other is not None:
        left = Skipped(provider=choice.provider, model=choice.model, reason=why)
        return Move(other, why, (left, *skipped))
    if why is Reason.LIMIT:
        return Full()
    if why is Reason.NO_WORKER and mine is not None:
        return Go(mine.gate.probes)
    return Park(_soonest(views, choice, now, rules))


def is_forsaken(choice: Choice, views: Sequence[View]) -> bool:
    """Whether an operator took away all who might do the task; once one may have sold it, that one."""
    return not any(view.key == choice.key for view in views) if choice.is_bound else not views


def _bound(choice: Choice, mine: View, now: float, rules: FailoverRules) -> Go | Park | Full:
    if mine.is_full:
        return Full()
    if choice.provider_ref is not None:
        return Go()
    return Go(mine.gate.probes) if mine.gate.is_open else Park(mine.gate.until)


def _obstacle(mine: View | None, waited_s: float, rules: FailoverRules) -> Reason | None:
    if mine is None:
        return Reason.REMOVED
    if mine.obstacle is Reason.NO_WORKER and waited_s < rules.no_worker_s:
        return None
    return mine.obstacle


def _healthy(
    views: Sequence[View], choice: Choice, rules: FailoverRules
) -> tuple[Candidate | None, tuple[Skipped, ...]]:
    """Somebody of the same model who does better."""
    well = [view for view in views if view.health >= rules.least_health]
    found, skipped = first_free(well, choice, model=choice.model)
    left = Skipped(provider=choice.provider, model=choice.model, reason=Reason.UNHEALTHY)
    return found, (left, *skipped)


def _is_brief(mine: View | None, why: Reason, now: float, rules: FailoverRules) -> bool:
    """Whether waiting is better than another model: the provider is merely busy, and not for long."""
    return mine is not None and why is Reason.CAPACITY and mine.gate.until - now <= rules.patience_s


def _soonest(views: Sequence[View], choice: Choice, now: float, rules: FailoverRules) -> float:
    """When one of those that rest may be asked again."""
    resting = [view.gate.until for view in views if not view.gate.is_open and view.key not in choice.tried]
    return max(now + 0.1, min(resting, default=now + rules.rest_s))
