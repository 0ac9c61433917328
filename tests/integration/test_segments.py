"""A long film on two workers: one of them dies, a word changes, somebody thinks better of it."""

import json
import signal
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import av
import pytest
from sqlalchemy import select

from farm.blobs import open_blobs
from farm.broker.valkey import EmbeddedValkey
from farm.doors import jobs
from farm.otio import as_otio
from farm.settings import Settings
from farm.states import JobState, Outcome, TaskState
from farm.store.schema import segment_cache
from farm.timeline import AudioClip, AudioTrack, MediaKind, TextClip
from tasks.media_render import MediaRender, RenderAsset
from tests.golden.render_scenes import MOVING, montage
from tests.media import real_photo, tone, write_sound
from tests.worker_farm import WorkerFarm, WorkerProcess, until

pytestmark = pytest.mark.slow

ASTRONAUT, COFFEE = real_photo("astronaut"), real_photo("coffee")
SHOTS, SHOT = 8, 60  # a segment each
FRAMES = SHOTS * SHOT
SEGMENTS = """
[segments]
film_s = 0.0
segment_s = 0.167
"""


@pytest.fixture
def farm(tmp_path: Path, valkey: EmbeddedValkey, monkeypatch: pytest.MonkeyPatch) -> Iterator[WorkerFarm]:
    with WorkerFarm(tmp_path, valkey.url, encode=SEGMENTS) as farm:
        monkeypatch.setenv("FARM_CONFIG_DIR", str(farm.settings.config_dir))
        assert Settings().config_dir == farm.settings.config_dir  # of the API, which plans jobs
        yield farm


class Film:
    """A film of eight photos cut hard, with a text over each, and music."""

    def __init__(self, farm: WorkerFarm, folder: Path) -> None:
        self._farm = farm
        self._song = write_sound(folder / "song.wav", tone(440, 17))
        self._assets = tuple(
            RenderAsset(
                asset_id=farm.asset(path.read_bytes(), file_name=path.name),
                file_name=path.name,
                media_kind=MediaKind.AUDIO if path == self._song else MediaKind.IMAGE,
            )
            for path in (ASTRONAUT, COFFEE, self._song)
        )

    def submit(self, *words: str) -> str:
        texts = [
            TextClip(
                text=word,
                start_frame=number * SHOT + 5,
                end_frame_exclusive=number * SHOT + 50,
                template="title",
            )
            for number, word in enumerate(words)
        ]
        music = AudioClip(media=self._song.name, start_sample=0, end_sample_exclusive=FRAMES * 1600)
        timeline = montage(  # type: ignore[no-untyped-call]  # of the golden tests, which are not typed
            *((photo, SHOT, MOVING) for photo in (ASTRONAUT, COFFEE) * (SHOTS // 2)),
            width=640,
            height=360,
            audio=[(self._song, AudioTrack(clips=(music,)))],
            texts=texts,
        )
        document = json.loads(as_otio(timeline))
        return self._farm.submit(MediaRender(assets=self._assets, timeline=document, subtitles=True))

    def frames(self, job_id: str, folder: Path) -> int:
        """How many frames the finished film decodes to."""
        artifact = next(a for a in jobs.job_artifacts(self._farm.hall, None, job_id) if a.name == "video")
        path = folder / f"{job_id}.mp4"
        open_blobs(self._farm.settings, self._farm.hall.secrets).fetch(artifact.blob_key, path)
        with av.open(str(path)) as container:
            assert abs((container.duration or 0) / av.time_base - FRAMES / 30) < 1 / 30
            return len(list(container.decode(video=0)))


WORDS = tuple(["one", "two", "three", "four", "five", "six", "seven", "eight"])


def test_a_killed_worker_costs_its_segment_and_another_word_its_own(farm: WorkerFarm, tmp_path: Path) -> None:
    workers = [farm.worker("w1"), farm.worker("w2")]
    film = Film(farm, tmp_path)
    job_id = film.submit(*WORDS)

    until(lambda: _stopped_at_work(farm, job_id, workers[1]), "w2 has a segment in its hands")
    workers[1].kill()
    seen = [0.0]
    until(lambda: _ended(farm, job_id, seen), "the film is done")
    falls = [before - after for before, after in pairwise(seen) if after < before]
    assert len(falls) <= 1 and all(fall < 1 / SHOTS for fall in falls)  # what was lost of one segment
    assert len(set(seen)) > 4
    assert farm.job(job_id).state == "completed"
    outcomes = farm.outcomes(job_id)
    assert outcomes.count("lost") == 1
    assert outcomes.count("succeeded") == 1 + SHOTS + 2  # laid out, rendered, the sound, the join
    assert film.frames(job_id, tmp_path) == FRAMES
    # Customers see the film and what was asked for, not what it was made of.
    assert [file.name for file in jobs.job_artifacts(farm.hall, None, job_id)] == [
        "subtitles-srt",
        "subtitles-vtt",
        "video",
    ]
    assert list(farm.job(job_id).result) == ["render"]

    second = film.submit("one", "two", "other", *WORDS[3:])
    assert farm.ended(second).state == "completed"
    made = {task.name for task in jobs.job(farm.hall, None, second).tasks if task.attempts}
    assert made == {"timeline", "segment-002", "render"}
    assert film.frames(second, tmp_path) == FRAMES
    with farm.hall.store.read() as connection:
        assert len(connection.execute(select(segment_cache)).all()) == SHOTS + 1 + 1


def test_a_film_cancelled_midway_stops_all_its_segments(farm: WorkerFarm, tmp_path: Path) -> None:
    farm.worker("w1", slots=2)
    job_id = Film(farm, tmp_path).submit(*WORDS)
    until(lambda: "succeeded" in _of_segments(farm, job_id), "a segment is done")
    jobs.cancel(farm.hall, None, job_id)
    assert farm.ended(job_id).state == "cancelled"
    states = {task.state for task in jobs.job(farm.hall, None, job_id).tasks}
    assert states == {TaskState.SUCCEEDED, TaskState.CANCELLED}
    assert all(outcome in (Outcome.SUCCEEDED, Outcome.CANCELLED) for outcome in farm.outcomes(job_id))
    assert jobs.job_artifacts(farm.hall, None, job_id) == []


def _of_segments(farm: WorkerFarm, job_id: str) -> list[str]:
    tasks = jobs.job(farm.hall, None, job_id).tasks
    return [task.state for task in tasks if task.name.startswith("segment-")]


def _stopped_at_work(farm: WorkerFarm, job_id: str, worker: WorkerProcess) -> bool:
    """Whether the worker stands still now with a segment that it can no longer hand in."""

    def holds_one() -> bool:
        mine = [a for a in farm.attempts(job_id) if a.worker == worker.name and a.state == "running"]
        return bool(mine) and bool(_of_segments(farm, job_id))

    if not holds_one():
        return False
    worker.kill(signal.SIGSTOP)
    if holds_one():
        return True
    worker.kill(signal.SIGCONT)
    return False


def _ended(farm: WorkerFarm, job_id: str, seen: list[float]) -> bool:
    """Whether it has; `seen` is told how far it is."""
    job = jobs.job(farm.hall, None, job_id)
    seen.append(job.progress)
    return job.state in (JobState.COMPLETED, JobState.FAILED)
