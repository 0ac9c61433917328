"""Transitions: one file each, found by name, smooth, and none changing what it is given."""

import math
from itertools import pairwise
from typing import get_args

import numpy as np
import pytest

from farm.errors import BadRequest
from farm.timeline import Fit
from tasks.media_render.params import TransitionType
from tests.media import real_photo
from workers.cpu_render import kernels_reference
from workers.cpu_render.layers import Fitter
from workers.cpu_render.transitions import (
    contract,
    field,
    flip,
    lens,
    light_leak,
    slide,
    transition_named,
    transitions,
)
from workers.cpu_render.transitions.contract import eased
from workers.media.planes import BLACK, Planes
from workers.media.stills import open_still

RANDOM = np.random.default_rng(3)
NAMES = sorted(transitions())
# 16:9, 9:16, 1:1, sizes whose chroma planes are odd, and the smallest a timeline may have.
SIZES = [(160, 90), (90, 160), (96, 96), (46, 34), (16, 16)]
STEPS = [n / 64 for n in range(65)]
every_transition = pytest.mark.parametrize("name", NAMES)
every_size = pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")


def noise(size=(48, 32)):
    planes = Planes.blank(*size)
    for plane in planes:
        plane[:] = RANDOM.integers(16, 236, plane.shape)
    return planes


def plain(luma, size=(160, 90)):
    planes = Planes.blank(*size)
    planes.y.fill(luma)
    return planes


def photo(name, size):
    return Fitter(*size, Fit.COVER).fit(open_still(real_photo(name)))


def copies(planes):
    return [plane.copy() for plane in planes]


def blended(name, before, after, progress):
    out = noise((before.width, before.height))
    transition_named(name).blend(before, after, progress, out)
    return out


def check_equal(planes, expected):
    for plane, wanted in zip(planes, expected, strict=True):
        np.testing.assert_array_equal(plane, wanted)


def test_d_108_to_d_120_every_name_that_may_be_asked_for_is_there():
    assert set(get_args(TransitionType)) == set(transitions())
    assert all(transition_named(name).name == name for name in get_args(TransitionType))


def test_an_unknown_transition_is_refused_naming_the_known_ones():
    with pytest.raises(BadRequest, match="clock-wipe, crossfade, dip-to-black, fade, flip, iris"):
        transition_named("star-wipe")


@every_transition
@every_size
@pytest.mark.parametrize("progress", [0.01, 0.25, 0.5, 0.75, 0.99])
def test_every_transition_draws_all_of_out_and_nothing_else(name, size, progress):
    before, after = noise(size), noise(size)
    kept = copies(before), copies(after)
    first, second = blended(name, before, after, progress), blended(name, before, after, progress)
    check_equal(first, second)  # nothing is left of what `out` held before
    check_equal(before, kept[0])
    check_equal(after, kept[1])


@every_transition
@every_size
def test_every_transition_starts_from_one_picture_and_ends_with_the_other(name, size):
    before, after = noise(size), noise(size)
    check_equal(blended(name, before, after, 0.0), before)
    check_equal(blended(name, before, after, 1.0), after)
    for progress, nearest in ((1 / 64, before), (63 / 64, after)):
        assert np.abs(blended(name, before, after, progress).y.astype(int) - nearest.y).mean() < 6


@every_transition
@every_size
@pytest.mark.parametrize("progress", [1 / 16, 7 / 16, 10 / 16])
def test_every_transition_is_what_plain_numpy_makes_of_it(name, size, progress, monkeypatch):
    before, after = noise(size), noise(size)
    compiled = blended(name, before, after, progress)
    for module, kernel in (
        (contract, "mix"),
        (field, "reveal"),
        (light_leak, "glow"),
        (slide, "pan"),
        (flip, "turn"),
        (lens, "resample"),
        (lens, "transpose"),
    ):
        monkeypatch.setattr(module, kernel, getattr(kernels_reference, kernel))
    check_equal(compiled, blended(name, before, after, progress))


@every_size
@pytest.mark.parametrize("name", [n for n in NAMES if n not in ("fade", "dip-to-black", "light-leak")])
def test_the_second_picture_takes_over_without_ever_going_back(name, size):
    light = [blended(name, plain(16, size), plain(235, size), progress).y.mean() for progress in STEPS]
    assert (light[0], light[-1]) == (16, 235)
    assert min(np.diff(light)) >= -0.01


