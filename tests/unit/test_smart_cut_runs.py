"""Which packets of a clip may stand in a film as they are: decided from numbers, without media."""

from bisect import bisect_right
from fractions import Fraction
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from farm.timeline import Rate, VideoClip
from tests.unit.test_render_plan import clip as placed
from tests.unit.test_render_plan import shape, timeline
from workers.cpu_render.plan import plan
from workers.cpu_render.smart_cut.runs import runs_of
from workers.media.coding import Footage

RATE = Rate(num=30)


def footage(shown, *, idr, hidden=(), fps=Fraction(30), times=None):
    """Packets by the place at which each is shown; `times` are the seconds of these places."""
    base = Fraction(1, 90_000)
    times = times or [n / fps for n in range(max(shown) + 1)]
    pts = tuple(round(times[place] / base) for place in shown)
    return Footage(base, fps, pts, frozenset(idr), frozenset(idr), frozenset(hidden), 1000 * len(pts))


def closed(groups, size=30):
    """Groups of pictures in the order I P B B P B B …, each beginning afresh."""
    shown, idr = [], []
    for group in range(groups):
        start = group * size
        idr.append(len(shown))
        shown.append(start)
        for at in range(3, size, 3):
            shown += [start + at, start + at - 2, start + at - 1]
        shown += [*range(start + len(shown) - group * size, start + size)]
    return footage(shown, idr=idr)


def clip(frames, start=0, end=None, at=0):
    source_end = None if end is None else Fraction(end)
    return VideoClip(
        media="film",
        start_frame=at,
        end_frame_exclusive=at + frames,
        source_start=Fraction(start),
        source_end=source_end,
    )


def found(footage, clip, rate=RATE):
    runs = runs_of(footage, clip, rate, range(clip.start_frame, clip.end_frame_exclusive))
    return [(run.frames.start, run.frames.stop) for run in runs]


def test_from_a_keyframe_to_the_end_nothing_is_encoded():
    assert found(closed(4), clip(120)) == [(0, 120)]
    assert found(closed(4), clip(60, start=1)) == [(0, 60)]
    assert found(closed(4), clip(60, start=1, at=500)) == [(500, 560)]


def test_a_cut_within_a_group_costs_the_rest_of_it_and_at_the_end_only_what_waits_for_later_pictures():
    assert found(closed(4), clip(90, start=Fraction(10, 30))) == [(20, 90)]
    # P12 is decoded before B10 and B11, so that after P9 nothing can be taken without it.
    assert found(closed(4), clip(42)) == [(0, 40)]
    assert found(closed(4), clip(40)) == [(0, 40)]
    assert found(closed(4), clip(41)) == [(0, 40)]


def test_a_run_says_when_each_packet_is_shown_and_how_far_decoding_is_ahead():
    (run,) = runs_of(closed(2), clip(36, start=0, at=100), RATE, range(100, 136))
    assert run.shown[:7] == (100, 103, 101, 102, 106, 104, 105)
    assert (run.start, run.end, run.delay) == (0, 34, 1)


def test_nothing_begins_at_a_picture_whose_followers_need_what_came_before():
    """An open group: the B-pictures shown before its I-picture come after it."""
    shown = [0, 3, 1, 2, 6, 4, 5, *[n for at in range(9, 90, 3) for n in (at, at - 2, at - 1)]]
    open_group = footage(shown, idr=[0])
    assert found(open_group, clip(60)) == [(0, 58)]
    assert found(open_group, clip(60, start=Fraction(1, 30))) == []


def test_what_an_edit_list_hides_is_not_shown_by_being_copied():
    hidden = footage([*range(90)], idr=[0, 45], hidden=[0, 1, 2])
    assert found(hidden, clip(80, start=Fraction(3, 30))) == [(42, 80)]


def test_a_short_run_is_not_worth_its_joins():
    assert found(closed(2), clip(30)) == []
    assert found(closed(2), clip(31)) == [(0, 31)]


def test_a_clip_that_ends_before_its_place_is_copied_as_far_as_it_goes():
    assert found(closed(2), clip(90)) == [(0, 60)]
    assert found(closed(2), clip(90, end=Fraction(40, 30))) == [(0, 40)]


