"""H.264's bits: numbers, escapes, parameter sets and slices, read and written anew."""

import contextlib

import av
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.h264 import HEIGHT, MAKES, WIDTH, write_h264
from workers.media.h264.avcc import read_record, record
from workers.media.h264.bits import BitReader, Bits, escaped, unescaped
from workers.media.h264.sets import HIGH, Limits, read_pps, read_sps
from workers.media.h264.slices import pps_number, renumbered
from workers.media.h264.units import (
    IDR_SLICE,
    SEI,
    SLICE,
    SPS,
    BadUnits,
    is_idr,
    needed,
    packed,
    unit_type,
    units_of,
)

LIMITS = Limits(level=40, reorder=3, held=5)


@given(st.lists(st.integers(0, 2**31), max_size=20))
def test_numbers_of_varying_length_come_back(numbers):
    bits = Bits()
    for number in numbers:
        bits.ue(number)
    reader = BitReader(bits.ended())
    assert [reader.ue() for _ in numbers] == numbers
    assert reader.at == reader.payload_end()


def test_signed_numbers_are_counted_outwards_from_zero():
    bits = Bits().ue(0).ue(1).ue(2).ue(3).ue(4)
    reader = BitReader(bits.ended())
    assert [reader.se() for _ in range(5)] == [0, 1, -1, 2, -2]


@given(st.lists(st.sampled_from([0, 0, 0, 1, 2, 3, 4, 255]), max_size=60).map(bytes))
def test_no_start_code_is_left_in_what_is_escaped(payload):
    payload += b"\x80"  # every unit ends in a set bit
    unit = escaped(payload)
    assert not any(code in unit for code in (b"\0\0\0", b"\0\0\1", b"\0\0\2"))
    assert unescaped(unit) == payload


@pytest.fixture(scope="module")
def clips(tmp_path_factory):
    folder = tmp_path_factory.mktemp("clips")
    return {make: write_h264(folder / f"{make}.mp4", 24, params) for make, params in MAKES.items()}


def packets_of(path):
    with av.open(str(path)) as container:
        found = read_record(container.streams.video[0].codec_context.extradata)
        return found, [bytes(packet) for packet in container.demux(video=0) if packet.size]


def pictures(path):
    with av.open(str(path)) as container:
        container.streams.video[0].codec_context.options = {"err_detect": "explode"}
        return [frame.to_ndarray().tobytes() for frame in container.decode(video=0)]


@pytest.mark.slow
@pytest.mark.parametrize("make", MAKES)
def test_parameter_sets_are_read_and_say_a_films_colours_when_written_anew(clips, make):
    found, _ = packets_of(clips[make])
    sps, pps = read_sps(found.sps[0]), read_pps(found.pps[0])
    assert (sps.width, sps.height, sps.is_progressive, sps.is_420_8bit) == (WIDTH, HEIGHT, True, True)
    assert (pps.is_grouped, pps.is_redundant) == (False, False)
    again = read_sps(sps.written(7, LIMITS))
    assert (again.number, again.width, again.height, again.order) == (7, WIDTH, HEIGHT, sps.order)
    assert (again.head, again.stated, again.limits(0)) == (bytes([HIGH, 0, 40]), (3, 5), LIMITS)
    assert again.written(0, LIMITS) == sps.written(0, LIMITS)
    moved = read_pps(pps.written(200, 7))
    assert (moved.number, moved.sps, moved.is_arithmetic) == (200, 7, make != "cavlc")


