"""compose-otio (issue 5 item 1, rows A-009 to A-045): what a manifest means, to the frame and to the byte."""

import copy
import json
import os
import random
import subprocess
import sys
from fractions import Fraction
from functools import cache
from math import prod
from pathlib import Path
from typing import Any

import pytest

from farm.catalog import read_catalog
from farm.errors import FarmUnavailable
from farm.kinds import kind_named
from farm.otio import read_otio
from farm.settings import Settings
from farm.timeline import MediaKind, Rate
from tasks.compose_otio import BrokenManifest, Composed, ComposeOtio, Limits, compose
from tests.manifests import EXAMPLE, example, random_manifest, shuffled
from workers.context import TaskInput
from workers.cpu_render.compose_otio import perform

otio = pytest.importorskip("opentimelineio")

MANIFESTS = 25


def opened(made: Composed) -> Any:
    """The file as OpenTimelineIO's library reads it. Kept, for a track alone loses its children."""
    return _opened(made.otio)


@cache
def _opened(text: str) -> Any:
    return otio.adapters.read_from_string(text, "otio_json")


def faults(raw: object, limits: Limits | None = None) -> list[tuple[str, str]]:
    """What is wrong with it: code and JSON pointer of each."""
    with pytest.raises(BrokenManifest) as broken:
        compose(raw, limits or Limits())
    return [(fault.code, fault.path) for fault in broken.value.faults]


def warned(made: Composed) -> set[tuple[str, str]]:
    return {(warning.code, warning.path) for warning in made.warnings}


def places(track: Any) -> list[tuple[str, float, float]]:
    """Each item of a track in OpenTimelineIO's own reckoning: name, first frame, frames."""
    found = []
    for item in track:
        if not isinstance(item, otio.schema.Transition):
            at = item.range_in_parent()
            found.append((item.name, at.start_time.value, at.duration.value))
    return found


def test_a010_a011_a012_a013_the_project_names_rate_size_and_sound():
    made = compose(EXAMPLE)
    timeline = made.timeline
    assert (timeline.name, timeline.rate, timeline.width, timeline.height, timeline.sample_rate) == (
        "Forest Morning Cut",
        Rate(num=24),
        1920,
        1080,
        48_000,
    )
    assert opened(made).name == "Forest Morning Cut"


def test_a015_a016_a017_a018_items_are_media_references_with_their_paths_as_they_are():
    made = compose(EXAMPLE)
    assert [(m.id, m.kind) for m in made.timeline.media] == [
        ("img-opening", MediaKind.IMAGE),
        ("vid-stream", MediaKind.VIDEO),
        ("aud-music", MediaKind.AUDIO),
    ]
    urls = [clip.media_reference.target_url for clip in opened(made).find_clips()]
    assert urls == ["storyboards/forest-opening.png", "rushes/stream-walk.mp4", "audio/forest-piano.wav"]


def test_a019_a022_a023_how_long_a_medium_is_stands_in_its_available_range():
    _still, walk, music = opened(compose(EXAMPLE)).find_clips()
    assert walk.media_reference.available_range.duration == otio.opentime.RationalTime(192, 24)
    assert music.media_reference.available_range.duration == otio.opentime.RationalTime(144, 24)


def test_a020_a_clip_of_another_rate_is_told():
    made = compose(example(folder__items__1__meta__fps=29.97))
    assert ("fps_mismatch", "/folder/items/1/meta/fps") in warned(made)
    assert ("fps_mismatch", "/folder/items/1/meta/fps") not in warned(compose(EXAMPLE))


def test_a021_a_clips_own_sound_is_heard_where_a_layer_has_it():
    assert ("sound_not_layered", "/folder/items/1/meta/hasAudio") in warned(compose(EXAMPLE))
    layered = example(intent__audioLayers=[{"itemId": "vid-stream", "fromSec": 1, "toSec": 5}])
    made = compose(layered)
    assert "sound_not_layered" not in {code for code, _ in warned(made)}
    assert places(opened(made).tracks[1]) == [("stream-walk.mp4", 0, 96)]
    layered["folder"]["items"][1]["meta"]["hasAudio"] = False
    assert faults(layered) == [("kind_mismatch", "/intent/audioLayers/0/itemId")]