@every_size
@pytest.mark.parametrize("name", [n for n in NAMES if n not in ("none", "dip-to-black")])
def test_no_step_of_a_transition_is_a_jump(name, size):
    before, after = photo("china", size), photo("coffee", size)
    frames = [blended(name, before, after, progress).y.astype(int) for progress in STEPS]
    whole = np.abs(frames[-1] - frames[0]).mean()
    steps = [np.abs(late - early).mean() / whole for early, late in pairwise(frames)]
    assert max(steps) < 0.3


@every_transition
def test_no_transition_flashes_white(name):
    for before, after in ((120, 120), (16, 235), (235, 16), (60, 40)):
        frames = [blended(name, plain(before), plain(after), progress) for progress in STEPS]
        brightest = max(frame.y.mean() for frame in frames)
        assert brightest <= max(before, after) + 50


@pytest.mark.parametrize("name", [n for n in NAMES if n not in ("dip-to-black", "fade")])
def test_only_a_dip_goes_dark(name):
    frames = [blended(name, plain(150), plain(150), progress) for progress in STEPS]
    assert min(frame.y.mean() for frame in frames) > 80


def test_a_crossfade_keeps_the_light_and_a_fade_goes_through_the_dark():
    grey = plain(180)
    assert (blended("crossfade", grey, grey, 0.5).y == 180).all()
    dip = blended("fade", grey, grey, 0.5)
    assert 60 < dip.y.mean() < 120
    assert (dip.u == 128).all()


def test_d_115_a_dip_is_black_at_the_cut_and_shows_one_picture_at_a_time():
    for plane, ground in zip(blended("dip-to-black", noise(), noise(), 0.5), BLACK, strict=True):
        assert (plane == ground).all()
    before, after, other = noise(), noise(), noise()
    check_equal(blended("dip-to-black", before, after, 0.4), blended("dip-to-black", before, other, 0.4))
    check_equal(blended("dip-to-black", before, after, 0.6), blended("dip-to-black", other, after, 0.6))


@every_size
def test_d_111_a_light_leak_swells_warm_and_wanders_and_never_darkens(size):
    dark = plain(40, size)
    frames = [blended("light-leak", dark, dark, progress) for progress in STEPS]
    light = [frame.y.mean() for frame in frames]
    assert 24 <= int(np.argmax(light)) <= 40
    assert 20 < max(light) - 40 < 80
    assert max(frame.y.max() for frame in frames) < 200
    assert all((frame.y >= 40).all() for frame in frames)
    assert all((frame.u <= 128).all() and (frame.v >= 128).all() for frame in frames)
    across = [np.average(np.arange(size[0]), weights=frame.y.mean(axis=0) - 39) for frame in frames[16:49]]
    assert across[-1] - across[0] > size[0] / 10


def test_a_light_leak_leaves_white_bright():
    white = plain(235)
    assert (blended("light-leak", white, white, 0.5).y == 235).all()


@every_size
def test_d_116_the_edge_of_a_slide_is_where_it_should_be_between_pixels_too(size):
    for progress in STEPS[16:49]:  # where all of the smear is in sight
        light = blended("slide", plain(16, size), plain(235, size), progress).y.astype(float)
        assert (light.mean() - 16) / 219 * size[0] == pytest.approx(eased(progress) * size[0], abs=0.02)


@pytest.mark.parametrize("size", [(640, 360), (360, 640), (480, 480)])
def test_d_117_the_edge_of_a_wipe_moves_evenly_between_pixels(size):
    fine = [0.45 + n / 2000 for n in range(200)]
    edges = [blended("wipe", plain(16, size), plain(235, size), at).y.astype(float).mean() for at in fine]
    positions = (np.array(edges) - 16) / 219 * size[0]
    assert min(np.diff(positions)) > 0
    assert np.abs(np.diff(positions, 2)).mean() < 0.02


@pytest.mark.parametrize("size", [(640, 360), (360, 640), (480, 480)])
def test_d_120_an_iris_is_round_and_grows_evenly_from_the_middle(size):
    fine = [0.30 + n / 2000 for n in range(200)]
    frames = [blended("iris", plain(16, size), plain(235, size), at).y.astype(float) for at in fine]
    radii = [math.sqrt((frame - 16).sum() / 219 / math.pi) for frame in frames]
    assert min(np.diff(radii)) > 0
    assert np.abs(np.diff(radii, 2)).mean() < 0.02
    half = frames[-1] > 125
    np.testing.assert_array_equal(half, half[::-1, ::-1])
    assert abs(half.any(axis=0).sum() - half.any(axis=1).sum()) <= 2


