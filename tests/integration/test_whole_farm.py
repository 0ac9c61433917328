"""A whole farm as its customers use it, in both shapes: what passes embedded must pass in production.

Embedded is `farm up` on SQLite, its own Valkey and a folder. Production is PostgreSQL, Valkey and S3 named
by environment variables, with two API processes. After each test nothing may be left over or owed.
"""

import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import av
import httpx
import pytest
from PIL import Image
from sqlalchemy import select

from farm.store.schema import accounts
from tests.api import MEDIA_RENDER
from tests.invariants import violations
from tests.leftovers import leftovers
from tests.media import quadrants, tone, write_clip, write_jpeg, write_sound
from tests.processes import is_running
from tests.running import POOLS, RunningFarm, answers, eventually

pytestmark = pytest.mark.slow

FPS = 30
VISUAL_S = 3
ENGINE = r"workers\.engine_main"
ANOTHER = -1  # the other API process, where there are two


@pytest.fixture
def farm(either_farm: RunningFarm) -> Iterator[RunningFarm]:
    """The farm; whatever a test did to it, its books are right in the end and nothing lies about."""
    yield either_farm
    eventually(lambda: violations(either_farm.store) == [], "the books are right", 20)
    eventually(lambda: leftovers(either_farm) == [], "nothing is left over", 20)


