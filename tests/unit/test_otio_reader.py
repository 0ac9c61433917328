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
SPEEDS = [Fraction(1), Fraction(1), Fraction(1, 10), Fraction(7, 10), Fraction(7, 3), Fraction(10)]


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
def sources(draw: st.DrawFn) -> dict[str, Any]:
    start = draw(SECONDS)
    length = draw(st.none() | st.fractions(Fraction(1, 1000), 60, max_denominator=1000))
    end = None if length is None else start + length
    return {"source_start": start, "source_end": end, "speed": draw(st.sampled_from(SPEEDS))}


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


@settings(max_examples=100, deadline=None)
@given(timelines())
def test_what_the_farm_wrote_comes_back_exactly(timeline):
    read = read_otio(as_otio(timeline))
    assert read.timeline == timeline
    assert read.warnings == ()


otio = pytest.importorskip("opentimelineio")
NTSC = 24_000 / 1001


def at(frames: float, rate: float = NTSC) -> Any:
    return otio.opentime.RationalTime(frames, rate)


def span(start: float, frames: float, rate: float = NTSC) -> Any:
    return otio.opentime.TimeRange(at(start, rate), at(frames, rate))


def clip(url: str, start: float, frames: float, available: Any = None) -> Any:
    reference = otio.schema.ExternalReference(target_url=url, available_range=available)
    return otio.schema.Clip(name=url, media_reference=reference, source_range=span(start, frames))


def foreign(*tracks: Any) -> Any:
    """A timeline as another program makes it, by OpenTimelineIO's own library."""
    made = otio.schema.Timeline("cut")
    made.tracks.extend(tracks)
    return made


def read(timeline: Any, **options: Any) -> Any:
    return read_otio(otio.adapters.write_to_string(timeline, "otio_json"), **options)


def video(*children: Any) -> Any:
    return otio.schema.Track("V1", list(children), kind="Video")


def audio(*children: Any) -> Any:
    return otio.schema.Track("A1", list(children), kind="Audio")


def places(timeline: Timeline) -> list[tuple[str, int, int]]:
    return [(c.media, c.start_frame, c.end_frame_exclusive) for c in timeline.video[0].clips]


def test_a_foreign_cut_keeps_its_places_time_codes_and_transitions():
    hour = span(86_400, 480)  # the camera's time code begins at an hour
    fade = otio.schema.Transition(
        transition_type="SMPTE_Dissolve", in_offset=at(6), out_offset=otio.opentime.RationalTime(0.25, 1)
    )
    found = read(
        foreign(
            video(
                clip("file:///D:/day%201/a.mov", 86_424, 48, hour),
                otio.schema.Gap(duration=at(24)),
                clip("b.mov", 0, 48),
                fade,
                clip("stills/c.png", 500, 48),
            ),
            audio(otio.schema.Gap(duration=at(24)), clip("song.wav", 24, 96)),
        ),
        size=(640, 360),
    )
    timeline = found.timeline
    assert timeline.rate == Rate(num=24_000, den=1001)
    assert places(timeline) == [("/D:/day 1/a.mov", 0, 48), ("b.mov", 72, 120), ("stills/c.png", 120, 168)]
    first, second, still = timeline.video[0].clips
    assert (first.source_start, first.source_end) == (Fraction(1001, 1000), Fraction(3003, 1000))
    assert timeline.medium("/D:/day 1/a.mov").name == "a.mov"
    assert (still.source_start, still.source_end) == (0, None)
    assert (second.transition, still.transition) == (
        None,
        Transition(type="crossfade", before_frames=6, after_frames=6),
    )
    (song,) = timeline.audio[0].clips
    assert (song.start_sample, song.end_sample_exclusive) == (48_048, 240_240)
    assert song.source_start == Fraction(1001, 1000)
    assert {clip.sound_gain for clip in timeline.video[0].clips} == {0}  # its sound is on a track of its own
    assert found.warnings == ("Timeline 'cut': says no size: 640x360",)


