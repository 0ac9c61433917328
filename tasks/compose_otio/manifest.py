"""The explicit manifest of compose-otio: which files there are, and which span of each is seen or heard when.

Shapes only. What a manifest means as a whole is checked in checks.py; media are named and never opened.
"""

from fractions import Fraction
from typing import Annotated, Literal

from pydantic import Field, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from farm.noun import Sent
from tasks.compose_otio.formats import FormatName

MAX_FPS = 120
MAX_ITEMS = 2_000
MAX_CLIPS = 2_000
MAX_LAYERS = 64
MAX_MARKERS = 1_000
MAX_ROUNDS = 10_000  # of all sounds that start over; each round is a clip of the file
SLOWEST, QUICKEST = 0.1, 10.0
_DAY_S = 86_400

Seconds = Annotated[float, Field(ge=0, le=_DAY_S)]
Side = Annotated[int, Field(ge=16, le=8192, multiple_of=2)]
Id = Annotated[str, Field(min_length=1, max_length=200)]
Name = Annotated[str, Field(min_length=1, max_length=200)]
Target = Literal["generic", "resolve", "premiere", "kdenlive", "fcpx", "avid"]


class Resolution(Sent):
    """Pixels; even, as every encoder of pictures wants them."""

    w: Side
    h: Side


class Project(Sent):
    """`fps` 23.976, 23.98, 29.97, 59.94 and 119.88 are the exact NTSC rates."""

    name: Name
    fps: float = Field(ge=1, le=MAX_FPS)
    resolution: Resolution
    audio_sample_rate: int = Field(default=48_000, ge=8_000, le=192_000)


class ItemMeta(Sent):
    """What the caller knows of a file; nothing is looked up. Clips and sounds that are used need a length."""

    w: int | None = Field(default=None, gt=0)
    h: int | None = Field(default=None, gt=0)
    duration_sec: Annotated[float, Field(gt=0, le=_DAY_S)] | None = None
    fps: float | None = Field(default=None, ge=1, le=960)
    has_audio: bool | None = None
    sample_rate: int | None = Field(default=None, gt=0)
    channels: int | None = Field(default=None, gt=0)


class Item(Sent):
    """One file. `path` is relative and stands in the timeline as it is; `asset` is the upload to render."""

    id: Id
    kind: Literal["image", "video", "audio"]
    path: str = Field(min_length=1, max_length=1_000)
    asset: Annotated[str, Field(min_length=1, max_length=300)] | None = None
    meta: ItemMeta = ItemMeta()


class Folder(Sent):
    """The files, in the caller's order."""

    items: tuple[Item, ...] = Field(strict=False, min_length=1, max_length=MAX_ITEMS)


class Span(Sent):
    """A span of one item, in seconds of its own time. At a `speed` of 2 it lasts half as long."""

    item_id: Id
    from_sec: Seconds
    to_sec: Seconds
    speed: Annotated[float, Field(ge=SLOWEST, le=QUICKEST)] = 1.0

    @property
    def start(self) -> Fraction:
        """Exactly the decimal that was written."""
        return exact(self.from_sec)

    @property
    def end(self) -> Fraction:
        """The exclusive end, exactly as written."""
        return exact(self.to_sec)

    @property
    def length(self) -> Fraction:
        """How long it is seen or heard on the timeline, in exact seconds."""
        return (self.end - self.start) / exact(self.speed)


class ClipTransition(Sent):
    """How the clip before becomes this one, half of it on either side of the cut, which stays where it is."""

    type: Literal["cut", "dissolve"] = "dissolve"
    duration_sec: Annotated[float, Field(gt=0, le=60)] = 0.5


class SequenceClip(Span):
    """One clip; it follows the one before, after a gap of `gapBeforeSec`.

    With `useAudio` its own sound is heard with it, on a track that all such clips share.
    """

    clip_name_hint: Name | None = None
    gap_before_sec: Seconds = 0.0
    transition: ClipTransition | None = None
    use_audio: bool = False


class AudioLayer(Span):
    """One sound on a track of its own, heard from `startSec` on, and never beyond the last picture.

    `trimToFit` is cut there; `start` is meant to be heard whole; `loop` starts over until then.
    """

    placement: Literal["trimToFit", "start", "loop"] = "trimToFit"
    role: Annotated[str, Field(min_length=1, max_length=50)] = "music"
    start_sec: Seconds = 0.0
    fade_in_sec: Seconds = 0.0
    fade_out_sec: Seconds = 0.0
    gain: Annotated[float, Field(ge=0, le=4)] = 1.0
    clip_name_hint: Name | None = None


class Marker(Sent):
    """A named point, or span, of the whole timeline."""

    at_sec: Seconds
    duration_sec: Seconds = 0.0
    name: Name
    comment: Annotated[str, Field(max_length=1_000)] = ""
    color: Literal["RED", "ORANGE", "YELLOW", "GREEN", "CYAN", "BLUE", "PURPLE", "MAGENTA", "WHITE"] = "GREEN"


class Intent(Sent):
    """What is seen, clip after clip, and what is heard."""

    kind: Literal["explicit"] = "explicit"
    video_sequence: tuple[SequenceClip, ...] = Field(strict=False, min_length=1, max_length=MAX_CLIPS)
    audio_layers: tuple[AudioLayer, ...] = Field(default=(), strict=False, max_length=MAX_LAYERS)
    markers: tuple[Marker, ...] = Field(default=(), strict=False, max_length=MAX_MARKERS)


class Output(Sent):
    """How the timeline is written, and for whom; `formats` are files beside the `.otio`."""

    include_clip_names: bool = True
    otio_schema: Literal["Timeline.1"] = "Timeline.1"
    target_consumer: Target = "generic"
    formats: tuple[FormatName, ...] = Field(default=(), strict=False, max_length=16)


class Manifest(Sent):
    """The whole request. `responseFormat` and `dryRun` say how it is answered and change no timeline.

    With `render` the cut also becomes a film, made of the `asset` of each item that it uses.
    """

    project: Project
    folder: Folder
    intent: Intent
    output: Output = Output()
    response_format: Literal["file", "json"] = "file"
    dry_run: bool = False
    render: bool = False


class AsManifest:
    """Shows a manifest's schema for any JSON: `Annotated[JsonValue, AsManifest]`."""

    @classmethod
    def __get_pydantic_json_schema__(
        cls, _schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        return handler(Manifest.__pydantic_core_schema__)


def exact(number: float) -> Fraction:
    """A decimal as it was written: 0.1 is one tenth."""
    return Fraction(str(number))
