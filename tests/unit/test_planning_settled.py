"""What any draft comes to: whole frames, the length asked for, moments that clips have, hands first."""

from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from farm.catalog import read_catalog
from farm.kinds import GROWS
from farm.settings import Settings
from farm.timeline import MediaKind
from tasks import media_render
from tasks.media_render import (
    AssetDuration,
    MediaRender,
    Placement,
    RenderAsset,
    SpokenLine,
    Voiceover,
    timeline_of,
)
from tasks.media_render.fitting import Room, shared_out
from tasks.media_render.params import Cut, exact
from tasks.media_render.planning.brief import Brief, brief_of
from tasks.media_render.planning.draft import Draft, Shot
from tasks.media_render.planning.findings import Looked, Seen
from tasks.media_render.planning.rules import RulePlanner
from tasks.media_render.planning.settling import Plan, settled
from tasks.media_render.planning.stage import is_unplanned, likely_plan, longest_s, planned
from tasks.media_render.voiceover import estimated

WILD = st.one_of(st.none(), st.floats(allow_nan=False, allow_infinity=False), st.floats(-10, 100))
LENGTHS = st.floats(0.05, 40).map(lambda seconds: round(seconds, 3))


@st.composite
def requests(draw: st.DrawFn) -> MediaRender:
    """Some pictures and clips, some timed by hand, at any rate, with or without a target."""
    clips = draw(st.lists(st.booleans(), min_size=1, max_size=12))
    assets = tuple(
        RenderAsset(
            asset_id=f"a{index}",
            file_name=f"{index}.{'mp4' if is_clip else 'jpg'}",
            media_kind=MediaKind.VIDEO if is_clip else MediaKind.IMAGE,
            duration_s=draw(LENGTHS) if is_clip else None,
        )
        for index, is_clip in enumerate(clips)
    )
    timed = draw(st.sets(st.sampled_from(assets).map(lambda asset: asset.asset_id), max_size=3))
    return MediaRender(
        assets=assets,
        fps=draw(st.sampled_from([23.976, 24.0, 25.0, 29.97, 30.0, 60.0])),
        ai_analysis=True,
        durations=tuple(AssetDuration(asset_id=each, duration_s=draw(LENGTHS)) for each in sorted(timed)),
        target_duration_s=draw(st.one_of(st.none(), LENGTHS)),
    )


def shots_of(request: MediaRender) -> st.SearchStrategy[tuple[Shot, ...]]:
    """Whatever a planner may think of: unknown files, doubles, numbers of all kinds."""
    ids = st.sampled_from([*(asset.asset_id for asset in request.assets), "unknown", ""])
    shot = st.builds(Shot, asset_id=ids, seconds=WILD, start_s=WILD, transition=st.none())
    return st.lists(shot, max_size=20).map(tuple)


@given(st.data())
def test_d062_d133_any_draft_comes_to_a_film_that_is_right(data: st.DataObject):
    request = data.draw(requests())
    draft = Draft(shots=data.draw(shots_of(request)), target_s=data.draw(WILD), limit_s=data.draw(WILD))
    brief = brief_of(request)
    plan = settled(draft, brief, longest_s(request))
    if not any(shot.asset_id in brief.by_id for shot in draft.shots):
        assert plan.cuts == ()
        return
    check(request, brief, plan)


@given(
    requests(),
    st.sampled_from(
        [
            "",
            "fast",
            "slow",
            "shuffle",
            "use only 2 pictures",
            "12 seconds",
            "1 s each",
            "start slow, end fast",
            "Show 0.jpg for 6 seconds",
            "at most 5 s, 2 s each",
        ]
    ),
)
def test_the_rules_own_drafts_are_right_too(request: MediaRender, words: str):
    request = request.model_copy(update={"instructions": words})
    brief = brief_of(request)
    check(request, brief, settled(RulePlanner().draft(brief), brief))


def check(request: MediaRender, brief: Brief, plan: Plan) -> None:
    """All that is promised of a plan, seen on the timeline that it becomes."""
    shown = planned(request, plan)
    timeline = timeline_of(shown)
    clips = timeline.video[0].clips
    manual = {duration.asset_id: exact(duration.duration_s) for duration in request.durations}
    assert not is_unplanned(shown)
    assert manual.keys() <= {clip.media for clip in clips}  # none of them was lost
    for clip in clips:
        length = timeline.rate.seconds(clip.frames)
        assert clip.frames >= 1 and clip.source_start >= 0
        if clip.media in manual:
            assert abs(length - manual[clip.media]) <= 1 / timeline.rate.fps
        elif (lasts := brief.by_id[clip.media].duration_s) is not None:
            # a frame of grace: a clip shorter than one is still shown for one
            assert clip.source_start + length <= Fraction(lasts) + 1 / timeline.rate.fps
    if request.target_duration_s is not None:
        wanted = timeline.rate.nearest_frame(exact(request.target_duration_s))
        assert timeline.end_frame_exclusive == max(1, wanted) or reason(plan)