@pytest.mark.parametrize("name", ["shot #3.mov", "what?.mov", "100%25.mov", "a;b [2].mov"])
def test_a_file_url_is_all_path(name):
    """As OpenTimelineIO's own `url_from_filepath` makes them, with such letters as they are."""
    found = read(foreign(video(clip(f"file:///clips/{name}", 0, 24)))).timeline
    assert [medium.name for medium in found.media] == [name.replace("%25", "%")]


def test_without_tracks_of_sound_clips_have_their_own():
    assert read(foreign(video(clip("a.mov", 0, 24)))).timeline.video[0].clips[0].sound_gain == 1


def test_held_frames_become_clips_that_are_held():
    held, alone = clip("a.mov", 23, 30), clip("b.mov", 5, 10)
    held.effects.append(otio.schema.FreezeFrame())
    alone.effects.append(otio.schema.LinearTimeWarp(time_scalar=0))
    clips = read(foreign(video(clip("a.mov", 0, 24), held, alone))).timeline.video[0].clips
    assert [(c.media, c.frames, c.source_start * 24_000 / 1001) for c in clips] == [
        ("a.mov", 54, 0),
        ("b.mov", 10, 5),
    ]
    assert [c.source_end * 24_000 / 1001 for c in clips] == [24, 6]


def test_everything_that_cannot_be_kept_is_named():
    fast, blurred, off = (clip(name, 0, 24) for name in ("fast.mov", "blurred.mov", "off.mov"))
    fast.effects.append(otio.schema.LinearTimeWarp(time_scalar=2000))
    blurred.effects.append(otio.schema.Effect(effect_name="Blur"))
    blurred.markers.append(otio.schema.Marker("look"))
    off.enabled = False
    nested = otio.schema.Stack("scene", [video(clip("a.mov", 0, 24), clip("b.mov", 0, 24))])
    lost = otio.schema.Clip("titles", source_range=span(0, 24))
    into_black = otio.schema.Transition("out", "SMPTE_Dissolve", in_offset=at(5), out_offset=at(0))
    sub = otio.schema.Track("S1", kind="Subtitle")
    cut = foreign(video(fast, blurred, off, nested, lost, clip("c.mov", 0, 24, span(0, 10)), into_black), sub)
    cut.global_start_time = at(86_400)
    found = read(cut, size=(640, 360))
    assert places(found.timeline) == [("fast.mov", 0, 24), ("blurred.mov", 24, 48), ("c.mov", 144, 168)]
    said = "\n".join(found.warnings)
    for word in (
        "'fast.mov': plays at its own speed, not 2000 times that",
        "'blurred.mov': its effect 'Blur' is left out",
        "'off.mov': is switched off",
        "'scene': what is nested in it is left out",
        "'titles': has no media",
        "'c.mov': is longer than its medium",
        "'out': leads into nothing",
        "'S1': is a track of Subtitle",
        "start time code is left out",
        "1 markers are left out",
    ):
        assert word in said, word


def edited(change: Any) -> Any:
    """A cut of the farm's own after a program has changed it."""
    timeline = Timeline(
        name="cut",
        rate=Rate.of(25),
        width=640,
        height=360,
        media=(
            Media(id="a1", kind=MediaKind.VIDEO, name="a.mov", duration=Fraction(3)),
            Media(id="a2", kind=MediaKind.AUDIO, name="s.wav", duration=Fraction(2)),
        ),
        video=(
            VideoTrack(
                clips=(
                    VideoClip(media="a1", start_frame=0, end_frame_exclusive=50, fit=Fit.COVER),
                    VideoClip(
                        media="a1", start_frame=50, end_frame_exclusive=150, source_start=Fraction(1, 3)
                    ),
                )
            ),
        ),
        audio=(
            AudioTrack(
                clips=(
                    AudioClip(media="a2", start_sample=7, end_sample_exclusive=288_000, loop=True, gain=0.5),
                ),
                role="voice",
            ),
        ),
    )
    opened = otio.adapters.read_from_string(as_otio(timeline), "otio_json")
    change(opened)
    return timeline, read(opened)


