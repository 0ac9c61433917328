"""The align benchmark: scenes of narrations whose times are known, placed by the product and by its peers.

Half of the narrations were there in tuning; the figures are of the other half, which shares no text and no
voice with it. `.bench/align-table.txt` has them by language, condition and voice. Errors are the same each
time, so they are measured once; `runs` counts for speed and memory.
"""

import subprocess
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

from rich.console import Console

from tests.benchmarks import align_rows as rows
from tests.benchmarks.align_facts import TELEPHONE, read, write
from tests.benchmarks.align_found import Run, read_run
from tests.benchmarks.align_ways import WAYS, Way
from tests.benchmarks.report import FOLDER, Benchmark, Row

_KEPT = FOLDER / "align"
_AT_ONCE = 2
_SOLO = "en ttspico en-GB, clean"
_HOSTILE = ("without weights", "base + aligned")
_TITLE = "held out from tuning (other texts, other voices); headlines and sums without espeak-ng's voices"


def run(runs: int) -> Sequence[Row]:
    """Everything; 10 to 15 minutes on two cores once the narrations are made."""
    subprocess.run([sys.executable, "-m", "tests.benchmarks.align_making"], check=True)
    ways = [way for way in WAYS if way.is_here()]
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        held_out = list(pool.map(lambda way: _run(way, "held-out"), ways))
    measured = {way.name: done.found for way, done in zip(ways, held_out, strict=True)}
    shown = rows.table(measured, _TITLE)
    rows.keep(shown, FOLDER / "align-table.txt")
    Console(width=rows.WIDTH).print(shown)
    return (
        *rows.headlines(measured),
        *(row for way in ways for row in _cost(way, runs)),
        *(row for way in ways if way.name in _HOSTILE for row in _hostile(way)),
        *_hour(ways[0]),
    )


def _run(way: Way, name: str) -> Run:
    """One set of narrations by one method, in a process of its own."""
    out = _KEPT / f"{way.name.replace(' ', '-')}-{name}.found.json"
    command = [sys.executable, "-m", "tests.benchmarks.align_methods", way.name]
    subprocess.run([*command, str(_KEPT / f"{name}.json"), str(out)], check=True)
    return read_run(out)


def _cost(way: Way, runs: int) -> Iterator[Row]:
    """Of one narration of some 50 s, with the machine to itself."""
    solo = [one for one in read(_KEPT / "held-out.json") if one.name.endswith(_SOLO)]
    if not solo:
        return
    write(_KEPT / "solo.json", solo * 2)
    done = [_run(way, "solo") for _ in range(max(1, runs))]
    factors = [one.found[1].wall_s / one.found[1].duration_s for one in done]
    yield Row.median(f"{way.name}: real-time factor, warm", factors, "x")
    colder = [one.found[0].wall_s - one.found[1].wall_s for one in done]
    yield Row.median(f"{way.name}: the first takes longer by", colder, "s")
    yield Row.median(f"{way.name}: peak memory", [one.peak_mb for one in done], "MB")


def _hostile(way: Way) -> Iterator[Row]:
    """How sure a method says it is of what is not there; and an honest narration by telephone."""
    for found in _run(way, "hostile").found:
        if found.condition == TELEPHONE:
            yield Row.median(f"{way.name}: {found.condition}, median", [rows.tally([found]).median_ms], "ms")
        else:
            surest = max(scene.confidence for scene in found.scenes)
            yield Row.median(f"{way.name}: {found.condition}, confidence", [surest], "", target=0.3)


def _hour(way: Way) -> Iterator[Row]:
    done = _run(way, "hour")
    for found in done.found[-1:]:
        yield Row.median("an hour: peak memory", [done.peak_mb], "MB", target=1_000)
        yield Row.median("an hour: longest wait for progress", [found.longest_wait_s], "s", target=10)
        yield Row.median("an hour: real-time factor", [found.wall_s / found.duration_s], "x")
        yield Row.median("an hour: median", [rows.tally([found]).median_ms], "ms")


BENCHMARK = Benchmark("align", "Scenes found in narrations, against the truth and against peers.", run)
