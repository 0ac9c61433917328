"""Breakers and health as the store has them: read once in a step of a tick, written back at its end.

Every scheduler reads and writes them in its turn, so all see the same.
"""

from collections.abc import Mapping, Sequence
from functools import cached_property

from sqlalchemy import Connection, and_, bindparam, delete, insert, select, update

from farm import breaker as circuit
from farm.breaker import Breaker, BreakerState, Gate, Verdict
from farm.choices import Phase
from farm.offers import FailoverRules
from farm.states import AttemptState, TaskState
from farm.store.rows import AnyRow
from farm.store.schema import attempts, breakers, provider_health, tasks
from schedulers.failover import health as wellness
from schedulers.failover.health import Health

Key = tuple[str, str]  # (provider, model)


class Board:
    """Nothing is read before it is asked for: most turns have no task that needs a provider."""

    def __init__(self, connection: Connection, rules: FailoverRules, now: float) -> None:
        self._connection = connection
        self._rules = rules
        self._now = now
        self._changed: set[tuple[str, str, Phase]] = set()
        self._moved: set[Key] = set()
        self._closed: set[str] = set()

    def gate(self, key: Key, task_id: int) -> Gate:
        """Whether a call may go through now: both phases must let it."""
        gates = [self._gate(key, phase, task_id) for phase in Phase]
        shut = [gate for gate in gates if not gate.is_open]
        if shut:
            return max(shut, key=lambda gate: gate.until)
        return Gate(True, probes=any(gate.probes for gate in gates))

    def probe(self, key: Key, task_id: int) -> None:
        """That task goes through as the probe of whatever has rested."""
        for phase in Phase:
            if self._gate(key, phase, task_id).probes:
                self._set(key, phase, circuit.probed(self._breaker(key, phase), task_id))

    def record(
        self,
        key: Key,
        phase: Phase,
        verdict: Verdict,
        task_id: int,
        *,
        because: str = "",
        retry_after_s: float | None = None,
    ) -> None:
        """Carry a call into its breaker."""
        before = self._breaker(key, phase)
        after = circuit.after(
            before,
            verdict,
            task_id,
            self._now,
            self._rules,
            key="|".join((*key, phase)),
            because=because,
            retry_after_s=retry_after_s,
        )
        if before.state is BreakerState.HALF_OPEN and after.state is BreakerState.CLOSED:
            self._closed.add(key[0])
        if after != before:
            self._set(key, phase, after)

    def learn(self, key: Key, is_success: bool, actual_s: float | None, estimated_s: float) -> None:
        """Carry a call into the health of its model there."""
        before = self._healths.get(key, Health(at=self._now))
        self._healths[key] = wellness.after(before, is_success, actual_s, estimated_s, self._now, self._rules)
        self._moved.add(key)

    def health(self, key: Key, running: int = 0, max_running: int | None = None) -> float:
        known = self._healths.get(key, Health(at=self._now))
        return wellness.score(known, running, max_running, self._now, self._rules)

    def write(self) -> None:
        """Keep what has changed; who waited for a provider that is well again need not wait longer."""
        if self._changed:
            rows = [_row(key, self._breakers[key]) for key in sorted(self._changed)]
            self._connection.execute(_FORGET, [_key_of(row) for row in rows])
            self._connection.execute(insert(breakers), rows)
        if self._moved:
            rows = [_health_row(key, self._healths[key]) for key in sorted(self._moved)]
            self._connection.execute(_FORGET_HEALTH, [_key_of(row) for row in rows])
            self._connection.execute(insert(provider_health), rows)
        for provider in sorted(self._closed):
            self._connection.execute(_WAKE, {"of_provider": provider, "now": self._now})
        self._changed.clear()
        self._moved.clear()
        self._closed.clear()

    def _gate(self, key: Key, phase: Phase, task_id: int) -> Gate:
        return circuit.gate(self._breaker(key, phase), task_id, self._now, self._rules)

    def _breaker(self, key: Key, phase: Phase) -> Breaker:
        return self._breakers.get((*key, phase), Breaker())

    def _set(self, key: Key, phase: Phase, breaker: Breaker) -> None:
        self._breakers[*key, phase] = breaker
        self._changed.add((*key, phase))

    @cached_property
    def _breakers(self) -> dict[tuple[str, str, Phase], Breaker]:
        found = {
            (row.provider, row.model, Phase(row.phase)): _breaker(row)
            for row in self._connection.execute(select(breakers))
        }
        probes = [b.probe_task for b in found.values() if b.probe_task is not None]
        trying = _trying(self._connection, probes)
        for key, breaker in found.items():
            if breaker.probe_task is not None:
                found[key] = self._still_tries(key, breaker, trying)
        return found

    def _still_tries(
        self, key: tuple[str, str, Phase], breaker: Breaker, trying: Mapping[int, AnyRow]
    ) -> Breaker:
        """The breaker, unless its probe was withdrawn, or the provider has just accepted it."""
        row = trying.get(breaker.probe_task or 0)
        if row is None:
            self._changed.add(key)
            return circuit.unprobed(breaker)
        if key[2] is Phase.SUBMISSION and row.provider_ref is not None:
            self._changed.add(key)
            self._closed.add(key[0])
            return Breaker()
        return breaker

    @cached_property
    def _healths(self) -> dict[Key, Health]:
        return {
            (row.provider, row.model): Health(row.success, row.speed, row.at)
            for row in self._connection.execute(select(provider_health))
        }


