"""Where scenes begin in a narration, as it is answered. Milliseconds count on the final timeline."""

from enum import StrEnum

from pydantic import Field, model_validator

from farm.noun import Noun
from tasks.scene_timestamps.heard import Method


class Status(StrEnum):
    """How a scene's start was found. `interpolated`: its cue was not heard, its neighbours' were, perhaps."""

    MATCHED = "matched"
    FUZZY = "fuzzy"
    INTERPOLATED = "interpolated"
    FIXED = "fixed"


class CutType(StrEnum):
    """What leads into a scene."""

    CUT = "cut"
    DISSOLVE = "dissolve"
    DIP = "dip"


class Interval(Noun):
    """Where the true start lies, as far as is known: for a matched scene nine times of ten."""

    from_ms: int = Field(ge=0)
    to_ms: int = Field(ge=0)

    @property
    def width_ms(self) -> int:
        return self.to_ms - self.from_ms


class Transition(Noun):
    """How the scene before becomes this one. `review`: somebody should look, for the start is uncertain."""

    type: CutType
    start_ms: int = Field(ge=0)
    duration_ms: int = Field(ge=0)
    review: bool


class SceneTime(Noun):
    """One scene's start. `start_frame` where frames were asked for; `interval` always holds `start_ms`."""

    scene_id: str | None
    start_ms: int = Field(ge=0)
    start_frame: int | None
    status: Status
    confidence: float = Field(ge=0, le=1)
    interval: Interval
    transition: Transition

    @model_validator(mode="after")
    def _holds(self) -> "SceneTime":
        if not self.interval.from_ms <= self.start_ms <= self.interval.to_ms:
            raise ValueError("the interval must hold the start")
        return self


class Remark(Noun):
    """Something a person should know; `scene` is the index of the one it is about."""

    code: str
    message: str
    scene: int | None = None


class Timed(Noun):
    """All scenes of a narration, in the caller's order, and how they were found."""

    scenes: tuple[SceneTime, ...]
    duration_ms: int
    method: Method
    language: str
    warnings: tuple[Remark, ...] = ()
