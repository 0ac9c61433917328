"""Clips that play quicker or slower: laid out, written to `.otio` and read back.

Issue 5 item 1, rows A-025, A-027.
"""

import json
from fractions import Fraction
from typing import Any

import pytest

from farm.encoders import STANDARD
from farm.otio import as_otio, read_otio
from farm.timeline import (
    AudioClip,
    Media,
    MediaKind,
    Rate,
    Timeline,
    VideoClip,
    VideoTrack,
)
from tasks.compose_otio import compose
from tests.manifests import example
from tests.unit.test_compose_otio import faults, opened, places, warned
from tests.unit.test_otio_reader import audio, clip, foreign, read, span, video

otio = pytest.importorskip("opentimelineio")

WALK = "/intent/videoSequence/1"


def walk(**changes: Any) -> dict[str, Any]:
    """Seed 000's manifest with its walk changed; it shows seconds 1 to 5 of eight."""
    return example(**{f"intent__videoSequence__1__{name}": value for name, value in changes.items()})


def warps(item: Any) -> list[float]:
    return [effect.time_scalar for effect in item.effects]


def sole(speed: Fraction, frames: int, **fields: Any) -> Timeline:
    """One clip of eight seconds, from a second on, in a timeline of 24 frames per second."""
    shown = VideoClip(
        media="walk",
        start_frame=0,
        end_frame_exclusive=frames,
        source_start=Fraction(1),
        speed=speed,
        **fields,
    )
    medium = Media(id="walk", kind=MediaKind.VIDEO, name="walk.mov", duration=Fraction(8))
    return Timeline(
        name="t",
        rate=Rate(num=24),
        width=640,
        height=360,
        media=(medium,),
        video=(VideoTrack(clips=(shown,)),),
    )


def at_speed(item: Any, scalar: float) -> Any:
    """A clip of another program's with one more warp."""
    item.effects.append(otio.schema.LinearTimeWarp(time_scalar=scalar))
    return item


def test_a_plain_speed_leaves_no_trace_so_that_what_was_rendered_is_found_again():
    said = sole(Fraction(1), 48).model_dump(mode="json")
    assert "speed" not in json.dumps(said)
    sound = AudioClip(media="walk", start_sample=0, end_sample_exclusive=9)
    assert "speed" not in sound.model_dump(mode="json")
    assert sole(Fraction(3, 2), 48).model_dump(mode="json")["video"][0]["clips"][0]["speed"] == "3/2"
    assert "kinefarm" in as_otio(sole(Fraction(1), 48)) and "TimeWarp" not in as_otio(sole(Fraction(1), 48))


@pytest.mark.parametrize(
    ("speed", "frames"), [(2, 48), (0.5, 192), (4, 24), (1.5, 64), (0.1, 960), (10, 10), (0.3, 320)]
)
def test_a027_a_clip_lasts_as_long_as_its_span_at_its_speed(speed: float, frames: int):
    made = compose(walk(speed=speed))
    picture = opened(made).tracks[0]
    assert places(picture)[1] == ("Forest Walk", 48, frames)
    assert warps(picture[1]) == [speed]
    clip_ = made.timeline.video[0].clips[1]
    assert (clip_.source_start, clip_.source_end) == (1, 1 + Fraction(frames, 24) * Fraction(str(speed)))
    assert read_otio(made.otio).timeline == made.timeline


def test_there_is_never_a_warp_of_one():
    assert "TimeWarp" not in compose(walk(speed=1)).otio
    assert compose(walk(speed=1.0)).otio == compose(example()).otio


def test_edges_stay_exact_over_an_hour_of_odd_speeds():
    clips = [{"itemId": "vid-stream", "fromSec": 0, "toSec": 5, "speed": 0.7}] * 504
    made = compose(example(project__fps=23.976, intent__videoSequence=clips))
    rate = made.timeline.rate
    edges = [rate.nearest_frame(Fraction(50, 7) * number) for number in range(505)]
    assert [clip.start_frame for clip in made.timeline.video[0].clips] == edges[:-1]
    assert made.timeline.end_frame_exclusive == edges[-1] == rate.nearest_frame(3600)


