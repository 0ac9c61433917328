"""The media-render kind: which timeline is meant, what it costs, what is refused."""

from fractions import Fraction
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from farm.catalog import read_catalog
from farm.errors import BadRequest
from farm.kinds import kind_named
from farm.settings import Settings
from farm.timeline import Motion, Position, Timeline, Transition
from tasks.media_render import MediaRender, RenderAsset, timeline_of
from tasks.media_render.layout import natural_order

PICTURES = ("2-b.png", "10-c.png", "1-a.png")


def render(*names: str, **params: Any) -> MediaRender:
    """A render of these files; the ending tells their kind, the name is also the id."""
    kinds = {"png": "image", "mp4": "video", "mp3": "audio"}
    assets = [
        RenderAsset(asset_id=name, file_name=name, media_kind=kinds[name.rpartition(".")[2]])  # type: ignore[arg-type]  # checked by pydantic
        for name in names
    ]
    return MediaRender.model_validate({"assets": assets, **params})


def shown(timeline: Timeline) -> list[tuple[str, int, int]]:
    return [(c.media, c.start_frame, c.end_frame_exclusive) for c in timeline.video[0].clips]


def price(params: MediaRender) -> int:
    return kind_named("media-render").price_mc(params, read_catalog(Settings()))


def test_d130_visuals_follow_their_file_names_for_three_seconds_each():
    timeline = timeline_of(render(*PICTURES, "music.mp3"))
    assert shown(timeline) == [("1-a.png", 0, 90), ("2-b.png", 90, 180), ("10-c.png", 180, 270)]
    assert timeline.duration == 9
    assert not timeline.audio and not timeline.text
    assert "music.mp3" not in {medium.id for medium in timeline.media}  # only what is used is fetched


def test_names_sort_as_people_count():
    names = ["b.png", "IMG_10.png", "img_9.png", "02.png", "1.png", "a10b2.png", "a10b10.png", ""]
    assert sorted(names, key=natural_order) == [
        "",
        "1.png",
        "02.png",
        "a10b2.png",
        "a10b10.png",
        "b.png",
        "img_9.png",
        "IMG_10.png",
    ]


@pytest.mark.parametrize(
    ("aspect_ratio", "size"),
    [("9:16", (1080, 1920)), ("16:9", (1920, 1080)), ("1:1", (1080, 1080)), ("4:5", (1080, 1350))],
)
def test_d061_aspect_ratios_have_their_sizes(aspect_ratio, size):
    timeline = timeline_of(render("a.png", aspect_ratio=aspect_ratio))
    assert (timeline.width, timeline.height) == size


def test_x42_transitions_never_move_a_cut_and_have_half_a_second_around_it():
    crossfaded = timeline_of(render(*PICTURES))
    hard = timeline_of(render(*PICTURES, transition_types=["none"]))
    assert shown(crossfaded) == shown(hard)
    assert [clip.transition for clip in hard.video[0].clips] == [None] * 3
    first, *others = crossfaded.video[0].clips
    assert first.transition is None
    assert [clip.transition for clip in others] == [
        Transition(type="crossfade", before_frames=7, after_frames=8)
    ] * 2


def test_d082_transition_types_rotate_over_the_cuts():
    names = [f"{number}.png" for number in range(6)]
    clips = timeline_of(render(*names, transition_types=["crossfade", "fade", "none"])).video[0].clips
    assert [clip.transition and clip.transition.type for clip in clips] == [
        None,
        "crossfade",
        "fade",
        None,
        "crossfade",
        "fade",
    ]


def test_a_short_neighbour_shortens_its_transitions():
    durations = [{"asset_id": "2.png", "duration_s": 0.2}]  # six frames
    clips = timeline_of(render("1.png", "2.png", "3.png", durations=durations)).video[0].clips
    assert [c.transition and (c.transition.before_frames, c.transition.after_frames) for c in clips] == [
        None,
        (1, 2),
        (1, 2),
    ]


def test_d114_ken_burns_moves_pictures_and_fades_between_them():
    clips = timeline_of(render("1.png", "2.mp4", "3.png", transition_types=["ken-burns"])).video[0].clips
    assert [clip.motion for clip in clips] == [Motion.KEN_BURNS, Motion.NONE, Motion.KEN_BURNS]
    assert [clip.transition and clip.transition.type for clip in clips] == [None, "ken-burns", "ken-burns"]
    alternating = render("1.png", "2.png", "3.png", "4.png", transition_types=["ken-burns", "crossfade"])
    motions = [clip.motion is Motion.KEN_BURNS for clip in timeline_of(alternating).video[0].clips]
    assert motions == [False, True, False, True]


