"""Where a long film is cut into segments."""

from itertools import pairwise

import pytest
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
from workers.cpu_render.plan import Blend, plan
from workers.cpu_render.segments.cutting import cut
from workers.cpu_render.segments.part import part_of

FADE = Transition(type="crossfade", before_frames=7, after_frames=8)


def film(
    *lengths: int, fades: bool = False, moves: bool = True, texts: tuple[TextClip, ...] = ()
) -> Timeline:
    """Photos one after the other, each for so many frames."""
    clips, at = list[VideoClip](), 0
    for number, frames in enumerate(lengths):
        clips.append(
            VideoClip(
                media=f"{number % 3}.jpg",
                start_frame=at,
                end_frame_exclusive=at + frames,
                motion=Motion.KEN_BURNS if moves else Motion.NONE,
                transition=FADE if fades and number else None,
            )
        )
        at += frames
    return Timeline(
        name="film",
        rate=Rate(num=30),
        width=320,
        height=180,
        media=tuple(Media(id=f"{n}.jpg", kind=MediaKind.IMAGE, name=f"{n}.jpg") for n in range(3)),
        video=(VideoTrack(clips=tuple(clips)),),
        text=(TextTrack(clips=texts),),
    )


def starts(timeline: Timeline, length: float, most: int = 100, every: int = 1) -> list[int]:
    return [segment.start_frame for segment in cut(plan(timeline), length, most, every)]


def test_a_film_is_cut_where_one_picture_gives_way_to_another() -> None:
    assert starts(film(90, 90, 90, 90, 90, 90), 200) == [0, 180, 360]


def test_a_transition_is_never_cut_through() -> None:
    timeline = film(*[90] * 20, fades=True)
    for length in range(100, 700, 37):
        for start in starts(timeline, length)[1:]:
            blends = [s for s in plan(timeline).spans if isinstance(s.picture, Blend)]
            assert not any(span.start_frame < start < span.end_frame_exclusive for span in blends)


def test_one_long_picture_is_cut_all_the_same() -> None:
    assert starts(film(900), 300) == [0, 300, 600]


def test_what_stands_still_costs_less_and_so_makes_longer_segments() -> None:
    moving, still = (len(starts(film(*[90] * 40, moves=moves), 300)) for moves in (True, False))
    assert still < moving / 2


def test_a_short_film_is_one_segment() -> None:
    assert starts(film(90, 90), 200) == [0]


def test_the_segments_are_about_as_many_as_may_be_at_most() -> None:
    assert len(starts(film(*[90] * 100), 90, most=8)) in (7, 8, 9)


def test_starts_fall_on_frames_that_are_written() -> None:
    assert all(start % 4 == 0 for start in starts(film(*[91] * 20), 200, every=4))


def test_words_move_no_cut() -> None:
    lengths = [90] * 20
    text = TextClip(text="Hi", start_frame=100, end_frame_exclusive=1200, template="title")
    assert starts(film(*lengths), 200) == starts(film(*lengths, texts=(text,)), 200)


@settings(deadline=None)
@given(
    lengths=st.lists(st.integers(1, 300), min_size=10, max_size=30),
    length=st.integers(10, 1000).map(lambda halves: halves / 2),
    most=st.integers(2, 100),
    fades=st.booleans(),
    moves=st.booleans(),
    words=st.lists(st.tuples(st.integers(0, 2000), st.integers(1, 600)), min_size=1, max_size=5),
)
def test_words_move_no_cut_wherever_they_stand(
    lengths: list[int], length: float, most: int, fades: bool, moves: bool, words: list[tuple[int, int]]
) -> None:
    """Not by a single frame, which would render everything behind it anew."""
    end = sum(lengths)
    texts = tuple(
        TextClip(text="Hi", start_frame=at, end_frame_exclusive=min(at + frames, end), template="title")
        for at, frames in words
        if at < end
    )
    bare, written = (film(*lengths, fades=fades, moves=moves, texts=each) for each in ((), texts))
    assert starts(bare, length, most) == starts(written, length, most)


def test_a_picture_at_the_end_leaves_the_segments_before_it() -> None:
    before, after = starts(film(*[90] * 20), 250), starts(film(*[90] * 21), 250)
    assert after[: len(before) - 1] == before[:-1]


def test_so_it_does_in_a_film_of_too_many_segments() -> None:
    """Longer segments are longer by steps, so that not every frame more moves every cut."""
    photos = [90] * 150
    before, after = (starts(film(*some, fades=True), 100, most=32) for some in (photos, [*photos, 90]))
    assert len(before) < 36 and after[: len(before) - 1] == before[:-1]


@settings(deadline=None)
@given(
    lengths=st.lists(st.integers(1, 300), min_size=1, max_size=30),
    length=st.floats(5, 2000),
    fades=st.booleans(),
    every=st.integers(1, 3),
)
def test_segments_cover_the_film_without_a_gap(
    lengths: list[int], length: float, fades: bool, every: int
) -> None:
    timeline = film(*lengths, fades=fades)
    segments = cut(plan(timeline), length, 64, every)
    edges = [(segment.start_frame, segment.end_frame_exclusive) for segment in segments]
    assert edges[0][0] == 0 and edges[-1][1] == timeline.end_frame_exclusive
    assert all(before[1] == after[0] for before, after in pairwise(edges))
    assert all(start < end for start, end in edges)
    assert sum(s.cost for s in segments) == pytest.approx(cut(plan(timeline), 1e9, 1)[0].cost)


def test_a_part_says_the_same_wherever_it_stands() -> None:
    """24 clips on, the camera moves as it did, over the same pictures."""
    timeline = film(*[90] * 48, fades=True)
    early, late = (part_of(timeline, at, at + 180) for at in (7 * 90, 31 * 90))
    assert early == late
    assert early != part_of(timeline, 8 * 90, 10 * 90)


def test_a_part_travels_as_json() -> None:
    part = part_of(film(90, 90, 90, fades=True), 60, 200)
    assert type(part).model_validate_json(part.model_dump_json()) == part
