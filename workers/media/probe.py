"""Says what a media file is: kind, exact length, upright size, rate, sound, colour tags.

It decodes one frame, so that a file which only looks like media is found out here and not in the
middle of a render. Pictures are judged by their header alone.
"""

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from av.audio.stream import AudioStream
from av.container import InputContainer
from av.video.stream import VideoStream

from farm.errors import AssetUnreadable
from farm.timeline import MediaKind
from workers.media.decode import audio_frames, packets, video_frames
from workers.media.open import open_media, picture_stream, sniff_file, sound_stream
from workers.media.stills import probe_still
from workers.media.tags import ColourTags
from workers.media.upright import Orientation, Upright, from_display_matrix

# Containers that only estimate their length from a bit rate: their packets are counted instead, as are those
# of files that tell no length at all, which browsers record.
_ESTIMATED = frozenset({"aac", "mp3", "mpeg-ps", "mpeg-es", "mpeg-ts"})


@dataclass(frozen=True, slots=True)
class MediaInfo:
    """What is known of a file. Sizes are upright and in square pixels; None is what does not apply.

    `duration` is in seconds, exact to the container's own clock; a picture has none. An animated GIF
    is a picture: its first frame. `frames` is given only where the container counts them.
    """

    kind: MediaKind
    duration: Fraction | None = None
    width: int | None = None
    height: int | None = None
    rate: Fraction | None = None
    has_audio: bool = False
    orientation: Orientation = Orientation.NONE
    frames: int | None = None
    colour: ColourTags | None = None


def probe(path: Path, name: str | None = None) -> MediaInfo:
    """Read what a file is. Raises AssetUnreadable, naming it (`name`, else the file's own name)."""
    label = name or path.name
    found = sniff_file(path, label)
    if MediaKind.IMAGE in found.kinds:
        still = probe_still(path, label)
        return MediaInfo(
            MediaKind.IMAGE, width=still.width, height=still.height, orientation=still.orientation
        )
    counted = _counted_length(path, label) if found.container in _ESTIMATED else None
    with open_media(path, label) as container:
        video, audio = picture_stream(container), sound_stream(container)
        length = counted or _stated_length(container, video or audio) or _counted_length(path, label)
        if video is not None:
            return _of_video(container, video, length, label)
        if audio is None or next(audio_frames(container, audio), None) is None:
            raise AssetUnreadable(f"{label} has neither a picture nor a sound that can be decoded")
        return MediaInfo(MediaKind.AUDIO, length, has_audio=True)


def _of_video(
    container: InputContainer, video: VideoStream, length: Fraction | None, label: str
) -> MediaInfo:
    told, frame = ColourTags.of_file(video), next(video_frames(container, video), None)
    if frame is None:
        raise AssetUnreadable(f"{label} has no picture that can be decoded")
    orientation = from_display_matrix(frame)
    width, height = Upright(orientation, video.sample_aspect_ratio).size(frame.width, frame.height)
    return MediaInfo(
        MediaKind.VIDEO,
        duration=length,
        width=width,
        height=height,
        rate=video.average_rate or video.guessed_rate,
        has_audio=sound_stream(container) is not None,
        orientation=orientation,
        frames=video.frames or None,
        colour=ColourTags.of(told.filled(frame)),
    )


def _stated_length(container: InputContainer, stream: VideoStream | AudioStream | None) -> Fraction | None:
    """The stream's own length, else the container's."""
    if stream is not None and stream.duration and stream.time_base:
        return stream.duration * stream.time_base
    return Fraction(container.duration, 1_000_000) if container.duration else None


def _counted_length(path: Path, label: str) -> Fraction | None:
    """From the first packet's time to the end of the last; reads the whole file, decodes nothing."""
    first: Fraction | None = None
    end = Fraction(0)
    with open_media(path, label) as container:
        stream = picture_stream(container) or sound_stream(container)
        if stream is None or stream.time_base is None:
            return None
        for packet in packets(container, stream):
            if packet.pts is None or packet.size == 0:
                continue
            time = packet.pts * stream.time_base
            first = time if first is None else min(first, time)
            end = max(end, time + (packet.duration or 0) * stream.time_base)
    return None if first is None or end <= first else end - first
