"""compose-otio for any manifest: exact where it is valid, told where it is not.

Rows A-025, A-026, A-027, A-029, A-040.
"""

import json
import random
from fractions import Fraction
from math import prod
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from farm.kinds import kind_named
from farm.otio import read_otio
from farm.timeline import MediaKind
from tasks.compose_otio import BrokenManifest, Composed, ComposeOtio, compose
from tests.manifest_strategies import Fault, Json, broken_manifests, gap_of, length_of, manifests
from tests.manifests import shuffled

otio = pytest.importorskip("opentimelineio")


@settings(max_examples=40, deadline=None)
@given(manifests(), st.integers())
def test_a027_a040_any_valid_manifest_is_exact_and_reads_back_the_same(manifest: Json, seed: int):
    made = compose(manifest)
    check_edges(manifest, made)
    check_ranges(made)
    assert read_otio(made.otio).timeline == made.timeline
    mixed = json.loads(json.dumps(shuffled(manifest, random.Random(seed))))
    assert compose(mixed) == made


def check_edges(manifest: Json, made: Composed) -> None:
    """No gap but those asked for, no overlap, and the total to the frame."""
    rate, at = made.timeline.rate, Fraction(0)
    clips = made.timeline.video[0].clips
    for span, clip in zip(manifest["intent"]["videoSequence"], clips, strict=True):
        at += gap_of(span)
        assert clip.start_frame == rate.nearest_frame(at)
        at += length_of(span)
        assert clip.end_frame_exclusive == rate.nearest_frame(at) > clip.start_frame
    assert made.timeline.end_frame_exclusive == rate.nearest_frame(at)


def check_ranges(made: Composed) -> None:
    """As OpenTimelineIO's own library reckons: each track is filled, each range lies in its medium."""
    read = otio.adapters.read_from_string(made.otio, "otio_json")
    total = made.timeline.end_frame_exclusive
    assert read.duration().value == read.tracks[0].duration().value == total
    for track in read.tracks:
        at = 0
        for item in track:
            if not isinstance(item, otio.schema.Transition):
                place = item.range_in_parent()
                assert (place.start_time.value, place.duration.value > 0) == (at, True)
                at += place.duration.value
        assert at <= total
        for clip in track.find_clips():
            check_range(clip, made, slack=0 if track.kind == "Video" else 1)


def check_range(clip: Any, made: Composed, slack: int) -> None:
    """What is played of the medium, at its speed, is there; sound may be rounded by a frame."""
    medium = made.timeline.medium(clip.media_reference.metadata["kinefarm"]["media"])
    used, there = clip.source_range, clip.media_reference.available_range
    assert 1 not in [effect.time_scalar for effect in clip.effects]
    taken = used.duration.value * prod(effect.time_scalar for effect in clip.effects)
    last = used.start_time.value + taken
    assert used.start_time.value >= 0 and last <= there.end_time_exclusive().value + 1e-6
    if medium.kind is not MediaKind.IMAGE and medium.duration is not None:
        assert last <= max(1, made.timeline.rate.nearest_frame(medium.duration)) + slack + 1e-6


@settings(max_examples=25, deadline=None)
@given(manifests())
def test_any_valid_manifest_can_be_planned_and_rendered_as_it_is(manifest: Json):
    tasks = kind_named("compose-otio").plan(ComposeOtio(manifest=manifest))
    assert tasks[0].step == "compose"
    assert (len(tasks) > 1) is manifest["render"]
    if not manifest["render"]:
        return
    film, cut = tasks[-1].params["timeline"], compose(manifest).timeline
    asset_of = {item["id"]: item["asset"] for item in manifest["folder"]["items"]}
    pictures = film["video"][0]["clips"]
    assert [(clip["media"], clip.get("speed", "1")) for clip in pictures] == [
        (asset_of[clip.media], str(clip.speed)) for clip in cut.video[0].clips
    ]
    sounds = [clip["media"] for track in film["audio"] for clip in track["clips"]]
    assert set(tasks[-1].inputs) == {clip["media"] for clip in pictures} | set(sounds)


@settings(max_examples=100, deadline=None)
@given(broken_manifests())
def test_a026_any_fault_that_is_planted_is_told_with_its_code_and_pointer(broken: tuple[Json, set[Fault]]):
    manifest, planted = broken
    with pytest.raises(BrokenManifest) as refused:
        compose(manifest)
    told = {(fault.code, fault.path) for fault in refused.value.faults}
    assert planted <= told
    assert len(told) == len(refused.value.faults)  # each once
    json.dumps([fault.model_dump(mode="json") for fault in refused.value.faults], allow_nan=False)
