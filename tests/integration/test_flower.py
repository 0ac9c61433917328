"""Flower beside a farm: what operators see while an engine hangs in C, and who else may see it."""

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from farm.cli.ports import free_port
from tests.browser import Browser
from tests.media import quadrants, write_jpeg
from tests.processes import is_running
from tests.running import FARM, RunningFarm, embedded_farm, eventually

pytestmark = pytest.mark.slow

ENGINE = r"workers\.engine_main"
FLOWER = r"farm\.cli\.main flower"
LOOPBACK = "0100007F"
LISTENING = "0A"
PROBE = "probe@1"  # kind and version


@pytest.fixture(scope="module")
def farm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningFarm]:
    with embedded_farm(
        tmp_path_factory.mktemp("flower"), fast=True, pools=("cpu-render",), flower=True
    ) as made:
        yield made


@pytest.fixture(scope="module")
def flower(farm: RunningFarm) -> str:
    """Flower's address, once it has seen the worker."""
    (pid,) = farm.processes(FLOWER)
    found = re.search(r"--port\0(\d+)", Path(f"/proc/{pid}/cmdline").read_text())
    assert found is not None
    url = f"http://127.0.0.1:{found.group(1)}"
    eventually(lambda: online(url) == {"cpu-render": 1.0}, "Flower sees the worker")
    return url


def online(url: str) -> dict[str, float]:
    """Whether each worker is online, by its pool's name: 1 or 0."""
    return _gauge(url, "flower_worker_online")


def executing(url: str) -> dict[str, float]:
    """How many tasks each worker's last heartbeat told of."""
    return _gauge(url, "flower_worker_number_of_currently_executing_tasks")


def _gauge(url: str, name: str) -> dict[str, float]:
    try:
        text = httpx.get(f"{url}/metrics").text
    except httpx.TransportError:  # it starts a little after the rest
        return {}
    found = re.findall(rf'^{name}\{{worker="(.+)@.+"\}} (\S+)$', text, re.MULTILINE)
    return {worker: float(value) for worker, value in found}


def tasks(url: str) -> list[dict[str, Any]]:
    """The rows of Flower's task page, newest first."""
    query: dict[str, str | int] = {"draw": 1, "start": 0, "length": 100, "columns[0][data]": "received"}
    query |= {"order[0][column]": 0, "order[0][dir]": "desc"}
    rows: list[dict[str, Any]] = httpx.get(f"{url}/tasks/datatable", params=query).json()["data"]
    return rows


def test_a_worker_stays_online_while_its_engine_hangs_and_after_it_is_killed(
    farm: RunningFarm, flower: str
) -> None:
    job_id = farm.submit("probe", hang_c_s=600, fail_times=1, hard_s=8)
    farm.well_under_way(job_id, 0.0)
    (engine,) = eventually(lambda: farm.processes(ENGINE), "its engine has begun")
    rows = eventually(lambda: tasks(flower), "Flower lists the task")
    assert {(row["name"], row["state"]) for row in rows} == {(PROBE, "STARTED")}
    eventually(lambda: executing(flower) == {"cpu-render": 1.0}, "its heart tells of the hung task")
    assert farm.processes(ENGINE) == [engine]
    while is_running(engine):
        assert online(flower) == {"cpu-render": 1.0}
    assert farm.ended(job_id)["state"] == "completed"
    assert farm.outcomes(job_id) == ["failed", "succeeded"]
    assert farm.attempts(job_id)[0].failure_class == "timeout"
    assert online(flower) == {"cpu-render": 1.0}

    def listed() -> bool:
        ended = [(row["name"], row["state"]) for row in tasks(flower)]
        return ended == [(PROBE, "SUCCESS"), (PROBE, "FAILURE")]

    eventually(listed, "Flower lists both attempts under the kind's name")
    assert {row["args"] for row in tasks(flower)} == {"local (local)"}  # and no token
    ids = [attempt.id for attempt in farm.attempts(job_id)]
    assert [row["uuid"] for row in tasks(flower)] == [f"{job_id}.{number}" for number in reversed(ids)]
    shown = httpx.get(f"{flower}/task/{job_id}.{ids[0]}").text
    assert "timeout: " in shown


def test_many_small_tasks_that_travel_together_have_a_line_each(farm: RunningFarm, flower: str) -> None:
    slots = [farm.submit("probe", estimated_s=0.001, sleep_s=2.0) for _ in range(8)]  # all are busy
    jobs = {farm.submit("probe", estimated_s=0.001) for _ in range(40)}
    for job_id in (*slots, *jobs):
        farm.ended(job_id)

    def all_listed() -> bool:
        listed = {row["uuid"].partition(".")[0]: row for row in tasks(flower)}
        return all(job_id in listed and listed[job_id]["state"] == "SUCCESS" for job_id in jobs)

    eventually(all_listed, "Flower lists each of them as ended")


