"""Warm models on real processes: an engine says what lies loaded in it, and the farm hears of it at once."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import select

from farm.broker.valkey import EmbeddedValkey
from farm.store.schema import workers
from tasks.probe import Probe
from tests.worker_farm import WorkerFarm, until

pytestmark = pytest.mark.slow


@pytest.fixture
def farm(tmp_path: Path, valkey: EmbeddedValkey) -> Iterator[WorkerFarm]:
    with WorkerFarm(tmp_path, valkey.url) as farm:
        yield farm


def models(farm: WorkerFarm, name: str) -> list[str]:
    with farm.hall.store.read() as connection:
        found: list[str] = connection.scalar(select(workers.c.models).where(workers.c.name == name)) or []
        return found


def test_a_second_task_goes_to_the_engine_that_has_its_model(farm: WorkerFarm) -> None:
    farm.worker("w1")
    farm.worker("w2")
    first = farm.submit(Probe(model="flux"))
    farm.ended(first)
    (home,) = {attempt.worker for attempt in farm.attempts(first)}
    assert models(farm, home) == ["flux"]
    for _ in range(4):
        again = farm.submit(Probe(model="flux"))
        farm.ended(again)
        assert [attempt.worker for attempt in farm.attempts(again)] == [home]


def test_two_engines_of_one_worker_keep_their_models_apart(farm: WorkerFarm) -> None:
    farm.worker("w1", slots=2)
    both = [farm.submit(Probe(model=model, sleep_s=0.5)) for model in ("flux", "wan")]
    pids = {
        model: farm.ended(job).result["probe"]["pid"]
        for model, job in zip(("flux", "wan"), both, strict=True)
    }
    assert len(set(pids.values())) == 2
    for model in ("flux", "wan", "flux"):
        assert farm.ended(farm.submit(Probe(model=model))).result["probe"]["pid"] == pids[model]


def test_an_engine_that_died_is_warm_no_more(farm: WorkerFarm) -> None:
    worker = farm.worker("w1")
    farm.ended(farm.submit(Probe(model="flux")))
    os.kill(worker.engines()[0], signal.SIGKILL)
    farm.ended(farm.submit(Probe()))
    until(lambda: models(farm, "w1") == [], "the model is forgotten")