def reason(plan: Plan) -> bool:
    """Whether it is said why the film has another length."""
    return any("The film is" in note or "durations that were set" in note for note in plan.notes)


@given(
    st.integers(0, 5000),
    st.lists(
        st.tuples(st.integers(1, 300), st.integers(1, 60), st.none() | st.integers(60, 400)), max_size=20
    ),
)
def test_lengths_are_shared_out_to_the_frame(total: int, rooms: list[tuple[int, int, int | None]]):
    made = [Room(*room) for room in rooms]
    lengths = shared_out(total, made)
    least = sum(room.least for room in made)
    most = sum(room.most if room.most is not None else 10**9 for room in made)
    assert sum(lengths) == min(max(total, least), most)
    assert all(room.held(length) == length for room, length in zip(made, lengths, strict=True))


def pictures(count: int, **params: Any) -> MediaRender:
    assets = tuple(
        RenderAsset(asset_id=f"a{n}", file_name=f"{n}.jpg", media_kind=MediaKind.IMAGE) for n in range(count)
    )
    return MediaRender(assets=assets, **params)


def test_without_a_target_no_plan_is_longer_than_what_was_priced():
    request = pictures(4, ai_analysis=True)
    brief = brief_of(request)
    long = Draft(shots=tuple(Shot(asset_id=f"a{n}", seconds=500.0) for n in range(4)))
    plan = settled(long, brief, longest_s(request))
    assert timeline_of(planned(request, plan)).duration == 12 == timeline_of(likely_plan(request)).duration


@pytest.mark.parametrize(
    "by_hand",
    [
        {"placements": (Placement(asset_id="a1", duration_s=2.0), Placement(asset_id="a0"))},
        {"cuts": (Cut(asset_id="a1"),)},
    ],
)
def test_d133_what_is_placed_is_neither_planned_nor_charged_for(by_hand: dict[str, Any]):
    flags = {"ai_analysis": True, "vision_analysis": True, "audio_analysis": True, "target_duration_s": 9.0}
    bare, asked = pictures(3, **by_hand), pictures(3, **by_hand, **flags)
    assert [task.name for task in media_render.plan(asked)] == ["render"]
    catalog = read_catalog(Settings())
    if "placements" in by_hand:
        assert timeline_of(asked) == timeline_of(bare)
        assert media_render.price_mc(asked, catalog) == media_render.price_mc(bare, catalog)
        notes = media_render.plan(asked)[0].params["notes"]
        assert "placed by hand" in str(notes) and "not 9 s" in str(notes)


def test_d135_the_price_has_a_line_for_each_analysis():
    catalog = read_catalog(Settings())
    sound = RenderAsset(asset_id="s", file_name="s.mp3", media_kind=MediaKind.AUDIO)
    clip = RenderAsset(asset_id="c", file_name="c.mp4", media_kind=MediaKind.VIDEO, duration_s=60.0)
    request = pictures(40, ai_analysis=True, vision_analysis=True, audio_analysis=True)
    request = request.model_copy(
        update={"assets": (*request.assets, sound, clip), "target_duration_s": 120.0}
    )
    lines = {line.name: line.amount_mc for line in media_render.breakdown(request, catalog)}
    assert lines == {
        "video": 10_000,
        "ai_planning": 1000,
        "vision_analysis": 40 * 20 + 100,
        "audio_analysis": 100 + 100,
    }
    assert sum(lines.values()) == media_render.price_mc(request, catalog)
    short = media_render.breakdown(pictures(1, ai_analysis=True), catalog)
    assert [(line.name, line.amount_mc) for line in short] == [("minimum", 2000)]


def test_the_stage_asks_for_what_it_needs_and_grows_the_render():
    sound = RenderAsset(asset_id="s", file_name="s.mp3", media_kind=MediaKind.AUDIO)
    flags = {"ai_analysis": True, "vision_analysis": True, "audio_analysis": True}
    request = pictures(2, **flags, bgm_asset_id="s")
    request = request.model_copy(update={"assets": (*request.assets, sound)})
    look, listen, plan = media_render.plan(request)
    assert (look.inputs, listen.inputs, plan.inputs) == (("a0", "a1"), ("s",), ())
    assert plan.needs == ("look", "listen")
    assert plan.params[GROWS] > 3  # six seconds of film: a watcher sees how much is to come
    only = request.model_copy(update={"vision_analysis": False, "audio_analysis": False})
    (alone,) = media_render.plan(only)
    assert alone.inputs == ("a0", "a1", "s")  # known to be there, and kept


