"""What may be asked of a media render."""

import re
import unicodedata
from collections.abc import Mapping
from fractions import Fraction
from typing import Annotated, ClassVar, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, JsonValue, StringConstraints, model_validator

from farm.kinds import Params
from farm.noun import Noun
from farm.timeline import Fit, MediaKind, Position
from tasks.media_render.profiles import DEFAULT_PROFILE, ProfileName

AspectRatio = Literal["9:16", "16:9", "1:1", "4:5"]
TransitionType = Literal[
    "none",
    "crossfade",
    "fade",
    "light-leak",
    "zoom-in",
    "zoom-out",
    "ken-burns",
    "dip-to-black",
    "slide",
    "wipe",
    "flip",
    "clock-wipe",
    "iris",
]
SfxType = Literal[
    "click",
    "camera-shutter",
    "whoosh",
    "pop",
    "hit",
    "riser",
    "glitch",
    "notification",
    "typing",
    "processing",
]

SIZES: Mapping[AspectRatio, tuple[int, int]] = {
    "9:16": (1080, 1920),
    "16:9": (1920, 1080),
    "1:1": (1080, 1080),
    "4:5": (1080, 1350),
}
HOOK_CHARACTERS = 300
DEFAULT_BGM_VOLUME = 0.18  # the volume of every example in the media render document
DEFAULT_SFX_VOLUME = 0.55  # likewise
DEFAULT_SFX_TYPES: tuple[SfxType, ...] = ("click", "camera-shutter")
MAX_SFX = 1000
QUERY_CHARACTERS = 300
INSTRUCTION_CHARACTERS = 4_000
OVERLAY_CHARACTERS = 300
MAX_OVERLAYS = 1000
DEFAULT_TEMPLATE = "snapchat-hook"
MAX_TOTAL_S = 3600
MAX_SOURCE_S = 86_400
MAX_ASSETS = 500
SCRIPT_CHARACTERS = 20_000
LINE_CHARACTERS = 2_000  # two minutes
MAX_LINES = 1000
LONGEST_VOICE_ID = 100
SLOWEST, QUICKEST = 0.5, 2.0  # of how a voice speaks by itself

Seconds = Annotated[float, Field(strict=True, ge=0, le=MAX_TOTAL_S)]
Length = Annotated[float, Field(strict=True, gt=0, le=MAX_TOTAL_S)]
Source = Annotated[float, Field(strict=True, ge=0, le=MAX_SOURCE_S)]
Offset = Annotated[float, Field(strict=True, ge=-MAX_TOTAL_S, le=MAX_TOTAL_S)]
Volume = Annotated[float, Field(strict=True, ge=0, le=1)]
Switch = Annotated[bool, Field(strict=True)]
Speed = Annotated[float, Field(strict=True, ge=SLOWEST, le=QUICKEST)]


# Looks for captions by id, and what they are called. How they look is the renderer's affair.
TEXT_TEMPLATES: Mapping[str, str] = {
    "snapchat-hook": "Snapchat Hook",
    "headline-bar": "Headline Bar",
    "cloud-tag": "Cloud Tag",
    "midnight-strip": "Midnight Strip",
    "title": "Title",
    "simple": "Simple",
    "bold": "Bold",
}


def template_id(name: str) -> str:
    """The id of a text template, from its name or id in any case. Raises ValueError naming the known ones."""
    known = re.sub(r"[\s_-]+", "-", name.strip().lower())
    if known not in TEXT_TEMPLATES:
        raise ValueError(
            f"there is no text template {name[:64]!r}; known: {', '.join(TEXT_TEMPLATES.values())}"
        )
    return known


def _template(value: object) -> object:
    return template_id(value) if isinstance(value, str) else value


TextTemplate = Annotated[
    str,
    BeforeValidator(_template),
    Field(strict=True, description=f"{', '.join(TEXT_TEMPLATES.values())}: by name or id, in any case."),
]


_UNSEEN = frozenset({"Cc", "Cf", "Zl", "Zp", "Zs"})  # controls, joiners and other format marks, spaces


def is_blank(text: str) -> bool:
    """Whether nothing of a text would be seen."""
    return all(unicodedata.category(character) in _UNSEEN for character in text)


