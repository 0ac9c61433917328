"""What may be asked of generated music and sound effects."""

from decimal import Decimal
from typing import Annotated, ClassVar

from pydantic import Field

from farm.kinds import Params
from farm.models import Capability
from farm.providers import AUTO
from tasks.generate_audio.choosing import Kind, kind_of

CAPABILITY = Capability.TEXT_TO_AUDIO
PROMPT_CHARACTERS = 2_000
MOST_TAGS = 20
LONGEST_S = 300
MOST_SEED = 2**53 - 1  # what JSON's readers keep exact
_USUAL_S = {Kind.MUSIC: Decimal(30), Kind.EFFECTS: Decimal(3)}


class GenerateAudio(Params):
    """What to play. `tags` are more words, such as a genre or a mood; `sfx` among them asks for effects.

    Without `duration_s` music is 30 s long and effects are 3. The same `seed` plays the same again.
    """

    kind: ClassVar[str] = "generate-audio"

    prompt: str = Field(min_length=1, max_length=PROMPT_CHARACTERS)
    tags: tuple[Annotated[str, Field(min_length=1, max_length=60)], ...] = Field(
        default=(), max_length=MOST_TAGS
    )
    duration_s: Decimal | None = Field(default=None, ge=1, le=LONGEST_S)
    seed: int | None = Field(default=None, ge=0, le=MOST_SEED)
    model: str = Field(default=AUTO, min_length=1, max_length=64)
    failover: bool = True

    @property
    def words(self) -> str:
        """All that was said."""
        return " ".join((self.prompt, *self.tags))

    @property
    def full_prompt(self) -> str:
        """What a model is asked for."""
        return ", ".join((self.prompt, *self.tags))

    @property
    def length_s(self) -> Decimal:
        """How long it becomes."""
        return self.duration_s or _USUAL_S[kind_of(self.words)]
