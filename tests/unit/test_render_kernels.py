"""Compiled kernels equal their plain-numpy reference byte for byte, and refuse what they would misread."""

import numpy as np
import pytest

from workers.cpu_render import kernels, kernels_reference

RANDOM = np.random.default_rng(5)


def noise(*shape):
    return RANDOM.integers(0, 256, shape, dtype=np.uint8)


def padded(height, width):
    """A plane whose rows lie further apart than they are wide, as decoders make them."""
    return noise(height, width + 24)[:, :width]


def on_its_side(wide, tall):
    """A picture as `resample` takes it: each row has pixels behind its last."""
    return noise(wide, -(-tall // 8) * 8)[:, :tall]


@pytest.mark.parametrize(
    ("wide", "tall", "height", "width"),
    [
        (2, 2, 1, 1),
        (9, 13, 5, 3),
        (16, 16, 90, 70),
        (200, 203, 190, 101),
        (64, 1003, 33, 17),
        (616, 1096, 960, 540),
    ],
)
@pytest.mark.parametrize(
    ("start", "share"), [(0, 1), (0.03, 0.93), (0.4, 0.2), (-0.4, 1.8), (-1, 3), (0.9, -0.8)]
)
def test_a_view_is_resampled_as_the_reference_does(wide, tall, height, width, start, share):
    source, out, expected = on_its_side(wide, tall), padded(height, width), noise(height, width)
    columns, rows = kernels.sampling(wide, width, start, share), kernels.sampling(tall, height, start, share)
    kernels.resample(source, out, columns, rows)
    kernels_reference.resample(source, expected, columns, rows)
    np.testing.assert_array_equal(out, expected)


def test_the_whole_of_a_picture_at_its_own_size_is_the_picture():
    source, out = on_its_side(120, 90), noise(90, 120)
    kernels.resample(source, out, kernels.sampling(120, 120, 0, 1), kernels.sampling(90, 90, 0, 1))
    np.testing.assert_array_equal(out, source.T)


@pytest.mark.parametrize(("height", "width"), [(8, 8), (1, 1), (37, 53), (90, 160), (203, 9), (272, 552)])
@pytest.mark.parametrize("make", [noise, padded])
def test_transposing_moves_every_byte(height, width, make):
    source, out = make(height, width), np.zeros((-(-width // 8) * 8, -(-height // 8) * 8), np.uint8)
    kernels.transpose(source, out)
    np.testing.assert_array_equal(out[:width, :height], source.T)


@pytest.mark.parametrize("weights", [(128, 0), (0, 128), (64, 64), (1, 127), (30, 40), (0, 0)])
@pytest.mark.parametrize("ground", [16, 128])
def test_mixing_equals_the_reference_at_every_weight(weights, ground):
    before, after, out, expected = padded(31, 47), padded(31, 47), padded(31, 47), noise(31, 47)
    kernels.mix(before, after, out, *weights, ground)
    kernels_reference.mix(before, after, expected, *weights, ground)
    np.testing.assert_array_equal(out, expected)


def test_mixing_with_all_the_weight_on_one_side_changes_nothing():
    before, after, out = noise(16, 16), noise(16, 16), noise(16, 16)
    kernels.mix(before, after, out, 0, 128, 16)
    np.testing.assert_array_equal(out, after)


SHAPES = pytest.mark.parametrize(("height", "width"), [(2, 2), (8, 8), (37, 53), (90, 160), (160, 90)])


def whole(low, high, *shape):
    return RANDOM.integers(low, high, shape, dtype=np.int32)


@SHAPES
def test_revealing_equals_the_reference_wherever_the_edge_is(height, width):
    before, after, out, expected = (padded(height, width) for _ in range(4))
    fields = [whole(-4000, 4000, side) for side in (width, height, width, height)]
    kernels.reveal(before, after, out, *fields)
    kernels_reference.reveal(before, after, expected, *fields)
    np.testing.assert_array_equal(out, expected)


def test_revealing_takes_the_longest_fields_without_wrapping_round():
    before, after, out = noise(4, 6), noise(4, 6), noise(4, 6)
    for far, shown in ((-(1 << 29), before), (1 << 29, after)):
        fields = [np.full(side, far, np.int32) for side in (6, 4, 6, 4)]
        kernels.reveal(before, after, out, *fields)
        np.testing.assert_array_equal(out, shown)


@SHAPES
@pytest.mark.parametrize("colour", [80, 235])
def test_glowing_equals_the_reference_beyond_full_strength_too(height, width, colour):
    out = padded(height, width)
    expected = out.copy()
    lights = whole(0, 4097, 3, width), whole(0, 4097, 3, height)
    kernels.glow(out, *lights, colour)
    kernels_reference.glow(expected, *lights, colour)
    np.testing.assert_array_equal(out, expected)


@SHAPES
@pytest.mark.parametrize("length", [256, 257, 1000, 2])
@pytest.mark.parametrize("along", [0.0, 0.013, 0.5, 0.77, 1.0])
def test_panning_equals_the_mean_over_each_span(height, width, length, along):
    before, after, out, expected = (padded(height, width) for _ in range(4))
    length = min(max(length, 256), 256 * width)
    sums = np.zeros(2 * width + 2, np.int64)
    kernels.pan(before, after, out, sums, round(along * width * 256), length)
    kernels_reference.pan(before, after, expected, sums, round(along * width * 256), length)
    np.testing.assert_array_equal(out, expected)


@SHAPES
@pytest.mark.parametrize(("light", "ground"), [(128, 16), (70, 16), (70, 128)])
def test_turning_equals_the_reference_at_every_slope(height, width, light, ground):
    source, out = padded(height, width), padded(height, width)
    expected = out.copy()
    index, parts = whole(0, width - 1, width), [whole(0, 129, width) for _ in range(2)]
    scale = whole(30_000, 150_000, width)
    kernels.turn(source, out, index, *parts, scale, light, ground)
    kernels_reference.turn(source, expected, index, *parts, scale, light, ground)
    np.testing.assert_array_equal(out, expected)


def test_turning_at_the_largest_size_does_not_wrap_round():
    source, out = np.full((8192, 2), 90, np.uint8), np.zeros((8192, 2), np.uint8)
    flat = np.zeros(2, np.int32), np.zeros(2, np.int32), np.full(2, 128, np.int32)
    kernels.turn(source, out, *flat, np.full(2, 100_000, np.int32), 128, 16)
    shown = np.flatnonzero(out[:, 0] == 90)
    assert (shown[0], shown[-1]) == (8191 - shown[-1], 8191 - shown[0])
    assert len(shown) == pytest.approx(8192 * 65_536 / 100_000, abs=3)


@pytest.mark.parametrize("opacity", [0, 1, 100, 256])
def test_laying_over_equals_the_reference(opacity):
    alpha = RANDOM.integers(0, 257, (33, 21)).astype(np.uint16)
    premultiplied = (alpha.astype(np.int64) * RANDOM.integers(0, 256, alpha.shape)).astype(np.uint16)
    out = padded(33, 21)
    expected = out.copy()
    kernels.lay_over(out, alpha, premultiplied, opacity)
    kernels_reference.lay_over(expected, alpha, premultiplied, opacity)
    np.testing.assert_array_equal(out, expected)


def test_what_is_opaque_replaces_and_what_is_clear_leaves_alone():
    ground = noise(4, 4)
    out = ground.copy()
    full = np.full((4, 4), 256, np.uint16)
    kernels.lay_over(out, full, np.full((4, 4), 200 * 256, np.uint16), 256)
    assert (out == 200).all()
    out = ground.copy()
    kernels.lay_over(out, full, np.full((4, 4), 200 * 256, np.uint16), 0)
    np.testing.assert_array_equal(out, ground)


@pytest.mark.parametrize(
    "change",
    [
        {"out": noise(4, 8).astype(np.uint16)},
        {"out": noise(4, 16)[:, ::2]},
        {"alpha": np.zeros((4, 8), np.int32)},
        {"alpha": np.zeros((4, 16), np.uint16)[:, ::2]},
        {"premultiplied": np.zeros((8, 4), np.uint16).T},
    ],
)
def test_what_a_kernel_would_misread_is_refused(change):
    given = {"out": noise(4, 8), "alpha": np.zeros((4, 8), np.uint16), "opacity": 256}
    given["premultiplied"] = given["alpha"]
    kernels.lay_over(**given)
    with pytest.raises(TypeError):
        kernels.lay_over(**{**given, **change})


def test_a_picture_on_its_side_has_pixels_behind_its_last_row():
    whole = kernels.sampling(12, 12, 0, 1)
    kernels.resample(noise(12, 16)[:, :12], noise(12, 12), whole, whole)
    with pytest.raises(TypeError, match="nothing behind"):
        kernels.resample(noise(12, 12), noise(12, 12), whole, whole)


def test_nothing_is_drawn_on_what_cannot_be_written():
    out = noise(4, 8)
    out.flags.writeable = False
    with pytest.raises(TypeError):
        kernels.mix(noise(4, 8), noise(4, 8), out, 64, 64, 16)
