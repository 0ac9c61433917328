"""The scale benchmark: one long film in segments, by one, two and four warm workers, against a single pass.

Ten minutes by default; FARM_BENCH_MINUTES shortens it. CPU seconds are those of the engine processes. Then
what 64 workers would make of it, reckoned from the measured segments (render_scale_model.py).
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from farm.kinds import TaskSpec
from farm.timeline import Timeline
from tests.benchmarks.render_crew import Crew, Made, make_in_turns
from tests.benchmarks.render_scale_model import Costs, speed_ups
from tests.benchmarks.render_works import WORKS, photos
from tests.benchmarks.report import FOLDER, Benchmark, Row
from workers.cpu_render.compose import compose
from workers.cpu_render.plan import plan

WORKERS = (1, 2, 4)
_FOLDER = FOLDER / "scale"
_MINUTES = "FARM_BENCH_MINUTES"
_START_S = 0.3  # of a segment, beside its frames
_LOOKED_AT = 10  # every so many frames are compared with what was composed
_TEN_MINUTES = 600
_SOME = (2, 4, 8, 16, 32, 64)


def run(runs: int) -> Sequence[Row]:
    """Measure all of them `runs` times, in turns of some seconds."""
    subprocess.run([sys.executable, "-m", "tests.benchmarks.render_assets"], check=True)
    shutil.rmtree(_FOLDER, ignore_errors=True)
    timeline = photos(max(1, round(2 * float(os.environ.get(_MINUTES, "10")))))
    files = WORKS["long"].files()
    single, apart = list[Made](), {number: list[Made]() for number in WORKERS}
    with ExitStack() as stack:
        alone = stack.enter_context(Crew(1, _FOLDER / "single"))
        crews = {number: stack.enter_context(Crew(number, _FOLDER / str(number))) for number in WORKERS}
        for crew in (alone, *crews.values()):
            crew.warm_up(_first(_beginning(timeline), files, "timeline"), files)
        firsts = [_first(timeline, files, step) for step in ("render", *["timeline"] * len(crews))]
        for _ in range(runs):
            whole, *made = make_in_turns((alone, *crews.values()), firsts, files)
            single.append(whole)
            for number, film in zip(crews, made, strict=True):
                apart[number].append(film)
    rows = [
        *_costs(single, apart),
        *_likeness(timeline, files, single[-1], apart[2][-1]),
        *_scaling(single, apart[1]),
    ]
    shutil.rmtree(_FOLDER)
    return rows


def _workers(number: int) -> str:
    return "1 worker" if number == 1 else f"{number} workers"


def _first(timeline: Timeline, files: Mapping[str, Path], step: str) -> TaskSpec:
    params = {"timeline": timeline.model_dump(mode="json"), "file_name": "film.mp4"}
    return TaskSpec(name=step, step=step, pool="cpu-render", params=params, inputs=tuple(files))


def _beginning(timeline: Timeline) -> Timeline:
    """Two of its photos."""
    track = timeline.video[0]
    return timeline.model_copy(update={"video": (track.model_copy(update={"clips": track.clips[:2]}),)})


def _costs(single: Sequence[Made], apart: Mapping[int, Sequence[Made]]) -> Iterator[Row]:
    for number, made in apart.items():
        over = [mine.cpu_s / whole.cpu_s for mine, whole in zip(made, single, strict=True)]
        yield Row.median(f"segments on {_workers(number)}, CPU over a single pass", over, "x", target=1.08)
    yield Row.median("single pass, CPU", [made.cpu_s for made in single], "s")
    yield Row.median("single pass, wall", [made.wall_s for made in single], "s")
    for number, made in apart.items():
        yield Row.median(f"segments on {_workers(number)}, wall", [each.wall_s for each in made], "s")
    last = apart[1][-1]
    yield Row.median("segments", [len(last.segments)], "")
    yield Row.median("laying out, of the CPU", [last.cost_of("timeline").cpu_s / last.cpu_s], "x")
    yield Row.median("sound, of the CPU", [last.cost_of("sound").cpu_s / last.cpu_s], "x")
    yield Row.median("join, of the CPU", [last.cost_of("render").cpu_s / last.cpu_s], "x")


def _likeness(timeline: Timeline, files: Mapping[str, Path], single: Made, joined: Made) -> Iterator[Row]:
    """How near the joined film is to its own segments, and to a single pass."""
    alone = (frame for path in joined.segments for frame in _frames(path))
    equal = [np.array_equal(one, other) for one, other in zip(_frames(joined.film), alone, strict=True)]
    yield Row.median(
        "frames equal to the segments alone", [float(np.mean(equal))], "", better="higher", target=1
    )
    below = _quality(timeline, files, single.film) - _quality(timeline, files, joined.film)
    yield Row.median("PSNR below a single pass", [below], "dB", target=0.3)
    yield Row.median(
        "size over a single pass", [joined.film.stat().st_size / single.film.stat().st_size], "x"
    )
    yield Row.median("end of sound from end of picture", [_drift(joined.film, timeline)], "frames", target=1)
    same = [np.array_equal(a, b) for a, b in zip(_sound(joined.film), _sound(single.film), strict=True)]
    yield Row.median("sound equal to a single pass's", [float(np.mean(same))], "", better="higher", target=1)


def _frames(path: Path) -> Iterator[np.ndarray]:
    with av.open(str(path)) as container:
        container.streams.video[0].thread_type = "AUTO"
        for frame in container.decode(video=0):
            yield frame.to_ndarray()


def _sound(path: Path) -> Iterator[np.ndarray]:
    with av.open(str(path)) as container:
        for frame in container.decode(audio=0):
            yield frame.to_ndarray()


def _quality(timeline: Timeline, files: Mapping[str, Path], film: Path) -> float:
    """PSNR of luma against the composed frames, in dB, over every tenth frame."""
    errors = []
    composed = (
        each.planes
        for each in compose(plan(timeline), timeline, files, buffers=2)
        for _ in range(each.frames)
    )
    for number, (drawn, shown) in enumerate(zip(composed, _frames(film), strict=True)):
        if number % _LOOKED_AT == 0:
            luma = next(iter(drawn)).astype(np.float32)
            errors.append(float(np.mean((luma - shown[: timeline.height]) ** 2)))
    return float(10 * np.log10(255**2 / np.mean(errors)))


def _drift(film: Path, timeline: Timeline) -> float:
    """How far the sound's last sample is from the picture's end, less what an encoder fills up."""
    samples = sum(frame.shape[1] for frame in _sound(film))
    seconds = Fraction(samples, timeline.sample_rate) - timeline.duration
    return abs(float(seconds * timeline.rate.fps))


def _scaling(single: Sequence[Made], apart: Sequence[Made]) -> Iterator[Row]:
    """What more workers than there are here would make of ten minutes."""
    last, whole_s = apart[-1], single[-1].wall_s
    costs = Costs(
        timeline_s=last.cost_of("timeline").wall_s,
        segments_s=tuple(cost.wall_s for name, cost in last.costs.items() if name.startswith("segment-")),
        sound_s=last.cost_of("sound").wall_s,
        join_s=last.cost_of("render").wall_s,
    ).stretched(_TEN_MINUTES / last.duration_s)
    whole_s *= _TEN_MINUTES / last.duration_s
    found = speed_ups(costs, whole_s, range(1, max(_SOME) + 1))
    short = speed_ups(costs.halved(_START_S), whole_s, _SOME)
    for number in _SOME:
        yield Row.median(f"ten minutes on {number} workers, reckoned", [found[number]], "x", better="higher")
    for number in _SOME:
        name = f"the same in segments half as long, {number} workers"
        yield Row.median(name, [short[number]], "x", better="higher")
    most = max(found.values())
    yield Row.median(
        "workers from which it is within a tenth of its best",
        [min(n for n, x in found.items() if x > 0.9 * most)],
        "",
    )


BENCHMARK = Benchmark(
    "render-scale", "A ten-minute film in segments on 1, 2 and 4 workers, and what 64 would make of it.", run
)