def test_a025_a027_a028_a005_clips_follow_in_the_callers_order_with_trims_and_names():
    picture = opened(compose(EXAMPLE)).tracks[0]
    assert places(picture) == [("Opening Still", 0, 48), ("Forest Walk", 48, 96)]
    assert picture[1].source_range.start_time.value == 24
    turned = example(intent__videoSequence=EXAMPLE["intent"]["videoSequence"][::-1])
    assert [name for name, *_ in places(opened(compose(turned)).tracks[0])] == [
        "Forest Walk",
        "Opening Still",
    ]


def test_a034_without_clip_names_clips_are_called_as_their_files():
    made = compose(example(output__includeClipNames=False))
    assert [clip.name for clip in opened(made).find_clips()] == [
        "forest-opening.png",
        "stream-walk.mp4",
        "forest-piano.wav",
    ]


def test_a030_a031_a032_a033_a_layer_is_trimmed_to_fit_and_never_starts_over():
    made = compose(EXAMPLE)
    music = opened(made).tracks[1]
    assert (music.kind, made.timeline.audio[0].role, places(music)) == (
        "Audio",
        "music",
        [("forest-piano.wav", 0, 120)],
    )
    assert ("audio_ends_early", "/intent/audioLayers/0") in warned(made)  # 5 s of music, 6 s of picture
    longer = compose(example(intent__videoSequence__1__toSec=2, intent__videoSequence__1__fromSec=1))
    assert places(opened(longer).tracks[1]) == [("forest-piano.wav", 0, 72)]


def test_other_placements_begin_later_or_start_over():
    looped = example(intent__audioLayers__0__placement="loop", intent__audioLayers__0__startSec=0.5)
    assert places(opened(compose(looped)).tracks[1]) == [
        ("", 0, 12),
        ("forest-piano.wav", 12, 120),
        ("forest-piano.wav", 132, 12),
    ]
    whole = compose(example(intent__audioLayers__0__placement="start", intent__audioLayers__0__startSec=3))
    assert places(opened(whole).tracks[1]) == [("", 0, 72), ("forest-piano.wav", 72, 72)]
    assert ("audio_cut", "/intent/audioLayers/0") in warned(whole)


def test_a029_a_dissolve_stays_on_its_cut_and_gaps_are_black():
    made = compose(example(intent__videoSequence__1__transition={"type": "dissolve", "durationSec": 0.5}))
    read = opened(made)
    (dissolve,) = [i for i in read.tracks[0] if isinstance(i, otio.schema.Transition)]
    assert dissolve.transition_type == otio.schema.TransitionTypes.SMPTE_Dissolve
    assert (dissolve.in_offset.value, dissolve.out_offset.value) == (6, 6)
    assert places(opened(made).tracks[0]) == [("Opening Still", 0, 48), ("Forest Walk", 48, 96)]
    parted = compose(example(intent__videoSequence__1__gapBeforeSec=1))
    assert places(opened(parted).tracks[0]) == [
        ("Opening Still", 0, 48),
        ("", 48, 24),
        ("Forest Walk", 72, 96),
    ]


def test_markers_are_on_the_whole_timeline():
    made = compose(example(intent__markers=[{"atSec": 2, "name": "the walk", "color": "RED"}]))
    (marker,) = opened(made).tracks.markers
    assert (marker.name, marker.color, marker.marked_range.start_time.value) == ("the walk", "RED", 48)
    late = compose(example(intent__markers=[{"atSec": 5, "durationSec": 60, "name": "the end"}]))
    (marker,) = opened(late).tracks.markers
    assert marker.marked_range.end_time_exclusive().value == 144


