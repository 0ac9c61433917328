"""The one way a service is bought from: resume, else look up what is in doubt, else buy; then wait for it.

What is accepted is said at once, what fails there or is called off is dropped. There are no retries here but
of looking: that buys nothing.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Protocol

from farm.errors import FailureClass, TaskFailure
from workers.context import Cancelled, Context, TaskInput
from workers.gpu_generate.remote.calling import Api

_FIRST_S, _LONGEST_S, _SLOWER = 0.2, 3.0, 1.4  # between two looks
_STEP_S = 0.1  # so often it is asked whether to stop
_BLIND_S = 60.0  # so long the service may fail to say how things stand
_CALL_OFF_S = 5.0  # so long it may take to stop
_PASSING = frozenset({FailureClass.TRANSIENT, FailureClass.TIMEOUT, FailureClass.CAPACITY})


class State(Enum):
    """How a purchase stands."""

    WAITING = auto()
    DONE = auto()
    FAILED = auto()
    GONE = auto()  # the service knows nothing of it any more


@dataclass(frozen=True, slots=True)
class Output:
    """A finished file at the service: its URL, or a path below the service's own."""

    url: str
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Seen:
    """A purchase as the service shows it. `progress` is 0..1 where it tells; `failure` why it failed."""

    ref: str
    state: State
    progress: float | None = None
    outputs: Sequence[Output] = ()
    failure: TaskFailure | None = None


class Shop(Protocol):
    """A service that takes work and does it later. Every call raises TaskFailure."""

    @property
    def api(self) -> Api: ...

    def buy(self) -> Seen:
        """Order it. AMBIGUOUS when the answer never came."""
        ...

    def find(self) -> Seen | None:
        """What was bought under our key; None once it is certain that nothing was. Else raise."""
        ...

    def look(self, ref: str) -> Seen:
        """How it stands."""
        ...

    def call_off(self, ref: str) -> None:
        """Ask it to stop."""
        ...


def bought(shop: Shop, task: TaskInput, context: Context) -> Seen:
    """The finished purchase. Raises TaskFailure as the failover's table asks for, and Cancelled."""
    seen = _begun(shop, task, context)
    try:
        seen = _waited(shop, seen, context)
    except Cancelled:
        if _is_off(shop, seen.ref):
            context.dropped()
        raise
    if seen.state is State.DONE:
        return seen
    context.dropped()
    raise seen.failure or TaskFailure(
        "The provider knows nothing of what it had accepted.", FailureClass.TRANSIENT, code="provider_lost_it"
    )


def _begun(shop: Shop, task: TaskInput, context: Context) -> Seen:
    if task.provider_ref is not None:
        return Seen(task.provider_ref, State.WAITING)
    seen = _found(shop) if task.in_doubt else None
    if seen is None:
        seen = shop.buy()
    context.accepted(seen.ref)
    return seen


def _found(shop: Shop) -> Seen | None:
    """A service that cannot tell leaves the doubt."""
    try:
        return shop.find()
    except TaskFailure as failure:
        raise TaskFailure(failure.message, FailureClass.AMBIGUOUS, code=failure.public_code) from failure


def _waited(shop: Shop, seen: Seen, context: Context) -> Seen:
    pause_s, blind_until = _FIRST_S, time.monotonic() + _BLIND_S
    while seen.state is State.WAITING:
        context.progress(min(1.0, max(0.0, seen.progress or 0.0)), "waiting for the provider")
        _rest(pause_s, context)
        pause_s = min(_LONGEST_S, pause_s * _SLOWER)
        try:
            seen = shop.look(seen.ref)
        except TaskFailure as failure:
            if failure.failure not in _PASSING or time.monotonic() > blind_until:
                raise
            context.log(f"The provider does not say how things stand: {failure.message}")
            pause_s = max(pause_s, min(_LONGEST_S, failure.retry_after_s or 0.0))
        else:
            blind_until = time.monotonic() + _BLIND_S
    return seen


def _rest(pause_s: float, context: Context) -> None:
    until = time.monotonic() + pause_s
    while (left := until - time.monotonic()) > 0:
        time.sleep(min(_STEP_S, left))
        context.checkpoint()


def _is_off(shop: Shop, ref: str) -> bool:
    """Call it off. Whether nothing will come of it: one that is done already can still be fetched."""
    until = time.monotonic() + _CALL_OFF_S
    shop.api.is_leaving = True
    try:
        shop.call_off(ref)
        while (seen := shop.look(ref)).state is State.WAITING:
            if time.monotonic() > until:
                return False
            time.sleep(_STEP_S)
    except TaskFailure:
        return False
    return seen.state is not State.DONE
