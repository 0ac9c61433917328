"""Writes one H.264 film of pieces: some encoded here, some the packets of clips. The sound is encoded whole.

Every piece begins with a picture that needs no other and shows its frames without a gap, so one clock does
for all: a packet is decoded at its place in the file, less what the most shuffled piece needs, and shown at
its frame. The parameter sets of all stand in front of the film, each under a number of its own; they ask the
same of a decoder.
"""

from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from av.packet import Packet
from av.video.stream import VideoStream

from farm.encoders import EncoderProfile
from workers.media.ahead import Ahead
from workers.media.encode import (
    SOUND_AHEAD,
    Chapter,
    Samples,
    Written,
    created,
    interleave,
    set_chapters,
    sound_packets,
)
from workers.media.frames import Picture, frames_of
from workers.media.h264.avcc import record
from workers.media.h264.sets import Limits, Sps, read_sps
from workers.media.h264.units import PPS, SPS, needed, packed, unit_type, units_between_start_codes
from workers.media.shape import Shape
from workers.media.streams import audio_stream, named_encoder, open_video, piece_encoder, video_stream


class NotSpliced(Exception):
    """The pieces do not make one film; the message says why."""


@dataclass(frozen=True, slots=True)
class Coded:
    """A coded picture in lengths of four bytes, and the frame in which it is shown."""

    data: bytes
    frame: int
    is_key: bool


@dataclass(frozen=True, slots=True)
class Drawn:
    """A piece to be encoded. `pictures` are made when it comes up, and show all of `frames`."""

    frames: range
    pictures: Callable[[], Iterator[Picture]]


@dataclass(frozen=True, slots=True)
class Copied:
    """A piece that is coded already, in the order of decoding."""

    frames: range
    coded: Callable[[], Iterator[Coded]]


@dataclass(frozen=True, slots=True)
class Sets:
    """The parameter sets of the copied pieces, by number; those of pictures as units.

    `free` is a number for those of the encoder. `limits` are of all the pieces, `delay` is by how many frames
    decoding them must be ahead.
    """

    sps: Mapping[int, Sps]
    pps: Mapping[int, bytes]
    free: int
    limits: Limits
    delay: int


def splice(
    pieces: Sequence[Drawn | Copied],
    sets: Sets,
    sound: Iterable[Samples],
    path: Path,
    shape: Shape,
    profile: EncoderProfile,
    on_frame: Callable[[int], None],
    chapters: Sequence[Chapter] = (),
) -> None:
    """Write a film; nothing is read back. `on_frame` gets the number of frames written and may raise.

    Raises NotSpliced, whatever the pieces raise, TaskFailure INTERNAL `encoder_missing`, and OSError.
    """
    numbered = _fitted(profile, sets)
    with created(path, profile.format) as container:
        with named_encoder(profile):
            video = video_stream(container, shape, numbered)
            audio = audio_stream(container, shape, profile) if shape.samples else None
            open_video(video, numbered)  # for what it says of itself: each piece has an encoder of its own
        own = bytes(video.codec_context.extradata or b"")
        delay = max(sets.delay, video.codec_context.reorder_depth)
        video.codec_context.extradata = _record(own, sets, delay)
        set_chapters(container, chapters, shape.rate)
        container.start_encoding()
        with ExitStack() as stack:
            heard: Iterator[Written] = iter(())
            if audio is not None:
                packets = sound_packets(audio, sound, shape)
                heard = stack.enter_context(Ahead(packets, depth=SOUND_AHEAD, name="encode-sound"))
            coded = stack.enter_context(closing(_coded(pieces, shape, numbered, own)))
            interleave(container, _timed(coded, video, shape, delay, on_frame), heard)


def _fitted(profile: EncoderProfile, sets: Sets) -> EncoderProfile:
    """The profile with a number of its own for its parameter sets, and without B-pictures if no clip has any.

    OpenH264 drops pictures that wait to be shown when the next stream says that none ever will.
    """
    params = [profile.options.get("x264-params"), f"sps-id={sets.free}", None if sets.delay else "bframes=0"]
    joined = ":".join(param for param in params if param)
    return profile.model_copy(update={"options": {**profile.options, "x264-params": joined}})


def _record(own: bytes, sets: Sets, delay: int) -> bytes:
    """All parameter sets, as if one decoder had been meant from the start."""
    units = units_between_start_codes(own)
    encoders = read_sps(next(unit for unit in units if unit_type(unit) == SPS))
    if not (encoders.is_main and encoders.is_420_8bit):
        raise NotSpliced("the encoder is set to a profile of its own")
    limits = sets.limits.both(encoders.limits(delay))
    sps = {**sets.sps, sets.free: encoders}
    pps = [*sets.pps.values(), *(unit for unit in units if unit_type(unit) == PPS)]
    return record([one.written(number, limits) for number, one in sps.items()], pps)


def _timed(
    coded: Iterator[Coded], stream: VideoStream, shape: Shape, delay: int, on_frame: Callable[[int], None]
) -> Iterator[Written]:
    for number, picture in enumerate(coded):
        packet = cast("Packet[VideoStream]", Packet(picture.data))
        packet.stream, packet.time_base, packet.duration = stream, 1 / shape.rate.fps, 1
        packet.pts, packet.dts = picture.frame, number - delay
        packet.is_keyframe = picture.is_key
        if packet.dts > packet.pts:
            raise NotSpliced("a picture would be shown before it is decoded")
        yield packet
        on_frame(number + 1)


def _coded(
    pieces: Sequence[Drawn | Copied], shape: Shape, profile: EncoderProfile, own: bytes
) -> Generator[Coded, None, None]:
    for piece in pieces:
        made = _encoded(piece, shape, profile, own) if isinstance(piece, Drawn) else piece.coded()
        frames = set()
        for picture in made:
            frames.add(picture.frame)
            yield picture
        if frames != set(piece.frames):
            raise NotSpliced(f"a piece has other frames than {piece.frames.start} to {piece.frames.stop}")


def _encoded(piece: Drawn, shape: Shape, profile: EncoderProfile, own: bytes) -> Iterator[Coded]:
    with named_encoder(profile):
        encoder = piece_encoder(shape, profile)
    if encoder.extradata != own:
        raise NotSpliced("the encoder's parameter sets differ from piece to piece")
    for frame in frames_of(piece.pictures(), piece.frames.start, shape.rate, profile):
        yield from _units(encoder.encode(frame))
    yield from _units(encoder.encode(None))


def _units(packets: "Iterable[Packet[VideoStream]]") -> Iterator[Coded]:
    for packet in packets:
        assert packet.pts is not None
        units = units_between_start_codes(bytes(packet))
        data = packed(needed(units, is_key=packet.is_keyframe))
        yield Coded(data, packet.pts, packet.is_keyframe)