@pytest.mark.parametrize(
    ("said", "exact"),
    [
        (23.976, Fraction(24_000, 1001)),
        (23.98, Fraction(24_000, 1001)),
        (29.97, Fraction(30_000, 1001)),
        (59.94, Fraction(60_000, 1001)),
        (25, Fraction(25)),
    ],
)
def test_a011_rates_are_exact_and_an_hour_of_cuts_does_not_drift(said: float, exact: Fraction):
    clips = [{"itemId": "img-opening", "fromSec": 0, "toSec": 3.6}] * 1000
    made = compose(example(project__fps=said, intent__videoSequence=clips))
    assert made.timeline.rate.fps == exact
    assert made.timeline.end_frame_exclusive == round(3600 * exact)  # 86314 at 23.976, never 86313
    assert opened(made).duration().value == round(3600 * exact)


def test_a035_a038_the_artifact_is_timeline_1_in_canonical_json():
    made = compose(EXAMPLE)
    document = json.loads(made.otio)
    assert document["OTIO_SCHEMA"] == "Timeline.1" and document["global_start_time"] is None
    assert made.otio == json.dumps(document, indent=4, sort_keys=True, ensure_ascii=False) + "\n"
    assert made.file_name == "forest-morning-cut.otio"


def test_a040_the_same_manifest_gives_the_same_bytes_in_any_process_and_key_order():
    program = (
        "import sys, json; from tasks.compose_otio import compose; "
        "sys.stdout.buffer.write(''.join(compose(m).otio for m in json.load(sys.stdin)).encode())"
    )
    dice = random.Random(40)
    manifests = [EXAMPLE, *(random_manifest(dice) for _ in range(10))]
    here = "".join(compose(manifest).otio for manifest in manifests).encode()
    for seed in ("0", "4242"):
        given = json.dumps([shuffled(manifest, dice) for manifest in manifests])
        done = subprocess.run(
            [sys.executable, "-c", program],
            input=given.encode(),
            capture_output=True,
            env={**os.environ, "PYTHONHASHSEED": seed},
            timeout=60,
        )
        assert done.returncode == 0, done.stderr.decode()
        assert done.stdout == here


def test_a040_any_valid_manifest_is_exact_without_gap_or_overlap_and_reads_back_the_same():
    dice = random.Random(2026)
    dissolves = 0
    for _ in range(MANIFESTS):
        manifest = random_manifest(dice)
        made = compose(manifest)
        check_exact(manifest, made)
        read = opened(made)
        check_ranges(read)
        again = read_otio(made.otio)
        assert again.timeline == made.timeline, manifest
        dissolves += sum(clip.transition is not None for clip in made.timeline.video[0].clips)
        saved = otio.adapters.write_to_string(read, "otio_json")
        assert otio.adapters.read_from_string(saved, "otio_json").is_equivalent_to(read)
    assert dissolves > MANIFESTS


def check_exact(manifest: dict[str, Any], made: Composed) -> None:
    """Every edge is the frame nearest to the exact sum before it."""
    at, rate = Fraction(0), made.timeline.rate
    clips = made.timeline.video[0].clips
    for span, clip in zip(manifest["intent"]["videoSequence"], clips, strict=True):
        at += Fraction(str(span.get("gapBeforeSec", 0)))
        assert clip.start_frame == rate.nearest_frame(at)
        length = Fraction(str(span["toSec"])) - Fraction(str(span["fromSec"]))
        at += length / Fraction(str(span.get("speed", 1)))
        assert clip.end_frame_exclusive == rate.nearest_frame(at)
    assert made.timeline.end_frame_exclusive == rate.nearest_frame(at)