def test_a_quick_clip_that_needs_more_than_there_is_holds_its_last_frame():
    clips = [{"itemId": "vid-stream", "fromSec": 0, "toSec": 8, "speed": 9.8}]
    made = compose(example(intent__videoSequence=clips))  # 19.59 frames of the timeline
    first, held = opened(made).tracks[0]
    assert [warps(first), warps(held)] == [[9.8], [0]]
    assert [item.duration().value for item in (first, held)] == [19, 1]
    assert ("held_frame", "/intent/videoSequence/0") in warned(made)
    assert held.source_range.end_time_exclusive() <= held.media_reference.available_range.end_time_exclusive()


@pytest.mark.parametrize(
    ("speed", "code"),
    [
        *((speed, "out_of_range") for speed in (0.09, 10.5, 0, -1)),
        *((speed, "wrong_type") for speed in ("2x", None, True)),
        (float("nan"), "non_finite"),
    ],
)
def test_a_speed_is_a_number_from_a_tenth_to_ten(speed: Any, code: str):
    assert (code, f"{WALK}/speed") in faults(walk(speed=speed))
    assert (code, "/intent/audioLayers/0/speed") in faults(example(intent__audioLayers__0__speed=speed))


def test_trims_are_told_in_the_mediums_own_time_whatever_the_speed():
    assert faults(walk(speed=4, toSec=9)) == [("trim_past_media", f"{WALK}/toSec")]
    assert compose(walk(speed=0.5, toSec=8)).duration_s == 2 + 14
    assert faults(walk(speed=10, fromSec=1, toSec=1.2)) == [("empty_range", f"{WALK}/toSec")]


def test_a_still_has_neither_speed_nor_sound():
    found = faults(example(intent__videoSequence__0__speed=2, intent__videoSequence__0__useAudio=True))
    opening = "/intent/videoSequence/0"
    assert found == [("kind_mismatch", f"{opening}/speed"), ("kind_mismatch", f"{opening}/useAudio")]
    assert faults(walk(useAudio=True) | {"folder": silent()}) == [("kind_mismatch", f"{WALK}/useAudio")]


def silent() -> Any:
    return example(folder__items__1__meta__hasAudio=False)["folder"]


def test_a_dissolve_needs_handles_in_the_time_of_the_timeline():
    dissolve = {"type": "dissolve", "durationSec": 1}
    assert compose(walk(transition=dissolve, speed=2)).duration_s == 4  # half a second of film ahead
    short = faults(walk(transition=dissolve, speed=4))
    assert short == [("insufficient_handles", f"{WALK}/transition/durationSec")]
    assert compose(walk(transition=dissolve, speed=0.5, fromSec=0.25)).duration_s == 2 + 9.5


def test_a021_a_clips_own_sound_goes_with_its_picture_and_its_speed():
    made = compose(walk(useAudio=True, speed=2))
    pictures, music, own = opened(made).tracks
    assert (own.name, own.kind, made.timeline.audio[1].role) == ("clips", "Audio", "clips")
    assert places(own) == [("", 0, 48), ("Forest Walk", 48, 48)]
    assert warps(own[1]) == [2] and own[1].source_range == pictures[1].source_range
    assert places(music) == [("forest-piano.wav", 0, 96)]
    assert not {code for code, _ in warned(made)} & {"sound_not_layered"}
    assert read_otio(made.otio).timeline == made.timeline
    assert compose(walk(useAudio=False)).otio == compose(example()).otio


def test_a_layer_has_a_speed_too():
    made = compose(example(intent__audioLayers__0__speed=2.5))
    (music,) = opened(made).tracks[1]
    assert (music.duration().value, warps(music)) == (48, [2.5])
    assert ("audio_ends_early", "/intent/audioLayers/0") in warned(made)
    looped = compose(example(intent__audioLayers__0__speed=2.5, intent__audioLayers__0__placement="loop"))
    assert places(opened(looped).tracks[1]) == [("forest-piano.wav", at, 48) for at in (0, 48, 96)]
    for found in (made, looped):
        assert read_otio(found.otio).timeline == found.timeline