def _seen(text: str) -> str:
    if is_blank(text):
        raise ValueError("there is nothing to see in it")
    return text


OverlayText = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=OVERLAY_CHARACTERS),
    AfterValidator(_seen),
]


def exact(seconds: float) -> Fraction:
    """The decimal a caller wrote, not the nearest binary fraction: 0.1 is 1/10."""
    return Fraction(str(seconds))


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


class Cut(Noun):
    """One visual of a sequence, without a place of its own: it follows the one before it.

    A manual duration of its asset goes before `duration_s`; without either it is shown for 3 s. Beats and a
    voiceover may move its end, as if it were in the order of file names.
    """

    asset_id: str
    duration_s: Length | None = None
    source_start_s: Source = 0.0
    transition_type: TransitionType | None = None
    text: OverlayText | None = Field(default=None, description="Written on it with `text_on_screen`.")


class TextOverlay(Noun):
    """A text at an exact time. Without `duration_s` it stays for 3 s; none outlasts the video.

    Texts may overlap in time; a later one of the list lies over an earlier one.
    """

    text: OverlayText
    start_s: Seconds
    duration_s: Length | None = None
    template: TextTemplate = DEFAULT_TEMPLATE
    position: Position = Position.TOP


class SfxPlacement(Noun):
    """A sound effect at an exact time, or `offset_s` after (before, if negative) the start of a clip.

    `duration_s` cuts it short; no effect is drawn out. Without `volume` it has the render's `sfx_volume`.
    """

    sfx_type: SfxType
    start_s: Seconds | None = None
    clip_asset_id: str | None = None
    offset_s: Offset = 0.0
    duration_s: Length | None = None
    volume: Volume | None = None

    @model_validator(mode="after")
    def _check_start(self) -> Self:
        if (self.start_s is None) == (self.clip_asset_id is None):
            raise ValueError("a sound effect needs a start or a clip, and not both")
        if self.offset_s and self.clip_asset_id is None:
            raise ValueError("an offset is counted from the start of a clip")
        return self


class SpokenLine(Noun):
    """What a voice says in one go. With `start_s` not before that; without, after the line before.

    A new paragraph comes after a longer pause.
    """

    text: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=LINE_CHARACTERS)]
    start_s: Seconds | None = None
    paragraph: Switch = False

    @model_validator(mode="after")
    def _check_words(self) -> Self:
        if not any(character.isalnum() for character in self.text):
            raise ValueError("there is nothing to say in it")
        return self


class Voiceover(Noun):
    """A script and who speaks it. A line that is longer than its place runs on; the next one waits.

    `language` is a hint that must be the voice's own language. `speed` 1 is how the voice speaks by itself.
    The picture stays until all was said.
    """

    voice_id: str = Field(min_length=1, max_length=LONGEST_VOICE_ID)
    language: str | None = Field(default=None, max_length=35)
    speed: Speed = 1.0
    lines: tuple[SpokenLine, ...] = Field(min_length=1, max_length=MAX_LINES)

    @model_validator(mode="after")
    def _check_length(self) -> Self:
        if sum(len(line.text) for line in self.lines) > SCRIPT_CHARACTERS:
            raise ValueError(f"a script has at most {SCRIPT_CHARACTERS} characters")
        return self


