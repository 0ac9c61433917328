"""The circuit breakers of one API process, for the calls that it makes itself."""

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count

from farm import breaker as circuit
from farm.api.llm.refusals import Missed, after_failure
from farm.breaker import Breaker, Verdict
from farm.clock import Clock
from farm.doors.llm import AnswerTooLong, CallFailed
from farm.offers import FailoverRules

Key = tuple[str, str]


class Breakers:
    """One for each provider and route. Nothing of them outlives the process."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._numbers = count(1)
        self._known: dict[Key, Breaker] = {}

    @contextmanager
    def through(self, key: Key, rules: FailoverRules) -> Iterator[None]:
        """Past a breaker, which learns what came of the call. Raises Missed: by itself, or for the call."""
        number = next(self._numbers)
        self._pass(key, number, rules)
        verdict, retry_after_s = Verdict.NEUTRAL, None
        try:
            yield
            verdict = Verdict.OK
        except (CallFailed, AnswerTooLong, TimeoutError) as error:
            missed = after_failure(error)
            verdict = missed.verdict
            raise missed from error
        except Missed as missed:
            verdict, retry_after_s = missed.verdict, missed.retry_after_s
            raise
        finally:
            self._learn(key, number, rules, verdict, retry_after_s)

    def broke(self, key: Key, rules: FailoverRules) -> None:
        """A call whose answer had begun did not bring it to an end."""
        self._learn(key, next(self._numbers), rules, Verdict.FAILED, None)

    def _pass(self, key: Key, number: int, rules: FailoverRules) -> None:
        before = self._known.get(key, Breaker())
        now = self._clock.now()
        gate = circuit.gate(before, number, now, rules)
        if not gate.is_open:
            raise Missed(Verdict.NEUTRAL, "rests after failures", max(0.0, gate.until - now))
        if gate.probes:
            self._known[key] = circuit.probed(before, number)

    def _learn(
        self, key: Key, number: int, rules: FailoverRules, verdict: Verdict, retry_after_s: float | None
    ) -> None:
        self._known[key] = circuit.after(
            self._known.get(key, Breaker()),
            verdict,
            number,
            self._clock.now(),
            rules,
            key="/".join(key),
            retry_after_s=retry_after_s,
        )
