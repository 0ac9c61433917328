"""Transitions: one file each, found by name, none changing what it is given."""

import numpy as np
import pytest

from farm.errors import BadRequest
from workers.cpu_render.transitions import transition_named, transitions
from workers.media.planes import Planes

RANDOM = np.random.default_rng(3)


def noise():
    planes = Planes.blank(48, 32)
    for plane in planes:
        plane[:] = RANDOM.integers(16, 236, plane.shape)
    return planes


def copies(planes):
    return [plane.copy() for plane in planes]


def blended(name, before, after, progress):
    out = noise()
    transition_named(name).blend(before, after, progress, out)
    return out


@pytest.mark.parametrize("name", ["none", "crossfade", "fade", "ken-burns"])
def test_d_108_to_d_114_the_seed_names_are_there(name):
    assert transition_named(name).name == name


def test_an_unknown_transition_is_refused_naming_the_known_ones():
    with pytest.raises(BadRequest, match="crossfade, fade, ken-burns, none"):
        transition_named("star-wipe")


@pytest.mark.parametrize("name", sorted(transitions()))
@pytest.mark.parametrize("progress", [0.01, 0.25, 0.5, 0.75, 0.99])
def test_every_transition_draws_all_of_out_and_nothing_else(name, progress):
    before, after = noise(), noise()
    kept = copies(before), copies(after)
    first, second = blended(name, before, after, progress), blended(name, before, after, progress)
    for one, other in zip(first, second, strict=True):
        np.testing.assert_array_equal(one, other)  # nothing is left of what `out` held before
    for planes, copied in zip((before, after), kept, strict=True):
        for plane, copy in zip(planes, copied, strict=True):
            np.testing.assert_array_equal(plane, copy)


@pytest.mark.parametrize("name", sorted(transitions()))
def test_every_transition_starts_near_one_picture_and_ends_near_the_other(name):
    before, after = noise(), noise()
    for progress, nearest in ((1 / 64, before), (63 / 64, after)):
        out = blended(name, before, after, progress)
        assert np.abs(out.y.astype(int) - nearest.y).mean() < 6


def test_a_crossfade_keeps_the_light_and_a_fade_goes_through_the_dark():
    grey = Planes.blank(48, 32)
    grey.y.fill(180)
    assert (blended("crossfade", grey, grey, 0.5).y == 180).all()
    dip = blended("fade", grey, grey, 0.5)
    assert 60 < dip.y.mean() < 120
    assert (dip.u == 128).all()
