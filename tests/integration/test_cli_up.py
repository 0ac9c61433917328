"""`farm up` as its users meet it: one command starts a farm, one Ctrl-C ends it, nothing is left behind."""

import json
import os
import re
import signal
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.command import Background, eventually, farm, farm_json, running
from tests.postgres import Postgres
from tests.processes import below, command_of, is_running

pytestmark = pytest.mark.slow

UP = ("up", "--port", "0", "--no-flower", "--pools", "cpu-render")


@pytest.fixture(scope="module")
def up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Background]:
    with running(tmp_path_factory.mktemp("up"), *UP) as started:
        yield started.until_ready()


def test_it_says_where_it_serves_and_leaves_a_note_for_this_user_alone(up: Background) -> None:
    note = farm_json_of(up)
    assert httpx.get(f"{up.url}/healthz").status_code == 200
    (metrics,) = re.findall(r"http://127\.0\.0\.1:\d+/metrics", up.out)
    assert "farm_" in httpx.get(metrics).text
    assert note["url"] == up.url
    assert note["pid"] == up.process.pid
    assert (up.home / "run" / "farm.json").stat().st_mode & 0o077 == 0  # the server's password is in it
    assert (up.home / "run" / "key").stat().st_mode & 0o077 == 0


def test_a_second_farm_on_the_same_home_says_so(up: Background) -> None:
    second = farm(up.home, *UP)
    assert second.returncode == 1
    assert up.url in second.stderr
    assert str(up.process.pid) in second.stderr
    assert httpx.get(f"{up.url}/healthz").status_code == 200


def test_the_doctor_sends_a_probe_through_it(up: Background) -> None:
    checks = {check["name"]: check for check in farm_json(up.home, "doctor")}
    assert checks["probe cpu-render"]["state"] == "ok"
    assert checks["redis"]["found"].startswith("valkey ")


def test_a_new_key_stands_alone_on_the_last_line_and_works_from_anywhere(
    up: Background, tmp_path: Path
) -> None:
    made = farm(up.home, "keys", "create", "--account", "ada", "--tier", "free", "--credits", "10")
    key = made.stdout.splitlines()[-1]
    elsewhere = {"FARM_URL": up.url, "FARM_API_KEY": key}
    assert made.returncode == 0
    assert farm_json(tmp_path, "jobs", "ls", **elsewhere) == []
    refused = farm(tmp_path, "workers", "ls", **elsewhere)
    assert refused.returncode == 1
    assert "operator" in refused.stderr

    prefix = key.rsplit("_", 1)[0]
    assert prefix in {row["prefix"] for row in farm_json(up.home, "keys", "ls", "--account", "ada")}
    assert key not in farm(up.home, "keys", "ls", "--json").stdout
    assert farm(up.home, "keys", "revoke", prefix).returncode == 0
    assert farm(tmp_path, "jobs", "ls", **elsewhere).returncode == 1


def test_a_job_is_submitted_watched_explained_and_tried_again(up: Background) -> None:
    done = farm(up.home, "submit", "probe", "--params", '{"sleep_s": 0.2}', "--watch")
    job_id = done.stdout.strip()
    assert done.returncode == 0, done.stderr
    shown = farm_json(up.home, "jobs", "show", job_id)
    assert shown["state"] == "completed"
    assert [attempt["outcome"] for attempt in shown["attempts"]] == ["succeeded"]
    assert "has ended (completed)" in farm(up.home, "jobs", "why", job_id).stdout
    again = farm(up.home, "jobs", "retry", job_id).stdout.strip()
    assert again.startswith("job_")
    assert again != job_id
    assert {again, job_id} <= {job["id"] for job in farm_json(up.home, "jobs", "ls", "--kind", "probe")}


def test_a_job_that_fails_is_told_by_the_exit_code(up: Background) -> None:
    done = farm(up.home, "submit", "probe", "--params", '{"fail_class": "invalid_input"}', "--watch")
    assert done.returncode == 1
    assert "error: " in done.stderr


def test_a_job_can_be_cancelled(up: Background) -> None:
    job_id = farm(up.home, "submit", "probe", "--params", '{"sleep_s": 600}').stdout.strip()
    assert "asked to stop" in farm(up.home, "jobs", "cancel", job_id).stdout
    eventually(lambda: farm_json(up.home, "jobs", "show", job_id)["state"] == "cancelled", "the cancel")
    assert "had ended: cancelled" in farm(up.home, "jobs", "cancel", job_id).stdout


def test_what_the_farm_refuses_is_one_line_without_a_traceback(up: Background) -> None:
    refused = farm(up.home, "submit", "no-such-kind")
    assert refused.returncode == 1
    assert "no-such-kind" in refused.stderr
    assert len(refused.stderr.splitlines()) == 1
    missing = farm(up.home, "jobs", "show", "job_0")
    assert missing.returncode == 1
    assert "Traceback" not in missing.stderr


