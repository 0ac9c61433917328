"""What is to be composed when: a timeline cut into spans in which one recipe holds. Pure, without media.

A span is STATIC when all its frames are the same picture, SIMPLE when one clip alone gives the picture,
else COMPOSITE. What of a SIMPLE span needs no encoding is COPY once `smart_cut` has looked at the clips.
Transitions never move a cut: they borrow frames on both sides of it, and give way to each
other where a clip is too short for both of its own.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import pairwise

from farm.timeline import SPOKEN_TRACK, MediaKind, Motion, TextClip, TextTrack, Timeline, VideoClip

CUT = "none"  # the transition type that is no transition
CAPTION_FADE_S = 0.25


class SpanKind(StrEnum):
    STATIC = "static"
    SIMPLE = "simple"
    COMPOSITE = "composite"
    COPY = "copy"  # encoded packets taken over untouched


@dataclass(frozen=True, slots=True)
class Shot:
    """A clip and the frames in which it is seen, those that transitions borrow included."""

    track: int
    index: int
    clip: VideoClip
    is_moving: bool
    first_frame: int
    end_frame_exclusive: int

    @property
    def frames_before(self) -> int:
        """How many frames ahead of its cut it is seen."""
        return max(0, self.clip.start_frame - self.first_frame)

    @property
    def frames_after(self) -> int:
        """How many frames after its end it is seen."""
        return max(0, self.end_frame_exclusive - self.clip.end_frame_exclusive)


@dataclass(frozen=True, slots=True)
class Blend:
    """A transition at work, in frames `[start_frame, end_frame_exclusive)`."""

    effect: str
    before: "Picture"
    after: "Picture"
    start_frame: int
    end_frame_exclusive: int

    def progress(self, frame: int) -> float:
        """How far it has come at a frame: evenly between 0 and 1, never quite either."""
        return (frame - self.start_frame + 1) / (self.end_frame_exclusive - self.start_frame + 1)


Picture = Shot | Blend | None  # None is black


@dataclass(frozen=True, slots=True)
class Caption:
    """A text and how it comes and goes."""

    clip: TextClip
    fade_frames: int

    def opacity(self, frame: int) -> float:
        """0 … 1, evenly up and down within the fades, never 0 where it is listed."""
        if self.is_steady(frame):
            return 1.0
        from_edge = min(frame - self.clip.start_frame, self.clip.end_frame_exclusive - 1 - frame)
        return (from_edge + 1) / (self.fade_frames + 1)

    def is_steady(self, frame: int) -> bool:
        """Whether it stands there in full."""
        fade = self.fade_frames
        return self.clip.start_frame + fade <= frame < self.clip.end_frame_exclusive - fade


@dataclass(frozen=True, slots=True)
class Span:
    """Frames `[start_frame, end_frame_exclusive)` that are composed by one recipe."""

    start_frame: int
    end_frame_exclusive: int
    kind: SpanKind
    picture: Picture
    captions: tuple[Caption, ...]

    @property
    def frames(self) -> int:
        return self.end_frame_exclusive - self.start_frame

    def shots(self) -> Iterator[Shot]:
        """The clips it shows."""
        yield from _shots_in(self.picture)


@dataclass(frozen=True, slots=True)
class Plan:
    """The spans of a range of frames, in order and without gaps."""

    spans: tuple[Span, ...]

    @property
    def frames(self) -> int:
        return sum(span.frames for span in self.spans)

    def effects(self) -> set[str]:
        """The transitions it needs."""
        return {effect for span in self.spans for effect in _effects_in(span.picture)}

    def uses(self) -> dict[Shot, range]:
        """Every clip that is seen, in the order of its first frame on the screen, and when."""
        found: dict[Shot, range] = {}
        for span in self.spans:
            for shot in span.shots():
                start = found[shot].start if shot in found else span.start_frame
                found[shot] = range(start, span.end_frame_exclusive)
        return found

    def copying(self, ranges: Sequence[range]) -> "Plan":
        """The same with those frames as COPY; each range lies within SIMPLE spans of one clip, in order."""
        edges = {edge for frames in ranges for edge in (frames.start, frames.stop)}
        return Plan(tuple(part for span in self.spans for part in _parted(span, edges, ranges)))


def _parted(span: Span, edges: set[int], ranges: Sequence[range]) -> Iterator[Span]:
    """A span cut at edges, its parts within the ranges to be copied."""
    inner = {edge for edge in edges if span.start_frame < edge < span.end_frame_exclusive}
    for start, end in pairwise(sorted({span.start_frame, *inner, span.end_frame_exclusive})):
        is_copied = any(start in frames for frames in ranges)
        yield replace(
            span,
            start_frame=start,
            end_frame_exclusive=end,
            kind=SpanKind.COPY if is_copied else span.kind,
        )


def plan(timeline: Timeline, start_frame: int = 0, end_frame_exclusive: int | None = None) -> Plan:
    """Cut a range of a timeline (by default all of it) into spans."""
    end = timeline.end_frame_exclusive if end_frame_exclusive is None else end_frame_exclusive
    tracks = [_Track.of(timeline, number) for number in range(len(timeline.video))]
    captions = [_caption(clip, track, timeline) for track in timeline.text for clip in track.clips]
    edges = {start_frame, end}
    for track in tracks:
        edges.update(track.edges())
    for caption in captions:
        edges.update(_edges_of(caption))
    inner = sorted(edge for edge in edges if start_frame <= edge <= end)
    return Plan(tuple(_span(first, stop, tracks, captions) for first, stop in pairwise(inner)))


@dataclass(frozen=True, slots=True)
class _Window:
    """The frames a transition has after giving way."""

    start_frame: int
    end_frame_exclusive: int


@dataclass(frozen=True, slots=True)
class _Track:
    shots: tuple[Shot, ...]
    windows: tuple[_Window | None, ...]

    @classmethod
    def of(cls, timeline: Timeline, number: int) -> "_Track":
        clips = timeline.video[number].clips
        windows = _windows(clips)
        shots = []
        for index, clip in enumerate(clips):
            start, end = clip.start_frame, clip.end_frame_exclusive
            if own := windows[index]:
                start = own.start_frame
            if index + 1 < len(clips) and _meet(clips, index + 1) and (following := windows[index + 1]):
                end = following.end_frame_exclusive
            shots.append(Shot(number, index, clip, _is_moving(clip, timeline), start, end))
        return cls(tuple(shots), windows)

    def edges(self) -> Iterator[int]:
        for shot, window in zip(self.shots, self.windows, strict=True):
            yield from (shot.clip.start_frame, shot.clip.end_frame_exclusive)
            if window:
                yield from (window.start_frame, window.end_frame_exclusive)

    def picture(self, frame: int, below: Picture) -> Picture:
        """What is seen once this track lies on what is `below`."""
        for index, (shot, window) in enumerate(zip(self.shots, self.windows, strict=True)):
            if window and window.start_frame <= frame < window.end_frame_exclusive:
                effect = shot.clip.transition.type if shot.clip.transition else CUT
                before = self.shots[index - 1] if self._follows(index) else below
                return Blend(effect, before, shot, window.start_frame, window.end_frame_exclusive)
        for shot in self.shots:
            if shot.clip.start_frame <= frame < shot.clip.end_frame_exclusive:
                return shot
        return below

    def _follows(self, index: int) -> bool:
        return index > 0 and _meet([shot.clip for shot in self.shots], index)


def _windows(clips: Sequence[VideoClip]) -> tuple[_Window | None, ...]:
    """Each clip's transition, shortened so that no two of them overlap."""
    wanted = [_wanted(clips, index) for index in range(len(clips))]
    after = [want[1] for want in wanted]
    before = [want[0] for want in wanted]
    for index, clip in enumerate(clips):
        behind = before[index + 1] if index + 1 < len(clips) else 0
        if after[index] + behind > clip.frames:
            after[index] = clip.frames * after[index] // (after[index] + behind)
            if index + 1 < len(clips):
                before[index + 1] = clip.frames - after[index]
    return tuple(
        _Window(clip.start_frame - early, clip.start_frame + late) if early + late else None
        for clip, early, late in zip(clips, before, after, strict=True)
    )


