"""The sound tracks of an `.otio`: exact where a clip is as the farm wrote it, else as its range says."""

from collections.abc import Iterator, Sequence
from itertools import islice

from pydantic import ValidationError

from farm.otio.checked import Node, Span, fraction, whole
from farm.otio.tracks import Frame, Item, are_as_written, as_object, gain, laid_out, warn_of_track
from farm.otio.writer import heard
from farm.timeline import AudioClip, AudioTrack, Media, MediaKind

_DEFAULT_ROLE = "music"


def audio_track(track: Node, frame: Frame) -> AudioTrack:
    """The sounds of a track; what cannot be kept is warned of."""
    warn_of_track(track)
    role = track.told.get("role")
    return AudioTrack(
        clips=tuple(_sounds(laid_out(track, frame), frame)),
        name=track.text("name"),
        role=role if isinstance(role, str) else _DEFAULT_ROLE,
    )


def _sounds(items: Sequence[Item], frame: Frame) -> Iterator[AudioClip]:
    free_from = 0  # the first sample that no clip has
    skip = 0
    for index, item in enumerate(items):
        if skip:
            skip -= 1
        elif item.is_transition:
            item.node.warn("fades between sounds are left out")
        elif item.medium is not None and item.source is not None:
            clip, count = _sound(items[index:], item.medium, item.source, free_from, frame)
            skip = count - 1
            if clip is not None:
                free_from = clip.end_sample_exclusive
                yield clip


def _sound(
    items: Sequence[Item], medium: Media, source: Span, free_from: int, frame: Frame
) -> tuple[AudioClip | None, int]:
    """The clip that begins with the first of `items`, and how many of them it is made of."""
    item = items[0]
    if medium.kind is MediaKind.IMAGE:
        item.node.warn("is a picture on a track of sounds, and left out")
        return None, 1
    exact = _as_written(item, medium, frame)
    if exact is not None and exact.start_sample >= free_from:
        place = range(item.start_frame, frame.rate.nearest_frame(frame.seconds(exact.end_sample_exclusive)))
        written = heard(exact, place, medium, frame.rate, frame.sample_rate)
        expected = list(islice(written, len(items) + 1))
        if place and are_as_written(items, expected):
            return exact, len(expected)
    return _edited(item, medium, source, free_from, frame), 1


def _as_written(item: Item, medium: Media, frame: Frame) -> AudioClip | None:
    """The clip that the farm says it was, at the place that it has now."""
    told, exact = item.node.told, as_object(item.node.told.get("clip"))
    start, end = whole(exact.get("start_sample")), whole(exact.get("end_sample_exclusive"))
    if start is None or end is None or end <= start:
        return None
    if frame.rate.nearest_frame(frame.seconds(start)) != item.start_frame:  # it was moved
        moved = round(item.start * frame.sample_rate)
        start, end = moved, end + moved - start
    try:
        return AudioClip.model_validate(
            {
                "media": medium.id,
                "start_sample": start,
                "end_sample_exclusive": end,
                "source_start": fraction(exact.get("source_start")),
                "source_end": fraction(exact.get("source_end")),
                "speed": fraction(exact.get("speed", "1")),
                "fade_in_samples": whole(exact.get("fade_in_samples")),
                "fade_out_samples": whole(exact.get("fade_out_samples")),
                "name": exact.get("name"),
                "gain": told.get("gain"),
                "loop": told.get("loop"),
            }
        )
    except ValidationError:
        return None


def _edited(item: Item, medium: Media, source: Span, free_from: int, frame: Frame) -> AudioClip | None:
    """The clip as its range says, with the gain that the farm noted."""
    if item.warp.is_frozen:
        item.node.warn("holds one frame, which has no sound: its sound plays on")
    if item.is_overlong:
        item.node.warn("is longer than its medium is said to be: the rest is silent")
    exact = as_object(item.node.told.get("clip"))
    if exact.get("fade_in_samples") or exact.get("fade_out_samples"):
        item.node.warn("was edited, and has lost its fades")
    start, end = (round(seconds * frame.sample_rate) for seconds in (item.start, item.end))
    start = max(start, free_from)
    first, stop = (frame.rate.nearest_frame(frame.seconds(sample)) for sample in (start, end))
    if stop <= first:
        item.node.warn("is shorter than a frame, and left out")
        return None
    return AudioClip(
        media=medium.id,
        start_sample=start,
        end_sample_exclusive=end,
        source_start=source.start,
        source_end=source.end,
        speed=item.warp.speed,
        gain=gain(item.node.told.get("gain"), 1.0),
        name=item.node.text("name") or None,
    )
