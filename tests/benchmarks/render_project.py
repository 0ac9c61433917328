"""The project benchmark: a film of twenty minutes from 200 files, on two workers of a real farm.

Real processes: Valkey, `farm api`, `farm scheduler` (SQLite), two `farm worker cpu-render` of one slot each.
The film is of 1080x1920: 150 photos of 6 megapixels, 50 clips of 720p, six seconds each, six transitions in
turn, music, a text every half minute. While it is rendered, each worker's whole tree is looked at every
second, and the job's progress as its customer sees it. One run, however many are asked for;
FARM_BENCH_MINUTES shortens it, and FARM_BENCH_FPS (of the film, 30) makes it cheaper.
"""

import json
import os
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import av
import httpx

from farm.broker.valkey import EmbeddedValkey
from farm.media_types import content_type_of
from farm.states import TERMINAL_JOBS, JobState
from tests.benchmarks.queue_rig import environment, free_port, process, until
from tests.benchmarks.render_project_assets import SHOWN_S, paths
from tests.benchmarks.render_works import MUSIC
from tests.benchmarks.report import FOLDER, Benchmark, Row
from tests.benchmarks.trees import Tree
from tests.running import RunningFarm, answers

_WORKERS = ("first", "second")
_MINUTES, _FPS = "FARM_BENCH_MINUTES", "FARM_BENCH_FPS"
_FOLDER = FOLDER / "project"
_TRANSITIONS = ("crossfade", "fade", "zoom-in", "slide", "light-leak", "wipe")
_LOOK_S = 1.0
_TEXT_EVERY_S = 30
_FLAT = 1.05  # the last quarter's memory over the second's
_RENDERED = 0.9  # of the job's progress, beyond which segments run out and are joined
_LONGEST_STILL_S = 10.0
_CHUNK_BYTES = 1 << 20
_FARM = "farm.cli.main"


@dataclass(frozen=True, slots=True)
class _Sample:
    """A look at the job and at the workers' trees."""

    at_s: float
    progress: float
    memory_mb: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class _Film:
    """What came out. `drift` is how far the sound's end is from the picture's, in frames."""

    frames: int
    decoded: int
    drift: float
    size_bytes: int


def run(runs: int) -> Sequence[Row]:
    """Render the project once."""
    minutes = float(os.environ.get(_MINUTES, "20"))
    number = max(2, round(minutes * 60 / SHOWN_S))
    fps = int(os.environ.get(_FPS, "30"))
    subprocess.run([sys.executable, "-m", "tests.benchmarks.render_project_assets", str(number)], check=True)
    shutil.rmtree(_FOLDER, ignore_errors=True)
    _FOLDER.mkdir(parents=True)
    try:
        with _farm(_FOLDER) as (farm, trees):
            params = _params(farm, paths(number), fps)
            before_s = sum(tree.cpu_s for tree in trees)
            job_id = farm.submit("media-render", **params)
            samples = list(_samples(farm, job_id, trees))
            cpu_s = sum(tree.cpu_s for tree in trees) - before_s
            job = farm.job(job_id)
            assert job["state"] == JobState.COMPLETED, job["failure"]
            film = _looked_at(_downloaded(farm, job_id, _FOLDER / "film.mp4"), fps)
            (FOLDER / "project-samples.json").write_text(json.dumps([_told(sample) for sample in samples]))
        return list(_rows(number * SHOWN_S, fps, samples, film, job, cpu_s))
    finally:
        shutil.rmtree(_FOLDER)


@contextmanager
def _farm(folder: Path) -> Iterator[tuple[RunningFarm, list[Tree]]]:
    """A farm, and its workers' trees."""
    with ExitStack() as stack:
        valkey = EmbeddedValkey(folder / "valkey")
        valkey.start()
        stack.callback(valkey.stop)
        own = environment(FARM_HOME=str((folder / "home").resolve()), FARM_REDIS_URL=valkey.url, NO_COLOR="1")
        subprocess.run([sys.executable, "-m", _FARM, "migrate"], env=own, check=True, capture_output=True)
        making = ("keys", "create", "--account", "local", "--tier", "local", "--operator")
        made = subprocess.run(
            [sys.executable, "-m", _FARM, *making], env=own, check=True, capture_output=True, text=True
        )
        port = free_port()
        url = f"http://127.0.0.1:{port}"
        own |= {"FARM_PUBLIC_URL": url}
        stack.enter_context(process(own, folder / "api.log", _FARM, "api", "--port", str(port)))
        stack.enter_context(process(own, folder / "scheduler.log", _FARM, "scheduler"))
        workers = [
            stack.enter_context(
                process(own, folder / f"{name}.log", _FARM, "worker", "cpu-render", "--name", name)
            )
            for name in _WORKERS
        ]
        until(lambda: answers(url), "the API serves")
        farm = RunningFarm("embedded", [url], made.stdout.splitlines()[-1], own, [], folder, stack=stack)
        until(lambda: len(farm.online()) == len(_WORKERS), "the workers are online", pause_s=0.3)
        yield farm, [Tree(worker.pid) for worker in workers]