def _wanted(clips: Sequence[VideoClip], index: int) -> tuple[int, int]:
    """Frames before and after the cut that a clip's transition asks for."""
    transition = clips[index].transition
    if transition is None or transition.type == CUT:
        return 0, 0
    free = transition.before_frames if _meet(clips, index) else 0
    return free, transition.after_frames


def _meet(clips: Sequence[VideoClip], index: int) -> bool:
    """Whether a clip starts where the one before it ends."""
    return index > 0 and clips[index - 1].end_frame_exclusive == clips[index].start_frame


def _is_moving(clip: VideoClip, timeline: Timeline) -> bool:
    return timeline.medium(clip.media).kind is MediaKind.VIDEO or clip.motion is not Motion.NONE


def _caption(clip: TextClip, track: TextTrack, timeline: Timeline) -> Caption:
    """What is written while it is said comes and goes at once: it is read in step with the voice."""
    if track.name == SPOKEN_TRACK:
        return Caption(clip, 0)
    frames = clip.end_frame_exclusive - clip.start_frame
    return Caption(clip, min(timeline.rate.nearest_frame(CAPTION_FADE_S), (frames - 1) // 2))


def _edges_of(caption: Caption) -> Iterator[int]:
    start, end = caption.clip.start_frame, caption.clip.end_frame_exclusive
    yield from (start, start + caption.fade_frames, end - caption.fade_frames, end)


def _span(first: int, stop: int, tracks: Sequence[_Track], captions: Sequence[Caption]) -> Span:
    picture: Picture = None
    for track in tracks:
        picture = track.picture(first, picture)
    shown = tuple(c for c in captions if c.clip.start_frame <= first < c.clip.end_frame_exclusive)
    return Span(first, stop, _kind(picture, shown, first), picture, shown)


def _kind(picture: Picture, captions: Sequence[Caption], frame: int) -> SpanKind:
    still = picture is None or (isinstance(picture, Shot) and not picture.is_moving)
    if still and all(caption.is_steady(frame) for caption in captions):
        return SpanKind.STATIC
    return SpanKind.SIMPLE if isinstance(picture, Shot) and not captions else SpanKind.COMPOSITE


def _shots_in(picture: Picture) -> Iterator[Shot]:
    if isinstance(picture, Shot):
        yield picture
    elif isinstance(picture, Blend):
        yield from _shots_in(picture.before)
        yield from _shots_in(picture.after)


def _effects_in(picture: Picture) -> Iterator[str]:
    if isinstance(picture, Blend):
        yield picture.effect
        yield from _effects_in(picture.before)