def test_a_clip_of_another_rate_is_encoded():
    shown = [*range(200)]
    for fps in (24, 25, 50, 60, 120):
        assert found(footage(shown, idr=shown, fps=Fraction(fps)), clip(90)) == []
    assert found(footage(shown, idr=shown, fps=Fraction(24)), clip(75), Rate(num=25)) == []


def test_a_rate_that_is_off_by_a_thousandth_costs_the_group_in_which_a_picture_is_repeated():
    """Of 29.97 pictures a second one is shown twice every 33 seconds; the first of them after 8."""
    shown = [*range(2000)]
    ntsc = footage(shown, idr=range(0, 2000, 60), fps=Fraction(30_000, 1001))
    runs = found(ntsc, clip(1900))
    assert [stop for _, stop in runs] == [251, 1252, 1900]
    assert [late - early for (_, early), (late, _) in pairwise(runs)] == [50, 10]


def test_a_variable_rate_is_copied_only_where_it_keeps_step():
    """Half a second at half the rate in the middle; jitter of a fifth of a frame is no change of rate."""
    times, at = [], Fraction(0)
    for n in range(150):
        times.append(at + Fraction(n % 3 - 1, 150) if n else at)
        at += Fraction(1, 15) if 60 <= n < 68 else Fraction(1, 30)
    varied = footage([*range(150)], idr=range(0, 150, 30), times=times)
    assert found(varied, clip(150)) == [(0, 61), (98, 150)]


def test_times_off_the_grid_of_frames_are_those_of_the_film():
    """A cut at 1.01 s shows picture 30 from there on; the film's own clock is what counts."""
    assert found(closed(3), clip(50, start=Fraction(101, 100))) == [(0, 49)]
    assert found(closed(3), clip(50, start=Fraction(102, 100))) == [(0, 49)]
    assert found(closed(3), clip(50, start=Fraction(103, 100))) == []


@st.composite
def codings(draw):
    """Groups of any length and order, with open ones and hidden pictures among them."""
    shown, idr, start = [], [], 0
    for _ in range(draw(st.integers(1, 6))):
        size = draw(st.integers(1, 50))
        order = [*range(start, start + size)]
        for at in range(1, size - 1):
            if draw(st.booleans()):
                order[at], order[at + 1] = order[at + 1], order[at]
        if draw(st.integers(0, 3)):
            idr.append(len(shown))
        shown += order
        start += size
    hidden = draw(st.sets(st.integers(0, start - 1), max_size=2))
    return footage(shown, idr=idr, hidden=hidden, fps=Fraction(30))


@given(codings(), st.integers(0, 60), st.integers(1, 200), st.integers(0, 40))
@settings(max_examples=80, deadline=None)
def test_runs_show_what_encoding_would_have_shown_and_each_begins_afresh(coded, late, frames, at):
    spot = clip(frames, start=Fraction(late, 30), at=at)
    runs = runs_of(coded, spot, RATE, range(at, at + frames))
    times = sorted(pts for n, pts in enumerate(coded.pts) if n not in coded.hidden)
    used = [frame for run in runs for frame in run.frames]
    assert used == sorted(set(used)) and set(used) <= set(range(at, at + frames))
    for run in runs:
        assert run.start in coded.idr and len(run.frames) > 30
        assert sorted(run.shown) == list(run.frames)
        for number, frame in enumerate(run.shown, run.start):
            grace = 3000 // 4
            wanted = times[bisect_right(times, (late + frame - at) * 3000 + grace) - 1]
            assert coded.pts[number] == wanted and number not in coded.hidden
        decoding = range(run.frames.start - run.delay, run.frames.stop - run.delay)
        assert all(dts <= pts for dts, pts in zip(decoding, run.shown, strict=True))


def test_a_plan_names_what_is_copied_in_its_spans():
    planned = plan(timeline([placed(0, 90, media="film"), placed(90, 120)]))
    assert shape(planned.copying([range(10, 40), range(40, 80)])) == [
        (0, 10, "simple"),
        (10, 40, "copy"),
        (40, 80, "copy"),
        (80, 90, "simple"),
        (90, 120, "static"),
    ]
    assert planned.copying([]) == planned
