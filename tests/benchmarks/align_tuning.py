"""The tuning half of the align benchmark, for whoever works on the aligner; the held-out half is left alone.

`python -m tests.benchmarks.align_tuning METHOD [PART]` places the narrations whose names hold PART. It tells
where the worst scenes are, and how wide an interval must be to hold nine of ten (`q90`).
"""

import subprocess
import sys
from collections.abc import Iterator, Sequence

from rich.console import Console
from rich.table import Table

from tests.benchmarks.align_facts import read, write
from tests.benchmarks.align_found import Found, read_run
from tests.benchmarks.align_rows import table
from tests.benchmarks.align_scores import Placed, Tally, percentile
from tests.benchmarks.report import FOLDER

_WORST = 15
_KEPT = FOLDER / "align"


def main(way: str, part: str = "") -> None:
    if not (_KEPT / "tuning.json").is_file():
        subprocess.run([sys.executable, "-m", "tests.benchmarks.align_making", "tuning"], check=True)
    chosen = [one for one in read(_KEPT / "tuning.json") if part in one.name]
    write(_KEPT / "chosen.json", chosen)
    command = [sys.executable, "-m", "tests.benchmarks.align_methods", way]
    subprocess.run([*command, str(_KEPT / "chosen.json"), str(_KEPT / "chosen.found.json")], check=True)
    done = read_run(_KEPT / "chosen.found.json")
    console = Console(width=120)
    console.print(table({way: done.found}, f"tuning half, {part or 'all'}; peak {done.peak_mb:.0f} MB"))
    console.print(_intervals(done.found))
    for line in _worst(done.found):
        console.print(line)


def _intervals(found: Sequence[Found]) -> Table:
    made = Table(title="what intervals should be", title_justify="left")
    for column in ("language", "bed", "status", "scenes", "q90", "stated ±", "held"):
        made.add_column(column)
    groups: dict[tuple[str, str, str], Tally] = {}
    for one in found:
        for scene in one.scenes:
            key = (one.language, "clean" if one.condition == "clean" else "noisy", scene.status)
            groups.setdefault(key, Tally()).add(scene)
    for key, tally in sorted(groups.items()):
        q90 = percentile([scene.error_ms for scene in tally.scenes], 90)
        widths = [(scene.to_ms - scene.from_ms) / 2 for scene in tally.scenes]
        stated = f"{percentile(widths, 50):.0f} ms"
        made.add_row(*key, str(tally.count), f"{q90:.0f} ms", stated, f"{tally.covered:.0f} %")
    return made


def _worst(found: Sequence[Found]) -> Iterator[str]:
    def error_ms(pair: tuple[Found, int, Placed]) -> float:
        return pair[2].error_ms

    every = [(one, number, scene) for one in found for number, scene in enumerate(one.scenes)]
    for one, number, scene in sorted(every, key=error_ms, reverse=True)[:_WORST]:
        off_ms = (scene.said_ms or 0) - scene.true_ms
        yield (
            f"{off_ms:+8.0f} ms  {one.narration}: scene {number} at {scene.true_ms / 1000:.2f} s, "
            f"{scene.status}, confidence {scene.confidence:.2f}, fit {one.fit:.2f}"
        )


if __name__ == "__main__":
    main(*sys.argv[1:])
