"""What the audio calls take and give, as OpenAI's clients name it."""

from collections.abc import Mapping
from math import ceil
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, Field

from farm.api.surfaces.generations.asked import Asked
from farm.providers import AUTO
from tasks.generate_voice import SoundFormat, Text
from tasks.generate_voice.params import INSTRUCTION_CHARACTERS, QUICKEST, SLOWEST
from tasks.generate_voice.speakers import Language
from tasks.transcribe_audio import PROMPT_CHARACTERS, Transcript

Granularity = Literal["word", "segment"]

# As OpenAI's verbose answers spell them.
_NAMES: Mapping[str, str] = {
    "ar": "arabic",
    "de": "german",
    "en": "english",
    "es": "spanish",
    "fr": "french",
    "hi": "hindi",
    "it": "italian",
    "ja": "japanese",
    "ko": "korean",
    "nl": "dutch",
    "pl": "polish",
    "pt": "portuguese",
    "ru": "russian",
    "sv": "swedish",
    "tr": "turkish",
    "uk": "ukrainian",
    "zh": "chinese",
}


class VoiceId(BaseModel):
    """A voice named by its id, as newer clients may."""

    id: str = Field(min_length=1, max_length=100)


class SpeechRequest(Asked):
    """What to say. `voice` is a speaker's name, or a voice of the farm's list or of the account's own.

    `language` is for speakers; without it the letters of the text tell. `instructions` are for models that
    follow them.
    """

    model: str = Field(default=AUTO, min_length=1, max_length=64)
    input: Text
    voice: Annotated[str, Field(min_length=1, max_length=100)] | VoiceId = "alloy"
    response_format: SoundFormat = "mp3"
    speed: Annotated[float, Field(strict=True, ge=SLOWEST, le=QUICKEST)] = 1.0
    language: Language | None = None
    instructions: Annotated[str, Field(max_length=INSTRUCTION_CHARACTERS)] = ""
    stream_format: Literal["audio", "sse"] = "audio"

    @property
    def voice_id(self) -> str:
        return self.voice if isinstance(self.voice, str) else self.voice.id


def _without_region(value: object) -> object:
    return value.partition("-")[0].lower() or None if isinstance(value, str) else value


class TranscriptionRequest(Asked):
    """The texts of the form. `timestamp_granularities` are for `verbose_json`."""

    model: str = Field(default=AUTO, min_length=1, max_length=64)
    language: Annotated[str | None, BeforeValidator(_without_region), Field(pattern=r"^[a-z]{2,3}$")] = None
    prompt: str = Field(default="", max_length=PROMPT_CHARACTERS)
    response_format: Literal["json", "text", "srt", "verbose_json", "vtt"] = "json"
    temperature: float = Field(default=0.0, ge=0, le=1)
    timestamp_granularities: tuple[Granularity, ...] = ()
    stream: bool = False


def json_of(transcript: Transcript) -> dict[str, Any]:
    """The text, and what was heard of."""
    return {"text": transcript.text, "usage": _usage(transcript)}


def verbose_of(transcript: Transcript, granularities: tuple[Granularity, ...]) -> dict[str, Any]:
    """With segments, unless only words were asked for; with words where they were."""
    said: dict[str, Any] = {
        "task": "transcribe",
        "language": _NAMES.get(transcript.language, transcript.language),
        "duration": round(transcript.duration_s, 3),
        "text": transcript.text,
        "usage": _usage(transcript),
    }
    if "word" in granularities:
        said["words"] = [{"word": w.word, "start": w.start, "end": w.end} for w in transcript.words]
    if "segment" in granularities or not granularities:
        said["segments"] = _segments(transcript)
    return said


def _segments(transcript: Transcript) -> list[dict[str, Any]]:
    """What nobody here measures is 0, as clients want numbers."""
    unmeasured = {"avg_logprob": 0.0, "compression_ratio": 0.0, "no_speech_prob": 0.0, "temperature": 0.0}
    return [
        {
            "id": number,
            "seek": round(one.start * 100),
            "start": one.start,
            "end": one.end,
            "text": one.text,
            "tokens": [],
            **unmeasured,
        }
        for number, one in enumerate(transcript.segments)
    ]


def _usage(transcript: Transcript) -> dict[str, Any]:
    return {"type": "duration", "seconds": ceil(transcript.duration_s)}
