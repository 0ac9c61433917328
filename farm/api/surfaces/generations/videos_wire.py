"""What /v1/videos takes and gives, as OpenAI's clients name it."""

from decimal import Decimal
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from farm.noun import Noun
from farm.providers import AUTO
from tasks.generate_video import PROMPT_CHARACTERS

Prompt = Annotated[str, Field(min_length=1, max_length=PROMPT_CHARACTERS)]
Variant = Literal["video", "thumbnail", "spritesheet"]
Order = Literal["asc", "desc"]
VideoState = Literal["queued", "in_progress", "completed", "failed"]


class VideoForm(Noun):
    """A video. `input_reference` is a picture it begins with: a file, or in JSON `{"image_url": …}`.

    Fields that are not named here are not looked at, as clients send some.
    """

    model_config = ConfigDict(extra="ignore")

    prompt: Prompt
    model: str = Field(default=AUTO, min_length=1, max_length=64)
    seconds: Decimal = Field(default=Decimal(4), ge=1, le=15, description='Written as text: "8".')
    size: str | None = Field(
        default=None,
        pattern=r"^[1-9][0-9]{1,3}x[1-9][0-9]{1,3}$",
        description="WIDTHxHEIGHT; without it the picture's shape, else 720x1280.",
    )


class Reference(Noun):
    """A picture by its address, or by the id of an asset of this farm."""

    image_url: Annotated[str, Field(min_length=1, max_length=2_000)] | None = None
    file_id: Annotated[str, Field(min_length=1, max_length=64)] | None = None


class VideoJson(VideoForm):
    """The same as JSON."""

    input_reference: Reference | None = None


class Remix(Noun):
    """What the same video is to show instead."""

    model_config = ConfigDict(extra="ignore")

    prompt: Prompt


class VideoFault(BaseModel):
    """Why a video failed."""

    code: str
    message: str


class VideoView(BaseModel):
    """A video in OpenAI's shape; times are Unix seconds. `model_actual` is the model that makes it."""

    id: str
    object: Literal["video"] = "video"
    model: str
    model_actual: str
    status: VideoState
    progress: int
    prompt: str
    seconds: str
    size: str
    created_at: int
    completed_at: int | None
    expires_at: int | None
    error: VideoFault | None
    remixed_from_video_id: str | None
    credits: float | int


class VideoPage(BaseModel):
    """One page; go on with `after` set to `last_id` while `has_more`."""

    object: Literal["list"] = "list"
    data: list[VideoView]
    first_id: str | None
    last_id: str | None
    has_more: bool


class VideoDeleted(BaseModel):
    """The video is gone, and its file."""

    id: str
    object: Literal["video.deleted"] = "video.deleted"
    deleted: bool = True