def _params(farm: RunningFarm, files: Sequence[Path], fps: int) -> dict[str, Any]:
    """Upload everything; what to ask for then."""
    sent = [_uploaded(farm, path) for path in files]
    music = _uploaded(farm, MUSIC)
    length_s = len(files) * SHOWN_S
    texts = [
        {"text": f"Part {number + 1}", "start_s": float(at), "duration_s": 4.0, "template": "title"}
        for number, at in enumerate(range(1, length_s - 4, _TEXT_EVERY_S))
    ]
    return {
        "assets": [*sent, music],
        "placements": [
            {"asset_id": asset["asset_id"], "duration_s": float(SHOWN_S), "source_start_s": 0.0}
            for asset in sent
        ],
        "fps": float(fps),
        "transition_types": _TRANSITIONS,
        "text_overlays": texts,
        "bgm_asset_id": music["asset_id"],
    }


def _uploaded(farm: RunningFarm, path: Path) -> dict[str, str]:
    content_type = content_type_of(path.name)
    assert content_type is not None
    return farm.upload(path, content_type)


def _samples(farm: RunningFarm, job_id: str, trees: Sequence[Tree]) -> Iterator[_Sample]:
    """A look every second until the job has ended."""
    began = time.monotonic()
    while True:
        job = farm.job(job_id)
        memory = tuple(tree.memory_mb for tree in trees)
        yield _Sample(time.monotonic() - began, float(job["progress"]), memory)
        if job["state"] in TERMINAL_JOBS:
            return
        time.sleep(_LOOK_S)


def _told(sample: _Sample) -> list[float]:
    return [round(value, 4) for value in (sample.at_s, sample.progress, *sample.memory_mb)]


def _downloaded(farm: RunningFarm, job_id: str, path: Path) -> Path:
    found = farm.call("GET", f"/farm/v1/jobs/{job_id}/artifacts/video").json()
    with httpx.stream("GET", found["download_url"], timeout=60) as answer, path.open("wb") as file:
        answer.raise_for_status()
        for piece in answer.iter_bytes(_CHUNK_BYTES):
            file.write(piece)
    return path


def _looked_at(path: Path, fps: int) -> _Film:
    """Every picture is decoded."""
    with av.open(str(path)) as container:
        video, audio = container.streams.video[0], container.streams.audio[0]
        video.thread_type = "AUTO"
        ends = (stream.duration * stream.time_base for stream in (video, audio))  # type: ignore[operator]  # an MP4 says both
        drift = abs(float((next(ends) - next(ends)) * fps))
        frames = video.frames
        decoded = sum(1 for _ in container.decode(video=0))
    return _Film(frames, decoded, drift, path.stat().st_size)


def _rows(
    length_s: int, fps: int, samples: Sequence[_Sample], film: _Film, job: dict[str, Any], cpu_s: float
) -> Iterator[Row]:
    wall_s, frames = samples[-1].at_s, length_s * fps
    progress = [sample.progress for sample in samples]
    backward = sum(after < before for before, after in pairwise(progress))
    segments = sum(task["name"].startswith("segment-") for task in job["tasks"])
    yield Row.median("memory while rendering, last quarter over second", [_drift(samples)], "x", target=_FLAT)
    yield Row.median("a worker's tree, most memory", [_most_mb(samples)], "MB")
    yield Row.median("longest without progress", [_longest_still_s(samples)], "s", target=_LONGEST_STILL_S)
    yield Row.median("steps of the progress backward", [backward], "steps", target=0)
    yield Row.median("frames missing of the film", [frames - film.decoded], "frames", target=0)
    yield Row.median("frames that the file tells of and has not", [film.frames - film.decoded], "", target=0)
    yield Row.median("end of sound from end of picture", [film.drift], "frames", target=1)
    yield Row.median("segments", [segments], "")
    yield Row.median("wall", [wall_s], "s")
    yield Row.median("CPU of both workers", [cpu_s], "s")
    yield Row.median("film's length over wall", [length_s / wall_s], "x", better="higher")
    yield Row.median("size", [film.size_bytes / 1e6], "MB")


def _drift(samples: Sequence[_Sample]) -> float:
    """Of the worker that grew most: its median memory in the last quarter over that in the second.

    Only while both have segments to render.
    """
    busy = [sample for sample in samples if sample.progress < _RENDERED]
    quarter = max(1, len(busy) // 4)
    second, last = busy[quarter : 2 * quarter], busy[-quarter:]
    return max(
        statistics.median(sample.memory_mb[worker] for sample in last)
        / statistics.median(sample.memory_mb[worker] for sample in second)
        for worker in range(len(_WORKERS))
    )


def _most_mb(samples: Sequence[_Sample]) -> float:
    return max(mb for sample in samples for mb in sample.memory_mb)


def _longest_still_s(samples: Sequence[_Sample]) -> float:
    """The longest time in which the customer saw the same number, from submit to the end."""
    longest, since = 0.0, 0.0
    for before, after in pairwise(samples):
        longest = max(longest, after.at_s - since)
        if after.progress > before.progress:
            since = after.at_s
    return longest


BENCHMARK = Benchmark(
    "render-project", "Twenty minutes from 200 files on two workers: memory, progress, the film.", run
)
