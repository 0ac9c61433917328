"""What a method found in a narration, and what it took; as the measured processes hand it over."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from tests.benchmarks.align_scores import Placed


@dataclass(frozen=True, slots=True)
class Found:
    """A narration by one method. `fit`: how well its text fits the sound, as the method sees it.

    `longest_wait_s`: between two reports of its progress.
    """

    narration: str
    language: str
    voice: str
    engine: str
    condition: str
    duration_s: float
    wall_s: float
    cpu_s: float
    longest_wait_s: float
    fit: float
    scenes: tuple[Placed, ...]


@dataclass(frozen=True, slots=True)
class Run:
    """All narrations by one method, in one process; the first of them loads the models."""

    found: tuple[Found, ...]
    peak_mb: float

    def write(self, path: Path) -> None:
        """Keep it as JSON."""
        path.write_text(json.dumps(asdict(self)))


def read_run(path: Path) -> Run:
    """What `Run.write` kept."""
    kept = json.loads(path.read_text())
    return Run(tuple(_found(entry) for entry in kept.pop("found")), **kept)


def _found(entry: dict[str, object]) -> Found:
    scenes = entry.pop("scenes")
    assert isinstance(scenes, Sequence)
    return Found(**entry, scenes=tuple(Placed(**scene) for scene in scenes))  # type: ignore[arg-type]  # plain JSON
