"""Expired files as callers see them, and `farm retention` as operators run it."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from farm.doors.hall import Hall
from farm.settings import Settings
from farm.states import JobState
from farm.store.schema import artifacts, attempts, jobs, tasks
from schedulers.retention.rounds import keeping
from tests.api import Api, MovedClock, api_under, png
from tests.command import eventually, farm, farm_json

pytestmark = pytest.mark.slow

PHOTO = ("01-photo.png", "image/png", png())
DAY_S = 86_400.0


def rendered(api: Api, tmp_path: Path) -> str:
    """A job with a finished file, which one attempt reported."""
    project = api.project(PHOTO)
    with api.client() as client:
        made = client.post("/api/v1/media-render/jobs", json={"projectId": project["projectId"]})
        assert made.status_code == 202, made.text
    api.finish(project["projectId"], b"an MP4", tmp_path / "out.mp4", ended_at=api.clock.now())
    with api.hall.store.read() as connection:
        job = connection.execute(select(jobs).order_by(jobs.c.seq.desc()).limit(1)).one()
        task = connection.execute(select(tasks).where(tasks.c.job_seq == job.seq)).one()
    attempt: dict[str, Any] = {"outputs": [{"name": "video"}]}
    with api.hall.store.write() as connection:
        connection.execute(
            attempts.insert().values(
                task_id=task.id, job_seq=job.seq, lane_id=1, pool="p", resource="cpu", queue="q", order=1,
                token=1, state="settled", estimated_s=1.0, outcome="succeeded", report=attempt,
                published_at=0.0, lease_at=0.0,
            )
        )  # fmt: skip
    return str(job.id)


def test_d007_an_expired_artifact_says_that_it_has_expired(api: Api, tmp_path: Path) -> None:
    job_id = rendered(api, tmp_path)
    with api.client() as client:
        assert client.get(f"/farm/v1/jobs/{job_id}/artifacts/video").status_code == 200
        api.expire_artifacts()
        gone = client.get(f"/farm/v1/jobs/{job_id}/artifacts/video")
        assert (gone.status_code, gone.json()["code"]) == (404, "output_expired")
        assert client.get(f"/farm/v1/jobs/{job_id}/artifacts/other").json()["code"] == "not_found"
        assert client.get(f"/farm/v1/jobs/{job_id}/artifacts").json()["data"] == []
        assert client.get(f"/farm/v1/jobs/{job_id}").json()["state"] == JobState.COMPLETED


def test_an_operator_sees_what_would_go_and_lets_it_go(tmp_path: Path) -> None:
    with api_under(tmp_path / "farm") as served:
        rendered(served, tmp_path)
        later = replace(served, clock=MovedClock())
        later.clock.ahead_s = -2 * DAY_S
        later.expire_artifacts()
    home = tmp_path / "farm"
    told = farm(home, "retention", "run", "--dry-run")
    assert told.returncode == 0, told.stderr
    assert "artifacts" in told.stdout
    said = farm_json(home, "retention", "run", "--dry-run")
    assert said == [{"what": "artifacts", "rows": 1, "size": 6}]
    assert [row["rows"] for row in farm_json(home, "retention", "run")] == [1]
    assert farm_json(home, "retention", "run") == []


def test_a_thread_beside_the_scheduler_does_it_by_itself(tmp_path: Path) -> None:
    home = tmp_path / "farm"
    with api_under(home) as served:
        rendered(served, tmp_path)
        served.clock.ahead_s = -2 * DAY_S
        served.expire_artifacts()
        served.clock.ahead_s = 0.0
        with keeping(Settings(home=home), served.hall):
            eventually(lambda: not left(served.hall), "the file is deleted", patience_s=30)


def left(hall: Hall) -> list[Any]:
    with hall.store.read() as connection:
        return list(connection.execute(select(artifacts.c.id)))
