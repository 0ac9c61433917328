"""Makes every sound that the align benchmark hears: `python -m tests.benchmarks.align_making [NAME ...]`.

In a process of its own, so that neither the voices nor the tunes count in what is measured.
"""

import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from tests.benchmarks.align_facts import Narration, write
from tests.benchmarks.align_hostile import hostile, hour
from tests.benchmarks.align_narrations import narrations
from tests.benchmarks.align_texts import Half
from tests.benchmarks.report import FOLDER

_SETS: Mapping[str, Callable[[], Sequence[Narration]]] = {
    "tuning": lambda: narrations(Half.TUNING),
    "held-out": lambda: narrations(Half.HELD_OUT),
    "hostile": hostile,
    "hour": hour,
}


def index(name: str) -> Path:
    """Where the narrations of a set are listed."""
    return FOLDER / "align" / f"{name}.json"


def main(names: Sequence[str]) -> None:
    for name in names or _SETS:
        made = _SETS[name]()
        index(name).parent.mkdir(parents=True, exist_ok=True)
        write(index(name), made)
        length_s = sum(one.duration_s for one in made)
        print(f"{name}: {len(made)} narrations, {length_s / 60:.1f} min", file=sys.stderr)


if __name__ == "__main__":
    main(sys.argv[1:])
