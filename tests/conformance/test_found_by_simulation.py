"""Defects that seeds of the simulation have found, each with the few steps that bring it about."""

from dataclasses import replace

from farm.doors import jobs
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
