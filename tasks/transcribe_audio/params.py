"""What may be asked of a sound whose words are to be written down."""

from decimal import Decimal
from math import ceil
from typing import Annotated, ClassVar

from pydantic import Field

from farm.kinds import Params, Route
from farm.providers import AUTO

CAPABILITY = "transcription"
LONGEST_S = 4 * 3600
PROMPT_CHARACTERS = 4_000


class TranscribeAudio(Params):
    """`audio` is the id of a sound or a film, `language` as in ISO 639-1; without one it is guessed.

    `prompt` is text before it or names in it, for models that take one. `max_duration_s` is what the price is
    held for: a sound that goes on for longer is refused.
    """

    kind: ClassVar[str] = "transcribe-audio"

    audio: str = Field(min_length=1, max_length=64)
    language: Annotated[str | None, Field(pattern=r"^[a-z]{2,3}$")] = None
    prompt: str = Field(default="", max_length=PROMPT_CHARACTERS)
    max_duration_s: float = Field(default=600, gt=0, le=LONGEST_S)
    model: str = Field(default=AUTO, min_length=1, max_length=64)
    failover: bool = True

    @property
    def minutes(self) -> int:
        """Started minutes."""
        return max(1, ceil(self.max_duration_s / 60))

    @property
    def route(self) -> Route:
        units = Decimal(self.minutes)
        return Route(capability=CAPABILITY, model=self.model, failover=self.failover, units=units)
