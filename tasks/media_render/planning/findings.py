"""What was seen in visuals and heard in sounds: measured facts, as one task writes and another reads them."""

from typing import Annotated

from pydantic import Field

from farm.noun import Noun
from farm.timeline import MediaKind

LOOKED = "looked"  # what the findings are called among a task's outputs
HEARD = "heard"

SAID_CHARACTERS = 4_000

Share = Annotated[float, Field(ge=0, le=1)]
Span = tuple[float, float]


class Seen(Noun):
    """What a picture or clip looks like. Times are seconds in the medium, lightness is 0 black to 1 white.

    `sharpness` is how much of its detail a blur would take: below 0.28 a picture is visibly out of focus.
    `twin_of` names the visual before it that shows the same. `faces` is the most that are seen at once, None
    where nobody looked for any. Of a clip, `sharp`, `light` and `motion` are
    samples every `step_s`, `motion` how much changed since the one before; `shots` are where new shots begin.
    """

    asset_id: str
    kind: MediaKind
    width: int = Field(gt=0)
    height: int = Field(gt=0)
    sharpness: Share
    lightness: Share
    twin_of: str | None = None
    faces: int | None = Field(default=None, ge=0)
    duration_s: float | None = Field(default=None, gt=0)
    step_s: float | None = Field(default=None, gt=0)
    sharp: tuple[Share, ...] = ()
    light: tuple[Share, ...] = ()
    motion: tuple[Share, ...] = ()
    shots: tuple[float, ...] = ()


class Heard(Noun):
    """What a sound, or a clip's own sound, is like. Times are seconds in the medium.

    `speech` are spans in which somebody seems to speak. `loudness_lufs` is None for silence, `bpm` where
    there is no steady beat. `said` is the beginning of what was recognised; None where nobody listened
    for words.
    """

    asset_id: str
    duration_s: float = Field(ge=0)
    loudness_lufs: float | None = None
    speech: tuple[Span, ...] = ()
    bpm: float | None = None
    said: str | None = Field(default=None, max_length=SAID_CHARACTERS)


class Looked(Noun):
    """All that was looked at."""

    visuals: tuple[Seen, ...] = ()


class Listened(Noun):
    """All that was listened to."""

    sounds: tuple[Heard, ...] = ()
