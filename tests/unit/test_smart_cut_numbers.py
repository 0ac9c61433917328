"""Parameter sets of several clips in one film: whose number stays, whose changes, and which one is left."""

import pytest

from workers.cpu_render.smart_cut.numbers import numbered
from workers.media.coding import Coding, Unfit
from workers.media.h264.avcc import Record
from workers.media.h264.sets import read_pps, read_sps

SPS = read_sps(bytes.fromhex("6764000dacd941416440") + b"\x80" * 8)
PPS = read_pps(bytes.fromhex("68ebe3cb22c0"))


def coding(*numbers, level=31, sps=0):
    """A clip with picture parameter sets of these numbers; clips of one level are of one encoder."""
    own = SPS.written(sps, 2)
    own = read_sps(own[:3] + bytes([level]) + own[4:])
    pps = tuple(read_pps(PPS.written(number, sps)) for number in numbers)
    return Coding(is_plain=True, record=Record((), (), 4), sps=own, pps=pps)


def given(**clips):
    return numbered(clips, dict.fromkeys(clips, 2))


def test_a_clip_alone_keeps_its_numbers_and_leaves_the_next_to_the_encoder():
    numbers = given(one=coding(0))
    assert (numbers.pps_of, numbers.free) == ({"one": {0: 0}}, 1)
    assert [read_sps(unit).number for unit in numbers.sps] == [0]


def test_clips_of_one_encoder_share_their_sets():
    numbers = given(one=coding(0), two=coding(0))
    assert (len(numbers.sps), len(numbers.pps)) == (1, 1)
    assert numbers.pps_of == {"one": {0: 0}, "two": {0: 0}}


def test_clips_of_different_encoders_get_numbers_of_their_own():
    numbers = given(one=coding(0), two=coding(0, level=40), three=coding(5, level=42, sps=3))
    assert numbers.pps_of == {"one": {0: 0}, "two": {0: 1}, "three": {5: 5}}
    assert [(read_sps(unit).number, read_sps(unit).head[2]) for unit in numbers.sps] == [
        (0, 31),
        (1, 40),
        (3, 42),
    ]
    assert [(read_pps(unit).number, read_pps(unit).sps) for unit in numbers.pps] == [(0, 0), (1, 1), (5, 3)]
    assert numbers.free == 2


def test_the_order_of_moved_pictures_is_part_of_a_set_where_only_the_film_says_it():
    """Two clips that say nothing of it, one with B-pictures: no decoder may have to guess."""
    silent = {"one": coding(0), "two": coding(0)}
    assert all(clip.sps.reordering is not None for clip in silent.values())
    bare = {name: Coding(True, clip.record, _silent(clip.sps), clip.pps) for name, clip in silent.items()}
    numbers = numbered(bare, {"one": 0, "two": 2})
    assert len(numbers.sps) == 2 and numbers.sps[0] != numbers.sps[1]


def _silent(sps):
    fields = {name: getattr(sps, name) for name in sps.__slots__} | {"reordering": None}
    return type(sps)(**fields)


def test_when_numbers_run_out_nothing_is_copied():
    with pytest.raises(Unfit, match="too many"):
        given(**{f"clip-{level}": coding(0, level=level) for level in range(10, 43)})
