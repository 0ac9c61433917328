"""Sound effects of a media render: on the cuts in rotation, or where they are placed; and what is refused."""

from typing import get_args

import pytest
from pydantic import ValidationError

from farm.errors import BadRequest
from tasks.media_render import MediaRender, timeline_of
from tasks.media_render.effects import EFFECTS, MOST_AT_ONCE
from tasks.media_render.params import MAX_SFX, SfxType
from tests.unit.test_media_render_kind import PICTURES, kind_named, price, render

SR = 48_000
FIVE = tuple(f"{number}.png" for number in range(1, 6))


def heard(params):
    """(name, start, end) in seconds of every effect, in order."""
    clips = [clip for track in timeline_of(params).audio if track.is_effects for clip in track.clips]
    return sorted((c.name, c.start_sample / SR, c.end_sample_exclusive / SR) for c in clips)


def effect_clips(params):
    return [clip for track in timeline_of(params).audio if track.is_effects for clip in track.clips]


def placement(**changes):
    return {"sfx_type": "click", **({"start_s": 1} if "clip_asset_id" not in changes else {}), **changes}


def test_d072_d073_clicks_and_shutters_take_turns_on_the_cuts():
    clips = effect_clips(render(*FIVE, sfx=True))
    assert [(clip.name, clip.start_sample / SR) for clip in clips] == [
        ("click", 3),
        ("camera-shutter", 6),
        ("click", 9),
        ("camera-shutter", 12),
    ]
    assert {clip.gain for clip in clips} == {0.55}  # D-074: the volume of every example
    assert all(clip.fade_in_samples == clip.fade_out_samples == 0 for clip in clips)


def test_d072_without_being_asked_for_there_are_none():
    assert effect_clips(render(*FIVE)) == effect_clips(render("1.png", sfx=True)) == []
    assert effect_clips(render(*FIVE, sfx_types=["pop"])) == []


def test_hard_cuts_have_their_effects_too():
    hard = render(*FIVE, sfx=True, transition_types=["none"])
    assert heard(hard) == heard(render(*FIVE, sfx=True))


@pytest.mark.parametrize("kind", get_args(SfxType))
def test_d098_to_d107_the_stroke_falls_on_the_cut(kind):
    first, second = effect_clips(render(*PICTURES, sfx=True, sfx_types=[kind]))
    lasting = EFFECTS[kind]
    for clip, cut in ((first, 3), (second, 6)):
        assert clip.start_sample == (cut - lasting.cut) * SR
        assert clip.end_sample_exclusive - clip.start_sample == lasting.seconds * SR
        assert timeline_of(render(*PICTURES, sfx=True, sfx_types=[kind])).medium(clip.media).builtin == (
            f"sfx/{kind}"
        )


def test_an_effect_stays_within_the_two_visuals_that_it_joins():
    durations = [{"asset_id": name, "duration_s": 0.5} for name in FIVE]
    params = render(*FIVE, sfx=True, sfx_types=["riser", "hit"], durations=durations)
    spans = [
        (clip.name, clip.start_sample / SR, clip.end_sample_exclusive / SR) for clip in effect_clips(params)
    ]
    assert sorted(spans, key=lambda span: span[1]) == [
        ("riser", 0.0, 0.8),
        ("hit", 1.0, 1.5),
        ("riser", 1.0, 1.8),
        ("hit", 2.0, 2.5),
    ]
    riser = min(effect_clips(params), key=lambda clip: clip.start_sample)
    assert riser.source_start * SR == 1.4 * SR  # it comes in late, so that its top is on the cut
    assert (riser.fade_in_samples, riser.fade_out_samples) == (1440, 0)
    assert timeline_of(params).audio[0].is_effects and len(timeline_of(params).audio) == 2


def test_d075_placed_effects_replace_those_on_the_cuts():
    params = render(*FIVE, sfx=True, sfx_placements=[placement(start_s=7.2)])
    assert heard(params) == [("click", 7.2, 7.4)]
    assert heard(render(*FIVE, sfx=False, sfx_placements=[placement(start_s=7.2)])) == heard(params)


def test_d076_to_d081_the_documents_own_placements():
    names = ("01-hook.png", "02-proof.mp4", "03-result.png")
    params = render(
        *names,
        sfx_volume=0.3,
        sfx_placements=[
            {"sfx_type": "camera-shutter", "clip_asset_id": "02-proof.mp4", "offset_s": 0, "volume": 0.6},
            {"sfx_type": "whoosh", "start_s": 7.2, "duration_s": 0.8, "volume": 0.45},
            {"sfx_type": "pop", "clip_asset_id": "03-result.png", "offset_s": -0.25},
        ],
    )
    shutter, pop, whoosh = sorted(effect_clips(params), key=lambda clip: clip.start_sample)
    assert (shutter.start_sample, shutter.end_sample_exclusive, shutter.gain) == (3 * SR, 3.4 * SR, 0.6)
    assert (pop.start_sample, pop.gain) == (5.75 * SR, 0.3)
    assert (whoosh.start_sample, whoosh.end_sample_exclusive, whoosh.gain) == (7.2 * SR, 8 * SR, 0.45)
    assert (whoosh.source_start, whoosh.fade_in_samples, whoosh.fade_out_samples) == (0, 0, 1440)


def test_d080_no_effect_is_drawn_out_and_none_outlasts_the_video():
    placements = [placement(duration_s=5), placement(sfx_type="riser", start_s=8.5)]
    assert heard(render(*PICTURES, sfx_placements=placements)) == [("click", 1, 1.2), ("riser", 8.5, 9.0)]


