"""Reckons how long a film in segments takes on any number of workers, from what its tasks take. Pure."""

import heapq
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from math import ceil

HOP_S = 0.1  # from the end of a task to the start of one that needed it


@dataclass(frozen=True, slots=True)
class Costs:
    """Seconds of a worker by itself."""

    timeline_s: float
    segments_s: tuple[float, ...]
    sound_s: float
    join_s: float

    def halved(self, start_s: float) -> "Costs":
        """With twice as many segments, each of which costs `start_s` beside its frames."""
        half = tuple((cost_s - start_s) / 2 + start_s for cost_s in self.segments_s)
        return replace(self, segments_s=(*half, *half))

    def stretched(self, times: float) -> "Costs":
        """Those of a film so many times as long, of segments of the same length."""
        count = max(1, ceil(len(self.segments_s) * times))
        segments_s = tuple(self.segments_s[number % len(self.segments_s)] for number in range(count))
        return replace(self, segments_s=segments_s, sound_s=self.sound_s * times, join_s=self.join_s * times)


def length_s(costs: Costs, workers: int) -> float:
    """From submit to film, when these workers have nothing else to do."""
    first_s = HOP_S + costs.timeline_s + HOP_S
    return first_s + _spread([*costs.segments_s, costs.sound_s], workers) + HOP_S + costs.join_s


def speed_ups(costs: Costs, whole_s: float, workers: Iterable[int]) -> dict[int, float]:
    """How many times as fast as one task that takes `whole_s`, by the number of workers."""
    return {number: (HOP_S + whole_s) / length_s(costs, number) for number in workers}


def _spread(tasks_s: Sequence[float], workers: int) -> float:
    """When the last of these ends: each goes, in its turn, to the worker that is free first."""
    free = [0.0] * workers
    for task_s in tasks_s:
        heapq.heapreplace(free, free[0] + task_s)
    return max(free)
