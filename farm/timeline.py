"""The one timeline model: what is seen and heard when, exactly.

Video and text are placed in whole frames at a rational rate, audio in samples; ranges are half-open.
Source times are exact fractions of a second in the medium's own time; at a `speed` of 2 a source of four
seconds fills two. A transition never moves a cut and never shortens the total: it borrows `before_frames`
ahead of the cut and `after_frames` behind it, and where a medium has no such frames its edge frame is held.
Nothing here touches media files.
"""

from collections.abc import Sequence
from enum import StrEnum
from fractions import Fraction
from math import floor
from typing import Annotated, Self

from pydantic import Field, model_validator

from farm.noun import Noun

# Roles of audio tracks that mean something to the mix; any other word is music to it.
VOICE_ROLES = frozenset({"voice", "voiceover", "narration", "dialogue"})
EFFECTS_ROLE = "effects"
SPOKEN_TRACK = "captions"  # of texts: what is written in it is also heard
PLAIN_SPEED = Fraction(1)
MAX_SPEED = 100

Speed = Annotated[Fraction, Field(gt=0, le=MAX_SPEED)]  # source seconds in a second of the timeline


def _is_plain(speed: Fraction) -> bool:
    return speed == PLAIN_SPEED


class MediaKind(StrEnum):
    IMAGE = "image"
    VIDEO = "video"
    AUDIO = "audio"


class Fit(StrEnum):
    """How a picture fills the frame when their shapes differ.

    `auto` covers when that crops at most a third of the picture, else contains it on a blurred copy.
    """

    AUTO = "auto"
    COVER = "cover"
    CONTAIN = "contain"


class Motion(StrEnum):
    """A slow camera move over the whole clip."""

    NONE = "none"
    KEN_BURNS = "ken-burns"


class Position(StrEnum):
    TOP = "top"
    MIDDLE = "middle"
    BOTTOM = "bottom"


class Rate(Noun):
    """Frames per second as an exact ratio, e.g. 30000/1001."""

    num: int = Field(gt=0, le=1_000_000)
    den: int = Field(default=1, gt=0, le=1_000_000)

    @classmethod
    def of(cls, fps: float | Fraction) -> Self:
        """The exact rate meant by a decimal: 23.976 and 29.97 are NTSC rates, 24 is 24/1."""
        exact = Fraction(fps).limit_denominator(1001)
        ntsc = Fraction(round(float(fps) * 1001 / 1000) * 1000, 1001)
        if exact.denominator != 1 and abs(float(ntsc) - float(fps)) < 0.005:
            exact = ntsc
        return cls(num=exact.numerator, den=exact.denominator)

    @property
    def fps(self) -> Fraction:
        return Fraction(self.num, self.den)

    def seconds(self, frames: int) -> Fraction:
        """The exact length of `frames` frames."""
        return frames / self.fps

    def nearest_frame(self, seconds: Fraction | float) -> int:
        """The frame edge nearest to a time; half a frame rounds up. Snap edges, never durations."""
        return floor(Fraction(seconds) * self.fps + Fraction(1, 2))


class Media(Noun):
    """One file the timeline uses. `id` is an asset id, or whatever the maker of the timeline calls it.

    With `builtin` it is no file: the renderer makes it itself, and says which by that name (`sfx/whoosh`).
    """

    id: str = Field(min_length=1)
    kind: MediaKind
    name: str
    duration: Fraction | None = None  # seconds; None = not known yet
    builtin: str | None = None


class Transition(Noun):
    """How one clip becomes the next, over `before_frames` ahead of the cut and `after_frames` behind it."""

    type: str
    before_frames: int = Field(ge=0)
    after_frames: int = Field(ge=0)


class VideoClip(Noun):
    """A picture or a span of a video, shown in frames `[start_frame, end_frame_exclusive)`.

    A video shorter than its place holds its last frame; stills take no notice of `speed`. `transition` leads
    from the clip before into this one; on the first clip, or after a gap, it comes from black. A plain speed
    is not dumped: what is known by a hash of such a clip stays known by it.
    """

    media: str
    start_frame: int = Field(ge=0)
    end_frame_exclusive: int
    source_start: Fraction = Fraction(0)
    source_end: Fraction | None = None
    speed: Speed = Field(default=PLAIN_SPEED, exclude_if=_is_plain)
    fit: Fit = Fit.AUTO
    motion: Motion = Motion.NONE
    sound_gain: float = Field(default=1.0, ge=0, le=4)  # linear; 0 mutes the clip's own sound
    transition: Transition | None = None
    name: str | None = None

    @property
    def frames(self) -> int:
        return self.end_frame_exclusive - self.start_frame