@pytest.mark.parametrize("size", [(640, 360), (360, 640), (480, 480)])
def test_d_119_a_clock_wipe_goes_round_from_twelve(size):
    quarter = blended("clock-wipe", plain(16, size), plain(235, size), _when(1 / 4)).y > 125
    middle_x, middle_y = size[0] // 2, size[1] // 2
    inset = min(size) // 8
    assert quarter[: middle_y - inset, middle_x + inset :].all()
    assert not quarter[middle_y + inset :].any() and not quarter[:, : middle_x - inset].any()
    most = blended("clock-wipe", plain(16, size), plain(235, size), _when(3 / 4)).y > 125
    assert most[:, middle_x + inset :].all() and most[middle_y + inset :].all()
    assert not most[: middle_y - inset, : middle_x - inset].any()


def _when(along):
    """The progress at which an eased motion has come that far."""
    return float(np.interp(along, [eased(n / 1000) for n in range(1001)], np.arange(1001) / 1000))


@every_size
@pytest.mark.parametrize("zoom", [0.6, 0.9, 1.0, 1.37, 1.9])
def test_a_lens_is_exact_between_pixels_and_mirrors_what_it_does_not_have(size, zoom):
    source = photo("coffee", size)
    for plane, seen in zip(source, lens.zoomed(source, zoom, "test"), strict=True):
        expected = plane.astype(float)
        for _ in range(2):
            mirrored = np.concatenate([expected[::-1], expected, expected[::-1]])
            length = expected.shape[0]
            at = length + length / 2 + ((np.arange(length) + 0.5) - length / 2) / zoom - 0.5
            low = np.floor(at).astype(int)
            late = (at - low)[:, None]
            expected = (mirrored[low] * (1 - late) + mirrored[low + 1] * late).T
        assert np.abs(seen - expected).max() < 2.6
        assert np.abs(seen - expected).mean() < 0.5


def test_d_112_and_d_113_zooms_grow_and_shrink_both_pictures():
    ring = plain(16, (320, 180))
    ring.y[60:120, 110:210] = 235
    shown = {
        (name, progress): (blended(name, ring, ring, progress).y > 200).sum()
        for name in ("zoom-in", "zoom-out")
        for progress in (0.25, 0.75)
    }
    assert shown["zoom-in", 0.25] > 6000 > shown["zoom-in", 0.75]
    assert shown["zoom-out", 0.25] < 6000 < shown["zoom-out", 0.75]


@every_size
def test_d_118_a_flip_shows_one_narrowing_card_in_one_piece(size, monkeypatch):
    monkeypatch.setattr(flip, "blurred", lambda *pictures: pictures[-1].copy_from(plain(16, size)))
    card, nothing = plain(235, size), plain(16, size)
    steps = [progress / 8 for progress in STEPS] + [0.47 + n / 4000 for n in range(120)]
    lit = [
        blended("flip", card, nothing, p).y[size[1] // 2].astype(float) - 16 for p in sorted(steps) if p < 0.5
    ]
    assert all(np.flatnonzero(np.diff(row > 40)).size <= 2 for row in lit)
    widths = [row.sum() / max(1, row.max()) for row in lit]
    assert widths[0] == size[0] and widths[-1] < 2
    assert max(np.diff(widths)) < 0.5


def test_d_118_a_flip_shows_one_side_at_a_time_and_the_card_on_edge_at_the_cut():
    before, after = plain(235), plain(16)
    widths = [(blended("flip", before, after, progress).y.max(axis=0) > 190).sum() for progress in STEPS[:33]]
    assert widths[0] == 160 and widths[-1] == 0
    assert all(late <= early for early, late in pairwise(widths))


@pytest.mark.parametrize("shorter", [*range(16, 136, 2), 240, 540, 720, 1080])
def test_d_118_a_flip_is_drawn_in_frames_of_any_size(shorter):
    """Also of 112 to 126 pixels, as a preview of a film of 240 lines has."""
    before, after = plain(235, (shorter, shorter + 20)), plain(16, (shorter, shorter + 20))
    halfway = blended("flip", before, after, 0.5)
    assert 60 < halfway.y[:, 0].mean() < 110  # the dim mixture beside the card
