"""How far placed scenes are from the truth, counted: errors, and what the stated intervals are worth."""

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass, field

_NOWHERE_MS = 600_000.0


@dataclass(frozen=True, slots=True)
class Placed:
    """A scene: where it starts, where a method said, and how sure it was; `said_ms` None: it did not say.

    `from_ms` to `to_ms` is the interval that it stated.
    """

    true_ms: float
    said_ms: float | None
    from_ms: float
    to_ms: float
    status: str
    confidence: float

    @property
    def error_ms(self) -> float:
        """How far off; ten minutes where nothing was said."""
        return _NOWHERE_MS if self.said_ms is None else abs(self.said_ms - self.true_ms)

    @property
    def is_held(self) -> bool:
        """Whether the stated interval holds the truth."""
        return self.from_ms <= self.true_ms <= self.to_ms


@dataclass(slots=True)
class Tally:
    """Scenes of one kind, by one method."""

    scenes: list[Placed] = field(default_factory=list)

    def add(self, scene: Placed) -> None:
        self.scenes.append(scene)

    @property
    def count(self) -> int:
        return len(self.scenes)

    @property
    def median_ms(self) -> float:
        return percentile([scene.error_ms for scene in self.scenes], 50)

    @property
    def p95_ms(self) -> float:
        return percentile([scene.error_ms for scene in self.scenes], 95)

    def within(self, limit_ms: float) -> float:
        """Percent of the scenes that are nearer than this."""
        return 100 * statistics.fmean(scene.error_ms < limit_ms for scene in self.scenes)

    @property
    def covered(self) -> float:
        """Percent of the stated intervals that hold the truth."""
        return 100 * statistics.fmean(scene.is_held for scene in self._said)

    @property
    def half_width_ms(self) -> float:
        """The median of what is stated for matched scenes; nan where there are none."""
        matched = [scene.to_ms - scene.from_ms for scene in self._said if scene.status == "matched"]
        return statistics.median(matched) / 2 if matched else math.nan

    @property
    def _said(self) -> Sequence[Placed]:
        return [scene for scene in self.scenes if scene.said_ms is not None]


def percentile(values: Sequence[float], percent: float) -> float:
    """The smallest value that at least so many percent of all do not exceed."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(len(ordered) * percent / 100) - 1)]
