"""What was placed by hand, in films whose length is found out after the request was checked.

A plan, a voice, the beats of a file: none of them lets a request fail that was taken (D-132 to D-134).
"""

from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from farm.catalog import read_catalog
from farm.errors import BadRequest
from farm.kinds import kind_named
from farm.settings import Settings
from farm.timeline import Timeline
from tasks.media_render import MediaRender, breakdown, timeline_of
from tasks.media_render.on_beats import Grid
from tasks.media_render.planning.brief import brief_of
from tasks.media_render.planning.draft import Draft, Shot
from tasks.media_render.planning.settling import settled
from tasks.media_render.planning.stage import is_unplanned, longest_s, planned
from tasks.media_render.voiceover import Speech, estimated, notes
from tests.unit.test_media_render_surface import asked

PICTURES = ("a.png", "b.png", "d.png")
LATE = {"text": "Late", "startTime": 8}
SAID = {"voiceoverVoiceId": "svoice_espeak_en-us_female"}
POP = {"sfxType": "pop"}


def plan_of(request: MediaRender, seconds: float | None, *names: str, **lasts: float) -> MediaRender:
    """As planned by somebody who shows these for so long each; `lasts`: how long clips were seen to be."""
    brief = brief_of(request, lengths_s={f"asset_{name}.mp4": length for name, length in lasts.items()})
    shots = [Shot(asset_id=f"asset_{name}", seconds=seconds) for name in names]
    return planned(request, settled(Draft(shots=tuple(shots)), brief, longest_s(request)))


def lengths(timeline: Timeline) -> list[float]:
    return [clip.frames / 30 for clip in timeline.video[0].clips]


def sounds(timeline: Timeline) -> list[tuple[str | None, float]]:
    """Every effect and when it begins, in seconds."""
    tracks = (track for track in timeline.audio if track.is_effects)
    return [(clip.name, clip.start_sample / 48_000) for track in tracks for clip in track.clips]


def notes_of(params: MediaRender) -> str:
    """What the render's task tells people."""
    return str(kind_named("media-render").plan(params)[-1].params["notes"])


def test_d133_d134_a_shorter_plan_is_drawn_out_until_what_was_placed_by_hand_is_there():
    request = asked(*PICTURES, aiAnalysis=True, textOverlays=[LATE], sfxPlacements=[{**POP, "startTime": 7}])
    shown = timeline_of(plan_of(request, 1.5, *PICTURES))
    assert lengths(shown) == [3, 3, 3]  # as long as was likely, and no longer
    assert (shown.text[0].clips[0].start_frame, sounds(shown)) == (240, [("pop", 7)])
    early = request.model_copy(update={"text_overlays": request.text_overlays[:0]})
    assert timeline_of(plan_of(early, 1.5, *PICTURES)).duration == 8
    plain = early.model_copy(update={"sfx_placements": ()})
    assert timeline_of(plan_of(plain, 1.5, *PICTURES)).duration == 4.5


def test_d084_d134_what_was_timed_by_hand_and_clips_beside_pictures_are_not_drawn_out():
    timed = {"assetDurations": [{"fileName": "a.png", "durationSeconds": 1}]}
    body = {"aiAnalysis": True, "textOverlays": [{**LATE, "startTime": 6}], **timed}
    shown = timeline_of(
        plan_of(asked("a.png", "b.png", "c.mp4", **body), 1, "a.png", "c.mp4", "b.png", c=2.0)
    )
    assert lengths(shown) == [1, 1, 5]
    clips = asked("a.png", "c.mp4", "e.mp4", **body)
    assert lengths(timeline_of(plan_of(clips, 1, "e.mp4", "c.mp4", "a.png", c=2.0))) == [3, 3, 1]
    assert lengths(timeline_of(plan_of(clips, 1, "a.png"))) == [1, 6]  # one that was left out comes back
    close = asked("a.png", "b.png", **{**body, "textOverlays": [{"text": "x", "startTime": 0.01}]})
    assert lengths(timeline_of(plan_of(close, 1, "a.png"))) == [1, 1]  # and is more than a flash


def test_d064_a_clip_that_was_seen_to_be_shorter_lets_no_text_fail():
    request = asked("a.png", "c.mp4", visionAnalysis=True, textOverlays=[{**LATE, "startTime": 5.5}])
    assert timeline_of(plan_of(request, None, "a.png", "c.mp4", c=1.0)).duration == 6


