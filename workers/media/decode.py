"""Takes packets and frames out of an opened file, as forgiving as players are."""

from collections.abc import Generator, Iterator

import av
from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.packet import Packet
from av.stream import Stream
from av.video.codeccontext import VideoCodecContext
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

MAX_BROKEN_PACKETS = 200


def packets(container: InputContainer, stream: VideoStream | AudioStream) -> Iterator["Packet[Stream]"]:
    """The packets of one stream; the last one is empty and flushes the decoder."""
    try:
        yield from container.demux(stream)
    except IndexError:
        # PyAV trips over streams that appear after the header (MPEG-TS), once all packets are read
        # and those streams that were there from the start are flushed.
        return


def video_frames(
    container: InputContainer, stream: VideoStream, whole_from: int | None = None
) -> Generator[VideoFrame, None, None]:
    """Pictures in display order. Broken packets are passed over, up to MAX_BROKEN_PACKETS.

    Of those before `whole_from` (in the stream's time base), only what other pictures need is decoded.
    """
    context = stream.codec_context
    context.skip_frame = "DEFAULT"  # who read before may have stopped on the way
    found = packets(container, stream)
    for frame in _decoded(found if whole_from is None else _hurried(found, context, whole_from)):
        if isinstance(frame, VideoFrame):
            yield frame


def _hurried(
    found: Iterator["Packet[Stream]"], context: VideoCodecContext, whole_from: int
) -> Iterator["Packet[Stream]"]:
    for packet in found:
        is_early = packet.pts is not None and packet.pts < whole_from
        context.skip_frame = "NONREF" if is_early else "DEFAULT"
        yield packet


def audio_frames(container: InputContainer, stream: AudioStream) -> Generator[AudioFrame, None, None]:
    """Pieces of sound, none empty. Broken packets are passed over, up to MAX_BROKEN_PACKETS."""
    for frame in _decoded(packets(container, stream)):
        if isinstance(frame, AudioFrame) and frame.samples:
            yield frame


def _decoded(found: Iterator["Packet[Stream]"]) -> Iterator[object]:
    broken = 0
    for packet in found:
        try:
            yield from packet.decode()
        except av.error.InvalidDataError:
            broken += 1
            if broken > MAX_BROKEN_PACKETS:
                raise