def test_a_file_that_a_program_saved_again_is_still_exact():
    timeline, found = edited(lambda opened: opened.metadata.update({"editor": {"seen": True}}))
    assert found.timeline == timeline
    assert found.warnings == ()


def test_edits_win_over_what_the_farm_noted():
    def change(opened: Any) -> None:
        first = opened.tracks[0][0]
        first.source_range = span(5, 20, 25)
        opened.tracks[1][0].media_reference.target_url = "other.wav"

    _, found = edited(change)
    first, second = found.timeline.video[0].clips
    assert (first.start_frame, first.end_frame_exclusive, first.fit) == (0, 20, Fit.COVER)
    assert (first.source_start, first.source_end) == (Fraction(1, 5), 1)
    assert (second.start_frame, second.end_frame_exclusive) == (20, 120)  # it moved up
    assert (second.source_start, second.source_end) == (Fraction(1, 3), None)  # and is exact all the same
    sounds = found.timeline.audio[0].clips
    assert [(c.media, c.gain, c.loop) for c in sounds] == [
        ("other.wav", 0.5, False),
        ("a2", 0.5, False),
        ("a2", 0.5, False),
    ]


def broken(**changes: Any) -> dict[str, Any]:
    """A cut of one clip as JSON, with changes to the clip."""
    made = json.loads(otio.adapters.write_to_string(foreign(video(clip("a.mov", 0, 24))), "otio_json"))
    made["tracks"]["children"][0]["children"][0].update(changes)
    return made


def times(start: Any, duration: Any, rate: Any = 24) -> dict[str, Any]:
    def time(value: Any) -> dict[str, Any]:
        return {"OTIO_SCHEMA": "RationalTime.1", "rate": rate, "value": value}

    return {"OTIO_SCHEMA": "TimeRange.1", "start_time": time(start), "duration": time(duration)}


def test_all_faults_are_told_at_once_with_their_places():
    cut = broken(source_range=times("0", -3), name=7)
    track = cut["tracks"]["children"][0]
    track["children"] += [
        {"OTIO_SCHEMA": "Mystery.1"},
        "no object",
        {**copy.deepcopy(track["children"][0]), "source_range": times(0, 24, 0)},
        {"OTIO_SCHEMA": "Gap.1"},
    ]
    with pytest.raises(BrokenOtio) as caught:
        read_otio(cut)
    child = "/tracks/children/0/children"
    assert dict(caught.value.problems) == {
        f"{child}/0/source_range/start_time/value": "is no number",
        f"{child}/1/OTIO_SCHEMA": "is nothing that lies on a track",
        f"{child}/2": "is no object",
        f"{child}/3/source_range/start_time/rate": "0 is no rate that can be used, or one too many",
        f"{child}/3/source_range/duration/rate": "0 is no rate that can be used, or one too many",
        f"{child}/4/source_range": "is missing, and what is around it cannot be placed",
    }
    assert caught.value.param == "timeline"


