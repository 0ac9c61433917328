"""What is known of the narrations of the align benchmark, in memory and on disk; light on purpose."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

TELEPHONE = "stereo 8 kHz"  # of the hostile sounds the one in which everything is to be found


@dataclass(frozen=True, slots=True)
class Spoken:
    """A scene as heard: where its sound begins and ends, and what a caller says of it.

    `sentences`: for each, its place in `text` in characters, and where its sound begins in seconds.
    """

    text: str
    start_cue: str
    anchor: str
    start_s: float
    end_s: float
    sentences: tuple[tuple[int, float], ...]


@dataclass(frozen=True, slots=True)
class Narration:
    """A sound file and what is true of it."""

    name: str
    path: str
    language: str
    half: str
    voice: str
    engine: str
    condition: str
    duration_s: float
    scenes: tuple[Spoken, ...]

    @property
    def text(self) -> str:
        """The whole narration as its caller has it."""
        return " ".join(scene.text for scene in self.scenes)


def write(path: Path, narrations: Sequence[Narration]) -> None:
    """Keep them as JSON."""
    path.write_text(json.dumps([asdict(narration) for narration in narrations], indent=1))


def read(path: Path) -> Sequence[Narration]:
    """What `write` kept."""
    return [
        Narration(**entry, scenes=tuple(Spoken(**scene) for scene in scenes))
        for entry in json.loads(path.read_text())
        for scenes in [entry.pop("scenes")]
    ]
