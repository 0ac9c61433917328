"""How far off words are in the tuning half, by what found them: for workers/asr_align/aligning/widths.py.

`python -m tests.benchmarks.align_calibrate METHOD [PART]` looks at the first word of every sentence: its time
is known. For this the table of widths is taken away, and what it is asked with is noted in its place.
"""

import sys
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import numpy.typing as npt
from rich.console import Console
from rich.table import Table

from tasks.scene_timestamps.heard import Word
from tests.benchmarks.align_facts import Narration, read
from tests.benchmarks.align_methods import hear
from tests.benchmarks.align_scores import percentile
from tests.benchmarks.align_ways import WAYS
from tests.benchmarks.report import FOLDER
from workers.asr_align.aligning import spots

_NAMES = ("alone", "two ways", "at an edge")

Bools = npt.NDArray[np.bool_]
Errors = Mapping[tuple[str, str, str], Sequence[float]]


def main(name: str, part: str = "") -> None:
    way = next(one for one in WAYS if one.name == name)
    spots.half_widths = _kinds  # type: ignore[attr-defined]  # an import of that module
    errors: dict[tuple[str, str, str], list[float]] = defaultdict(list)
    for narration in read(FOLDER / "align" / "tuning.json"):
        wanted = part in narration.name and narration.engine != "espeak-ng"
        if wanted and narration.language in way.languages:
            bed = "clean" if narration.condition == "clean" else "noisy"
            for kind, error_ms in _errors(narration, hear(way, narration, lambda done: None).words):
                for which in (bed, "all"):
                    errors[narration.language, which, kind].append(error_ms)
    Console(width=100).print(_table(errors))


def _kinds(language: str, is_forced: Bools, is_sure: Bools, is_edge: Bools) -> npt.NDArray[np.float64]:
    return np.where(is_edge, 2.0, np.where(is_forced | is_sure, 1.0, 0.0))


def _errors(narration: Narration, words: Sequence[Word]) -> Iterator[tuple[str, float]]:
    by_place = {word.text_start: word for word in words}
    first = 0
    for scene in narration.scenes:
        for place, start_s in scene.sentences:
            if word := by_place.get(first + place):
                yield _NAMES[round(word.half_width_s)], 1_000 * abs(word.start_s - start_s)
        first += len(scene.text) + 1


def _table(errors: Errors) -> Table:
    made = Table(title="how far off words are", title_justify="left")
    for column in ("language", "bed", "found by"):
        made.add_column(column)
    for column in ("words", "q50", "q90", "q95", "< 250 ms"):
        made.add_column(column, justify="right")
    for key, values in sorted(errors.items()):
        near = 100 * sum(value < 250 for value in values) / len(values)
        shares = (f"{percentile(values, percent):.0f} ms" for percent in (50, 90, 95))
        made.add_row(*key, str(len(values)), *shares, f"{near:.0f} %")
    return made


if __name__ == "__main__":
    main(*sys.argv[1:])