def test_effects_may_overlap_on_as_many_tracks_as_it_takes():
    placements = [placement(sfx_type="hit", start_s=0.1 * n) for n in range(5)] + [placement(start_s=5)]
    tracks = timeline_of(render(*PICTURES, sfx_placements=placements)).audio
    assert [len(track.clips) for track in tracks] == [2, 1, 1, 1, 1]
    timeline = timeline_of(render(*PICTURES, sfx_placements=placements))
    assert type(timeline).model_validate(timeline.model_dump(mode="json")) == timeline


def test_a_thousand_effects_are_taken_and_a_din_is_not():
    durations = [{"asset_id": PICTURES[0], "duration_s": 600}]
    many = [placement(start_s=n * 0.6) for n in range(MAX_SFX)]
    assert len(effect_clips(render(*PICTURES, durations=durations, sfx_placements=many))) == MAX_SFX
    with pytest.raises(ValidationError, match="sfx_placements"):
        render(*PICTURES, durations=durations, sfx_placements=[*many, placement()])
    with pytest.raises(BadRequest, match="at once") as refused:
        timeline_of(render(*PICTURES, sfx_placements=[placement()] * (MOST_AT_ONCE + 1)))
    assert refused.value.param == "sfx_placements"


@pytest.mark.parametrize(
    ("changes", "param"),
    [
        ({"start_s": 9}, "start_s"),
        ({"start_s": 3600}, "start_s"),
        ({"clip_asset_id": min(PICTURES), "offset_s": -0.1}, "offset_s"),
        ({"clip_asset_id": "10-c.png", "offset_s": 3}, "offset_s"),
        ({"clip_asset_id": "nothing.png"}, "clip_asset_id"),
    ],
    ids=["at the end", "long after it", "before the start", "after the end", "no such clip"],
)
def test_an_effect_that_nobody_would_hear_is_refused_by_name(changes, param):
    with pytest.raises(BadRequest) as refused:
        timeline_of(render(*PICTURES, sfx_placements=[placement(), placement(**changes)]))
    assert refused.value.param == f"sfx_placements[1].{param}"


def test_d078_a_clip_that_is_not_seen_or_seen_twice_is_no_place():
    placements = [{"asset_id": "a.png"}, {"asset_id": "a.png"}, {"asset_id": "b.png"}]
    for clip, message in (("a.png", "shown 2 times"), ("c.png", "not shown"), ("m.mp3", "not shown")):
        effects = [placement(clip_asset_id=clip)]
        params = render("a.png", "b.png", "c.png", "m.mp3", placements=placements, sfx_placements=effects)
        with pytest.raises(BadRequest, match=message):
            timeline_of(params)
    placed = [{"asset_id": "a.png", "start_s": 1}, {"asset_id": "b.png", "start_s": 5}]
    gap = render("a.png", "b.png", placements=placed, sfx_placements=[placement(clip_asset_id="b.png")])
    assert heard(gap) == [("click", 5, 5.2)]


@pytest.mark.parametrize(
    "changes",
    [
        {"sfx_type": "kazoo"},
        {"sfx_type": None},
        {"start_s": None},
        {"start_s": -0.1},
        {"start_s": "1"},
        {"start_s": float("nan")},
        {"start_s": 1, "clip_asset_id": PICTURES[0]},
        {"start_s": 1, "offset_s": 1},
        {"duration_s": 0},
        {"volume": 1.01},
        {"volume": -0.01},
        {"volume": True},
        {"pitch": 2},
    ],
)
def test_placements_are_checked(changes):
    with pytest.raises(ValidationError, match="sfx_placements"):
        render(*PICTURES, sfx_placements=[{**placement(), **changes}])


@pytest.mark.parametrize(
    "params",
    [
        {"sfx": 1},
        {"sfx": "true"},
        {"sfx_types": []},
        {"sfx_types": ["kazoo"]},
        {"sfx_types": ["click"] * 51},
        {"sfx_volume": 1.1},
        {"sfx_volume": float("nan")},
        {"clip_volume": 2.0},
        {"clip_volume": "0"},
    ],
)
def test_parameters_are_checked(params):
    with pytest.raises(ValidationError):
        render(*PICTURES, **params)


def test_clips_keep_their_sound_or_are_muted():
    for volume, asked in ((1.0, {}), (0.4, {"clip_volume": 0.4}), (0.0, {"clip_volume": 0})):
        clips = timeline_of(render("a.mp4", "b.png", **asked)).video[0].clips
        assert {clip.sound_gain for clip in clips} == {volume}


def test_music_fades_in_at_the_start_and_out_at_the_end():
    for seconds, fades in ((3, (12_000, 72_000)), (0.2, (4800, 4800))):
        durations = [{"asset_id": "a.png", "duration_s": seconds}]
        timeline = timeline_of(render("a.png", "m.mp3", durations=durations, bgm_asset_id="m.mp3"))
        music = timeline.audio[0].clips[0]
        assert (music.fade_in_samples, music.fade_out_samples) == fades


def test_d135_effects_are_sound_and_cost_what_sound_costs():
    durations = [{"asset_id": "a.png", "duration_s": 60}]
    names = ("a.png", "b.png", "m.mp3")
    plain = price(render(*names, durations=durations))
    effects = price(render(*names, durations=durations, sfx=True))
    music = price(render(*names, durations=durations, bgm_asset_id="m.mp3"))
    both = price(render(*names, durations=durations, bgm_asset_id="m.mp3", sfx=True))
    assert effects == music == both == plain + 500


def test_the_worker_fetches_no_file_for_an_effect():
    (task,) = kind_named("media-render").plan(render(*PICTURES, sfx=True))
    assert task.inputs == PICTURES


def test_effects_survive_the_store():
    params = render(*PICTURES, sfx=True, sfx_types=["pop"], sfx_placements=[placement(volume=0.2)])
    assert MediaRender.model_validate(params.model_dump(mode="json")) == params
