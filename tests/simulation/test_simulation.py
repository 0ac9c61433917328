"""Hundreds of farms in virtual time, each disturbed in its own way, none of which may break a promise.

More seeds, and how often each fault point was hit: python -m tests.simulation 10000
"""

from collections import Counter

import pytest

from tests.simulation.broken import VARIANTS
from tests.simulation.faults import FAULTS, rare
from tests.simulation.world import World

SEEDS = 300
EACH = 50
ENOUGH = 40  # seeds in which a variant must be noticed


@pytest.fixture(scope="module")
def hits() -> Counter[str]:
    """Of all the seeds that have run."""
    return Counter()


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize("first", range(0, SEEDS, EACH))
def test_no_seed_breaks_a_promise(first: int, hits: Counter[str]) -> None:
    for seed in range(first, first + EACH):
        world = World(seed)
        assert world.run() == [], f"seed {seed}: " + "\n".join(world.trace)
        hits += world.hits


@pytest.mark.slow
def test_most_fault_points_were_hit(hits: Counter[str]) -> None:
    """All of them in 10,000 seeds, by `python -m tests.simulation 10000`; a tenth may be missed in 300."""
    assert len(rare(hits, 1)) <= len(FAULTS) / 10


@pytest.mark.parametrize("promise", VARIANTS)
def test_a_farm_without_a_promise_keeper_is_caught(promise: str) -> None:
    """The checks can fail: the first few seeds notice."""
    assert any(World(seed, promise, VARIANTS[promise]).run() for seed in range(ENOUGH))


def test_a_seed_repeats_itself() -> None:
    traces = []
    for _ in range(2):
        world = World(7)
        world.run()
        traces.append(world.trace)
    assert traces[0] == traces[1]
