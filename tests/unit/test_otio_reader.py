"""An `.otio` read into the farm's timeline: what the farm wrote exactly, foreign files as far as they go.

Issue 4 item 9.
"""

import copy
import json
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from farm.errors import TooLarge
from farm.otio import BrokenOtio, as_otio, read_otio
from farm.otio.checked import MAX_BYTES
from farm.timeline import (
    AudioClip,
    AudioTrack,
    Fit,
    Media,
    MediaKind,
    Motion,
    Position,
    Rate,
    TextClip,
    TextTrack,
    Timeline,
    Transition,
    VideoClip,
    VideoTrack,
)

RATES = [Rate.of(fps) for fps in (23.976, 24, 25, 29.97, 30, 48, 59.94, 60, 12.5)]
NAMES = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
SECONDS = st.fractions(0, 90, max_denominator=48_000)
GAINS = st.floats(0, 4)


@st.composite
def media(draw: st.DrawFn, number: int) -> Media:
    kind = draw(st.sampled_from(MediaKind))
    suffix = {"image": "png", "video": "mov", "audio": "wav"}[kind.value]
    length = draw(st.none() | st.fractions(Fraction(1, 30), 30, max_denominator=1000))
    is_made = kind is MediaKind.AUDIO and draw(st.booleans())
    name = f"{draw(NAMES)}{number}.{suffix}"
    return Media(
        id=f"m{number}", kind=kind, name=name, duration=length, builtin="sfx/pop" if is_made else None
    )


@st.composite
def spans(draw: st.DrawFn, least: int, most: int) -> list[tuple[int, int]]:
    """A few ranges in order, with and without gaps."""
    found, at = [], 0
    for _ in range(draw(st.integers(0, 4))):
        start = at + draw(st.sampled_from([0, 0, least]) | st.integers(0, most))
        at = start + draw(st.integers(least, most))
        found.append((start, at))
    return found


@st.composite
def sources(draw: st.DrawFn) -> dict[str, Fraction | None]:
    start = draw(SECONDS)
    length = draw(st.none() | st.fractions(Fraction(1, 1000), 60, max_denominator=1000))
    return {"source_start": start, "source_end": None if length is None else start + length}


@st.composite
def timelines(draw: st.DrawFn) -> Timeline:
    rate = draw(st.sampled_from(RATES))
    listed = [draw(media(number)) for number in range(draw(st.integers(1, 4)))]
    seen = [medium.id for medium in listed if medium.kind is not MediaKind.AUDIO]
    heard = [medium.id for medium in listed if medium.kind is not MediaKind.IMAGE]
    types = st.sampled_from(["crossfade", "clock-wipe", "its own"])
    offsets = st.integers(0, 30)
    transitions = st.none() | st.builds(Transition, type=types, before_frames=offsets, after_frames=offsets)
    tracks = []
    for _ in range(draw(st.integers(0, 2)) if seen else 0):
        clips = [
            VideoClip(
                media=draw(st.sampled_from(seen)),
                start_frame=start,
                end_frame_exclusive=end,
                **draw(sources()),
                fit=draw(st.sampled_from(Fit)),
                motion=draw(st.sampled_from(Motion)),
                sound_gain=draw(GAINS),
                transition=draw(transitions),
                name=draw(st.none() | NAMES),
            )
            for start, end in draw(spans(1, 200))
        ]
        tracks.append(VideoTrack(clips=tuple(clips), name=draw(NAMES)))
    sounds = []
    for _ in range(draw(st.integers(0, 2)) if heard else 0):
        places = [
            AudioClip(
                media=draw(st.sampled_from(heard)),
                start_sample=start,
                end_sample_exclusive=end,
                **draw(sources()),
                gain=draw(GAINS),
                fade_in_samples=draw(st.integers(0, 99)),
                fade_out_samples=draw(st.integers(0, 99)),
                loop=draw(st.booleans()),
                name=draw(st.none() | NAMES),
            )
            for start, end in draw(spans(8_000, 200_000))  # shorter than a frame is not written
        ]
        sounds.append(AudioTrack(clips=tuple(places), name=draw(NAMES), role=draw(NAMES)))
    texts = [
        TextTrack(
            clips=tuple(
                TextClip(
                    text=draw(NAMES.filter(bool)),
                    start_frame=start,
                    end_frame_exclusive=end,
                    template=draw(NAMES),
                    position=draw(st.sampled_from(Position)),
                )
                for start, end in draw(spans(1, 99))
            ),
            name=draw(NAMES),
        )
        for _ in range(draw(st.integers(0, 2)))
    ]
    return Timeline(
        name=draw(NAMES),
        rate=rate,
        width=draw(st.sampled_from([16, 1080])),
        height=draw(st.sampled_from([16, 1920])),
        sample_rate=draw(st.sampled_from([44_100, 48_000])),
        media=tuple(listed),
        video=tuple(tracks),
        audio=tuple(sounds),
        text=tuple(texts),
    )


@settings(max_examples=150, deadline=None)
@given(timelines())
def test_what_the_farm_wrote_comes_back_exactly(timeline):
    read = read_otio(as_otio(timeline))
    assert read.timeline == timeline
    assert read.warnings == ()