def test_a_crashed_part_is_started_again_and_said_so(up: Background) -> None:
    before = worker_of(up)
    os.kill(before, signal.SIGKILL)
    eventually(lambda: "worker-cpu-render ended (killed by SIGKILL)" in up.err, "the remark on the crash")
    eventually(lambda: worker_of(up) != before, "another worker announced")
    assert str(up.home / "logs" / "worker-cpu-render.log") in up.err
    assert farm(up.home, "submit", "probe", "--watch").returncode == 0


def test_the_embedded_server_comes_back_on_its_port(up: Background) -> None:
    valkey = next(pid for pid in below(up.process.pid) if "valkey" in command_of(pid))
    os.kill(valkey, signal.SIGKILL)
    eventually(lambda: "valkey ended" in up.err, "the remark on valkey")
    assert farm(up.home, "submit", "probe", "--watch").returncode == 0
    checks = {check["name"]: check for check in farm_json(up.home, "doctor")}
    assert checks["redis"]["state"] == "ok"  # at the address of the note


def test_one_signal_ends_all_of_it(tmp_path: Path) -> None:
    with running(tmp_path, *UP) as up:
        up.until_ready()
        farm(tmp_path, "submit", "probe", "--params", '{"sleep_s": 600}')
        eventually(lambda: farm_json(tmp_path, "jobs", "ls")[0]["state"] == "running", "the job runs")
        family = below(up.process.pid)  # its engine too
        assert len(family) >= 5
        assert up.signalled(signal.SIGINT) == 0
        assert [pid for pid in family if is_running(pid)] == []
        assert not (tmp_path / "run" / "farm.json").exists()
    assert farm(tmp_path, "jobs", "ls").returncode == 1  # no farm runs here


def test_nothing_outlives_a_killed_supervisor_and_the_next_one_takes_over(tmp_path: Path) -> None:
    with running(tmp_path, *UP) as killed:
        family = below(killed.until_ready().process.pid)
        job_id = farm(tmp_path, "submit", "probe", "--params", '{"sleep_s": 3}').stdout.strip()
        killed.signalled(signal.SIGKILL)
        eventually(lambda: not any(is_running(pid) for pid in family), "every child is gone")
    key = (tmp_path / "run" / "key").read_text()
    with running(tmp_path, *UP) as up:
        up.until_ready()
        assert (tmp_path / "run" / "key").read_text() == key
        eventually(lambda: farm_json(tmp_path, "jobs", "show", job_id)["state"] == "completed", "the job")


def test_a_part_that_never_starts_ends_it_with_its_last_words(tmp_path: Path) -> None:
    with running(tmp_path, *UP, variables={"FARM_BLOBS_URL": "ftp://nowhere"}) as up:
        assert up.process.wait(60) == 1
        assert "does not start" in up.err
        assert "FARM_BLOBS_URL" in up.err
    assert not (tmp_path / "run" / "farm.json").exists()


def test_on_postgresql_it_asks_for_the_schema_and_then_runs_with_flower(
    postgres: Postgres, tmp_path: Path
) -> None:
    database = {"FARM_DATABASE_URL": postgres.fresh()}
    refused = farm(tmp_path, *UP, **database)
    assert refused.returncode == 1
    assert "farm migrate" in refused.stderr
    assert farm(tmp_path, "migrate", **database).returncode == 0
    words = [word for word in UP if word != "--no-flower"]
    with running(tmp_path, *words, variables=database) as up:
        up.until_ready()
        flower = next(line.split()[2] for line in up.out.splitlines() if line.startswith("flower "))
        eventually(lambda: answers(flower), "Flower answers")
        assert farm(tmp_path, "submit", "probe", "--watch", **database).returncode == 0
        assert up.signalled(signal.SIGTERM) == 0


def test_a_port_in_use_is_said_before_anything_starts(up: Background, tmp_path: Path) -> None:
    refused = farm(tmp_path, "up", "--port", up.url.rpartition(":")[2])
    assert refused.returncode == 1
    assert "--port" in refused.stderr
    assert not (tmp_path / "logs").exists()


def farm_json_of(up: Background) -> dict[str, object]:
    note: dict[str, object] = json.loads((up.home / "run" / "farm.json").read_text())
    return note


def answers(url: str) -> bool:
    try:
        return httpx.get(url).status_code == 200
    except httpx.TransportError:
        return False


def worker_of(up: Background) -> int:
    """The pid that the one worker announced last."""
    return int(farm_json(up.home, "workers", "ls")[0]["pid"])
