"""Run many seeds and print how often each fault was hit: python -m tests.simulation [COUNT] [FIRST].

A seed that breaks a promise prints its trace; running that one seed again repeats it exactly.
"""

import sys
from collections import Counter
from concurrent.futures import ProcessPoolExecutor

from tests.simulation.world import World


def run(seed: int) -> tuple[int, list[str], list[str], Counter[str]]:
    """One seed: its broken promises, its trace and its faults."""
    world = World(seed)
    return seed, world.run(), world.trace, world.hits


def main(count: int, first: int) -> int:
    hits: Counter[str] = Counter()
    bad = 0
    with ProcessPoolExecutor(2) as processes:
        for seed, problems, trace, seen in processes.map(run, range(first, first + count), chunksize=20):
            hits += seen
            if problems:
                bad += 1
                print(f"seed {seed}:", *problems, "trace:", *trace, sep="\n  ")
    for fault, number in sorted(hits.items()):
        print(f"{fault:32} {number:8}")
    print(f"{count} seeds, {bad} with a broken promise")
    return 1 if bad else 0


if __name__ == "__main__":
    numbers = [int(argument) for argument in sys.argv[1:]]
    sys.exit(main(*(numbers + [300, 0][len(numbers) :])))
