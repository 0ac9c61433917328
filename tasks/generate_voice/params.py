"""What may be asked of a spoken text."""

from typing import Annotated, ClassVar, Literal

from pydantic import AfterValidator, Field

from farm.errors import BadRequest
from farm.kinds import Params, Route
from farm.models import Capability, Wish
from farm.providers import AUTO
from tasks.generate_voice.speakers import SPEAKERS, Language
from tasks.media_render.script import has_words
from tasks.media_render.voices import Voice, voice_of

TEXT_CHARACTERS = 5_000
INSTRUCTION_CHARACTERS = 4_000
SLOWEST, QUICKEST = 0.25, 4.0

SoundFormat = Literal["mp3", "opus", "aac", "flac", "wav", "pcm"]


def _words(text: str) -> str:
    if not has_words(text):
        raise ValueError("there is nothing to say in it")
    return text


Text = Annotated[str, Field(min_length=1, max_length=TEXT_CHARACTERS), AfterValidator(_words)]


class GenerateVoice(Params):
    """A text and who says it. `voice` is a speaker's name, or a voice of the farm's list (`svoice_…`).

    A speaker knows every language that an engine of this farm has; a voice of the list has its own, and
    `language` is passed over. `speed` 1 is how the voice speaks by itself. `instructions` are for models that
    follow them.
    """

    kind: ClassVar[str] = "generate-voice"

    text: Text
    voice: str = Field(default="alloy", min_length=1, max_length=100)
    language: Language = "en"
    speed: Annotated[float, Field(ge=SLOWEST, le=QUICKEST)] = 1.0
    format: SoundFormat = "mp3"
    instructions: str = Field(default="", max_length=INSTRUCTION_CHARACTERS)
    model: str = Field(default=AUTO, min_length=1, max_length=64)
    failover: bool = True

    @property
    def route(self) -> Route:
        return Route(capability=Capability.SPEECH, model=self.model, failover=self.failover, wish=Wish())

    @property
    def listed(self) -> Voice | None:
        """The voice of the farm's list; None for a speaker. Raises BadRequest for one that is not there."""
        if self.voice in SPEAKERS:
            return None
        try:
            return voice_of(self.voice)
        except BadRequest as error:
            known = ", ".join(SPEAKERS)
            raise BadRequest(
                f"There is no voice {self.voice[:64]!r}. Known: {known}, and those of the voices list.",
                param="voice",
                code=error.public_code,
            ) from None