def test_d064_looking_alone_neither_asks_a_model_nor_loses_a_visual():
    request = pictures(8, vision_analysis=True, target_duration_s=2.0)
    look, plan = media_render.plan(request)
    assert plan.route is not None and (look.name, plan.route.model) == ("look", "rules")
    brief = brief_of(request)
    made = settled(RulePlanner().draft(brief), brief)
    assert len(made.cuts) == 8 and "no shorter one" in str(made.notes)


def test_a_plan_keeps_its_cuts_when_a_worker_lays_it_out_anew():
    """Music that must be heard, and a voice that must speak, come after the plan."""
    sound = RenderAsset(asset_id="s", file_name="s.mp3", media_kind=MediaKind.AUDIO)
    request = pictures(3, ai_analysis=True, instructions="reverse order", bgm_asset_id="s", beat_sync=True)
    request = request.model_copy(update={"assets": (*request.assets, sound)})
    brief = brief_of(request)
    shown = planned(request, settled(RulePlanner().draft(brief), brief))
    (task,) = media_render.plan(shown)
    again = MediaRender.model_validate(task.params["unheard"])
    assert [cut.asset_id for cut in again.cuts] == ["a2", "a1", "a0"]
    assert timeline_of(again) == timeline_of(shown)
    assert brief.slack_s == 0.5  # beats may move an end so far, and a clip must last as long


def test_d062_a_length_that_was_asked_for_in_words_holds_where_the_target_allows_it():
    request = pictures(3, ai_analysis=True, instructions="Show 1.jpg for 6 seconds", target_duration_s=12.0)
    brief = brief_of(request)
    assert lengths_of(request, RulePlanner().draft(brief)) == [3.0, 6.0, 3.0]
    all_asked = Draft(shots=tuple(Shot(asset_id=f"a{n}", seconds=2, is_asked=True) for n in range(3)))
    assert lengths_of(request, all_asked) == [4.0, 4.0, 4.0]


def lengths_of(request: MediaRender, draft: Draft) -> list[float]:
    return [cut.duration_s or 0.0 for cut in settled(draft, brief_of(request)).cuts]


def test_d124_a_clip_begins_early_enough_to_last_until_a_voiceover_has_spoken():
    """A voice of half a minute draws the film out; the clip's last frame would stand still."""
    clip = RenderAsset(asset_id="c", file_name="9.mp4", media_kind=MediaKind.VIDEO, duration_s=20.0)
    voice = Voiceover(voice_id="svoice_espeak_en-us_female", lines=(SpokenLine(text="word " * 72),))
    request = pictures(1, ai_analysis=True)
    request = request.model_copy(update={"assets": (*request.assets, clip)})
    late = Draft(shots=(Shot(asset_id="a0", seconds=3), Shot(asset_id="c", seconds=3, start_s=17.0)))
    silent = settled(late, brief_of(request)).cuts[1]
    assert (silent.source_start_s, silent.duration_s) == (17.0, 3.0)
    request = request.model_copy(update={"voiceover": voice})
    shown = planned(request, settled(late, brief_of(request)))
    last = timeline_of(shown, speech=estimated(voice)).video[0].clips[-1]
    assert last.frames > 12 * 30 and last.source_start + Fraction(last.frames, 30) <= 20


def test_d064_takes_of_one_clip_lie_in_their_parts_of_it_one_after_the_other():
    clip = RenderAsset(asset_id="c", file_name="c.mp4", media_kind=MediaKind.VIDEO, duration_s=60.0)
    sharp = (0.2,) * 100 + (0.6,) * 20 + (0.2,) * 120
    even = (0.5,) * 240
    seen = Seen(
        asset_id="c",
        kind=MediaKind.VIDEO,
        width=640,
        height=360,
        sharpness=0.3,
        lightness=0.5,
        duration_s=60.0,
        step_s=0.25,
        sharp=sharp,
        light=even,
    )
    request = MediaRender(assets=(clip,), ai_analysis=True, instructions="fast", target_duration_s=12.0)
    brief = brief_of(request, Looked(visuals=(seen,)))
    plan = settled(RulePlanner().draft(brief), brief)
    check(request, brief, plan)
    starts = [cut.source_start_s for cut in plan.cuts]
    assert len(starts) == 7 and starts == sorted(starts)
    ends = [start + (cut.duration_s or 0) for start, cut in zip(starts, plan.cuts, strict=True)]
    assert all(end <= start + 0.001 for end, start in zip(ends, starts[1:], strict=False))
    assert any(25 <= start <= 30 for start in starts)  # the sharp one