@pytest.fixture(scope="module")
def media(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A picture, a clip of four seconds with sound, and music."""
    folder = tmp_path_factory.mktemp("media")
    return {
        "image/jpeg": write_jpeg(folder / "01 photo.jpg", quadrants(320, 200)),
        "video/mp4": write_clip(folder / "02 clip.mp4", frames=120, sound=tone(440, 4)),
        "audio/wav": write_sound(folder / "music.wav", tone(220, 2)),
    }


def long_render(farm: RunningFarm, photo: Path) -> str:
    """A render that is not done before somebody has looked at it."""
    asset = farm.upload(photo, "image/jpeg")
    placements = [{"asset_id": asset["asset_id"], "duration_s": 600.0}]
    return farm.submit("media-render", assets=[asset], placements=placements, transition_types=["ken-burns"])


def balance(farm: RunningFarm, name: str) -> int | None:
    """What the account may still hold, in milli-credits."""
    with farm.store.read() as connection:
        return connection.scalar(select(accounts.c.balance_mc).where(accounts.c.name == name))


def engine_of(farm: RunningFarm) -> int:
    """The engine that ran a probe just now."""
    return int(farm.ended(farm.submit("probe"))["result"]["probe"]["pid"])


def check_mp4(path: Path, visuals: int, size: tuple[int, int]) -> None:
    """H.264 and AAC, every frame there, and sound to the end."""
    with av.open(str(path)) as container:
        video, audio = container.streams.video[0], container.streams.audio[0]
        assert (video.codec_context.name, audio.codec_context.name) == ("h264", "aac")
        assert (video.width, video.height) == size
        assert sum(1 for _ in container.decode(video)) == visuals * VISUAL_S * FPS
    with av.open(str(path)) as container:
        heard_s = sum(frame.samples / frame.sample_rate for frame in container.decode(audio=0))
    assert heard_s == pytest.approx(visuals * VISUAL_S, abs=0.05)


# --- from a file to a film -------------------------------------------------------------------------


def test_d001_the_road_of_the_media_render_document(
    farm: RunningFarm, media: dict[str, Path], tmp_path: Path
) -> None:
    customer = farm.customer("montage", balance_mc=10_000)
    files = [
        {"fileName": path.name, "contentType": kind, "fileSize": path.stat().st_size}
        for kind, path in media.items()
    ]
    made = customer.call("POST", f"{MEDIA_RENDER}/uploads", json={"files": files}).json()
    for upload, (kind, path) in zip(made["uploads"], media.items(), strict=True):
        put = httpx.put(upload["uploadUrl"], content=path.read_bytes(), headers={"Content-Type": kind})
        assert put.status_code == 200, put.text
    started = customer.call("POST", f"{MEDIA_RENDER}/jobs", json={"projectId": made["projectId"]})
    assert (started.status_code, started.json()["estimatedCredits"]) == (202, 2)
    render = f"{MEDIA_RENDER}/jobs/{made['projectId']}"
    early = customer.call("GET", f"{render}/download")
    assert (early.status_code, early.json()["code"]) == (409, "output_not_ready")

    def ended() -> dict[str, Any] | None:
        status = dict(customer.call("GET", render, at=ANOTHER).json())
        return status if status["status"] in ("completed", "failed") else None

    status = eventually(ended, "the render has ended", pause_s=1.0)
    assert (status["status"], status["progress"], status["outputReady"]) == ("completed", 100, True), status
    assert (status["creditsUsed"], balance(farm, "montage")) == (2, 8_000)
    given = customer.call("GET", f"{render}/download", at=ANOTHER).json()
    film = tmp_path / "film.mp4"
    film.write_bytes(httpx.get(given["downloadUrl"]).content)
    check_mp4(film, visuals=2, size=(1080, 1920))


def test_the_native_road_and_ranges_of_what_it_made(
    farm: RunningFarm, media: dict[str, Path], tmp_path: Path
) -> None:
    assets = [farm.upload(path, kind) for kind, path in media.items()]
    music = assets[-1]["asset_id"]
    job_id = farm.submit(
        "media-render", assets=assets, bgm_asset_id=music, aspect_ratio="1:1", contact_sheet=True
    )
    job = farm.ended(job_id)
    assert job["state"] == "completed", job["failure"]
    made = {artifact["name"]: artifact for artifact in farm.artifacts(job_id)}
    assert set(made) == {"video", "contact-sheet"}
    film = farm.download(job_id, "video", tmp_path / "film.mp4")
    assert film.stat().st_size == made["video"]["size_bytes"]
    check_mp4(film, visuals=2, size=(1080, 1080))
    with Image.open(farm.download(job_id, "contact-sheet", tmp_path / "sheet.png")) as sheet:
        assert sheet.format == "PNG"

    url = farm.call("GET", f"/farm/v1/jobs/{job_id}/artifacts/video").json()["download_url"]
    whole = film.read_bytes()
    for asked, start, end in (("100-199", 100, 200), ("-50", len(whole) - 50, len(whole))):
        part = httpx.get(url, headers={"Range": f"bytes={asked}"})
        assert (part.status_code, part.content) == (206, whole[start:end])
        assert part.headers["content-range"] == f"bytes {start}-{end - 1}/{len(whole)}"
    assert httpx.get(url, headers={"Range": f"bytes={len(whole)}-"}).status_code == 416
    redirected = farm.call("GET", f"/farm/v1/jobs/{job_id}/artifacts/video", params={"redirect": "1"})
    assert redirected.status_code == 307
    assert httpx.get(redirected.headers["location"]).content == whole


def test_a_retry_of_a_failed_job_renders_what_was_mended_meanwhile(
    farm: RunningFarm, media: dict[str, Path]
) -> None:
    photo = media["image/jpeg"].read_bytes()
    declared = {"file_name": "holiday.jpg", "content_type": "image/jpeg", "size_bytes": len(photo)}
    made = farm.call("POST", "/farm/v1/assets", json=declared).json()
    asset = {"asset_id": made["asset"]["id"], "file_name": "holiday.jpg", "media_kind": "image"}
    broken = photo[:100] + bytes(len(photo) - 100)
    httpx.put(made["upload_url"], content=broken, headers=made["headers"]).raise_for_status()
    failed = farm.ended(farm.submit("media-render", assets=[asset]))
    assert failed["failure"]["code"] == "asset_unreadable"
    assert "holiday.jpg" in failed["failure"]["message"]
    assert farm.outcomes(failed["id"]) == ["failed"]  # another attempt would fail the same way

    httpx.put(made["upload_url"], content=photo, headers=made["headers"]).raise_for_status()
    again = farm.call("POST", f"/farm/v1/jobs/{failed['id']}/retry", at=ANOTHER)
    assert again.status_code == 202
    assert again.json()["id"] != failed["id"]
    assert farm.ended(again.json()["id"])["state"] == "completed"
    assert farm.job(failed["id"])["state"] == "failed"


# --- watching --------------------------------------------------------------------------------------


def test_what_one_api_process_takes_the_other_shows_and_cancels(farm: RunningFarm) -> None:
    job_id = farm.submit("probe", sleep_s=600)
    farm.well_under_way(job_id, 0.0)
    assert farm.job(job_id, at=ANOTHER)["state"] == "running"
    assert farm.call("POST", f"/farm/v1/jobs/{job_id}/cancel", at=ANOTHER).status_code == 202
    assert farm.ended(job_id)["state"] == "cancelled"
    done = farm.outcomes(job_id)  # a long film is laid out before its segments are rendered
    assert done[-1] == "cancelled"
    assert set(done) <= {"succeeded", "cancelled"}


def test_events_tell_the_progress_and_the_end(farm: RunningFarm) -> None:
    job_id = farm.submit("probe", sleep_s=2, progress_steps=5)
    url = f"{farm.urls[ANOTHER]}/farm/v1/jobs/{job_id}/events"
    headers = {"Authorization": f"Bearer {farm.key}"}
    with httpx.stream("GET", url, headers=headers, timeout=60) as stream:
        assert stream.headers["content-type"].startswith("text/event-stream")
        lines = [line.removeprefix("data: ") for line in stream.iter_lines() if line.startswith("data: ")]
    seen = [json.loads(line) for line in lines]
    progress = [event["progress"] for event in seen]
    assert progress == sorted(progress)
    assert [part for part in progress if 0 < part < 1], progress
    assert (seen[-1]["state"], progress[-1]) == ("completed", 1.0)


def test_waiting_ends_with_the_job_or_with_the_time(farm: RunningFarm) -> None:
    slow, quick = farm.submit("probe", sleep_s=600, pool="asr-align"), farm.submit("probe", echo="done")
    done = farm.call("GET", f"/farm/v1/jobs/{quick}", params={"wait": 60}).json()
    assert (done["state"], done["result"]["probe"]["echo"]) == ("completed", "done")
    still = farm.call("GET", f"/farm/v1/jobs/{slow}", params={"wait": 0.2}).json()
    assert still["state"] in ("queued", "running")
    farm.call("POST", f"/farm/v1/jobs/{slow}/cancel")
    assert farm.ended(slow, at=ANOTHER)["state"] == "cancelled"


# --- stopping --------------------------------------------------------------------------------------


def test_a_cancelled_render_stops_and_its_held_credits_come_back(
    farm: RunningFarm, media: dict[str, Path]
) -> None:
    customer = farm.customer("undecided", balance_mc=100_000)
    job_id = long_render(customer, media["image/jpeg"])
    farm.well_under_way(job_id, 0.001)
    held = balance(farm, "undecided")
    assert held is not None and held < 100_000
    customer.call("POST", f"/farm/v1/jobs/{job_id}/cancel")
    job = customer.ended(job_id)
    assert (job["state"], job["credits_charged"]) == ("cancelled", 0)
    done = farm.outcomes(job_id)  # a long film is laid out before its segments are rendered
    assert done[-1] == "cancelled"
    assert set(done) <= {"succeeded", "cancelled"}
    assert balance(farm, "undecided") == 100_000
    assert farm.artifacts(job_id) == []
    engine_of(farm)  # the slot is free again


def test_an_engine_that_ignores_a_cancel_is_killed(farm: RunningFarm) -> None:
    engine = engine_of(farm)
    job_id = farm.submit("probe", sleep_s=600, ignore_cancel=True)
    farm.well_under_way(job_id, 0.0)
    farm.call("POST", f"/farm/v1/jobs/{job_id}/cancel")
    assert farm.ended(job_id)["state"] == "cancelled"
    eventually(lambda: not is_running(engine), "the engine is gone")
    assert engine_of(farm) != engine


# --- many ------------------------------------------------------------------------------------------


def test_a_probe_runs_in_every_pool(farm: RunningFarm) -> None:
    jobs = {pool: farm.submit("probe", pool=pool, echo=pool, write_bytes=1000) for pool in POOLS}
    for pool, job_id in jobs.items():
        job = farm.ended(job_id)
        assert (job["state"], job["result"]["probe"]["echo"]) == ("completed", pool)
        assert [a["size_bytes"] for a in farm.artifacts(job_id)] == [1000]
    ran = {attempt.worker for job_id in jobs.values() for attempt in farm.attempts(job_id)}
    assert len(ran) == len(POOLS)


def test_thirty_jobs_of_two_accounts_all_complete(farm: RunningFarm) -> None:
    other = farm.customer("other", "local")
    jobs = [
        (owner, owner.submit("probe", sleep_s=0.02, echo=n)) for n in range(15) for owner in (farm, other)
    ]
    for owner, job_id in jobs:
        assert owner.ended(job_id)["state"] == "completed"
    mine, its = jobs[0][1], jobs[1][1]
    listed = {job["id"] for job in other.call("GET", "/farm/v1/jobs", params={"limit": 200}).json()["data"]}
    assert its in listed
    assert mine not in listed
    assert other.call("GET", f"/farm/v1/jobs/{mine}").status_code == 404


# --- losing a part ---------------------------------------------------------------------------------


def test_a_worker_told_to_go_gives_its_job_back_and_another_finishes_it(farm: RunningFarm) -> None:
    """Embedded, the supervisor starts the worker again; in production a second worker stands by."""
    if farm.shape == "production":
        farm.start("worker", "cpu-render", "--name", "stand-by")
        eventually(lambda: "stand-by" in {worker["name"] for worker in farm.online()}, "the second worker")
    job_id = farm.submit("probe", sleep_s=2)
    first = farm.well_under_way(job_id, 0.0).worker
    (pid,) = [worker["pid"] for worker in farm.online() if worker["name"] == first]
    os.kill(pid, signal.SIGTERM)
    assert farm.ended(job_id)["state"] == "completed"
    assert farm.outcomes(job_id) == ["returned", "succeeded"]
    assert farm.job(job_id)["tasks"][0]["attempts"] == 1
    eventually(lambda: not is_running(pid), "the worker is gone")


def test_an_api_process_that_dies_costs_no_job(farm: RunningFarm) -> None:
    """Another one goes on serving; the only one is started again by `farm up`."""
    port = farm.urls[ANOTHER].rpartition(":")[2]
    job_id = farm.call("POST", "/farm/v1/jobs", at=ANOTHER, json={"kind": "probe", "params": {"sleep_s": 1}})
    pid = farm.kill(rf"farm\.cli\.main api .*--port {port}")
    eventually(lambda: not is_running(pid), "the API process is gone")
    if len(farm.urls) > 1:
        assert farm.ended(farm.submit("probe"))["state"] == "completed"
        farm.start("api", "--port", port)
    eventually(lambda: answers(farm.urls[ANOTHER]), "the API process is back")
    assert farm.ended(job_id.json()["id"], at=ANOTHER)["state"] == "completed"