def test_d078_a_sound_goes_with_the_visual_that_a_plan_leaves_out_and_is_told():
    both = [{**POP, "clipFileName": "b.png"}, {"sfxType": "click", "clipFileName": "d.png"}]
    request = asked(*PICTURES, aiAnalysis=True, sfx=True, sfxPlacements=both)
    shown = plan_of(request, 2, "d.png", "a.png")
    assert sounds(timeline_of(shown)) == [("click", 0)]
    assert "sound effects of visuals that the plan left out: b.png." in notes_of(shown)
    none = plan_of(request, 2, "a.png")
    assert sounds(timeline_of(none)) == []  # D-075: nor are there any on the cuts
    assert "left out" not in notes_of(plan_of(request, 2, *PICTURES))
    last = [{**POP, "clipFileName": "d.png"}]
    two = asked(*PICTURES, aiAnalysis=True, instructions="60 seconds, only 2 pictures", sfxPlacements=last)
    lines = breakdown(two, read_catalog(Settings()))
    assert "audio" in {line.name for line in lines}  # D-136: it may be heard, so it is held
    with pytest.raises(BadRequest, match="not shown in this video"):  # what is no visual never is
        asked("a.png", "song.mp3", aiAnalysis=True, sfxPlacements=[{**POP, "clipFileName": "song.mp3"}])


def test_d078_d079_a_sound_of_a_clip_comes_with_its_first_showing_and_within_the_film():
    request = asked(*PICTURES, aiAnalysis=True, sfxPlacements=[{**POP, "clipFileName": "b.png"}])
    assert sounds(timeline_of(plan_of(request, 2, "a.png", "b.png", "b.png"))) == [("pop", 2)]
    late = [{**POP, "clipFileName": "d.png", "offsetSeconds": 2.5}]
    shown = timeline_of(plan_of(asked(*PICTURES, aiAnalysis=True, sfxPlacements=late), 1, *PICTURES))
    assert sounds(shown) == [("pop", 2.8)]  # it ends with the film


def test_d079_d132_beats_carry_the_sounds_of_clips_along_and_none_out_of_the_film():
    late, early = ({**POP, "clipFileName": "b.png", "offsetSeconds": offset} for offset in (2.9, -2.9))
    request = asked("a.png", "b.png", "song.mp3", bgmFileName="song.mp3", sfxPlacements=[late, early])
    for beat, pops in ((2.6, [0, 5.5]), (3.4, [0.5, 5.8])):
        grid = Grid.measured((beat,), downbeat=0, repeat_s=None)
        shown = timeline_of(request, grid)
        assert shown.video[0].clips[1].start_frame == beat * 30
        assert [at for _, at in sounds(shown)] == pytest.approx(pops)
    with pytest.raises(BadRequest) as refused:  # further than any beat would move it
        asked(
            "a.png",
            "song.mp3",
            bgmFileName="song.mp3",
            sfxPlacements=[{**late, "clipFileName": "a.png", "offsetSeconds": 3.6}],
        )
    assert refused.value.param == "sfxPlacements[0].offsetSeconds"


def test_d088_d121_texts_and_sounds_are_placed_in_what_a_voice_makes_of_the_film():
    script = {"voiceoverScript": {"format": "text", "content": "One two three four five. " * 8}}
    body = {**SAID, **script, "sfxPlacements": [{**POP, "startTime": 15}]}
    request = asked("a.png", "b.png", textOverlays=[{**LATE, "startTime": 15.5}], **body)
    assert request.voiceover is not None
    likely = estimated(request.voiceover)
    kind_named("media-render").plan(request)
    for share in (1, Fraction(1, 4)):  # it may speak much quicker than was thought
        shown = timeline_of(request, speech=Speech(lengths=tuple(n * share for n in likely.lengths)))
        assert (shown.text[0].clips[0].start_frame, sounds(shown)) == (465, [("pop", 15)])
        assert shown.duration >= 16.5
    stays = "The picture stays until 16.5 s for what was placed there by hand."
    quick = Speech(lengths=tuple(n / 4 for n in likely.lengths))
    assert stays in list(notes(request, quick, Fraction(6)))
    assert stays not in list(notes(request, likely, Fraction(6)))
    with pytest.raises(BadRequest) as refused:
        asked("a.png", "b.png", textOverlays=[{**LATE, "startTime": 40}], **body)
    assert refused.value.param == "textOverlays[0].startTime"


