"""Defects that seeds of the simulation have found, each with the few steps that bring it about."""

from dataclasses import replace

import pytest

from farm.doors import jobs, work
from farm.states import Outcome
from tasks.probe import Probe
from tests.farm import Farm


def test_two_changes_of_priority_between_two_turns(farm: Farm) -> None:
    """Seed 56: the statement could not take two, so no turn of the scheduler ended any more."""
    farm.worker()
    ada = farm.caller()
    first, second, third = (farm.submit(ada, Probe(estimated_s=5.0)) for _ in range(3))
    operator = replace(ada, is_operator=True)
    jobs.set_priority(farm.hall, operator, second, 4)
    jobs.set_priority(farm.hall, operator, third, 1)
    started = [farm.run_next().job_id for _ in range(3)]
    assert started == [third, second, first]


@pytest.mark.parametrize("lead", range(0, 8, 3))
def test_ageing_counts_the_turns_of_its_tier(farm: Farm, lead: int) -> None:
    """Counted on the whole line, a heavier tier may have the aged turn each time it comes.

    Here a free turn follows seven of the pro tier, so that the free ones all come at the same place in eight.
    """
    farm.worker()
    old, pro = farm.caller("old", "free"), farm.caller("pro", "pro")
    for _ in range(100):
        farm.submit(pro, Probe(echo="pro", estimated_s=1.0))
    for _ in range(lead):
        _run_one(farm)
    for _ in range(2):
        farm.submit(old, Probe(echo="old", estimated_s=0.875))
    free_turns: list[str] = []
    for number in range(100):
        farm.submit(farm.caller(f"new{number}", "free"), Probe(echo="new", estimated_s=0.875))
        tag = _run_one(farm)
        free_turns += [tag] if tag != "pro" else []
        if free_turns.count("old") == 2:
            break
    assert len(free_turns) <= 2 + farm.hall.catalog.scheduling.ageing_every


def _run_one(farm: Farm) -> str:
    """One job, for as long as was estimated. Returns its tag."""
    farm.worker()
    farm.tick()
    (message,) = farm.post.take()
    claimed = farm.claim(message)
    assert claimed is not None
    farm.clock.advance(s=float(str(claimed.params["estimated_s"])))
    work.finish(farm.hall, claimed.attempt_id, claimed.token, work.Report(Outcome.SUCCEEDED))
    return str(claimed.params["echo"])