def test_d084_manual_durations_win_and_edges_are_snapped_not_durations():
    third = 1 / 3
    durations = [{"asset_id": f"{number}.png", "duration_s": third} for number in range(9)]
    timeline = timeline_of(render(*(f"{number}.png" for number in range(9)), durations=durations, fps=25))
    assert timeline.end_frame_exclusive == 75
    lengths = {clip.frames for clip in timeline.video[0].clips}
    assert lengths == {8, 9}  # 8.33 frames each, and no frame lost over the nine


def test_d085_placements_are_exact_with_black_between_them():
    placements = [
        {"asset_id": "b.mp4", "start_s": 4, "duration_s": 4, "source_start_s": 1, "source_end_s": 5},
        {"asset_id": "a.png", "start_s": 0, "duration_s": 3, "transition_type": "none"},
        {"asset_id": "c.png", "duration_s": 1.5, "transition_type": "fade"},
    ]
    placements[1], placements[2], placements[0] = placements[0], placements[2], placements[1]
    timeline = timeline_of(render("a.png", "b.mp4", "c.png", "unused.png", placements=placements))
    assert shown(timeline) == [("a.png", 0, 90), ("b.mp4", 120, 240), ("c.png", 240, 285)]
    video = timeline.video[0].clips[1]
    assert (video.source_start, video.source_end) == (1, 5)
    assert video.transition is None  # after a gap, and none was asked for
    assert timeline.video[0].clips[2].transition == Transition(type="fade", before_frames=7, after_frames=8)
    assert "unused.png" not in {medium.id for medium in timeline.media}


def test_a_transition_asked_for_after_black_comes_out_of_it():
    placements = [{"asset_id": "a.png", "start_s": 1, "transition_type": "fade"}]
    clip = timeline_of(render("a.png", placements=placements)).video[0].clips[0]
    assert clip.transition == Transition(type="fade", before_frames=0, after_frames=15)


@pytest.mark.parametrize(
    ("placements", "param"),
    [
        ([{"asset_id": "a.png", "start_s": 0}, {"asset_id": "b.png", "start_s": 2.9}], "placements[1]"),
        ([{"asset_id": "a.png", "start_s": 2.9}, {"asset_id": "b.png", "start_s": 0}], "placements[0]"),
        ([{"asset_id": "a.png", "duration_s": 0.01}], "placements[0]"),
        ([{"asset_id": "nobody.png"}], "placements[0]"),
        ([{"asset_id": "music.mp3"}], "placements[0]"),
    ],
    ids=["overlap", "overlap of an earlier one", "less than a frame", "unknown", "sound"],
)
def test_a_placement_that_cannot_be_met_is_named(placements, param):
    with pytest.raises(BadRequest) as refused:
        timeline_of(render("a.png", "b.png", "music.mp3", placements=placements))
    assert refused.value.param == param


def test_touching_placements_do_not_overlap_however_they_round():
    placements = [{"asset_id": "a.png", "duration_s": 0.15}, {"asset_id": "b.png", "start_s": 0.15}]
    assert shown(timeline_of(render("a.png", "b.png", placements=placements)))[1] == ("b.png", 5, 95)


def test_d067_the_hook_stands_at_the_top_for_three_seconds_at_most():
    hook = timeline_of(render(*PICTURES, hook_text=" Look at this ")).text[0].clips[0]
    assert (hook.text, hook.template, hook.position) == ("Look at this", "snapchat-hook", Position.TOP)
    assert (hook.start_frame, hook.end_frame_exclusive) == (0, 90)
    short = render("a.png", hook_text="x", durations=[{"asset_id": "a.png", "duration_s": 1}])
    assert timeline_of(short).text[0].clips[0].end_frame_exclusive == 30
    assert not timeline_of(render("a.png", hook_text="  ")).text


def test_d069_music_plays_to_the_last_frame_and_fades_out():
    timeline = timeline_of(render(*PICTURES, "music.mp3", bgm_asset_id="music.mp3", bgm_volume=0.5))
    music = timeline.audio[0].clips[0]
    assert (music.start_sample, music.end_sample_exclusive) == (0, 9 * 48_000)
    assert (music.gain, music.loop, music.fade_out_samples) == (0.5, True, 72_000)
    assert timeline.audio[0].role == "music"


def test_d071_the_default_volume_is_the_documents_own():
    params = render("a.png", "music.mp3", bgm_asset_id="music.mp3")
    assert timeline_of(params).audio[0].clips[0].gain == 0.18


