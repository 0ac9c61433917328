"""Films of services, with real workers and engines: one that fails, one that refuses, one that is stopped."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import av
import pytest

from farm.blobs import open_blobs
from farm.broker.valkey import EmbeddedValkey
from farm.doors.jobs import cancel, job_artifacts
from farm.doors.served import served
from farm.states import JobState
from tasks.generate_video import GenerateVideo
from tests.drill import KLING, SEEDANCE, providers_toml
from tests.provider_protocols.fal import FalServer
from tests.provider_protocols.replicate import ReplicateServer
from tests.provider_protocols.server import ProtocolServer
from tests.worker_farm import WorkerFarm, WorkerProcess, until

pytestmark = pytest.mark.slow


@dataclass(frozen=True)
class Town:
    """A farm with two services: `first` sells Kling, `second` its stand-in."""

    farm: WorkerFarm
    worker: WorkerProcess
    first: ReplicateServer
    second: FalServer

    def film(self, prompt: str) -> str:
        return self.farm.submit(GenerateVideo(prompt=prompt, model="kling-o3-pro"))

    def went(self, job_id: str) -> list[tuple[str | None, str | None]]:
        return [(a.provider, a.failure_class or a.outcome) for a in self.farm.attempts(job_id)]

    def sold(self, prompt: str) -> int:
        """How often a film was bought, wherever."""
        return sum(sale.order["prompt"] == prompt for sale in [*self.first.sold, *self.second.sold])


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    folder = tmp_path_factory.mktemp("services")
    valkey = EmbeddedValkey(folder / "valkey")
    valkey.start()
    with pytest.MonkeyPatch.context() as patch, ReplicateServer() as first, FalServer() as second:
        patch.setenv("TEST_PROVIDER_KEY", ProtocolServer.key)
        toml = providers_toml({"first": (KLING, first), "second": (SEEDANCE, second)})
        toml = toml.replace('resource = "io"\n', "")  # the worker here has slots of one sort
        try:
            with WorkerFarm(folder, valkey.url, providers=toml) as farm:
                worker = farm.worker(pool="gpu-generate", slots=2)
                yield Town(farm, worker, first, second)
        finally:
            valkey.stop()


def test_a_film_that_fails_at_one_service_is_made_by_the_other(town: Town, tmp_path: Path) -> None:
    town.first.next("fails", "fails")
    job = town.film("a lighthouse")
    town.farm.ended(job)
    assert town.went(job)[-1] == ("second", "succeeded")
    assert {provider for provider, _ in town.went(job)} == {"first", "second"}
    found = served(town.farm.hall, None, job)
    assert (found.model_actual, found.failover_used, found.adjusted_mc) == (SEEDANCE, True, 30_000)
    (film,) = job_artifacts(town.farm.hall, None, job)
    path = tmp_path / film.file_name
    open_blobs(town.farm.settings, town.farm.hall.secrets).fetch(film.blob_key, path)
    with av.open(str(path)) as container:
        assert sum(1 for _ in container.decode(video=0)) == film.meta["frames"]
    assert ProtocolServer.key not in str(town.farm.attempts(job))


def test_a_refusal_is_taken_nowhere_else(town: Town) -> None:
    town.first.next("late_policy")
    job = town.film("something forbidden")
    ended = town.farm.ended(job)
    assert (ended.state, ended.failure_class) == (JobState.FAILED, "policy")
    assert town.went(job) == [("first", "policy")]
    assert town.sold("something forbidden") == 1


def test_a_film_that_is_cancelled_is_called_off_at_the_service(town: Town) -> None:
    town.first.next("never")
    job = town.film("a film that nobody wants")
    attempt = town.farm.running(job)
    until(lambda: town.farm.attempts(job)[0].provider_ref, "it was accepted")
    cancel(town.farm.hall, None, job)
    assert town.farm.ended(job).state == JobState.CANCELLED
    (after,) = town.farm.attempts(job)
    assert town.first.called_off == [after.provider_ref]
    assert (after.id, after.dropped) == (attempt.id, True)


def test_a_worker_that_dies_leaves_what_another_goes_on_with(town: Town) -> None:
    town.first.next("never")
    job = town.film("a film that outlives its worker")
    until(lambda: town.farm.attempts(job) and town.farm.attempts(job)[0].provider_ref, "it was accepted")
    town.worker.kill()
    town.farm.worker("w2", pool="gpu-generate")
    town.first.release()
    assert town.farm.ended(job).state == JobState.COMPLETED
    assert town.went(job) == [("first", "lost"), ("first", "succeeded")]
    assert town.sold("a film that outlives its worker") == 1
