"""Writes a timeline as OpenTimelineIO (Timeline.1), for any program that edits. Pure: text out, no library.

Equal timelines give equal text, byte by byte: keys are sorted and nothing of the machine is in it. Every
range is at the project's rate; edges are snapped one by one, so cuts never drift. What OpenTimelineIO has no
words for is in `metadata.kinefarm`: texts (as markers), gains, fades, camera moves, names of transitions, and
the exact times behind the frames, so that `farm/otio/reader.py` gets back what was written.
"""

import json
from collections.abc import Iterator, Sequence
from fractions import Fraction
from math import ceil

from pydantic import JsonValue

from farm.otio.warps import frames_shown, frames_used, frozen, warped
from farm.timeline import (
    PLAIN_SPEED,
    AudioClip,
    AudioTrack,
    Media,
    MediaKind,
    Motion,
    Rate,
    Timeline,
    Transition,
    VideoClip,
    VideoTrack,
)

CONTENT_TYPE = "application/vnd.opentimelineio+json"
_DISSOLVE = "crossfade"
_Object = dict[str, JsonValue]


def as_otio(timeline: Timeline) -> str:
    """The timeline as an `.otio` file. Media are named by their file names, as if they lay beside it."""
    tracks = [
        *(_video_track(t, timeline) for t in timeline.video),
        *(_audio_track(t, timeline) for t in timeline.audio),
    ]
    told: _Object = {
        "width": timeline.width,
        "height": timeline.height,
        "sample_rate": timeline.sample_rate,
        "rate": str(timeline.rate.fps),
        "media": [medium.model_dump(mode="json") for medium in timeline.media],
        "text_tracks": [track.name for track in timeline.text],
    }
    stack = _item("Stack.1", "tracks", children=list(tracks), markers=list(_texts(timeline)))
    made: _Object = {
        "OTIO_SCHEMA": "Timeline.1",
        "name": timeline.name,
        "metadata": {"kinefarm": told},
        "global_start_time": None,
        "tracks": stack,
    }
    return json.dumps(made, indent=4, sort_keys=True, ensure_ascii=False, allow_nan=False) + "\n"


def _video_track(track: VideoTrack, timeline: Timeline) -> _Object:
    children: list[JsonValue] = []
    at = 0
    for clip in track.clips:
        if clip.start_frame > at:
            children.append(_gap(clip.start_frame - at, timeline.rate))
        if clip.transition is not None and clip.transition.type != "none":
            children.append(_transition(clip.transition, timeline.rate))
        children.extend(seen(clip, timeline.medium(clip.media), timeline.rate))
        at = clip.end_frame_exclusive
    return _item("Track.1", track.name, kind="Video", children=children)


def seen(clip: VideoClip, medium: Media, rate: Rate) -> Iterator[_Object]:
    """The clip, and its last frame for as long as it is held where the source is shorter than its place."""
    is_still = medium.kind is MediaKind.IMAGE
    start, speed = (0, PLAIN_SPEED) if is_still else (rate.nearest_frame(clip.source_start), clip.speed)
    moving = min(clip.frames, _frames_there(clip, medium, rate))
    end = start + frames_used(moving, speed)
    told = _told(clip)
    name = clip.name or medium.name
    yield _clip(name, medium, rate, start, moving, end, told, warped(speed))
    if moving < clip.frames:
        yield _clip(name, medium, rate, end - 1, clip.frames - moving, end, told, frozen())


def _frames_there(clip: VideoClip, medium: Media, rate: Rate) -> int:
    """How many frames the source has for the clip, at least one; all it needs where nobody knows."""
    shown = None if medium.kind is MediaKind.IMAGE else frames_shown(clip, medium, rate)
    return clip.frames if shown is None else shown


def _told(clip: VideoClip) -> _Object:
    exact: _Object = {
        "frames": clip.frames,
        "source_start": str(clip.source_start),
        "source_end": None if clip.source_end is None else str(clip.source_end),
        "name": clip.name,
        **_speed(clip),
    }
    told: _Object = {"fit": clip.fit.value, "sound_gain": clip.sound_gain, "clip": exact}
    return told if clip.motion is Motion.NONE else told | {"motion": clip.motion.value}


def _speed(clip: VideoClip | AudioClip) -> _Object:
    return {} if clip.speed == PLAIN_SPEED else {"speed": str(clip.speed)}


def _transition(transition: Transition, rate: Rate) -> _Object:
    is_dissolve = transition.type == _DISSOLVE
    return {
        "OTIO_SCHEMA": "Transition.1",
        "name": transition.type,
        "transition_type": "SMPTE_Dissolve" if is_dissolve else "Custom_Transition",
        "in_offset": _time(transition.before_frames, rate),
        "out_offset": _time(transition.after_frames, rate),
        "metadata": {"kinefarm": {"type": transition.type}},
    }


