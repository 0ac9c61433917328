"""Run many seeds and print how often each fault point was hit: python -m tests.simulation [COUNT] [FIRST].

A seed that breaks a promise prints its trace; the same command with COUNT 1 and that seed as FIRST repeats it
exactly. Over 10,000 seeds every fault point must have been hit a hundred times.
"""

import gc
import os
import sys
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor

import structlog

from tests.simulation.faults import rare, table
from tests.simulation.world import World

_ENOUGH = 10_000
_LEAST_IN = 100  # a fault point is hit at least once in so many seeds
_TOLD_EVERY = 500


def run(seed: int) -> tuple[int, list[str], list[str], Counter[str]]:
    """One seed: its broken promises, the trace if there are any, and its faults."""
    world = World(seed)
    problems = world.run()
    return seed, problems, world.trace if problems else [], world.hits


def main(count: int, first: int) -> int:
    """The exit status: 1 when a promise was broken, or a fault point is too rare."""
    hits: Counter[str] = Counter()
    bad, began = 0, time.monotonic()
    workers = min(count, os.cpu_count() or 1)
    with ProcessPoolExecutor(workers, initializer=_settle_down) as processes:
        seeds = range(first, first + count)
        for done, (seed, problems, trace, seen) in enumerate(processes.map(run, seeds, chunksize=10), 1):
            hits += seen
            if problems:
                bad += 1
                print(f"seed {seed}:", *problems, "trace:", *trace, sep="\n  ")
                print(f"  repeat: python -m tests.simulation 1 {seed}", flush=True)
            if done % _TOLD_EVERY == 0:
                print(f"{done:,} seeds, {time.monotonic() - began:.0f} s, {bad} bad", flush=True)
    print(*table(hits), sep="\n")
    too_rare = rare(hits, count // _LEAST_IN) if count >= _ENOUGH else []
    print(f"{count:,} seeds, {bad} with a broken promise, {time.monotonic() - began:.0f} s")
    if too_rare:
        print("hit too rarely:", *too_rare)
    return 1 if bad or too_rare else 0


def _settle_down() -> None:
    """No log lines, and less collecting of garbage: it was a sixth of the time."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(50))
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 50, 100)


if __name__ == "__main__":
    numbers = [int(argument) for argument in sys.argv[1:]]
    sys.exit(main(*(numbers + [300, 0][len(numbers) :])))