def check_ranges(read: Any) -> None:
    """Each track is filled without a hole, no sound outlasts the picture, and no range leaves its medium."""
    total = read.tracks[0].duration()
    for track in read.tracks:
        at = 0
        for _name, start, frames in places(track):
            assert start == at and frames > 0 and frames == int(frames)
            at = start + frames
        assert at <= total.value
    for clip in read.find_clips():
        used, there = clip.source_range, clip.media_reference.available_range
        taken = used.duration.value * prod(effect.time_scalar for effect in clip.effects)
        assert 0 <= used.start_time.value <= there.end_time_exclusive().value - taken + 1e-6
    assert read.duration() == total


def test_a_dissolve_needs_two_clips_that_touch_room_and_handles():
    def refused(**changes: Any) -> list[tuple[str, str]]:
        return faults(example(**changes))

    into_walk = "/intent/videoSequence/1/transition"
    assert refused(intent__videoSequence__0__transition={}) == [
        ("transition_adjacent", "/intent/videoSequence/0/transition")
    ]
    parted = {"intent__videoSequence__1__gapBeforeSec": 1, "intent__videoSequence__1__transition": {}}
    assert refused(**parted) == [("transition_adjacent", into_walk)]
    overlong = refused(intent__videoSequence__1__transition={"durationSec": 30})
    assert ("transition_overlap", f"{into_walk}/durationSec") in overlong
    assert refused(intent__videoSequence__1__transition={"durationSec": 3}) == [
        ("insufficient_handles", f"{into_walk}/durationSec")  # the walk begins 1 s into its file
    ]


def test_a014_a042_a043_a044_a045_items_and_length_are_the_tiers():
    free = Limits(max_items=20, max_duration_s=180)
    items = [{"id": f"p{n}", "kind": "image", "path": f"p/{n}.png"} for n in range(20)]
    clips = [{"itemId": "p0", "fromSec": 0, "toSec": 180}]
    fits = example(folder__items=items, intent__videoSequence=clips, intent__audioLayers=[])
    assert compose(fits, free).duration_s == 180
    fits["folder"]["items"].append({"id": "p20", "kind": "image", "path": "p/20.png"})
    fits["intent"]["videoSequence"][0]["toSec"] = 180.04
    assert faults(fits, free) == [
        ("too_many_items", "/folder/items"),
        ("timeline_too_long", "/intent/videoSequence"),
    ]
    with pytest.raises(BrokenManifest) as broken:
        compose(fits, free)
    assert [(fault.got, fault.allowed) for fault in broken.value.faults] == [(21, 20), (180.04, 180.0)]