def test_d003_d084_a_length_of_less_than_a_frame_is_refused_by_its_own_name_also_before_a_plan():
    short = {
        "assetDurations": [
            {"fileName": "a.png", "durationSeconds": 2},
            {"fileName": "b.png", "durationSeconds": 0.01},
        ]
    }
    for plans in ({}, {"aiAnalysis": True}, {"visionAnalysis": True}):
        with pytest.raises(BadRequest, match=r"b.png is shown for less than a frame") as refused:
            asked(*PICTURES, **short, **plans)
        assert refused.value.param == "assetDurations[1]"


# --- whatever is found out ---------------------------------------------------------------------------

NAMES = ("a.png", "b.png", "c.mp4", "d.png", "e.mp4", "f.png")
TIMES = st.floats(0, 14).map(lambda seconds: round(seconds, 2))
PLACED = st.one_of(
    st.builds(lambda at: {**POP, "startTime": at}, TIMES),
    st.builds(
        lambda name, off: {"sfxType": "riser", "clipFileName": name, "offsetSeconds": round(off, 2)},
        st.sampled_from(NAMES),
        st.floats(-3, 3),
    ),
)
BODIES = st.fixed_dictionaries(
    {},
    optional={
        "aiAnalysis": st.booleans(),
        "visionAnalysis": st.booleans(),
        "instructions": st.sampled_from(["fast", "1 s each", "use only 2 pictures", "12 seconds"]),
        "targetDurationSeconds": st.floats(1.5, 20),
        "assetDurations": st.lists(
            st.builds(
                lambda name, seconds: {"fileName": name, "durationSeconds": seconds},
                st.sampled_from(NAMES),
                st.floats(0.04, 5),
            ),
            max_size=3,
            unique_by=lambda item: str(item["fileName"]),
        ),
        "textOverlays": st.lists(st.builds(lambda at: {"text": "x", "startTime": at}, TIMES), max_size=2),
        "sfxPlacements": st.lists(PLACED, max_size=2),
        "bgmFileName": st.just("song.mp3"),
        "voiceoverScript": st.integers(1, 9).map(
            lambda n: {"format": "text", "content": "One two three. " * n}
        ),
    },
)


@settings(deadline=None)
@given(BODIES, st.data())
def test_d132_d133_d134_what_was_taken_is_laid_out_whatever_is_found_out_later(
    body: dict[str, Any], data: st.DataObject
):
    voice = SAID if "voiceoverScript" in body else {}
    try:
        request = asked(*NAMES, "song.mp3", **body, **voice)
        kind_named("media-render").plan(request)
    except BadRequest as refused:
        assert (refused.param or "").partition("[")[0] in {*body, "targetDurationSeconds"}
        return
    shown = _planned(request, data) if is_unplanned(request) else request
    kind_named("media-render").plan(shown)
    speech = None
    if shown.voiceover is not None:
        quick = Fraction(data.draw(st.integers(30, 120)), 100)
        speech = Speech(lengths=tuple(n * quick for n in estimated(shown.voiceover).lengths))
    timeline_of(shown, speech=speech)
    beat_s = data.draw(st.floats(0.3, 2))
    grid = Grid.measured([0.1 + n * beat_s for n in range(20)], downbeat=0, repeat_s=0.1 + 20 * beat_s)
    laid_out = timeline_of(shown, grid if shown.bgm_asset_id else None, speech)
    assert len([clip for track in laid_out.text for clip in track.clips]) == len(request.text_overlays)


def _planned(request: MediaRender, data: st.DataObject) -> MediaRender:
    """Shorter clips than anybody thought, and visuals in any order, some of them left out."""
    lasts = {name: data.draw(st.floats(0.2, 6)) for name in ("c", "e")}
    if not request.ai_analysis:
        return plan_of(request, None, *sorted(NAMES), **lasts)
    names = data.draw(st.lists(st.sampled_from(NAMES), min_size=1, max_size=6))
    return plan_of(request, data.draw(st.none() | st.floats(0.1, 4)), *names, **lasts)