@pytest.mark.parametrize(
    "hostile",
    [
        "[" * 10_000,
        '{"a":' * 10_000,
        "{",
        b"\xff\xfe",
        "[]",
        "{}",
        '{"OTIO_SCHEMA": "Timeline.1", "tracks": NaN}',
        '{"OTIO_SCHEMA": "Timeline.1", "tracks": [' + "9" * 5000 + "]}",
        json.dumps(broken(name="half a letter \ud83d")),
        {"OTIO_SCHEMA": "Timeline.1"},
        {"OTIO_SCHEMA": "Timeline.1", "tracks": []},
        {"OTIO_SCHEMA": "Timeline.1", "tracks": {"children": 3, "markers": "x"}},
        {
            "OTIO_SCHEMA": "Timeline.1",
            "tracks": {"children": [{"OTIO_SCHEMA": "Track.1", "kind": "Video"}] * 200},
        },
        broken(source_range=times(float("nan"), 24)),
        broken(source_range=times(float("inf"), 24)),
        broken(source_range=times(10**400, 24)),
        broken(source_range=times(0, 24, 1e-300)),
        broken(source_range=times(0, 24, 1e300)),
        broken(source_range=times(0, 10**11)),
        broken(source_range=times(True, 24)),
        broken(source_range=[1, 2]),
        broken(source_range=None),
        broken(media_references={"DEFAULT_MEDIA": {"OTIO_SCHEMA": "ExternalReference.1", "target_url": 5}}),
        broken(
            media_references={
                "DEFAULT_MEDIA": {"OTIO_SCHEMA": "ExternalReference.1", "target_url": "file://[x"}
            }
        ),
        broken(
            media_references={
                "DEFAULT_MEDIA": {"OTIO_SCHEMA": "ExternalReference.1", "target_url": "/etc/passwd"}
            }
        ),
        broken() | {"metadata": {"kinefarm": {"width": 7, "height": "x"}}},
        broken() | {"metadata": {"kinefarm": {"sample_rate": 1}}},
    ],
    ids=lambda value: str(value)[-60:],
)
def test_hostile_files_are_refused(hostile):
    with pytest.raises(BrokenOtio):
        read_otio(hostile)


def test_what_the_farm_noted_is_not_trusted_either():
    cut = broken(
        metadata={"kinefarm": {"clip": {"frames": 10**30, "source_start": "1e999999999", "name": []}}}
    )
    cut["metadata"] = {
        "kinefarm": {
            "rate": "7/0",
            "text_tracks": [1, "x"] * 500,
            "media": [3, {"id": "a", "kind": "film"}, {"id": "b", "kind": "video", "duration": "1e99999999"}],
        }
    }
    assert places(read_otio(cut).timeline) == [("a.mov", 0, 24)]
    many = [copy.deepcopy(cut["tracks"]["children"][0]["children"][0]) for _ in range(100)]
    for number, item in enumerate(many, 1000):
        item["source_range"] = times(0, 24, number)  # each at a rate of its own
    cut["tracks"]["children"][0]["children"] = many
    with pytest.raises(BrokenOtio, match="one too many"):
        read_otio(cut)


def test_deep_nesting_and_great_size_are_bounded():
    nested: dict[str, Any] = {"OTIO_SCHEMA": "Gap.1"}
    for _ in range(500):
        nested = {"OTIO_SCHEMA": "Stack.1", "children": [nested]}
    cut = broken()
    cut["tracks"]["children"][0]["children"].append(nested)
    with pytest.raises(BrokenOtio, match="nested too deep"):
        read_otio(cut)
    cut["tracks"]["children"][0]["children"] = [{"OTIO_SCHEMA": "Gap.1"}] * 30_000
    with pytest.raises(BrokenOtio, match="more than 20000"):
        read_otio(cut)
    with pytest.raises(TooLarge):
        read_otio("x" * (MAX_BYTES + 1))


JUNK = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(10**20), 10**20),
    st.floats(),
    st.text(max_size=5),
    st.just([]),
    st.just({}),
    st.sampled_from(["Stack.1", "Transition.1", "Gap.1", "Clip.1", "FreezeFrame.1", "file:///x.png", "1/0"]),
)


def spots(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The way to everything in a JSON value."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(found for key, item in inner for found in spots(item, (*path, key)))]


@settings(max_examples=100, deadline=None)
@given(timelines(), st.data())
def test_whatever_is_put_into_a_file_it_is_read_or_refused(timeline, data):
    cut = {"root": json.loads(as_otio(timeline))}
    for _ in range(data.draw(st.integers(1, 4))):
        *way, last = data.draw(st.sampled_from(spots(cut)[1:]))
        inner: Any = cut
        for key in way:
            inner = inner[key]
        inner[last] = data.draw(JUNK)
    try:
        again = read_otio(cut["root"] if isinstance(cut["root"], dict) else json.dumps(cut["root"]))
    except BrokenOtio as refusal:
        assert refusal.problems
        return
    assert read_otio(as_otio(again.timeline)).timeline == again.timeline
