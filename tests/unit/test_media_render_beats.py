"""Cuts on the beats (D-132): which are moved, how far, and that the whole stays as long as it was (X-42)."""

from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from farm.catalog import read_catalog
from farm.kinds import kind_named
from farm.settings import Settings
from tasks.media_render import MediaRender, timeline_of
from tasks.media_render.on_beats import FURTHEST_S, Grid, ends_on_beats, grid_of
from tasks.media_render.tunes import BUNDLED
from workers.cpu_render import beat_sync
from workers.media.beats import LONGEST_S, Beats

PICTURES = tuple(f"{number}.png" for number in range(6))


def render(*names: str, **params: Any) -> MediaRender:
    kinds = {"png": "image", "mp4": "video", "mp3": "audio"}
    assets = [{"asset_id": n, "file_name": n, "media_kind": kinds[n.rpartition(".")[2]]} for n in names]
    return MediaRender.model_validate({"assets": assets, **params})


def cuts(params: MediaRender, grid: Grid | None = None) -> list[int]:
    return [clip.start_frame for clip in timeline_of(params, grid).video[0].clips]


def on_a_beat(frame: int, bpm: float) -> bool:
    beats = frame / 30 * bpm / 60
    return abs(beats - round(beats)) * 60 / bpm <= 1 / 60 + 1e-9


@pytest.mark.parametrize("tune", BUNDLED, ids=lambda tune: tune.name)
def test_d132_cuts_follow_the_beats_of_the_tune_and_the_total_stays(tune):
    params = render(*PICTURES, bgm_query=tune.name, beat_sync=True)
    plain = cuts(render(*PICTURES, bgm_query=tune.name))
    assert plain == [0, 90, 180, 270, 360, 450]
    assert all(on_a_beat(frame, tune.bpm) for frame in cuts(params))
    assert all(abs(a - b) <= 15 for a, b in zip(cuts(params), plain, strict=True))
    assert timeline_of(params).end_frame_exclusive == 540


def test_d132_a_strong_beat_further_off_is_taken_before_a_weak_one():
    grid = Grid.measured((1.0, 1.5, 2.0, 2.5, 3.0, 3.5, 4.0), downbeat=3, repeat_s=None)
    assert grid.strengths[3] == 1
    assert grid.nearest(Fraction("2.7")) == 2.5  # the downbeat, 0.2 s away
    assert grid.nearest(Fraction("2.95")) == 3.0  # right there
    assert grid.nearest(Fraction(30)) == 30  # no music any more


def test_d132_where_nobody_listened_any_more_the_cuts_stay(monkeypatch):
    times = tuple(n * 0.7 for n in range(1285))
    heard = Beats(bpm=60 / 0.7, times=times, downbeat=0, regularity=1.0, duration_s=float(LONGEST_S))
    monkeypatch.setattr(beat_sync, "beats_of", lambda path, name: heard)
    pictures = [f"{number}.png" for number in range(320)]
    params = render(*pictures, "m.mp3", bgm_asset_id="m.mp3", beat_sync=True)
    laid = beat_sync.laid_on_beats(params, timeline_of(params), {"m.mp3": Path("m.mp3")}, str)
    starts = [clip.start_frame for clip in laid.video[0].clips]
    assert starts[1] != 90
    assert starts[301:] == list(range(301 * 90, 320 * 90, 90))


def test_d132_music_that_starts_over_takes_its_beats_along():
    grid = Grid.measured((0.1, 1.1, 2.1, 3.1), downbeat=0, repeat_s=4.0)
    assert [float(grid.nearest(Fraction(at))) for at in ("0.3", "3.9", "8.2", "41.0")] == [
        0.1,
        4.1,
        8.1,
        41.1,
    ]


def test_d084_d132_a_manual_duration_is_kept_to_the_frame():
    durations = [{"asset_id": "2.png", "duration_s": 1.7}, {"asset_id": "5.png", "duration_s": 2.3}]
    params = render(*PICTURES, bgm_query="late-window", beat_sync=True, durations=durations)
    clips = timeline_of(params).video[0].clips
    assert (clips[2].frames, clips[5].frames) == (51, 69)
    assert clips[-1].end_frame_exclusive == 4 * 90 + 51 + 69
    assert [clip.start_frame for clip in clips] != cuts(params.model_copy(update={"beat_sync": False}))


def test_d132_pictures_shorter_than_a_beat_are_all_shown():
    """Thirty of them in six seconds of music at one beat a second; before, most got no frame at all."""
    pictures = [f"{number}.png" for number in range(30)]
    params = render(*pictures, bgm_query="slow-tide", beat_sync=True, target_duration_s=6)
    frames = [clip.frames for clip in timeline_of(params).video[0].clips]
    assert (len(frames), sum(frames)) == (30, 180) and min(frames) >= 3
    assert sum(on_a_beat(frame, 60) for frame in cuts(params)) >= 6


