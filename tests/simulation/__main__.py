"""Run many seeds and print how often each fault point was hit.

    python -m tests.simulation [COUNT] [FIRST] [--jobs N]

N processes share the seeds, one for each core unless said; what happens in a seed depends on nothing else. A
seed that breaks a promise prints its trace; the same command with COUNT 1 and that seed as FIRST repeats it
exactly. Over 10,000 seeds every fault point must have been hit a hundred times.
"""

import argparse
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


def main(count: int, first: int, jobs: int) -> int:
    """The exit status: 1 when a promise was broken, or a fault point is too rare."""
    hits: Counter[str] = Counter()
    bad, began = 0, time.monotonic()
    with ProcessPoolExecutor(min(count, jobs), initializer=_settle_down) as processes:
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


def _asked() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.simulation")
    parser.add_argument("count", nargs="?", type=_positive, default=300)
    parser.add_argument("first", nargs="?", type=int, default=0)
    parser.add_argument("--jobs", type=_positive, default=os.cpu_count() or 1)
    return parser.parse_args()


def _positive(word: str) -> int:
    if (number := int(word)) < 1:
        raise argparse.ArgumentTypeError(f"{word} is less than 1")
    return number


if __name__ == "__main__":
    asked = _asked()
    sys.exit(main(asked.count, asked.first, asked.jobs))
