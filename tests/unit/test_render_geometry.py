"""Where pictures go in frames of another shape, and how the camera moves over them."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from farm.timeline import Fit
from workers.cpu_render.geometry import covering_crop, place
from workers.cpu_render.motion import Move


@pytest.mark.parametrize(
    ("width", "height", "backdrop"),
    [
        (1080, 1920, False),  # the same shape
        (3000, 4000, False),  # an upright photo loses a quarter
        (2000, 3000, False),
        (1000, 1000, True),  # a square would lose more than a third
        (4000, 3000, True),
        (1920, 1080, True),
        (100, 1000, True),  # and so would a tall strip
    ],
)
def test_auto_fills_the_frame_while_at_most_a_third_is_lost(width, height, backdrop):
    assert place(width, height, 1080, 1920, Fit.AUTO).backdrop is backdrop


def test_a_contained_picture_keeps_its_shape_and_stands_in_the_middle():
    placed = place(1600, 1200, 1080, 1920, Fit.CONTAIN)
    assert (placed.width, placed.height, placed.x, placed.y) == (1080, 810, 0, 554)
    assert placed.crop.width == 1600 and placed.crop.height == 1200


def test_covering_takes_the_middle():
    crop = covering_crop(4000, 3000, 1080, 1920)
    assert (crop.width, crop.height) == (1688, 3000)
    assert crop.x == (4000 - 1688) // 2 and crop.y == 0


@given(
    st.integers(1, 9000),
    st.integers(1, 9000),
    st.integers(8, 2000),
    st.integers(8, 2000),
    st.sampled_from(Fit),
)
def test_any_picture_fits_any_frame_on_even_pixels(source_width, source_height, width, height, fit):
    width, height = width * 2, height * 2
    placed = place(source_width, source_height, width, height, fit)
    assert placed.x >= 0 and placed.x + placed.width <= width
    assert placed.y >= 0 and placed.y + placed.height <= height
    assert all(value % 2 == 0 for value in (placed.x, placed.y, placed.width, placed.height))
    crop = placed.crop
    assert crop.x >= 0 and crop.x + crop.width <= source_width
    assert crop.y >= 0 and crop.y + crop.height <= source_height
    assert placed.backdrop is ((placed.width, placed.height) != (width, height))


@given(st.integers(0, 50), st.integers(1, 400), st.floats(0.1, 60))
def test_the_camera_never_leaves_the_picture(index, frames, seconds):
    move = Move.ken_burns(index, frames, seconds)
    for frame in (0, frames // 2, frames - 1):
        view = move.view(frame)
        assert view.left >= 0 and view.left + view.size <= 1 + 1e-9
        assert view.top >= 0 and view.top + view.size <= 1 + 1e-9


def test_neighbours_move_differently_and_without_a_jerk():
    first, second, third = (Move.ken_burns(index, 105, 3.0) for index in range(3))
    assert first.view(0).size == 1 and first.view(104).size < 0.9
    assert second.view(0).size < 0.9 and second.view(104).size == 1
    assert third.inward and third.towards != first.towards
    steps = [first.view(frame + 1).size - first.view(frame).size for frame in range(104)]
    assert all(step < 0 for step in steps)  # never back, never still
    assert max(abs(b - a) for a, b in itertools.pairwise(steps)) < 5e-5
