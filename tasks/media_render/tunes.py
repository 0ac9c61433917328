"""The background music that can be asked for in words: what each bundled tune is like. How they sound is the
renderer's affair (workers/cpu_render/tunes); a test holds the two lists together.
"""

from fractions import Fraction
from pathlib import Path
from typing import Literal

from pydantic import Field

from farm.noun import Noun

BUILTIN = "tunes/"  # what the media of such music are called in a timeline, before the tune's name
BEATS_PER_BAR = 4

Energy = Literal["low", "medium", "high"]


class Tune(Noun):
    """A tune of the catalog. `tags` are words it may be asked for by, the most telling first.

    A bundled one has `bars` of four beats at exactly `bpm`, and loops without a seam; an operator's has a
    `file` on every worker.
    """

    name: str = Field(pattern=r"^[^\W_]+(-[^\W_]+)*$", max_length=100)
    title: str = Field(min_length=1, max_length=100)
    tags: tuple[str, ...] = ()
    energy: Energy = "medium"
    bpm: float | None = Field(default=None, gt=20, lt=400)
    key: str = Field(default="", max_length=40)
    description: str = Field(default="", max_length=300)
    bars: int | None = Field(default=None, gt=0)
    file: Path | None = None

    @property
    def beat_s(self) -> Fraction | None:
        """How long a beat lasts, exactly; None where that must be measured."""
        return None if self.bars is None or self.bpm is None else 60 / Fraction(str(self.bpm))

    @property
    def duration_s(self) -> float | None:
        """How long it is before it starts over; None when only its file knows."""
        return None if self.beat_s is None else float(self.beat_s * (self.bars or 0) * BEATS_PER_BAR)


def _tune(title: str, bpm: int, key: str, bars: int, energy: Energy, description: str, tags: str) -> Tune:
    return Tune(
        name=title.lower().replace(" ", "-"),
        title=title,
        tags=tuple(tags.split()),
        energy=energy,
        bpm=bpm,
        key=key,
        description=description,
        bars=bars,
    )


BUNDLED = (
    _tune(
        "First Light", 96, "A minor", 24, "medium",
        "Warm and hopeful: plucked strings that open up, bells, a soft beat.",
        "warm hopeful uplifting acoustic gentle inspiring positive folk guitar travel family nature morning "
        "wedding lifestyle charity story drums",
    ),
    _tune(
        "Lift Off", 120, "D major", 32, "high",
        "Bright and driving: piano, claps and glockenspiel, for launches and good news.",
        "upbeat launch product energetic bright happy optimistic motivational corporate pop startup success "
        "commercial advertising summer celebration piano claps drums",
    ),
    _tune(
        "Steady Hand", 100, "E minor", 24, "medium",
        "Confident and modern: a pulse under few, certain notes.",
        "confident modern technology product corporate business focused innovation explainer presentation "
        "launch minimal cool documentary news synth drums",
    ),
    _tune(
        "Slow Tide", 60, "F major", 12, "low",
        "Calm and wide: long chords, single bells, a flute far away, no drums.",
        "calm ambient relaxing peaceful meditation soft dreamy atmospheric spa yoga sleep ocean nature "
        "spacious healing pads drone",
    ),
    _tune(
        "Late Window", 80, "D minor", 16, "low",
        "Relaxed: an electric piano and a beat that leans back.",
        "chill relaxed lofi mellow groovy jazz hiphop study cozy cafe coffee vlog evening night rain soul "
        "fashion beats drums",
    ),
    _tune(
        "Neon Run", 128, "A minor", 32, "high",
        "Electronic and restless: everything moves around the kick.",
        "electronic dance intense energetic driving sport edm synthwave gaming fitness workout action club "
        "party dark futuristic racing techno house hype drums",
    ),
    _tune(
        "Paper Boats", 144, "C major", 32, "high",
        "Light and playful: ukulele, marimba and a whistle.",
        "playful fun quirky cute happy funny cheerful kids children comedy light food cooking pets animals "
        "ukulele whistle whimsical drums",
    ),
    _tune(
        "Far Summit", 90, "D minor", 24, "high",
        "Cinematic: strings that drive, horns above them, great drums.",
        "cinematic epic dramatic powerful trailer orchestral heroic adventure inspiring majestic strings "
        "mountains victory tension film history drums",
    ),
    _tune(
        "Quiet Letter", 72, "C minor", 16, "low",
        "A piano alone, sad and tender; later strings behind it.",
        "sad emotional piano tender melancholic nostalgic intimate romantic love reflective memorial solo "
        "classical serious drama slow sentimental",
    ),
)  # fmt: skip
