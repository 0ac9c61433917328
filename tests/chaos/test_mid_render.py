"""Real processes killed in the middle of real renders: the job completes, once, and is charged once."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

from tests.invariants import violations
from tests.processes import is_running
from tests.running import RunningFarm, embedded_farm, eventually

pytestmark = pytest.mark.slow

ENGINE = r"workers\.engine_main"
WORKER = r"farm\.cli\.main worker cpu-render"
VALKEY = r"valkey-server"
PICTURES = 4
FPS = 30


@pytest.fixture(scope="module")
def farm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningFarm]:
    """One embedded farm with one worker; each test leaves it working."""
    with embedded_farm(tmp_path_factory.mktemp("chaos"), fast=True, pools=("cpu-render",)) as made:
        yield made


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Pictures with enough in them that a render of them takes some seconds."""
    folder = tmp_path_factory.mktemp("pictures")
    random = np.random.default_rng(1)
    made = []
    for number in range(PICTURES):
        coarse = random.integers(0, 255, (40, 24, 3), dtype=np.uint8)
        path = folder / f"{number:02}.jpg"
        Image.fromarray(coarse).resize((1080, 1920), Image.Resampling.BICUBIC).save(path, quality=90)
        made.append(path)
    return made


def start_render(farm: RunningFarm, pictures: list[Path]) -> str:
    assets = [farm.upload(path, "image/jpeg") for path in pictures]
    return farm.submit("media-render", assets=assets, transition_types=["ken-burns"])


def check_one_good_video(farm: RunningFarm, job_id: str, folder: Path) -> None:
    """Completed, one artifact of the right length, nothing charged twice."""
    assert farm.ended(job_id)["state"] == "completed"
    assert [a["name"] for a in farm.artifacts(job_id)] == ["video"]
    with av.open(farm.download(job_id, "video", folder / "out.mp4")) as container:
        assert sum(1 for _ in container.decode(video=0)) == PICTURES * 3 * FPS
    eventually(lambda: violations(farm.store) == [], "the books are right")


def test_kill_9_of_the_engine(farm: RunningFarm, pictures: list[Path], tmp_path: Path) -> None:
    job_id = start_render(farm, pictures)
    farm.well_under_way(job_id)
    farm.kill(ENGINE)
    check_one_good_video(farm, job_id, tmp_path)
    assert farm.outcomes(job_id) == ["failed", "succeeded"]
    assert farm.attempts(job_id)[0].failure_class == "crash"


def test_kill_9_of_the_worker(farm: RunningFarm, pictures: list[Path], tmp_path: Path) -> None:
    job_id = start_render(farm, pictures)
    farm.well_under_way(job_id)
    (engine,) = farm.processes(ENGINE)
    farm.kill(WORKER)
    eventually(lambda: not is_running(engine), "the engine dies with its worker")
    check_one_good_video(farm, job_id, tmp_path)
    assert farm.outcomes(job_id) == ["lost", "succeeded"]


def test_kill_9_and_restart_of_valkey(farm: RunningFarm, pictures: list[Path], tmp_path: Path) -> None:
    job_id = start_render(farm, pictures)
    farm.well_under_way(job_id)
    dead = farm.kill(VALKEY)
    eventually(lambda: farm.processes(VALKEY) not in ([], [dead]), "Valkey is back")
    check_one_good_video(farm, job_id, tmp_path)
    assert farm.outcomes(job_id) == ["succeeded"]
    after = farm.submit("probe", echo="still here")
    assert farm.ended(after)["state"] == "completed"


def test_flushall_with_queued_jobs(farm: RunningFarm) -> None:
    import json

    import redis

    waiting = [farm.submit("probe", sleep_s=0.2) for _ in range(20)]
    note = json.loads((Path(farm.environment["FARM_HOME"]) / "run" / "farm.json").read_text())
    with redis.Redis.from_url(note["redis_url"]) as client:
        client.flushall()
    assert {farm.ended(job_id)["state"] for job_id in waiting} == {"completed"}
    assert violations(farm.store) == []


def test_a_hang_in_c_is_killed_and_retried_while_the_worker_stays_online(farm: RunningFarm) -> None:
    job_id = farm.submit("probe", hang_c_s=600, fail_times=1, soft_s=4, hard_s=5)
    farm.well_under_way(job_id, 0.0)
    (engine,) = farm.processes(ENGINE)
    (worker,) = farm.processes(WORKER)
    assert farm.ended(job_id)["state"] == "completed"
    assert farm.outcomes(job_id) == ["failed", "succeeded"]
    assert farm.attempts(job_id)[0].failure_class == "timeout"
    assert not is_running(engine)
    assert farm.processes(WORKER) == [worker]


def test_sigterm_gives_a_render_back_at_once(farm: RunningFarm, pictures: list[Path], tmp_path: Path) -> None:
    job_id = start_render(farm, pictures)
    farm.well_under_way(job_id)
    (worker,) = farm.processes(WORKER)
    os.kill(worker, signal.SIGTERM)
    eventually(lambda: "returned" in farm.outcomes(job_id), "the attempt was given back")
    check_one_good_video(farm, job_id, tmp_path)
    assert farm.outcomes(job_id) == ["returned", "succeeded"]
    assert farm.job(job_id)["tasks"][0]["attempts"] == 1


def test_kill_9_of_the_scheduler_and_the_api(farm: RunningFarm, pictures: list[Path], tmp_path: Path) -> None:
    job_id = start_render(farm, pictures)
    farm.well_under_way(job_id)
    farm.kill(r"farm\.cli\.main scheduler")
    farm.kill(r"farm\.cli\.main api")
    eventually(lambda: farm.processes(r"farm\.cli\.main api"), "the API is back")
    eventually(lambda: _answers(farm), "the API answers")
    check_one_good_video(farm, job_id, tmp_path)
    assert farm.outcomes(job_id) == ["succeeded"]


def _answers(farm: RunningFarm) -> bool:
    import httpx

    try:
        return farm.call("GET", "/healthz").status_code == 200
    except httpx.TransportError:
        return False
