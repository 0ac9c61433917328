"""What may be asked of a media render."""

from collections.abc import Mapping
from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, model_validator

from farm.kinds import Params
from farm.noun import Noun
from farm.timeline import Fit, MediaKind

AspectRatio = Literal["9:16", "16:9", "1:1", "4:5"]
TransitionType = Literal["none", "crossfade", "fade", "ken-burns"]

SIZES: Mapping[AspectRatio, tuple[int, int]] = {
    "9:16": (1080, 1920),
    "16:9": (1920, 1080),
    "1:1": (1080, 1080),
    "4:5": (1080, 1350),
}
HOOK_CHARACTERS = 300
DEFAULT_BGM_VOLUME = 0.18  # the volume of every example in the media render document
MAX_TOTAL_S = 3600
MAX_SOURCE_S = 86_400
MAX_ASSETS = 500

Seconds = Annotated[float, Field(strict=True, ge=0, le=MAX_TOTAL_S)]
Length = Annotated[float, Field(strict=True, gt=0, le=MAX_TOTAL_S)]
Source = Annotated[float, Field(strict=True, ge=0, le=MAX_SOURCE_S)]
Volume = Annotated[float, Field(strict=True, ge=0, le=1)]


class RenderAsset(Noun):
    """A file the render may use: an upload, or an artifact of another job of the batch.

    `duration_s` is what the uploader says of it, if anything.
    """

    asset_id: str = Field(min_length=1, max_length=300)
    file_name: str = Field(min_length=1, max_length=300)
    media_kind: MediaKind
    duration_s: Source | None = None


class AssetDuration(Noun):
    """How long one picture or clip is shown when no placement says otherwise."""

    asset_id: str
    duration_s: Length


class Placement(Noun):
    """One clip with its place. Without `start_s` it follows the placement before it.

    Without `duration_s` it lasts as long as its source span, else as its asset's manual duration, else 3 s.
    A video shorter than its place holds its last frame. `transition_type` leads into this clip; on the
    first clip, or after a gap, it comes from black.
    """

    asset_id: str
    start_s: Seconds | None = None
    duration_s: Length | None = None
    source_start_s: Source = 0.0
    source_end_s: Source | None = None
    transition_type: TransitionType | None = None

    @model_validator(mode="after")
    def _check_source(self) -> Self:
        if self.source_end_s is not None and self.source_end_s <= self.source_start_s:
            raise ValueError("the source ends before it starts")
        return self


class MediaRender(Params):
    """What to render. Visuals are shown in the natural order of their file names unless placed by hand.

    Volumes are linear, 0 to 1. `transition_types` are used in rotation and never move a cut.
    """

    kind: ClassVar[str] = "media-render"

    assets: tuple[RenderAsset, ...] = Field(min_length=1, max_length=MAX_ASSETS)
    name: str = Field(default="", max_length=200, description="What the timeline is called.")
    aspect_ratio: AspectRatio = "9:16"
    fps: Annotated[float, Field(strict=True, ge=1, le=60)] = 30.0
    fit: Fit = Fit.AUTO
    durations: tuple[AssetDuration, ...] = Field(default=(), max_length=MAX_ASSETS)
    placements: tuple[Placement, ...] = Field(default=(), max_length=MAX_ASSETS)
    transition_types: tuple[TransitionType, ...] = Field(default=("crossfade",), min_length=1, max_length=50)
    hook_text: str | None = Field(default=None, max_length=HOOK_CHARACTERS)
    bgm_asset_id: str | None = None
    bgm_volume: Volume = DEFAULT_BGM_VOLUME
    output_file_name: str = Field(default="rendered.mp4", pattern=r"^[^/\\\x00-\x1f]{1,124}\.mp4$")
    contact_sheet: Annotated[bool, Field(strict=True)] = False