# A value to plant in seed 000's manifest, and the code and pointer it is told with.
PLANTED: list[tuple[str, Any, str, str]] = [
    ("project__fps", 23.5, "unsupported_fps", "/project/fps"),
    ("project__fps", 1000, "unsupported_fps", "/project/fps"),
    ("project__fps", 1e-9, "unsupported_fps", "/project/fps"),
    ("project__fps", 1e-300, "unsupported_fps", "/project/fps"),
    ("folder__items__1__meta__fps", 1e-9, "out_of_range", "/folder/items/1/meta/fps"),
    ("folder__items__1__meta__fps", 1e9, "out_of_range", "/folder/items/1/meta/fps"),
    ("project__fps", "24", "wrong_type", "/project/fps"),
    ("project__fps", float("nan"), "non_finite", "/project/fps"),
    ("project__resolution__w", 1921, "out_of_range", "/project/resolution/w"),
    ("project__audioSampleRate", 10, "out_of_range", "/project/audioSampleRate"),
    ("project__name", "", "out_of_range", "/project/name"),
    ("folder__items__0__kind", "gif", "unsupported_value", "/folder/items/0/kind"),
    ("folder__items__2__path", "../secret.wav", "path_unsafe", "/folder/items/2/path"),
    ("folder__items__2__path", "/etc/passwd", "path_unsafe", "/folder/items/2/path"),
    ("folder__items__2__path", "C:\\a.wav", "path_unsafe", "/folder/items/2/path"),
    ("folder__items__2__path", "https://a.example/b.wav", "path_unsafe", "/folder/items/2/path"),
    ("folder__items__1__meta__durationSec", None, "missing_duration", "/folder/items/1/meta/durationSec"),
    ("folder__items__1__meta__surprise", 1, "unknown_field", "/folder/items/1/meta/surprise"),
    ("intent__kind", "guess", "unsupported_value", "/intent/kind"),
    ("intent__videoSequence__0__itemId", "nobody", "unknown_item_id", "/intent/videoSequence/0/itemId"),
    ("intent__videoSequence__0__itemId", "aud-music", "kind_mismatch", "/intent/videoSequence/0/itemId"),
    ("intent__audioLayers__0__itemId", "img-opening", "kind_mismatch", "/intent/audioLayers/0/itemId"),
    ("intent__videoSequence__0__fromSec", -1, "negative_time", "/intent/videoSequence/0/fromSec"),
    ("intent__videoSequence__0__toSec", 0, "empty_range", "/intent/videoSequence/0/toSec"),
    ("intent__videoSequence__0__toSec", 0.01, "empty_range", "/intent/videoSequence/0/toSec"),
    ("intent__videoSequence__0__toSec", float("inf"), "non_finite", "/intent/videoSequence/0/toSec"),
    ("intent__videoSequence__0__toSec", 10**9, "out_of_range", "/intent/videoSequence/0/toSec"),
    ("intent__videoSequence__0__toSec", 10**400, "wrong_type", "/intent/videoSequence/0/toSec"),
    ("intent__videoSequence__0__toSec", True, "wrong_type", "/intent/videoSequence/0/toSec"),
    ("intent__videoSequence__1__toSec", 8.03, "trim_past_media", "/intent/videoSequence/1/toSec"),
    ("intent__audioLayers__0__toSec", 7, "trim_past_media", "/intent/audioLayers/0/toSec"),
    ("intent__audioLayers__0__placement", "stretch", "unsupported_value", "/intent/audioLayers/0/placement"),
    ("intent__audioLayers__0__startSec", 60, "out_of_range", "/intent/audioLayers/0/startSec"),
    ("intent__videoSequence", [], "out_of_range", "/intent/videoSequence"),
    ("intent__videoSequence", {}, "wrong_type", "/intent/videoSequence"),
    ("output__otioSchema", "Timeline.2", "unsupported_schema", "/output/otioSchema"),
    ("output__targetConsumer", "paint", "unsupported_value", "/output/targetConsumer"),
    ("responseFormat", "xml", "unsupported_value", "/responseFormat"),
    ("a/b~c", 1, "unknown_field", "/a~1b~0c"),
]


@pytest.mark.parametrize(("where", "value", "code", "path"), PLANTED, ids=range(len(PLANTED)))
def test_a016_a017_a024_a026_a027_a032_a035_a_planted_fault_is_told_with_its_pointer(
    where: str, value: Any, code: str, path: str
):
    found = faults(example(**{where: value}))
    assert (code, path) in found, found


def test_a_trim_may_pass_the_end_by_half_a_frame():
    made = compose(example(intent__videoSequence__1__toSec=8.02))
    assert made.timeline.video[0].clips[1].source_end == 8


def test_all_faults_are_told_at_once_however_many():
    """Random sets of faults that do not hide one another."""
    apart = {where: (value, code, path) for where, value, code, path in PLANTED if "Sequence" not in where}
    apart.pop("intent__audioLayers__0__itemId")  # another item is judged by other rules
    dice = random.Random(7)
    for _ in range(MANIFESTS):
        planted = dice.sample(sorted(apart), dice.randint(2, 8))
        found = set(faults(example(**{where: apart[where][0] for where in planted})))
        assert {apart[where][1:] for where in planted} <= found


