"""Pictures on their way into an encoder."""

from collections.abc import Callable, Iterable, Iterator
from itertools import count
from typing import Protocol

from av.video.frame import PictureType, VideoFrame

from farm.encoders import EncoderProfile
from farm.timeline import Rate
from workers.media.cuts import CutFinder
from workers.media.planes import Planes


class Picture(Protocol):
    """A picture and for how many frames on end it stands."""

    @property
    def planes(self) -> Planes: ...

    @property
    def frames(self) -> int: ...


def frames_of(
    pictures: Iterable[Picture],
    start: int,
    rate: Rate,
    profile: EncoderProfile,
    fitted: Callable[[VideoFrame], VideoFrame] = lambda frame: frame,
) -> Iterator[VideoFrame]:
    """Each frame with its time, the first at `start`, and as a keyframe where the encoder is to be told.

    Frames that a picture stands for are one object. `fitted` brings it to the encoder's pixels.
    """
    cuts = CutFinder() if _is_told_cuts(profile) else None
    time_base, numbers = 1 / rate.fps, count(start)
    for picture in pictures:
        frame = fitted(picture.planes.frame)
        frame.time_base = time_base
        for _ in range(picture.frames):
            is_cut = cuts is not None and cuts.begins_shot(picture.planes.y)
            # Always said: x264 would obey what a decoder left there.
            frame.pict_type = PictureType.I if is_cut else PictureType.NONE
            frame.pts = next(numbers)
            yield frame


def _is_told_cuts(profile: EncoderProfile) -> bool:
    """Whether its encoder does not look for cuts itself."""
    return profile.encoder == "libx264" and profile.options.get("sc_threshold") == "0"
