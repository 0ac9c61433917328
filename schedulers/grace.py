"""When leases may be judged: not right after the store was away or stood still, for then nobody could beat.

Pure: it is told the times.
"""

from farm.rules.running import Scheduling

_IN_A_ROW = 5


class Grace:
    """One scheduler's patience. `now` is the store's clock; `steady` one that never steps."""

    def __init__(self, rules: Scheduling) -> None:
        self._lease_s = rules.lease_s
        self._long_s = max(rules.lease_s / 2, 3 * rules.sweep_s)
        self._turn_at: float | None = None
        self._until = 0.0
        self._given = 0  # times since leases were judged last

    def turn(self, steady: float, now: float) -> None:
        """A turn came. When the last is long ago, the store (or we) stood still meanwhile.

        Turns that are always slow must not put the judgement off for ever: after some times it comes once.
        """
        if self._turn_at is not None and steady - self._turn_at > self._long_s and self._given < _IN_A_ROW:
            self.give(now)
        self._turn_at = steady

    def give(self, now: float) -> None:
        """Let the workers come back first: for one lease from now nothing counts as lost."""
        self._until = now + self._lease_s
        self._given += 1

    def is_over(self, now: float) -> bool:
        """Whether leases may be judged now. A clock set back does not make it longer than a lease."""
        if self._until - self._lease_s <= now < self._until:
            return False
        self._given = 0
        return True
