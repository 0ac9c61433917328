"""How a clip is coded, found out without decoding more of it than one picture: for taking its packets over.

What is read here are numbers; whether a film may have the packets is decided elsewhere.
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from math import floor
from pathlib import Path

from av.container import InputContainer
from av.packet import Packet
from av.stream import Stream
from av.video.stream import VideoStream

from farm.errors import AssetUnreadable
from workers.media.colour import is_composable
from workers.media.decode import packets, video_frames
from workers.media.h264.avcc import Record, is_record, read_record
from workers.media.h264.sets import Pps, Sps, read_pps, read_sps
from workers.media.h264.slices import is_intra
from workers.media.h264.units import PPS, SPS, is_idr, slices_of, unit_type, units_of
from workers.media.open import open_media, origin, picture_stream
from workers.media.tags import ColourTags
from workers.media.upright import Orientation, from_display_matrix

# Seconds that are read around a part: an index may know decoding times only.
_AROUND_S = 2


class Unfit(Exception):
    """The packets of a clip cannot be taken over. The message says why, of the clip: "it …", "its …"."""


@dataclass(frozen=True, slots=True)
class Coding:
    """What holds for all of a clip.

    `is_plain`: its pictures need no turning, squaring or converting to be what films are made of, and are
    as large as the stream states.
    """

    is_plain: bool
    record: Record
    sps: Sps
    pps: tuple[Pps, ...]


@dataclass(frozen=True, slots=True)
class Footage:
    """The packets of a part of a clip, by index in the order of decoding.

    `pts` counts in `time_base` from the clip's first shown picture. Decoding may begin at those in `idr`
    with nothing that came before; players may seek to those in `keys`; those in `hidden` are never shown.
    `rate` is the clip's own, nominally. `size_bytes` is of all packets together.
    """

    time_base: Fraction
    rate: Fraction
    pts: tuple[int, ...]
    idr: frozenset[int]
    keys: frozenset[int]
    hidden: frozenset[int]
    size_bytes: int

    @property
    def bits_per_s(self) -> float:
        """How much data a second of it has, by its nominal rate."""
        return float(8 * self.size_bytes * self.rate / max(1, len(self.pts)))


@dataclass(frozen=True, slots=True)
class CodedPicture:
    """What a packet holds: the units of one picture."""

    units: tuple[bytes, ...]
    is_key: bool


def coding_of(path: Path, name: str, width: int, height: int) -> Coding | None:
    """None for all but H.264 of that size with its parameter sets apart, as MP4, MOV and Matroska have it.

    Raises Unfit for what is not understood, and AssetUnreadable.
    """
    with open_media(path, name) as container:
        stream = _stream(container, name)
        context = stream.codec_context
        if context.codec.canonical_name != "h264" or (context.width, context.height) != (width, height):
            return None
        sets = context.extradata or b""
        if not is_record(sets):
            return None
        told, frame = ColourTags.of_file(stream), next(video_frames(container, stream), None)
        if frame is None:
            raise AssetUnreadable(f"{name} has no picture that can be decoded")
        with _bad_bits_named():
            record = read_record(sets)
            sps, pps = [read_sps(unit) for unit in record.sps], [read_pps(unit) for unit in record.pps]
        if len(sps) > 1:
            raise Unfit("it changes its coding on the way")
        is_square = stream.sample_aspect_ratio in (None, 0, 1)
        is_upright = from_display_matrix(frame) is Orientation.NONE
        is_whole = (frame.width, frame.height) == (sps[0].width, sps[0].height) == (width, height)
        is_known = is_composable(frame) and is_composable(told.filled(frame))
        is_plain = is_square and is_upright and is_whole and is_known
        return Coding(is_plain, record, sps[0], tuple(pps))


def footage_of(path: Path, name: str, coding: Coding, start: Fraction, end: Fraction) -> Footage:
    """What there is between two times (seconds from its first shown picture), and some around it.

    Raises Unfit where it is damaged, has no times or changes its coding; AssetUnreadable.
    """
    with open_media(path, name) as container:
        stream = _stream(container, name)
        rate = stream.average_rate or stream.guessed_rate
        if stream.time_base is None or stream.start_time is None or not rate:
            raise Unfit("it has no times")
        base, first = stream.time_base, round(origin(container) / stream.time_base)
        early, late = floor((start - _AROUND_S) / base), floor((end + _AROUND_S) / base)
        if early > 0:
            container.seek(first + early, stream=stream)
        found = _surveyed(packets(container, stream), coding, first, late)
    if not found.pts:
        raise Unfit("it has no pictures there")
    if early > 0 and found.pts[0] > floor(start / base):  # the index led too far
        return footage_of(path, name, coding, Fraction(0), end)
    return Footage(
        time_base=base,
        rate=rate,
        pts=tuple(found.pts),
        idr=frozenset(found.idr),
        keys=frozenset(found.keys),
        hidden=frozenset(found.hidden),
        size_bytes=found.size_bytes,
    )


def coded_pictures(
    path: Path, name: str, coding: Coding, footage: Footage, start: int, end: int
) -> Iterator[CodedPicture]:
    """The packets `[start, end)` of some footage, in the order of decoding.

    Raises Unfit when the file does not give them again as it did, AssetUnreadable.
    """
    wanted = list(footage.pts[start:end])
    with open_media(path, name) as container:
        stream = _stream(container, name)
        first = round(origin(container) / footage.time_base)
        if (early := wanted[0] - floor(_AROUND_S / footage.time_base)) > 0:
            container.seek(first + early, stream=stream)
        given = _from(packets(container, stream), first + wanted[0])
        for number, pts in enumerate(wanted, start):
            packet = next(given, None)
            if packet is None or packet.pts != first + pts:
                raise Unfit("its pictures did not come again in their order")
            yield CodedPicture(_checked_units(packet, coding), number in footage.keys)


class _Survey:
    """What is noted while packets pass."""

    def __init__(self) -> None:
        self.pts: list[int] = []
        self.idr: list[int] = []
        self.keys: list[int] = []
        self.hidden: list[int] = []
        self.size_bytes = 0

    def note(self, pts: int, packet: "Packet[Stream]", coding: Coding) -> None:
        number = len(self.pts)
        units = _checked_units(packet, coding)
        with _bad_bits_named():
            begins_afresh = is_idr(units)
            # x264 marks where pictures begin to be refreshed part by part as well: no player starts there.
            is_key = packet.is_keyframe and all(is_intra(unit) for unit in slices_of(units))
        if begins_afresh:
            self.idr.append(number)
        if begins_afresh or is_key:
            self.keys.append(number)
        if packet.is_discard:
            self.hidden.append(number)
        self.pts.append(pts)
        self.size_bytes += packet.size


def _surveyed(found: Iterable["Packet[Stream]"], coding: Coding, first: int, late: int) -> _Survey:
    """Read on to a time; packets count from the first that is a keyframe."""
    survey = _Survey()
    for packet in found:
        if packet.size == 0:
            break
        if packet.pts is None:
            raise Unfit("it has pictures without a time")
        if survey.pts or packet.is_keyframe:
            survey.note(packet.pts - first, packet, coding)
        if packet.dts is not None and packet.dts - first > late:
            break
    return survey


def _from(found: Iterator["Packet[Stream]"], pts: int) -> Iterator["Packet[Stream]"]:
    for packet in found:
        if packet.pts == pts:
            yield packet
            break
    yield from found


def _checked_units(packet: "Packet[Stream]", coding: Coding) -> tuple[bytes, ...]:
    """A packet's units without parameter sets, which must be those in front of the clip."""
    if packet.is_corrupt or packet.has_sidedata("new_extradata"):
        raise Unfit("it is damaged, or changes its coding on the way")
    with _bad_bits_named():
        units = tuple(units_of(bytes(packet), coding.record.length_bytes))
    sets = [unit.rstrip(b"\0") for unit in units if unit_type(unit) in (SPS, PPS)]
    if sets and not _are_known(sets, coding.record):
        raise Unfit("it changes its coding on the way")
    return tuple(unit for unit in units if unit_type(unit) not in (SPS, PPS))


def _are_known(sets: Sequence[bytes], record: Record) -> bool:
    known = {unit.rstrip(b"\0") for unit in (*record.sps, *record.pps)}
    return known.issuperset(sets)


@contextmanager
def _bad_bits_named() -> Iterator[None]:
    try:
        yield
    except ValueError as error:
        raise Unfit(str(error) or "its parameter sets cannot be read") from error


def _stream(container: InputContainer, name: str) -> VideoStream:
    stream = picture_stream(container)
    if stream is None:
        raise AssetUnreadable(f"{name} has no picture")
    return stream