def test_d132_what_follows_a_manual_length_is_not_used_up():
    lengths = [Fraction(27, 10), Fraction(1), Fraction(1, 5)]  # the last would end before a beat at 3 s
    every_second = Grid.measured(range(10), downbeat=0, repeat_s=None)
    ends = list(ends_on_beats(lengths, [True, False, True], every_second))
    assert ends == [Fraction(27, 10), Fraction(37, 10), Fraction(39, 10)]
    lengths[2] = Fraction(3)
    assert list(ends_on_beats(lengths, [True, False, True], every_second)) == [3, 4, Fraction(67, 10)]


def test_d133_placements_and_manual_lengths_win_over_beats():
    placed = render(
        "a.png", "b.png", bgm_query="happy", beat_sync=True,
        placements=[{"asset_id": "a.png", "duration_s": 1.23}, {"asset_id": "b.png"}],
    )  # fmt: skip
    assert cuts(placed) == [0, 37]
    lengths = [{"asset_id": name, "duration_s": 1.23} for name in ("a.png", "b.png")]
    assert cuts(render("a.png", "b.png", bgm_query="happy", beat_sync=True, durations=lengths)) == [0, 37]


def test_d132_nothing_moves_without_music_or_unless_asked():
    assert cuts(render(*PICTURES, beat_sync=True)) == cuts(render(*PICTURES))


def test_d132_music_from_a_file_waits_for_the_workers_ears():
    kind = kind_named("media-render")
    (task,) = kind.plan(render(*PICTURES, "m.mp3", bgm_asset_id="m.mp3", beat_sync=True))
    assert MediaRender.model_validate(task.params["unheard"]).bgm_asset_id == "m.mp3"
    for known in (
        render(*PICTURES, bgm_query="happy", beat_sync=True),
        render(*PICTURES, "m.mp3", bgm_asset_id="m.mp3"),
        render("a.png", "m.mp3", bgm_asset_id="m.mp3", beat_sync=True, placements=[{"asset_id": "a.png"}]),
    ):
        assert kind.plan(known)[0].params["unheard"] is None


def test_d069_d070_a_file_wins_over_words():
    params = render("a.png", "m.mp3", bgm_asset_id="m.mp3", bgm_query="happy")
    assert timeline_of(params).audio[0].clips[0].media == "m.mp3"
    assert kind_named("media-render").plan(params)[0].params["music"] is None


def test_d070_d071_a_tune_is_music_like_any_other_but_no_file():
    params = render("a.png", bgm_query="upbeat product launch background music", bgm_volume=0.4)
    (task,) = kind_named("media-render").plan(params)
    timeline = timeline_of(params)
    (clip,) = timeline.audio[0].clips
    assert (clip.gain, clip.loop, clip.fade_out_samples) == (0.4, True, 72_000)
    assert timeline.medium(clip.media).builtin == "tunes/lift-off"
    assert task.inputs == ("a.png",)
    assert task.params["music"] == {
        "query": "upbeat product launch background music",
        "tune": "lift-off",
        "title": "Lift Off",
        "bpm": 120.0,
        "key": "D major",
        "note": "The music for 'upbeat product launch background music' is Lift Off (lift-off, 120 bpm).",
    }


def test_d135_a_tune_costs_what_music_costs():
    params = render(*PICTURES, "g.png", "h.png", bgm_query="calm")  # 24 s
    assert kind_named("media-render").price_mc(params, read_catalog(Settings())) == 2500


@settings(deadline=None)
@given(
    lengths=st.lists(st.tuples(st.integers(40, 6000), st.booleans()), min_size=1, max_size=20),
    tune=st.sampled_from(BUNDLED),
)
def test_x42_no_cut_is_lost_no_length_of_somebodys_own_is_changed(lengths, tune):
    exact = [Fraction(length, 1000) for length, _ in lengths]
    free = [is_free for _, is_free in lengths]
    frame = Fraction(1, 25)
    ends = list(ends_on_beats(exact, free, grid_of(tune), frame))
    assert ends[-1] == sum(exact)
    for length, is_free, (start, end) in zip(exact, free, pairwise([Fraction(0), *ends]), strict=True):
        assert end - start >= max(length / 2, frame)
        assert is_free or end - start == length
    plain = list(ends_on_beats(exact, free, None))
    assert all(abs(a - b) <= FURTHEST_S for a, b in zip(ends, plain, strict=True))
