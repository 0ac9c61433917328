"""Parameter sets of several clips in one film: whose number stays, whose changes, and which one is left."""

from dataclasses import replace

import pytest

from workers.cpu_render.smart_cut.numbers import numbered
from workers.media.coding import Coding, Unfit
from workers.media.h264.avcc import Record
from workers.media.h264.bits import Bits
from workers.media.h264.sets import read_pps, read_sps

SPS = read_sps(bytes.fromhex("6764000dacd941416440") + b"\x80" * 8)
PPS = read_pps(bytes.fromhex("68ebe3cb22c0"))


def coding(*numbers, encoder=0, sps=0):
    """A clip with picture parameter sets of these numbers; what else its encoder says is a number."""
    own = replace(SPS, number=sps, body=Bits(encoder, 8))
    pps = tuple(replace(PPS, number=number, sps=sps) for number in numbers)
    return Coding(is_plain=True, record=Record((), (), 4), sps=own, pps=pps)


def given(**clips):
    return numbered(clips)


def test_a_clip_alone_keeps_its_numbers_and_leaves_the_next_to_the_encoder():
    numbers = given(one=coding(0))
    assert (numbers.pps_of, numbers.free) == ({"one": {0: 0}}, 1)
    assert list(numbers.sps) == list(numbers.pps) == [0]


def test_clips_of_one_encoder_share_their_sets():
    numbers = given(one=coding(0), two=coding(0))
    assert (len(numbers.sps), len(numbers.pps)) == (1, 1)
    assert numbers.pps_of == {"one": {0: 0}, "two": {0: 0}}


def test_clips_of_different_encoders_get_numbers_of_their_own():
    numbers = given(one=coding(0), two=coding(0, encoder=2), three=coding(5, encoder=3, sps=3))
    assert numbers.pps_of == {"one": {0: 0}, "two": {0: 1}, "three": {5: 5}}
    assert [(number, own.body.value) for number, own in numbers.sps.items()] == [(0, 0), (1, 2), (3, 3)]
    pps = {number: read_pps(unit) for number, unit in numbers.pps.items()}
    assert [(number, own.number, own.sps) for number, own in pps.items()] == [(0, 0, 0), (1, 1, 1), (5, 5, 3)]
    assert numbers.free == 2


def test_several_sets_of_one_clip_are_moved_out_of_the_way_one_by_one():
    numbers = given(one=coding(0, 1), two=coding(0, 1, encoder=2))
    assert numbers.pps_of["two"] == {0: 1, 1: 1}  # alike but for the number: one is enough


def test_when_numbers_run_out_nothing_is_copied():
    with pytest.raises(Unfit, match="too many"):
        given(**{f"clip-{n}": coding(0, encoder=n) for n in range(33)})