def _trying(connection: Connection, task_ids: Sequence[int]) -> dict[int, AnyRow]:
    """What these tasks' attempts that have not been settled say."""
    if not task_ids:
        return {}
    query = select(attempts.c.task_id, attempts.c.provider_ref).where(
        attempts.c.task_id.in_(task_ids), attempts.c.state != AttemptState.SETTLED
    )
    return {row.task_id: row for row in connection.execute(query)}


def _breaker(row: AnyRow) -> Breaker:
    return Breaker(
        state=BreakerState(row.state),
        calls=tuple((began, calls, failures) for began, calls, failures in row.calls),
        unreachable=row.unreachable,
        trips=row.trips,
        until=row.until,
        probe_task=row.probe_task,
        because=row.because,
    )


def _row(key: tuple[str, str, Phase], breaker: Breaker) -> dict[str, object]:
    return {
        "provider": key[0],
        "model": key[1],
        "phase": key[2],
        "state": breaker.state,
        "calls": [list(part) for part in breaker.calls],
        "unreachable": breaker.unreachable,
        "trips": breaker.trips,
        "until": breaker.until,
        "probe_task": breaker.probe_task,
        "because": breaker.because,
    }


def _health_row(key: Key, health: Health) -> dict[str, object]:
    return {
        "provider": key[0],
        "model": key[1],
        "success": health.success,
        "speed": health.speed,
        "at": health.at,
    }


def _key_of(row: Mapping[str, object]) -> dict[str, object]:
    return {f"of_{name}": row[name] for name in ("provider", "model", "phase") if name in row}


_FORGET = delete(breakers).where(
    and_(
        breakers.c.provider == bindparam("of_provider"),
        breakers.c.model == bindparam("of_model"),
        breakers.c.phase == bindparam("of_phase"),
    )
)
_FORGET_HEALTH = delete(provider_health).where(
    and_(
        provider_health.c.provider == bindparam("of_provider"),
        provider_health.c.model == bindparam("of_model"),
    )
)
# The sweep brings back what is due.
_WAKE = (
    update(tasks)
    .where(tasks.c.state == TaskState.WAITING, tasks.c.parked_for == bindparam("of_provider"))
    .where(tasks.c.due_at > bindparam("now"))  # without a due time its batch is paused
    .values(due_at=bindparam("now"))
)