# What may be wrong with any clip of any manifest: what is planted, the code, and the field that is named.
ON_CLIPS: list[tuple[dict[str, Any], str, str]] = [
    ({"itemId": "nobody"}, "unknown_item_id", "itemId"),
    ({"fromSec": 5, "toSec": 5}, "empty_range", "toSec"),
    ({"fromSec": -1}, "negative_time", "fromSec"),
    ({"surprise": 1}, "unknown_field", "surprise"),
    ({"toSec": "soon"}, "wrong_type", "toSec"),
    ({"toSec": 86_401}, "out_of_range", "toSec"),
    ({"transition": {"type": "wipe"}}, "unsupported_value", "transition/type"),
]


def test_faults_anywhere_in_any_manifest_are_told_where_they_are():
    dice = random.Random(77)
    for _ in range(MANIFESTS):
        manifest = random_manifest(dice)
        clips = manifest["intent"]["videoSequence"]
        wanted = set()
        for index in dice.sample(range(len(clips)), dice.randint(1, len(clips))):
            planted, code, field = dice.choice(ON_CLIPS)
            clips[index].update(planted)
            wanted.add((code, f"/intent/videoSequence/{index}/{field}"))
        spoiled = dice.randrange(len(manifest["folder"]["items"]))
        manifest["folder"]["items"][spoiled]["path"] = dice.choice(
            ("../up.png", "/root.png", "a//b.png", "./x")
        )
        wanted.add(("path_unsafe", f"/folder/items/{spoiled}/path"))
        assert wanted <= set(faults(manifest))


@pytest.mark.parametrize("raw", [None, 1, "manifest", [], {}, {"project": 1, "folder": [], "intent": "x"}])
def test_what_is_no_manifest_at_all_is_refused(raw: object):
    assert faults(raw)


def test_whatever_a_person_should_know_is_a_warning():
    items = [
        *EXAMPLE["folder"]["items"],
        {"id": "twin", "kind": "video", "path": "b/stream-walk.mp4", "meta": {"durationSec": 1.02}},
        {"id": "spare", "kind": "image", "path": "spare.png"},
    ]
    clips = [
        {"itemId": "img-opening", "fromSec": 1, "toSec": 1.02 + 1 / 24},
        {"itemId": "twin", "fromSec": 0, "toSec": 1.02},
        {"itemId": "vid-stream", "fromSec": 0, "toSec": 4, "transition": {"durationSec": 0.01}},
    ]
    made = compose(example(folder__items=items, intent__videoSequence=clips))
    told = warned(made)
    assert {
        ("basename_collision", "/folder/items/3/path"),
        ("unused_item", "/folder/items/4"),
        ("still_start", "/intent/videoSequence/0/fromSec"),
        ("held_frame", "/intent/videoSequence/1"),  # 24.48 frames are there, and its place has 25
        ("sub_frame_rounding", "/intent/videoSequence"),
        ("sub_frame_rounding", "/intent/videoSequence/2/transition"),
    } <= told
    check_ranges(opened(made))
    quiet = compose(example(intent__audioLayers__0__fadeInSec=1, intent__audioLayers__0__gain=0.5))
    assert ("metadata_only", "/intent/audioLayers/0") in warned(quiet)
    assert read_otio(quiet.otio).timeline.audio[0].clips[0].fade_in_samples == 48_000


class Counted(str):
    """A text that counts how often it is compared."""

    times = 0

    def __lt__(self, other: str) -> bool:
        Counted.times += 1
        return str.__lt__(self, other)


def test_a_hostile_manifest_is_no_work_without_end():
    """A megabyte of broken parts was a gigabyte of faults, each of them with all ids sorted anew."""
    empty = example(folder__items=[{}] * 50_000, intent__videoSequence=[{}] * 50_000)
    empty["output"]["formats"] = ["x"] * 50_000
    found = faults(empty, Limits(max_items=200))
    assert ("too_many_items", "/folder/items") in found and len(found) < 20_000
    items = [{"id": Counted(n), "kind": "image", "path": "p.png"} for n in range(100, 0, -1)]
    clips = [{"itemId": "nobody", "fromSec": 0, "toSec": 1}] * 500
    told = faults(example(folder__items=items, intent__videoSequence=clips))
    assert sum(code == "unknown_item_id" for code, _ in told) >= 500
    assert Counted.times < 20 * len(items)


