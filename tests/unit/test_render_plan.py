"""Timelines become spans: which frame shows what, decided without any media."""

import itertools
from fractions import Fraction

from hypothesis import given, settings
from hypothesis import strategies as st

from farm.timeline import (
    Media,
    MediaKind,
    Motion,
    Rate,
    TextClip,
    TextTrack,
    Timeline,
    Transition,
    VideoClip,
    VideoTrack,
)
from workers.cpu_render.plan import Blend, Shot, SpanKind, plan


def clip(start, end, *, media="photo", transition=None, motion=Motion.NONE):
    return VideoClip(
        media=media, start_frame=start, end_frame_exclusive=end, transition=transition, motion=motion
    )


def crossfade(before, after):
    return Transition(type="crossfade", before_frames=before, after_frames=after)


def timeline(*tracks, texts=()):
    return Timeline(
        name="t",
        rate=Rate(num=30),
        width=64,
        height=64,
        media=(
            Media(id="photo", kind=MediaKind.IMAGE, name="photo.jpg"),
            Media(id="film", kind=MediaKind.VIDEO, name="film.mp4"),
        ),
        video=tuple(VideoTrack(clips=tuple(clips)) for clips in tracks),
        text=(TextTrack(clips=tuple(texts)),),
    )


def shape(planned):
    return [(span.start_frame, span.end_frame_exclusive, span.kind.value) for span in planned.spans]


def test_a_still_alone_is_one_static_span():
    assert shape(plan(timeline([clip(0, 90)]))) == [(0, 90, "static")]


def test_films_and_camera_moves_change_with_every_frame():
    spans = plan(timeline([clip(0, 30, media="film"), clip(30, 60, motion=Motion.KEN_BURNS)]))
    assert shape(spans) == [(0, 30, "simple"), (30, 60, "simple")]


def test_a_transition_borrows_from_both_sides_of_the_cut_and_moves_nothing():
    planned = plan(timeline([clip(0, 90), clip(90, 180, transition=crossfade(7, 8))]))
    assert shape(planned) == [
        (0, 83, "static"),
        (83, 90, "composite"),
        (90, 98, "composite"),
        (98, 180, "static"),
    ]
    blend = planned.spans[1].picture
    assert isinstance(blend, Blend)
    assert isinstance(blend.before, Shot) and isinstance(blend.after, Shot)
    assert (blend.before.end_frame_exclusive, blend.after.first_frame) == (98, 83)
    assert (blend.before.frames_after, blend.after.frames_before) == (8, 7)


def test_progress_is_even_and_never_quite_at_either_end():
    planned = plan(timeline([clip(0, 90), clip(90, 180, transition=crossfade(2, 2))]))
    blend = planned.spans[1].picture
    assert [round(blend.progress(frame), 6) for frame in (88, 89, 90, 91)] == [0.2, 0.4, 0.6, 0.8]


def test_a_transition_named_none_is_a_hard_cut():
    cut = Transition(type="none", before_frames=9, after_frames=9)
    assert shape(plan(timeline([clip(0, 30), clip(30, 60, transition=cut)]))) == [
        (0, 30, "static"),
        (30, 60, "static"),
    ]


def test_two_transitions_share_a_clip_too_short_for_both():
    long = crossfade(20, 20)
    planned = plan(timeline([clip(0, 60), clip(60, 80, transition=long), clip(80, 140, transition=long)]))
    assert [s.picture.effect for s in planned.spans if isinstance(s.picture, Blend)] == ["crossfade"] * 4
    edges = [
        (s.picture.start_frame, s.picture.end_frame_exclusive)
        for s in planned.spans
        if isinstance(s.picture, Blend)
    ]
    assert sorted(set(edges)) == [(40, 70), (70, 100)]


def test_the_first_clip_and_one_after_a_gap_come_from_black():
    planned = plan(
        timeline([clip(0, 30, transition=crossfade(5, 10)), clip(60, 90, transition=crossfade(5, 10))])
    )
    assert shape(planned) == [
        (0, 10, "composite"),
        (10, 30, "static"),
        (30, 60, "static"),
        (60, 70, "composite"),
        (70, 90, "static"),
    ]
    assert planned.spans[2].picture is None
    assert planned.spans[0].picture.before is None and planned.spans[3].picture.before is None


def test_an_upper_track_hides_the_lower_one_and_appears_over_it():
    planned = plan(timeline([clip(0, 90)], [clip(30, 60, media="film", transition=crossfade(0, 10))]))
    below, over, above = planned.spans[0].picture, planned.spans[1].picture, planned.spans[2].picture
    assert over.before is below and over.after is above
    assert [key.track for key in planned.uses()] == [0, 1]


def test_a_caption_makes_only_its_fades_composite_over_a_still():
    text = TextClip(text="hello", start_frame=30, end_frame_exclusive=90, template="x")
    planned = plan(timeline([clip(0, 120)], texts=[text]))
    assert shape(planned) == [
        (0, 30, "static"),
        (30, 38, "composite"),
        (38, 82, "static"),
        (82, 90, "composite"),
        (90, 120, "static"),
    ]
    caption = planned.spans[1].captions[0]
    fading = [caption.opacity(frame) for frame in range(30, 38)]
    assert fading == sorted(fading) and 0 < fading[0] < 0.2 and fading[-1] < 1
    assert caption.opacity(38) == caption.opacity(81) == 1
    assert [caption.opacity(frame) for frame in range(89, 81, -1)] == fading


def test_a_range_of_frames_is_planned_as_the_whole_has_it():
    line = timeline([clip(0, 90), clip(90, 180, transition=crossfade(7, 8))])
    assert shape(plan(line, 85, 95)) == [(85, 90, "composite"), (90, 95, "composite")]
    assert plan(line, 85, 90).spans[0].picture == plan(line).spans[1].picture
    assert [tuple(use) for use in plan(line, 85, 95).uses().values()] == [tuple(range(85, 95))] * 2


lengths = st.lists(st.tuples(st.integers(1, 40), st.integers(0, 30), st.integers(0, 30), st.integers(0, 5)))


@settings(deadline=None)
@given(lengths.filter(bool))
def test_any_timeline_is_covered_once_without_gaps_and_transitions_never_overlap(parts):
    clips, at = [], 0
    for frames, before, after, gap in parts:
        clips.append(clip(at + gap, at + gap + frames, transition=crossfade(before, after)))
        at += gap + frames
    planned = plan(timeline(clips))
    assert planned.frames == at
    assert [s.start_frame for s in planned.spans[1:]] == [s.end_frame_exclusive for s in planned.spans[:-1]]
    windows = {
        (s.picture.start_frame, s.picture.end_frame_exclusive)
        for s in planned.spans
        if isinstance(s.picture, Blend)
    }
    ordered = sorted(windows)
    assert all(a[1] <= b[0] for a, b in itertools.pairwise(ordered))
    for span in planned.spans:
        for shot in span.shots():
            assert shot.first_frame <= span.start_frame < span.end_frame_exclusive <= shot.end_frame_exclusive


def test_planning_is_exact_at_any_rate():
    line = timeline([clip(0, 90)]).model_copy(update={"rate": Rate(num=30000, den=1001)})
    assert plan(line).frames == 90 and line.duration == Fraction(90 * 1001, 30000)
    assert plan(line).spans[0].kind is SpanKind.STATIC