class AudioClip(Noun):
    """A span of sound, heard in samples `[start_sample, end_sample_exclusive)`; `speed` leaves its pitch."""

    media: str
    start_sample: int = Field(ge=0)
    end_sample_exclusive: int
    source_start: Fraction = Fraction(0)
    source_end: Fraction | None = None
    speed: Speed = Field(default=PLAIN_SPEED, exclude_if=_is_plain)
    gain: float = Field(default=1.0, ge=0, le=4)  # linear
    fade_in_samples: int = Field(default=0, ge=0)
    fade_out_samples: int = Field(default=0, ge=0)
    loop: bool = False  # start over when the source ends before the place does
    name: str | None = None


class TextClip(Noun):
    """A caption on the picture. `template` names the look; the renderer knows its own list."""

    text: str = Field(min_length=1)
    start_frame: int = Field(ge=0)
    end_frame_exclusive: int
    template: str
    position: Position = Position.TOP


class VideoTrack(Noun):
    clips: tuple[VideoClip, ...] = ()
    name: str = "video"


class AudioTrack(Noun):
    """What is heard on end. While a voice speaks, all but voices and effects gives way to it."""

    clips: tuple[AudioClip, ...] = ()
    name: str = "audio"
    role: str = "music"

    @property
    def is_voice(self) -> bool:
        return self.role in VOICE_ROLES

    @property
    def is_effects(self) -> bool:
        return self.role == EFFECTS_ROLE


class TextTrack(Noun):
    clips: tuple[TextClip, ...] = ()
    name: str = "text"


class Timeline(Noun):
    """Everything that is seen and heard, and nothing about how it is encoded.

    Clips of a track are in order and never overlap; a gap in a video track is black, in an audio track
    silent. `end_frame_exclusive` is the end of the last video clip: sound beyond it is cut.
    """

    name: str
    rate: Rate
    width: Annotated[int, Field(ge=16, le=8192, multiple_of=2)]
    height: Annotated[int, Field(ge=16, le=8192, multiple_of=2)]
    sample_rate: int = Field(default=48_000, ge=8_000, le=192_000)
    media: tuple[Media, ...] = ()
    video: tuple[VideoTrack, ...] = ()
    audio: tuple[AudioTrack, ...] = ()
    text: tuple[TextTrack, ...] = ()

    @model_validator(mode="after")
    def _check(self) -> Self:
        known = {medium.id for medium in self.media}
        for video in self.video:
            _check_order([(c.start_frame, c.end_frame_exclusive) for c in video.clips], video.name)
        for audio in self.audio:
            _check_order([(c.start_sample, c.end_sample_exclusive) for c in audio.clips], audio.name)
        for text in self.text:
            for caption in text.clips:
                if caption.end_frame_exclusive <= caption.start_frame:
                    raise ValueError(f"track {text.name!r}: a caption is empty")
        used = {c.media for v in self.video for c in v.clips} | {c.media for a in self.audio for c in a.clips}
        unknown = used - known
        if unknown:
            raise ValueError(f"clips use media that the timeline does not list: {sorted(unknown)}")
        return self

    @property
    def end_frame_exclusive(self) -> int:
        """Total length in frames."""
        return max((c.end_frame_exclusive for t in self.video for c in t.clips[-1:]), default=0)

    @property
    def duration(self) -> Fraction:
        """Total length in seconds, exact."""
        return self.rate.seconds(self.end_frame_exclusive)

    def medium(self, media_id: str) -> Media:
        """The medium of that id. Raises KeyError when there is none."""
        for medium in self.media:
            if medium.id == media_id:
                return medium
        raise KeyError(media_id)

    def samples_at(self, frame: int) -> int:
        """The first audio sample at or after the start of a frame."""
        return -floor(-self.rate.seconds(frame) * self.sample_rate)


def _check_order(ranges: Sequence[tuple[int, int]], track: str) -> None:
    at = 0
    for start, end_exclusive in ranges:
        if end_exclusive <= start:
            raise ValueError(f"track {track!r}: clip at {start} is empty")
        if start < at:
            raise ValueError(f"track {track!r}: clip at {start} overlaps the one before")
        at = end_exclusive
