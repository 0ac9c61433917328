"""The picture tracks of an `.otio`.

A clip that still is as the farm wrote it comes back exactly; one that was edited has the times of the edit.
"""

from collections.abc import Iterator, Sequence
from fractions import Fraction
from itertools import islice

from pydantic import ValidationError

from farm.otio.checked import Node, Span, fraction, whole
from farm.otio.tracks import Frame, Item, are_as_written, as_object, gain, laid_out, warn_of_track
from farm.otio.writer import seen
from farm.timeline import (
    PLAIN_SPEED,
    Fit,
    Media,
    MediaKind,
    Motion,
    Rate,
    Transition,
    VideoClip,
    VideoTrack,
)

_DISSOLVE = "SMPTE_Dissolve"


def video_track(track: Node, frame: Frame) -> VideoTrack:
    """The pictures of a track; what cannot be kept is warned of."""
    warn_of_track(track)
    return VideoTrack(clips=tuple(_pictures(laid_out(track, frame), frame)), name=track.text("name"))


def _pictures(items: Sequence[Item], frame: Frame) -> Iterator[VideoClip]:
    last: VideoClip | None = None
    pending: Node | None = None
    skip = 0
    for index, item in enumerate(items):
        if skip:
            skip -= 1
        elif item.is_transition:
            if pending is not None:
                item.node.wrong("", "follows another transition directly")
            pending = item.node
        elif item.end_frame == item.start_frame:
            if item.medium:
                item.node.warn("is shorter than a frame, and left out")
        elif item.medium is None or item.source is None:
            _warn_of_fade(pending)
            pending = None
        else:
            made, count = _picture(items[index:], pending, frame)
            skip, pending = count - 1, None
            if made is None:
                continue
            if last is not None and (held := _held(last, made, frame.rate)):
                last = held
                continue
            if last is not None:
                yield last
            last = made
    _warn_of_fade(pending)
    if last is not None:
        yield last


def _picture(items: Sequence[Item], leading: Node | None, frame: Frame) -> tuple[VideoClip | None, int]:
    """The clip that begins with the first of `items`, and how many of them it is made of."""
    item = items[0]
    if item.medium is None or item.source is None or item.medium.kind is MediaKind.AUDIO:
        item.node.warn("is sound on a track of pictures, and left out")
        return None, 1
    transition = _transition(leading, frame) if leading else None
    exact = _as_written(item, transition, frame.rate)
    if exact is not None:
        expected = list(islice(seen(exact, item.medium, frame.rate), 3))
        if are_as_written(items, expected):
            return exact, len(expected)
    return _edited(item, item.medium, item.source, transition, frame), 1


def _as_written(item: Item, transition: Transition | None, rate: Rate) -> VideoClip | None:
    """The clip that the farm says it was, at the place that it has now."""
    told, exact = item.node.told, as_object(item.node.told.get("clip"))
    frames = whole(exact.get("frames"))
    if not frames or item.medium is None:
        return None
    try:
        return VideoClip.model_validate(
            {
                "media": item.medium.id,
                "start_frame": item.start_frame,
                "end_frame_exclusive": item.start_frame + frames,
                "source_start": fraction(exact.get("source_start")),
                "source_end": fraction(exact.get("source_end")),
                "speed": fraction(exact.get("speed", "1")),
                "name": exact.get("name"),
                "fit": told.get("fit"),
                "sound_gain": told.get("sound_gain"),
                "motion": told.get("motion", Motion.NONE),
                "transition": transition,
            }
        )
    except ValidationError:
        return None


def _edited(
    item: Item, medium: Media, source: Span, transition: Transition | None, frame: Frame
) -> VideoClip:
    """The clip as its range says; what the farm once noted of its look still holds."""
    told, name = item.node.told, item.node.text("name")
    is_image = medium.kind is MediaKind.IMAGE
    frozen = item.warp.is_frozen
    if item.is_overlong and not frozen:
        item.node.warn("is longer than its medium is said to be: the last frame is held")
    return VideoClip(
        media=medium.id,
        start_frame=item.start_frame,
        end_frame_exclusive=item.end_frame,
        source_start=source.start,
        source_end=None if is_image else source.start + frame.rate.seconds(1) if frozen else source.end,
        speed=item.warp.speed,
        fit=next((fit for fit in Fit if fit == told.get("fit")), Fit.AUTO),
        motion=next((motion for motion in Motion if motion == told.get("motion")), Motion.NONE),
        sound_gain=gain(told.get("sound_gain"), 0.0 if frame.is_muted else 1.0),
        transition=transition,
        name=name or None,
    )


def _held(before: VideoClip, after: VideoClip, rate: Rate) -> VideoClip | None:
    """A clip and the freeze of its last frame that follows it are one clip that is held."""
    frame_s = rate.seconds(1)
    follows = before.media == after.media and before.end_frame_exclusive == after.start_frame
    is_freeze = after.source_end == after.source_start + frame_s and after.speed == PLAIN_SPEED
    if not follows or not is_freeze or after.frames < 2 or after.transition or after.source_end is None:
        return None
    near = frame_s / 2 if before.speed == PLAIN_SPEED else frame_s
    if before.source_end is None or abs(before.source_end - after.source_end) > near:
        return None
    return before.model_copy(update={"end_frame_exclusive": after.end_frame_exclusive})


def _transition(node: Node, frame: Frame) -> Transition | None:
    offsets = [node.time(key, frame.clock) for key in ("in_offset", "out_offset")]
    before, after = (Fraction(0) if seconds is None else seconds for seconds in offsets)
    if before < 0 or after < 0:
        node.wrong("in_offset" if before < 0 else "out_offset", "is negative")
        return None
    named = node.told.get("type")
    if not isinstance(named, str):
        is_dissolve = node.text("transition_type") == _DISSOLVE
        named = "crossfade" if is_dissolve else node.text("name") or node.text("transition_type")
    rate = frame.rate
    return Transition(
        type=named, before_frames=rate.nearest_frame(before), after_frames=rate.nearest_frame(after)
    )


def _warn_of_fade(transition: Node | None) -> None:
    if transition is not None:
        transition.warn("leads into nothing, and is left out")
