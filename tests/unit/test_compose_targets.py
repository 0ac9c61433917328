"""compose-otio for single editors (row A-036): what each needs, and what it drops is told."""

from typing import Any

import pytest

from tasks.compose_otio import Composed, compose
from tests.manifests import example
from tests.unit.test_compose_otio import faults, opened, places, warned

otio = pytest.importorskip("opentimelineio")

DISSOLVE = {"type": "dissolve", "durationSec": 1}
INTO_WALK = "/intent/videoSequence/1/transition"


def made_for(target: str, **changes: Any) -> Composed:
    return compose(example(output__targetConsumer=target, **changes))


def dissolves(made: Composed) -> list[tuple[float, float]]:
    return [
        (item.in_offset.value, item.out_offset.value)
        for item in opened(made).tracks[0]
        if isinstance(item, otio.schema.Transition)
    ]


def test_a036_generic_is_what_nobody_asked_for():
    assert made_for("generic").otio == compose(example()).otio


@pytest.mark.parametrize("target", ["resolve", "premiere", "kdenlive"])
def test_a036_every_cut_stays_on_its_frame_for_every_target(target: str):
    plain, made = compose(example()), made_for(target)
    for ours, theirs in zip(opened(plain).tracks, opened(made).tracks, strict=True):
        assert [at for _, *at in places(ours)] == [at for _, *at in places(theirs)]
    assert made.timeline == plain.timeline
    assert made_for(target).otio == made.otio


def test_a036_resolve_begins_at_one_hour_and_finds_media_by_name():
    made = made_for("resolve", project__fps=23.976)
    read = opened(made)
    assert read.global_start_time.value == 86_400  # 01:00:00:00, which counts 24 frames a second
    assert read.global_start_time.to_timecode() == "01:00:00:00"
    walk = read.tracks[0][1]
    assert (walk.name, walk.media_reference.name) == ("stream-walk.mp4",) * 2
    assert walk.media_reference.target_url == "rushes/stream-walk.mp4"
    (hint,) = walk.markers
    assert hint.name == walk.metadata["kinefarm"]["name_hint"] == "Forest Walk"
    assert hint.marked_range.start_time == walk.source_range.start_time


def test_a036_resolve_gets_dissolves_no_longer_than_their_handles():
    early = {"intent__videoSequence__1__fromSec": 0.25, "intent__videoSequence__1__transition": DISSOLVE}
    assert faults(example(**early)) == [("insufficient_handles", f"{INTO_WALK}/durationSec")]
    made = made_for("resolve", **early)
    assert dissolves(made) == [(6, 12)]  # the walk has a quarter of a second before it begins
    assert ("insufficient_handles", INTO_WALK) in warned(made)
    early["intent__videoSequence__1__fromSec"] = 0.5
    assert dissolves(made_for("resolve", **early)) == [(12, 12)]


def test_a036_premiere_has_its_metadata_and_links_a_clip_to_its_own_sound_only():
    sounds = [
        {"itemId": "vid-stream", "fromSec": 1, "toSec": 5, "startSec": 2, "role": "dialogue"},
        {"itemId": "aud-music", "fromSec": 0, "toSec": 5},
    ]
    path = {"folder__items__2__path": "audio/für elise #2.wav"}
    made = made_for("premiere", intent__audioLayers=sounds, **path)
    read = opened(made)
    assert read.metadata["PremierePro_OTIO"]["MetadataVersion"] == "1.0"
    whole = read.tracks.metadata["PremierePro_OTIO"]
    assert dict(whole["VideoResolution"]) == {"width": 1920, "height": 1080}
    assert (whole["VideoFrameRate"], whole["AudioFrameRate"]) == (24.0, 48_000.0)
    links = [clip.metadata["PremierePro_OTIO"]["LinkID"] for clip in read.find_clips()]
    assert links == ["1", "2", "2", "4"]
    assert list(read.find_clips())[-1].media_reference.target_url == "audio/f%C3%BCr%20elise%20%232.wav"
    assert ("relative_paths", "/folder/items") in warned(made)
    assert '"time_scalar": 1.0' not in made.otio


def test_a036_kdenlive_has_cuts_with_markers_where_it_drops_dissolves():
    made = made_for("kdenlive", intent__videoSequence__1__transition=DISSOLVE, project__fps=48)
    assert dissolves(made) == []
    (marker,) = opened(made).tracks.markers
    assert (marker.name, marker.marked_range.start_time.value, marker.marked_range.duration.value) == (
        "dissolve",
        72,
        48,
    )
    told = warned(made)
    assert {("dropped_by_target", INTO_WALK), ("no_stock_profile", "/project/fps")} <= told
    assert ("no_stock_profile", "/project/resolution") not in told