@pytest.mark.slow
@pytest.mark.parametrize("make", MAKES)
@pytest.mark.parametrize("number", [0, 3, 200])
def test_slices_under_another_number_show_the_same_pictures(clips, tmp_path, make, number):
    """The number takes 1, 5 or 15 bits, so that all that follows moves by any part of a byte."""
    found, packets = packets_of(clips[make])
    sps, pps = read_sps(found.sps[0]), read_pps(found.pps[0])

    def moved(unit):
        return unit if unit_type(unit) == SEI else renumbered(unit, pps, sps, number)

    with av.open(str(clips[make])) as source, av.open(str(tmp_path / "out.mp4"), "w") as out:
        stream = out.add_stream_from_template(source.streams.video[0])
        stream.codec_context.extradata = record([sps.written(9, LIMITS)], [pps.written(number, 9)])
        for packet, data in zip(source.demux(video=0), packets, strict=False):
            units = [moved(unit) for unit in needed(units_of(data, found.length_bytes), is_key=True)]
            assert {pps_number(unit) for unit in units if unit_type(unit) != SEI} == {number}
            copied = av.Packet(packed(units))
            copied.pts, copied.dts, copied.time_base = packet.pts, packet.dts, packet.time_base
            copied.stream, copied.is_keyframe = stream, packet.is_keyframe
            out.mux(copied)
    assert pictures(tmp_path / "out.mp4") == pictures(clips[make])
    with av.open(str(tmp_path / "out.mp4")) as out:
        context = out.streams.video[0].codec_context
        assert (context.colorspace, context.color_primaries, context.color_trc, context.color_range) == (
            1,
            1,
            1,
            1,
        )


@pytest.mark.slow
def test_of_what_lies_between_slices_only_the_points_to_start_at_are_kept(clips):
    for make in ("open", "refresh", "buffers"):
        found, packets = packets_of(clips[make])
        kept = [unit for data in packets for unit in needed(units_of(data, found.length_bytes), is_key=True)]
        messages = [unit for unit in kept if unit_type(unit) == SEI]
        assert {unit_type(unit) for unit in kept} <= {SLICE, IDR_SLICE, SEI}
        assert {unit[1] for unit in messages} == (set() if make == "buffers" else {6})


@pytest.mark.slow
def test_only_true_idr_pictures_count_as_such(clips):
    found, packets = packets_of(clips["open"])
    at = [n for n, data in enumerate(packets) if is_idr(tuple(units_of(data, found.length_bytes)))]
    assert at == [0]


@pytest.mark.parametrize(
    "data", [b"", b"\0\0\0\x09\x65\x88", b"\0\0\0\0", b"\0\0\0\x01\x65\0", b"\0\0\0\x02\x65\x88\0"]
)
def test_lengths_that_do_not_fit_are_noticed(data):
    if data:
        with pytest.raises(BadUnits):
            tuple(units_of(data, 4))
    with pytest.raises(BadUnits):
        is_idr(())


@pytest.mark.parametrize("types", [(2, 3), (1, 5), (9,), (7, 8)])
def test_what_is_no_whole_picture_is_refused(types):
    with pytest.raises(BadUnits):
        is_idr([bytes([3 << 5 | kind, 0x80]) for kind in types])


def test_a_film_has_no_more_sets_than_its_record_can_hold():
    sps = bytes([3 << 5 | SPS, 100, 0, 31, 0x80])
    assert len(record([sps] * 31, [b"\x68\x80"] * 255)) > 31 * 7
    with pytest.raises(BadUnits):
        record([sps] * 32, [b"\x68\x80"])


def test_a_record_says_what_its_sets_say():
    sps = bytes([0x67, HIGH, 0, 40, 0x80])
    data = record([sps, sps], [b"\x68\x80"])
    assert tuple(data[:4]) == (1, HIGH, 0, 40)
    assert read_record(data).sps == (sps, sps)


def test_what_is_enough_for_two_streams_is_the_more_of_each():
    assert Limits(31, 2, 4).both(Limits(40, 0, 3)) == Limits(40, 2, 4)


@given(st.binary(max_size=80))
@settings(max_examples=200)
def test_garbage_is_refused_by_a_value_error_and_nothing_else(data):
    for read in (read_sps, read_pps, read_record, pps_number, lambda d: tuple(units_of(d, 4))):
        with contextlib.suppress(ValueError):
            read(data)


@given(st.binary(min_size=1, max_size=80))
@settings(max_examples=200)
def test_a_broken_slice_is_refused_by_a_value_error_and_nothing_else(data):
    sps = read_sps(bytes.fromhex("6764000dacd941416440") + b"\x80" * 8)
    pps = read_pps(bytes.fromhex("68ebe3cb22c0"))
    with contextlib.suppress(ValueError):
        renumbered(b"\x41" + data, pps, sps, 5)