def test_every_item_id_is_unique():
    twice = example(folder__items__1__id="img-opening")
    assert ("duplicate_item_id", "/folder/items/1/id") in faults(twice)


def test_a041_the_kind_costs_four_credits_and_is_one_short_task():
    kind = kind_named("compose-otio")
    params = ComposeOtio(manifest=EXAMPLE)
    assert kind.price_mc(params, read_catalog(Settings())) == 4_000
    (task,) = kind.plan(params)
    assert (task.pool, task.step) == ("cpu-render", "compose")
    with pytest.raises(BrokenManifest, match="/project/fps"):
        kind.plan(ComposeOtio(manifest=example(project__fps=0)))


def test_a007_a_word_for_tiers_without_limits_is_said_at_the_start(tmp_path: Path):
    told = "[tiers.gold]\norder = 1\nweight = 1.0\nmax_running = 1\nkeep_days = 1.0\n"
    (tmp_path / "tiers.toml").write_text(f'{told}[surface_tiers.postproduction]\ngold = ["gold"]\n')
    with pytest.raises(FarmUnavailable, match=r"compose_limits\.gold is missing"):
        read_catalog(Settings(config_dir=tmp_path))


class Workdir:
    """As much of an engine's context as composing needs."""

    def __init__(self, path: Path) -> None:
        self.workdir = path


def test_a040_a_worker_writes_the_bytes_that_the_api_answers(tmp_path: Path):
    params = ComposeOtio(manifest=EXAMPLE).model_dump(mode="json")
    done = perform(TaskInput("compose-otio", "compose", params), Workdir(tmp_path))  # type: ignore[arg-type]  # a context as far as it is needed
    (output,) = done.outputs
    assert output.path.read_bytes() == compose(EXAMPLE).otio.encode()
    assert (output.file_name, done.result["duration_s"]) == ("forest-morning-cut.otio", 6.0)


ODD: tuple[Any, ...] = (
    *(None, True, -1, 0, 1, 1e-300, 1e300, 10**30, float("nan"), 0.1, 3.03, 119.88),
    *("", "x", "\u202e../", "é" * 300, [], [1], {}, {"type": "dissolve"}),
)


def leaves(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The places of all values in a JSON, objects and lists among them."""
    if isinstance(value, dict):
        inside = [place for key, part in value.items() for place in leaves(part, (*path, key))]
    elif isinstance(value, list):
        inside = [place for key, part in enumerate(value) for place in leaves(part, (*path, key))]
    else:
        inside = []
    return [path, *inside] if path else inside


def test_whatever_stands_anywhere_is_composed_or_refused_and_nothing_else():
    full = example(
        intent__videoSequence__1__transition={"type": "dissolve", "durationSec": 0.5},
        intent__videoSequence__1__gapBeforeSec=0,
        intent__audioLayers__0__startSec=0.5,
        intent__audioLayers__0__fadeInSec=0.5,
        intent__audioLayers__0__gain=0.5,
        intent__markers=[{"atSec": 1, "durationSec": 1, "name": "mark", "color": "RED"}],
        output__targetConsumer="resolve",
    )
    assert compose(full).duration_s == 6
    for place in leaves(full):
        for odd in ODD:
            body = copy.deepcopy(full)
            part: Any = body
            for key in place[:-1]:
                part = part[key]
            part[place[-1]] = odd
            try:
                check_ranges(opened(compose(body)))
            except BrokenManifest as broken:
                json.dumps([fault.model_dump(mode="json") for fault in broken.faults], allow_nan=False)