def test_flower_listens_on_the_loopback_address_only(flower: str) -> None:
    """It asks for no password."""
    port = f"{int(flower.rpartition(':')[2]):04X}"
    found = []
    for table in ("tcp", "tcp6"):
        rows = [line.split() for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]]
        found += [row[1] for row in rows if row[3] == LISTENING and row[1].endswith(f":{port}")]
    assert found == [f"{LOOPBACK}:{port}"]


def test_its_api_takes_no_commands(flower: str) -> None:
    """A page in the operator's browser could send them."""
    assert httpx.get(f"{flower}/api/tasks").status_code == 401
    assert httpx.post(f"{flower}/api/worker/shutdown/cpu-render").status_code == 401


def test_beyond_loopback_it_does_not_start_without_a_password(farm: RunningFarm) -> None:
    for auth in (None, "nobody", "user:", "a:b,c:d"):
        done = flower_command(farm, auth, "--address", "0.0.0.0")
        _, told = done.communicate(timeout=60)
        assert done.returncode == 2
        assert "FARM_FLOWER_AUTH" in told


def test_with_a_password_it_asks_for_it(farm: RunningFarm) -> None:
    port = free_port("127.0.0.1")
    process = flower_command(farm, "ops:s3cret", "--address", "0.0.0.0", "--port", str(port))
    try:
        url = f"http://127.0.0.1:{port}"
        eventually(lambda: answers(url), "Flower answers")
        assert "s3cret" not in Path(f"/proc/{process.pid}/cmdline").read_text()
        assert httpx.get(f"{url}/workers").status_code == 401
        assert httpx.get(f"{url}/workers", auth=("ops", "wrong")).status_code == 401
        assert httpx.get(f"{url}/workers", auth=("ops", "s3cret")).status_code == 200
        assert httpx.post(f"{url}/api/worker/shutdown/cpu-render").status_code == 401
    finally:
        process.kill()
        process.communicate()


def flower_command(farm: RunningFarm, auth: str | None, *words: str) -> "subprocess.Popen[str]":
    (pid,) = farm.processes(FLOWER)  # the running one knows where Redis is
    pairs = Path(f"/proc/{pid}/environ").read_text().split("\0")
    environment = dict(pair.split("=", 1) for pair in pairs if "=" in pair)
    if auth is not None:
        environment["FARM_FLOWER_AUTH"] = auth
    command = [*FARM, "flower", *words]
    return subprocess.Popen(
        command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    )


def answers(url: str) -> bool:
    try:
        return httpx.get(f"{url}/healthcheck").status_code == 200
    except httpx.TransportError:
        return False


def test_without_flower_none_is_started(running_farm: RunningFarm) -> None:
    assert running_farm.processes(r"farm\.cli\.main up .*--no-flower")
    assert running_farm.processes(FLOWER) == []


# --- in a browser ------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Browser:
    return Browser.found(tmp_path_factory.mktemp("browser"))


def test_a_browser_shows_the_workers_online(farm: RunningFarm, flower: str, browser: Browser) -> None:
    page = browser.eventually(f"{flower}/workers", "Online")
    assert re.search(r"Online workers 1\b", page.text), page.text
    assert re.search(r"cpu-render@\S+ Online\b", page.text), page.text


def test_a_browser_shows_tasks_by_kind_whose_they_are_and_how_they_ended(
    farm: RunningFarm, flower: str, browser: Browser
) -> None:
    acme = farm.customer("acme", "local")
    good, bad = acme.submit("probe"), acme.submit("probe", fail_class="invalid_input")
    asset = acme.upload(write_jpeg(farm.logs / "photo.jpg", quadrants(160, 90)), "image/jpeg")
    film = acme.submit("media-render", assets=[asset])
    for job_id in (good, bad, film):
        acme.ended(job_id)
    page = browser.eventually(f"{flower}/tasks", film)
    for kind, job_id, state in (
        ("probe@1", good, "SUCCESS"),
        ("probe@1", bad, "FAILURE"),
        ("media-render@4", film, "SUCCESS"),
    ):
        (attempt,) = acme.attempts(job_id)
        (row,) = [row for row in page.rows if row and row[-1].startswith(f"{job_id}.{attempt.id}")]
        assert row[:3] == [kind, "acme (local)", state]
        assert row[5].startswith("cpu-render@")
    picture = browser.screenshot(f"{flower}/tasks")
    assert picture.stat().st_size > 20_000  # more than an empty page


def test_a_browser_shows_the_queues_of_the_pools(farm: RunningFarm, flower: str, browser: Browser) -> None:
    queues = {row[0] for row in browser.eventually(f"{flower}/broker", "cpu-render").rows if row}
    assert "cpu-render" in queues
    assert "celery" not in queues
