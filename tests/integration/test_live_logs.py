"""The log tail over a real Valkey: capped, expiring, followed without a gap; and a farm's, by API and CLI."""

import asyncio
import json
import subprocess
from collections.abc import Iterator
from dataclasses import replace

import httpx
import pytest
import redis

from farm.broker.live import RedisLive
from farm.broker.valkey import EmbeddedValkey
from farm.doors import logs
from farm.job import LogEntry, LogLine
from tests.farm import Farm
from tests.running import FARM, RunningFarm, eventually

pytestmark = pytest.mark.slow


def line(number: int, *, private: bool = False) -> LogLine:
    return LogLine("probe", 1, f"line {number}", private)


def texts(entries: list[LogEntry]) -> list[str]:
    return [entry.line.line for entry in entries]


@pytest.fixture
def live(valkey: EmbeddedValkey) -> RedisLive:
    return RedisLive(valkey.url, tail_lines=3, keep_s=60)


@pytest.fixture
def farm(live: RedisLive) -> Iterator[Farm]:
    made = Farm("sqlite:///:memory:")
    made.hall = replace(made.hall, live=live)
    yield made
    made.close()


async def followed(farm: Farm, job_id: str, **options: object) -> list[LogEntry]:
    return [entry async for entry in logs.follow(farm.hall, None, job_id, **options)]  # type: ignore[arg-type]  # test shorthand


def test_the_last_lines_are_kept_for_a_while(live: RedisLive, valkey: EmbeddedValkey) -> None:
    live.log("job_1", [line(number) for number in range(5)])
    live.log("job_2", [line(9)])
    assert texts(list(live.tail("job_1", 10))) == ["line 2", "line 3", "line 4"]
    assert texts(list(live.tail("job_1", 1))) == ["line 4"]
    with redis.Redis.from_url(valkey.url) as client:
        (key,) = client.keys("*job_1*")
        assert 0 < client.ttl(key) <= 60


def test_a_follower_gets_the_tail_and_what_is_said_later_until_the_job_ends(farm: Farm) -> None:
    farm.worker()
    job_id = farm.submit(farm.caller())
    farm.hall.live.log(job_id, [line(0)])

    async def story() -> list[LogEntry]:
        heard: list[LogEntry] = []
        async for entry in logs.follow(farm.hall, None, job_id, private=False):
            heard.append(entry)
            if len(heard) == 1:
                farm.hall.live.log(job_id, [line(1), line(2)])
            if len(heard) == 3:
                farm.run_next()
                farm.hall.live.log(job_id, [line(3)])
        return heard

    heard = asyncio.run(story())
    assert texts(heard) == ["line 0", "line 1", "line 2", "line 3"]
    again = asyncio.run(followed(farm, job_id, after=heard[1].id, private=False))
    assert texts(again) == ["line 2", "line 3"]  # a line that broke is taken up where it broke


def test_private_lines_are_for_operators(farm: Farm) -> None:
    farm.worker()
    job_id = farm.submit(farm.caller())
    farm.hall.live.log(job_id, [line(0), line(1, private=True)])
    farm.run_next()
    assert texts(logs.tail(farm.hall, None, job_id, 10, private=False)) == ["line 0"]
    assert texts(asyncio.run(followed(farm, job_id, private=False))) == ["line 0"]
    assert texts(asyncio.run(followed(farm, job_id, private=True))) == ["line 0", "line 1"]


def test_without_a_broker_there_are_no_lines_and_nothing_breaks(farm: Farm, valkey: EmbeddedValkey) -> None:
    farm.worker()
    job_id = farm.submit(farm.caller())
    farm.hall.live.log(job_id, [line(0)])
    valkey.stop()
    farm.hall.live.log(job_id, [line(1)])
    farm.run_next()
    assert logs.tail(farm.hall, None, job_id, 10, private=True) == []
    assert asyncio.run(followed(farm, job_id, private=True)) == []


def lines_of(running_farm: RunningFarm, job_id: str) -> list[str]:
    answer = running_farm.call("GET", f"/farm/v1/jobs/{job_id}/logs")
    assert answer.status_code == 200, answer.text
    return [entry["line"] for entry in answer.json()["data"]]


SAID = [f"hello {step}/5" for step in range(1, 6)]


def test_a_running_attempt_is_heard_over_http_while_it_runs(running_farm: RunningFarm) -> None:
    job_id = running_farm.submit("probe", sleep_s=3, progress_steps=5, say="hello")
    url = f"{running_farm.url}/farm/v1/jobs/{job_id}/logs"
    headers = {"Authorization": f"Bearer {running_farm.key}"}
    heard = []
    with httpx.stream("GET", url, params={"follow": "1"}, headers=headers, timeout=60) as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        for text in answer.iter_lines():
            if text.startswith("data: "):
                heard.append(json.loads(text.removeprefix("data: "))["line"])
                if heard == SAID[:1]:
                    assert running_farm.job(job_id)["state"] == "running"
    assert heard[:5] == SAID
    assert running_farm.job(job_id)["state"] == "completed"
    assert lines_of(running_farm, job_id) == heard  # and it is still there


def test_farm_jobs_logs_follows_to_the_end(running_farm: RunningFarm) -> None:
    job_id = running_farm.submit(
        "probe", sleep_s=1, progress_steps=5, say="hello", fail_class="invalid_input"
    )
    command = [*FARM, "jobs", "logs", "-f", job_id]
    done = subprocess.run(command, env=dict(running_farm.environment), capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    told = done.stdout.splitlines()
    assert [text.partition("#")[2].partition(" ")[2] for text in told[:5]] == SAID
    assert "failed (invalid_input)" in told[-1]
    as_json = subprocess.run(
        [*FARM, "jobs", "logs", "--json", job_id],
        env=dict(running_farm.environment),
        capture_output=True,
        text=True,
    )
    assert [json.loads(text)["line"] for text in as_json.stdout.splitlines()][:5] == SAID


def test_another_account_sees_no_lines(running_farm: RunningFarm) -> None:
    job_id = running_farm.submit("probe", say="secret", progress_steps=1)
    eventually(lambda: lines_of(running_farm, job_id), "the probe has spoken")
    stranger = running_farm.customer("stranger")
    for query in ("", "?follow=1"):
        assert stranger.call("GET", f"/farm/v1/jobs/{job_id}/logs{query}").status_code == 404


def test_an_after_that_is_no_id_is_refused(running_farm: RunningFarm) -> None:
    job_id = running_farm.submit("probe")
    answer = running_farm.call("GET", f"/farm/v1/jobs/{job_id}/logs?follow=1&after=$")
    assert answer.status_code == 400
    assert answer.json()["error"]["param"] == "after"
