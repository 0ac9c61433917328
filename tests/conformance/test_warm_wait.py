"""How long a task waits for a worker that has its model, on both engines: loading is dear, so is waiting."""

import pytest

from farm.doors import work
from farm.kinds import registry
from farm.states import Outcome
from tasks.probe import Probe
from tests.farm import Farm

LONG_S = 600.0


def announce(farm: Farm, name: str, *models: str) -> None:
    """A worker with one hand, in which these models are warm."""
    card = work.WorkerCard(
        name=name,
        pool="gpu-generate",
        host="host",
        pid=1,
        queue=name,
        slots={"cpu": 1},
        kinds=[kind.announced for kind in registry().values()],
        labels={},
        models=models,
    )
    work.announce(farm.hall, card)


def asked(farm: Farm, model: str) -> str:
    return farm.submit(farm.caller(), Probe(pool="gpu-generate", estimated_s=LONG_S, model=model))


def started(farm: Farm) -> list[tuple[str, work.Claimed]]:
    """What starts now, by its worker."""
    farm.tick()
    found = []
    for message in farm.post.take():
        claimed = farm.claim(message, message.queue)
        assert claimed is not None
        found.append((message.queue, claimed))
    return found


def test_a_task_waits_for_the_busy_worker_that_has_its_model_and_drives_none_out(farm: Farm) -> None:
    announce(farm, "a", "flux")
    announce(farm, "b", "wan")
    asked(farm, "flux")
    ((name, claimed),) = started(farm)
    assert name == "a"
    waits = asked(farm, "flux")
    assert started(farm) == []
    other = asked(farm, "wan")  # which holds nobody else up
    ((name, theirs),) = started(farm)
    assert (name, theirs.job_id) == ("b", other)
    work.finish(farm.hall, theirs.attempt_id, theirs.token, work.Report(Outcome.SUCCEEDED))
    assert started(farm) == []
    work.finish(farm.hall, claimed.attempt_id, claimed.token, work.Report(Outcome.SUCCEEDED))
    ((name, claimed),) = started(farm)
    assert (name, claimed.job_id) == ("a", waits)


def test_it_waits_no_longer_than_loading_is_worth(farm: Farm) -> None:
    announce(farm, "a", "a-house-model")
    announce(farm, "b", "wan")
    asked(farm, "a-house-model")
    ((_, runs),) = started(farm)
    waits = asked(farm, "a-house-model")
    for _ in range(round(farm.hall.catalog.scheduling.warm_wait_s)):
        assert started(farm) == []
        farm.clock.advance(s=1)
        work.beat(farm.hall, runs.attempt_id, runs.token, 0.5, "")
        work.seen(farm.hall, "a", ("a-house-model",))
        work.seen(farm.hall, "b", ("wan",))
    assert [(name, claimed.job_id) for name, claimed in started(farm)] == [("b", waits)]


def test_a_small_model_is_sooner_loaded_than_waited_for(farm: Farm) -> None:
    """The catalog says that it asks for 4 GB; at 1 s each it is worth 4 s of an idle worker."""
    announce(farm, "a", "sd15")
    announce(farm, "b", "wan")
    asked(farm, "sd15")
    ((name, _),) = started(farm)
    assert name == "a"
    waits = asked(farm, "sd15")
    farm.clock.advance(s=3)
    assert started(farm) == []
    farm.clock.advance(s=2)
    assert [(name, claimed.job_id) for name, claimed in started(farm)] == [("b", waits)]


@pytest.mark.parametrize("models", [(), ("wan",)])
def test_what_is_warm_nowhere_or_finds_an_empty_worker_waits_for_nobody(
    farm: Farm, models: tuple[str, ...]
) -> None:
    announce(farm, "a", "flux")
    announce(farm, "b", *models)
    asked(farm, "flux")
    assert [name for name, _ in started(farm)] == ["a"]
    job = asked(farm, "svd" if models else "flux")
    assert [(name, claimed.job_id) for name, claimed in started(farm)] == [("b", job)]