@pytest.mark.parametrize(
    ("names", "params", "param"),
    [
        (("music.mp3",), {}, "assets"),
        (("a.png",), {"bgm_asset_id": "a.png"}, "bgm_asset_id"),
        (("a.png",), {"bgm_asset_id": "nothing.mp3"}, "bgm_asset_id"),
        (("a.png",), {"durations": [{"asset_id": "x.png", "duration_s": 1}]}, "durations[0]"),
        (("a.png", "b.png"), {"durations": [{"asset_id": "a.png", "duration_s": 3600}]}, "durations"),
        (("a.png",), {"placements": [{"asset_id": "a.png", "start_s": 3598}]}, "placements"),
        (
            ("a.png",),
            {"durations": [{"asset_id": "a.png", "duration_s": s} for s in (2, 2.0, 5)]},
            "durations[2]",
        ),
    ],
    ids=[
        "D-131 nothing to see",
        "music that is a picture",
        "music that is not there",
        "unknown",
        "too long",
        "placed too late",
        "D-084 two durations for one",
    ],
)
def test_what_cannot_be_rendered_is_refused_by_name(names, params, param):
    with pytest.raises(BadRequest) as refused:
        timeline_of(render(*names, **params))
    assert refused.value.param == param


@pytest.mark.parametrize(
    "params",
    [
        {"bgm_volume": True},
        {"bgm_volume": float("nan")},
        {"bgm_volume": 1.01},
        {"bgm_volume": "0.5"},
        {"fps": 1e9},
        {"durations": [{"asset_id": "a.png", "duration_s": float("inf")}]},
        {"placements": [{"asset_id": "a.png", "source_start_s": 5, "source_end_s": 5}]},
        {"transition_types": []},
        {"transition_types": ["star-wipe"]},
        {"output_file_name": "../x.mp4"},
        {"output_file_name": "x.avi"},
        {"aspect_ratio": "2:1"},
        {"surprise": 1},
    ],
)
def test_parameters_are_checked(params):
    with pytest.raises(ValidationError):
        render("a.png", **params)


@pytest.mark.parametrize(
    ("seconds", "music", "credits"),
    [
        (3, False, "2"),  # the minimum
        (24, False, "2"),  # 24 s = 0.4 min = 2 credits exactly
        (24, True, "2.5"),
        (25, False, "2.09"),  # 2.0833…, up
        (48, True, "4.5"),  # the document's own example
        (60, False, "5"),
        (3600, True, "300.5"),
    ],
)
def test_d135_credits_are_exact_and_rounded_up_to_two_places(seconds, music, credits):
    durations = [{"asset_id": "a.png", "duration_s": seconds}]
    params = render("a.png", "m.mp3", durations=durations, bgm_asset_id="m.mp3" if music else None)
    assert price(params) == Fraction(credits) * 1000


def test_the_plan_is_one_task_with_the_whole_timeline_and_only_the_files_it_needs():
    params = render(*PICTURES, "music.mp3", "other.mp3", bgm_asset_id="music.mp3", contact_sheet=True)
    kind = kind_named("media-render")
    (task,) = kind.plan(params)
    assert (task.name, task.step, task.pool) == ("render", "render", "cpu-render")
    assert task.inputs == (*PICTURES, "music.mp3")
    assert Timeline.model_validate(task.params["timeline"]) == timeline_of(params)
    assert task.params["file_name"] == "rendered.mp4" and task.params["contact_sheet"] is True
    assert task.soft_s < task.hard_s
    assert kind.steps["render"] == "workers.cpu_render.media_render:perform"


def test_parameters_survive_the_store():
    params = render(*PICTURES, placements=[{"asset_id": "1-a.png", "start_s": 0.1}], hook_text="ü")
    assert MediaRender.model_validate(params.model_dump(mode="json")) == params


@settings(deadline=None)
@given(
    lengths=st.lists(st.integers(min_value=1, max_value=4000), min_size=1, max_size=30),
    fps=st.sampled_from([24, 25, 30, 29.97, 23.976, 60]),
    types=st.lists(st.sampled_from(["none", "crossfade", "fade", "ken-burns"]), min_size=1, max_size=5),
)
def test_the_total_is_the_sum_of_the_visuals_whatever_lies_between(lengths, fps, types):
    names = [f"{number}.png" for number in range(len(lengths))]
    durations = [
        {"asset_id": name, "duration_s": (length + 100) / 1000}
        for name, length in zip(names, lengths, strict=True)
    ]
    timeline = timeline_of(render(*names, durations=durations, fps=fps, transition_types=types))
    total = sum((Fraction(length + 100, 1000) for length in lengths), Fraction(0))
    assert timeline.end_frame_exclusive == timeline.rate.nearest_frame(total)
    clips = timeline.video[0].clips
    for before, after in pairwise(clips):
        assert before.end_frame_exclusive == after.start_frame
        if after.transition:
            shorter = min(before.frames, after.frames)
            assert after.transition.before_frames + after.transition.after_frames <= max(1, shorter // 2)