class MediaRender(Params):
    """What to render. Visuals are shown in the natural order of their file names unless placed by hand.

    Volumes are linear, 0 to 1: they balance what is heard, and the whole is then brought to one loudness.
    `transition_types` and `sfx_types` are used in rotation; no transition moves a cut.
    """

    kind: ClassVar[str] = "media-render"

    assets: tuple[RenderAsset, ...] = Field(min_length=1, max_length=MAX_ASSETS)
    name: str = Field(default="", max_length=200, description="What the timeline is called.")
    aspect_ratio: AspectRatio = "9:16"
    fps: Annotated[float, Field(strict=True, ge=1, le=60)] = 30.0
    fit: Fit = Fit.AUTO
    durations: tuple[AssetDuration, ...] = Field(default=(), max_length=MAX_ASSETS)
    placements: tuple[Placement, ...] = Field(default=(), max_length=MAX_ASSETS)
    cuts: tuple[Cut, ...] = Field(
        default=(),
        max_length=MAX_ASSETS,
        description="The visuals in this order, instead of their names': what an AI plan comes to.",
    )
    target_duration_s: Length | None = Field(
        default=None,
        description="How long the whole is to be. Visuals without a duration of their own share it out.",
    )
    ai_analysis: Switch = Field(
        default=False, description="A planner chooses order, lengths and moments, by the instructions."
    )
    vision_analysis: Switch = Field(
        default=False, description="Look at the visuals: the best moments of clips; blurred and double ones."
    )
    audio_analysis: Switch = Field(
        default=False, description="Listen to clips and sounds: cuts fall into pauses of speech, if any."
    )
    instructions: str | None = Field(
        default=None,
        max_length=INSTRUCTION_CHARACTERS,
        description="What the planner is to do, in words. Placements and durations set by hand go before it.",
    )
    transition_types: tuple[TransitionType, ...] = Field(default=("crossfade",), min_length=1, max_length=50)
    hook_text: str | None = Field(default=None, max_length=HOOK_CHARACTERS)
    text_overlays: tuple[TextOverlay, ...] = Field(default=(), max_length=MAX_OVERLAYS)
    text_on_screen: Switch = Field(
        default=False,
        description="Texts by itself: what is said while it is said, else what a plan wrote, else a title.",
    )
    bgm_asset_id: str | None = None
    bgm_query: str | None = Field(
        default=None,
        max_length=QUERY_CHARACTERS,
        description="Words for a tune of the farm's catalog (mood, genre, tempo), or its name. A file wins.",
    )
    bgm_volume: Volume = DEFAULT_BGM_VOLUME
    beat_sync: Switch = Field(
        default=False,
        description="Cuts between visuals without a set length follow the music's beats; the total stays.",
    )
    sfx: Switch = Field(default=False, description="A sound effect on every cut, unless some are placed.")
    sfx_types: tuple[SfxType, ...] = Field(default=DEFAULT_SFX_TYPES, min_length=1, max_length=50)
    sfx_volume: Volume = DEFAULT_SFX_VOLUME
    sfx_placements: tuple[SfxPlacement, ...] = Field(default=(), max_length=MAX_SFX)
    voiceover: Voiceover | None = None
    clip_volume: Volume = Field(default=1.0, description="Of the clips' own sound; 0 mutes it.")
    output_file_name: str = Field(
        default="rendered.mp4",
        pattern=r"^[^/\\\x00-\x1f]{1,124}\.(mp4|webm|mov|gif)$",
        description="The ending becomes the profile's.",
    )
    profile: ProfileName = Field(default=DEFAULT_PROFILE, description="How the film is encoded.")
    copy_untouched: Switch = Field(
        default=True,
        description="What the film shows unchanged of H.264 clips is taken over as it is, without loss. "
        "Off: all of it is encoded anew, for players that stumble over two encoders in one film.",
    )
    contact_sheet: Switch = Field(default=False, description="Also a PNG that shows it at a glance.")
    poster: Switch = Field(default=False, description="Also its sharpest frame of some, as a JPEG.")
    subtitles: Switch = Field(default=False, description="Also its texts as SRT and WebVTT.")
    otio: Switch = Field(default=False, description="Also the timeline as OpenTimelineIO, for editing.")
    chapters: Switch = Field(default=False, description="Chapters in the file: its titles, else its visuals.")
    incremental: Switch = Field(
        default=False,
        description="It will be rendered again after small changes: what stays the same is kept for then.",
    )
    timeline: dict[str, JsonValue] | None = Field(
        default=None,
        description="An OpenTimelineIO document (Timeline.1) to render, instead of placements and durations. "
        "Its media are assets by id or file name; `aspect_ratio` is for one that says no size.",
    )

    @property
    def was_planned(self) -> bool:
        """Whether its cuts come of an analysis: visuals may be left out, or be shorter than was likely."""
        return bool(self.cuts) and (self.ai_analysis or self.vision_analysis or self.audio_analysis)
