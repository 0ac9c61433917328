"""What the video calls of the generations surface take and give; what their document leaves open is named."""

from datetime import UTC, datetime
from typing import Annotated, Literal, TypeVar

from pydantic import BaseModel, BeforeValidator, Discriminator, Field, JsonValue, Tag

from farm.generation import PublicError, StatusWord
from farm.noun import Noun
from farm.providers import AUTO
from tasks.camera import Camera
from tasks.generate_video import MOST_SEED, PROMPT_CHARACTERS
from tasks.multi_shot import MOST_SHOTS, Transition

LEAST_S, MOST_S = 3, 15
MOST_IN_BATCH = 20
MOST_REFERENCES = 3

AspectRatio = Literal["21:9", "16:9", "4:3", "1:1", "3:4", "9:16"]
Resolution = Literal["480p", "720p", "1080p"]
Prompt = Annotated[str, Field(min_length=1, max_length=PROMPT_CHARACTERS)]
Url = Annotated[str, Field(min_length=1, max_length=2_000)]
Switch = Annotated[bool, Field(strict=True)]
Seconds = Annotated[float, Field(strict=True, ge=LEAST_S, le=MOST_S)]
Scale = Annotated[float, Field(strict=True, ge=0, le=50)]
Share = Annotated[float, Field(strict=True, ge=0, le=1)]

_SAME = {"cut": "hard_cut", "continuous_motion": "continuous", "continuous_camera_motion": "continuous"}


def _word(value: object) -> object:
    """`hard cut` and `Hard-Cut` are `hard_cut`."""
    if not isinstance(value, str):
        return value
    plain = value.strip().lower().replace(" ", "_").replace("-", "_")
    return _SAME.get(plain, plain)


def _form(value: object) -> str:
    """Which of the two it is, so that a refusal is about that one; `<…>` is not told (field_path)."""
    return "<list>" if isinstance(value, list | tuple) else "<one>"


T = TypeVar("T")
TransitionWord = Annotated[Transition, BeforeValidator(_word)]
OneOrList = Annotated[
    Annotated[T, Tag("<one>")] | Annotated[tuple[T, ...], Tag("<list>")], Discriminator(_form)
]
OneOrEach = Annotated[
    Annotated[T, Tag("<one>")] | Annotated[tuple[T | None, ...], Tag("<list>")], Discriminator(_form)
]


class VideoSettings(Noun):
    """What one video and all those of a batch have in common."""

    model: str = Field(default=AUTO, min_length=1, max_length=64)
    negative_prompt: str = Field(default="", max_length=PROMPT_CHARACTERS)
    duration: Seconds | None = Field(default=None, description="Seconds; the model's own length without it.")
    aspect_ratio: AspectRatio | None = Field(
        default=None, description="Without it the first picture's, else 16:9."
    )
    resolution: Resolution | None = Field(
        default=None, description="The shorter side. Without it 720p, less where model or tier ask for that."
    )
    failover: Switch = True
    webhook_url: Url | None = None
    webhook_auto_retry: Switch = False
    character_reference_url: Url | None = Field(default=None, description="The primary character.")
    character_references: tuple[Url, ...] = Field(default=(), max_length=MOST_REFERENCES)
    style_reference_url: Url | None = None
    camera_angle: str = Field(default="", max_length=64, examples=["isometric", "low-angle", "bird-eye"])
    sound: Switch = Field(default=False, description="With sound of its own, where the model makes any.")
    seed: int | None = Field(default=None, strict=True, ge=0, le=MOST_SEED)


class VideoRequest(VideoSettings):
    """One video. With `multi_shot_prompts` its shots after that of `prompt`; `duration` is the whole film's.

    `camera_control`, `cfg_scale` and `motion` are for every shot, or a list with one for each. `transitions`
    are for every cut, or a list with one fewer than shots. `ai_director_mode` finds what is not said of them
    in the prompts' words.
    """

    prompt: Prompt
    image_url: Url | None = Field(default=None, description="The first frame: makes it image-to-video.")
    keyframe_url: Url | None = Field(
        default=None, description="The first frame of the first shot, and shown to the others as a reference."
    )
    multi_shot_prompts: tuple[Prompt, ...] = Field(default=(), max_length=MOST_SHOTS - 1)
    ai_director_mode: Switch = False
    camera_control: OneOrEach[Camera] | None = None
    cfg_scale: OneOrEach[Scale] | None = None
    motion: OneOrEach[Share] | None = Field(default=None, description="From calm (0) to lively (1).")
    transitions: OneOrList[TransitionWord] | None = None


class BatchPrompt(Noun):
    """One video of a batch."""

    prompt: Prompt
    image_url: Url | None = None


class VideoBatchRequest(VideoSettings):
    """Up to 20 videos with the same settings. `webhook_url` is told once, when all have ended."""

    prompts: tuple[BatchPrompt, ...] = Field(min_length=1, max_length=MOST_IN_BATCH)


class VideoUrl(BaseModel):
    """As OpenAI's answers name a file."""

    url: str


class Normalized(BaseModel):
    """A number that the model cannot have as asked, and what it has instead."""

    field: str
    asked: int
    used: int


def _is_none(value: object) -> bool:
    return value is None


def _is_empty(value: object) -> bool:
    return not value


class VideoStarted(BaseModel):
    """A video that was accepted. `credits` is what it may cost at most; `output_url` works for seven days."""

    id: str
    object: Literal["video.generation"] = "video.generation"
    model: str
    model_actual: str
    status: StatusWord
    prompt: str
    image_url: str | None
    credits: float | int
    failover_used: bool
    output_url: str | None
    data: list[VideoUrl]
    webhook_url: str | None
    created_at: str
    normalized: list[Normalized] = Field(default=[], exclude_if=_is_empty)
    warnings: list[str] = Field(default=[], exclude_if=_is_empty)


class VideoStatus(VideoStarted):
    """How a video stands. `adjusted_credits` is the lower price where a cheaper model stood in.

    `debug` tells who was asked, and why it moved.
    """

    error: PublicError | None
    completed_at: str | None
    adjusted_credits: float | int | None = Field(default=None, exclude_if=_is_none)
    credits_refunded: float | int | None = Field(default=None, exclude_if=_is_none)
    debug: dict[str, JsonValue] = Field(default={}, exclude_if=_is_empty)


class BatchJobStarted(BaseModel):
    """One video of a batch that was accepted."""

    id: str
    prompt: str
    status: StatusWord
    credits: float | int


class BatchStarted(BaseModel):
    """A batch that was accepted. `credits_charged` is what all of it may cost at most."""

    batch_id: str
    total_jobs: int
    jobs: list[BatchJobStarted]
    credits_charged: float | int


class BatchJobStatus(BatchJobStarted):
    """How one video of a batch stands."""

    image_url: str | None
    output_url: str | None
    error_message: str | None


class BatchStatus(BaseModel):
    """How a batch stands: each video is one of the four."""

    batch_id: str
    total_jobs: int
    completed: int
    failed: int
    pending: int
    processing: int
    jobs: list[BatchJobStatus]


def iso(unix_s: float | None) -> str | None:
    """UTC to the second, as in 2026-04-10T00:15:00Z."""
    return None if unix_s is None else f"{datetime.fromtimestamp(unix_s, UTC):%Y-%m-%dT%H:%M:%SZ}"