def _audio_track(track: AudioTrack, timeline: Timeline) -> _Object:
    rate = timeline.rate
    children: list[JsonValue] = []
    at = 0
    for clip in track.clips:
        start, end = (
            rate.nearest_frame(Fraction(sample, timeline.sample_rate))
            for sample in (clip.start_sample, clip.end_sample_exclusive)
        )
        if start > at:
            children.append(_gap(start - at, rate))
        if end > start:
            place = range(max(start, at), end)
            children.extend(heard(clip, place, timeline.medium(clip.media), rate, timeline.sample_rate))
        at = max(at, end)
    return _item("Track.1", track.name, kind="Audio", children=children, told={"role": track.role})


def heard(clip: AudioClip, place: range, medium: Media, rate: Rate, sample_rate: int) -> Iterator[_Object]:
    """The clip in its `place` of frames, once per round where it starts over; what is left is a gap."""
    exact: _Object = {
        "start_sample": clip.start_sample,
        "end_sample_exclusive": clip.end_sample_exclusive,
        "source_start": str(clip.source_start),
        "source_end": None if clip.source_end is None else str(clip.source_end),
        "fade_in_samples": clip.fade_in_samples,
        "fade_out_samples": clip.fade_out_samples,
        "name": clip.name,
        **_speed(clip),
    }
    told: _Object = {
        "gain": clip.gain,
        "fade_in_s": clip.fade_in_samples / sample_rate,
        "fade_out_s": clip.fade_out_samples / sample_rate,
        "loop": clip.loop,
        "clip": exact,
    }
    first = rate.nearest_frame(clip.source_start)
    length = frames_shown(clip, medium, rate) or len(place)
    rounds = ceil(len(place) / length) if clip.loop else 1
    for number in range(rounds):
        frames = min(length, len(place) - number * length)
        end = first + frames_used(frames, clip.speed)
        yield _clip(clip.name or medium.name, medium, rate, first, frames, end, told, warped(clip.speed))
    if rounds * length < len(place):
        yield _gap(len(place) - rounds * length, rate)


def _clip(
    name: str,
    medium: Media,
    rate: Rate,
    start: int,
    frames: int,
    end_used: int,
    told: _Object,
    effects: Sequence[JsonValue] = (),
) -> _Object:
    return _item(
        "Clip.2",
        name,
        source_range=_range(start, frames, rate),
        effects=list(effects),
        told=told,
        active_media_reference_key="DEFAULT_MEDIA",
        media_references={"DEFAULT_MEDIA": _reference(medium, rate, end_used)},
    )


def _reference(medium: Media, rate: Rate, end_used: int) -> _Object:
    """Where the medium is. A still is said to last as long as it is used; some programs refuse it else."""
    known = end_used if medium.duration is None else max(end_used, rate.nearest_frame(medium.duration))
    available = (
        None if medium.duration is None and medium.kind is not MediaKind.IMAGE else _range(0, known, rate)
    )
    common: _Object = {
        "name": medium.name,
        "available_range": available,
        "available_image_bounds": None,
        "metadata": {"kinefarm": {"media": medium.id}},
    }
    if medium.builtin is not None:
        made: _Object = {"generator_kind": medium.builtin, "parameters": {}}
        return {"OTIO_SCHEMA": "GeneratorReference.1", **made, **common}
    return {"OTIO_SCHEMA": "ExternalReference.1", "target_url": medium.name, **common}


def _texts(timeline: Timeline) -> Iterator[_Object]:
    """Texts as markers over the frames in which they are seen."""
    for lane, track in enumerate(timeline.text):
        for clip in track.clips:
            told: _Object = {"text": clip.text, "template": clip.template, "position": clip.position.value}
            yield {
                "OTIO_SCHEMA": "Marker.2",
                "name": clip.text,
                "comment": "",
                "color": "GREEN",
                "marked_range": _range(
                    clip.start_frame, clip.end_frame_exclusive - clip.start_frame, timeline.rate
                ),
                "metadata": {"kinefarm": {"track": track.name, "lane": lane, **told}},
            }


def _gap(frames: int, rate: Rate) -> _Object:
    return _item("Gap.1", "", source_range=_range(0, frames, rate))


def _item(schema: str, name: str, *, told: _Object | None = None, **fields: JsonValue) -> _Object:
    """What all things on a track have."""
    return {
        "OTIO_SCHEMA": schema,
        "name": name,
        "enabled": True,
        "color": None,
        "source_range": None,
        "effects": [],
        "markers": [],
        "metadata": {"kinefarm": told} if told else {},
        **fields,
    }


def _range(start: int, frames: int, rate: Rate) -> _Object:
    return {
        "OTIO_SCHEMA": "TimeRange.1",
        "start_time": _time(start, rate),
        "duration": _time(frames, rate),
    }


def _time(frames: int, rate: Rate) -> _Object:
    return {"OTIO_SCHEMA": "RationalTime.1", "rate": float(rate.fps), "value": float(frames)}