def test_a_foreign_files_warps_are_speeds():
    quick = at_speed(clip("a.mov", 24, 24), 2.5)
    slow = at_speed(clip("b.mov", 0, 48), 0.3333333)
    twice = at_speed(at_speed(clip("c.mov", 0, 24), 3), 0.5)
    sound = at_speed(clip("s.wav", 0, 96), 1.25)
    found = read(foreign(video(quick, slow, twice), audio(sound)), size=(640, 360))
    frame = Fraction(1001, 24_000)
    assert [
        (c.frames, c.speed, c.source_start / frame, c.source_end / frame)
        for c in found.timeline.video[0].clips
    ] == [(24, Fraction(5, 2), 24, 84), (48, Fraction(1, 3), 0, 16), (24, Fraction(3, 2), 0, 36)]
    (heard,) = found.timeline.audio[0].clips
    assert (heard.speed, heard.source_end / frame) == (Fraction(5, 4), 120)
    assert found.warnings == ("Timeline 'cut': says no size: 640x360",)


@pytest.mark.parametrize(
    ("scalar", "speed", "said"),
    [
        (-1, 1, "plays forwards, not backwards"),
        (-2, 2, "plays forwards, not backwards"),
        (1000, 1, "plays at its own speed, not 1000 times that"),
        (1e-9, 1, "plays at its own speed, not 1e-09 times that"),
    ],
)
def test_a_speed_that_cannot_be_kept_is_named(scalar: float, speed: int, said: str):
    found = read(foreign(video(at_speed(clip("a.mov", 0, 24), scalar))))
    assert found.timeline.video[0].clips[0].speed == speed
    assert f"Clip 'a.mov': {said}" in found.warnings


def test_a_quick_clip_is_overlong_by_what_it_takes_not_by_how_long_it_lasts():
    slow = at_speed(clip("a.mov", 0, 48, span(0, 24)), 0.5)
    quick = at_speed(clip("b.mov", 0, 24, span(0, 24)), 2)
    said = read(foreign(video(slow, quick))).warnings
    assert [line for line in said if "longer" in line] == [
        "Clip 'b.mov': is longer than its medium is said to be: the last frame is held"
    ]


def test_an_edited_speed_is_the_edits():
    made = json.loads(as_otio(sole(Fraction(2), 48, source_end=Fraction(5))))
    (shown,) = made["tracks"]["children"][0]["children"]
    shown["effects"][0]["time_scalar"] = 1.5
    (found,) = read_otio(made).timeline.video[0].clips
    assert (found.speed, found.source_end) == (Fraction(3, 2), 4)


def test_a_quick_clip_that_was_held_and_moved_is_still_one_clip():
    made = json.loads(as_otio(sole(Fraction(5, 2), 100, source_end=Fraction(5))))
    track = made["tracks"]["children"][0]["children"]
    assert [item["source_range"]["duration"]["value"] for item in track] == [38, 62]
    track[0]["source_range"]["start_time"]["value"] -= 1  # an editor slipped it by a frame
    (found,) = read_otio(made).timeline.video[0].clips
    assert (found.frames, found.speed, found.source_start) == (100, Fraction(5, 2), Fraction(23, 24))


def test_segments_are_known_by_speed_only_where_there_is_one():
    part = pytest.importorskip("workers.cpu_render.segments.part", reason="PyAV is not installed")
    sound = pytest.importorskip("workers.cpu_render.segments.sound")
    hashes = {"walk": "0" * 64}
    keys = set()
    for speed in (1, 2, Fraction(1, 2)):
        timeline = sole(Fraction(speed), 48)
        keys.add(part.key_of(part.part_of(timeline, 0, 48), hashes, STANDARD))
        keys.add(sound.sound_key(timeline, hashes, STANDARD))
    assert len(keys) == 6
