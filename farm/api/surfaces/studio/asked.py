"""What the studio surface takes: JSON bodies, nothing unknown, nothing converted. `x-seed: inferred` (X-20,
X-21) marks fields that its document leaves open.
"""

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from tasks.generate_audio import LONGEST_S
from tasks.generate_video import MOST_SEED

PROMPT_CHARACTERS = 2_000
MOST_IMAGES = 10
_SPEECH_CHARACTERS = 5_000
_LARGEST = 1_000_000

Prompt = Annotated[str, Field(min_length=1, max_length=PROMPT_CHARACTERS)]
FileName = Annotated[str, Field(min_length=1, max_length=300)]
Side = Annotated[int | None, Field(gt=0, le=_LARGEST)]
Seed = Annotated[int | None, Field(ge=-1, le=MOST_SEED, description="-1 is a random one")]
ProjectId = Annotated[int | None, Field(ge=1, le=2**31 - 1)]
Word = Annotated[str | None, Field(max_length=64)]


def inferred(description: str) -> Any:
    """A field of ours: the document says that there is such a thing, and not what it is called."""
    return Field(default=None, description=description, json_schema_extra={"x-seed": "inferred"})


class Asked(BaseModel):
    """Base of what callers send."""

    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)


class GenerateBody(Asked):
    """A video from words, and perhaps from pictures, a sound or another video, by file name."""

    prompt: Prompt
    model: Word = None
    negative_prompt: Annotated[str, Field(max_length=PROMPT_CHARACTERS)] = ""
    width: Side = None
    height: Side = None
    frames: Side = None
    steps: Side = None
    cfg: Annotated[float | None, Field(ge=0, le=50)] = None
    seed: Seed = None
    sampler: Word = None
    scheduler: Word = None
    shift: Annotated[float | None, Field(ge=0, le=100)] = None
    frame_rate: Annotated[int | None, Field(gt=0, le=120)] = None
    project_id: ProjectId = None
    image_filename: FileName | None = inferred("The picture that it begins with")
    end_image_filename: FileName | None = inferred("The picture that it ends with")
    audio_filename: FileName | None = inferred("The sound that the picture moves to")
    driving_video_filename: FileName | None = inferred("The video whose motion it takes")


class V2vBody(Asked):
    """A video in another style; it stays as long and as large as it is."""

    video_filename: FileName
    prompt: Prompt
    strength: Annotated[float | None, Field(ge=0, le=1)] = None
    model: Word = None
    negative_prompt: Annotated[str, Field(max_length=PROMPT_CHARACTERS)] = ""
    steps: Side = None
    cfg: Annotated[float | None, Field(ge=0, le=50)] = None
    seed: Seed = None
    project_id: ProjectId = None


class ExtendBody(Asked):
    """Which video: by its file name, by its generation, or by both where they mean the same."""

    video_filename: FileName | None = None
    generation_id: Annotated[int | None, Field(ge=1, lt=2**63)] = None


class ImageBody(Asked):
    """One or more pictures from words; with `image_filename`, by a model that changes pictures."""

    model_config = ConfigDict(json_schema_extra={"x-seed": "inferred"})

    prompt: Prompt
    model: Word = None
    negative_prompt: Annotated[str, Field(max_length=PROMPT_CHARACTERS)] = ""
    count: Annotated[int, Field(ge=1, le=MOST_IMAGES)] = 1
    width: Side = None
    height: Side = None
    steps: Side = None
    cfg: Annotated[float | None, Field(ge=0, le=50)] = None
    seed: Seed = None
    sampler: Word = None
    scheduler: Word = None
    project_id: ProjectId = None
    image_filename: FileName | None = inferred("The picture to change, for models that do")


class AudioBody(Asked):
    """Music or sound effects. `tags` are more words, as a list or with commas."""

    prompt: Prompt
    duration_seconds: Annotated[float | None, Field(ge=1, le=LONGEST_S)] = None
    tags: list[Annotated[str, Field(max_length=60)]] | Annotated[str, Field(max_length=1000)] | None = None
    seed: Seed = None
    model: Word = None
    project_id: ProjectId = None

    @property
    def words(self) -> tuple[str, ...]:
        """The tags, each by itself."""
        given = self.tags.split(",") if isinstance(self.tags, str) else self.tags or []
        return tuple(word.strip() for word in given if word.strip())


class SpeechBody(Asked):
    """A text and who says it. `speed` 1 is how the voice speaks by itself."""

    text: Annotated[str, Field(min_length=1, max_length=_SPEECH_CHARACTERS)]
    voice_id: Annotated[str, Field(min_length=1, max_length=64)]
    speed: Annotated[float, Field(ge=0.25, le=4)] = 1.0


class AddAudioBody(Asked):
    """A sound onto a video, instead of its own; with `mix` beside it."""

    video_filename: FileName
    audio_filename: FileName
    volume: Annotated[float, Field(ge=0, le=1)] = 1.0
    mix: bool = False


class AddSpeechBody(Asked):
    """A spoken text over a video's own sound."""

    video_filename: FileName
    tts_filename: FileName
    offset_seconds: Annotated[float, Field(ge=0, le=86_400)] = 0.0
    volume: Annotated[float, Field(ge=0, le=1)] = 1.0


class CancelBody(Asked):
    """Which job."""

    job_id: Annotated[str, Field(min_length=1, max_length=64)]


class KeyBody(Asked):
    """What a new key is called."""

    name: Annotated[str, Field(min_length=1, max_length=200)]
