"""Layers: one clip each, ready to give its picture for any frame in which it is seen.

A still is prepared once, in one swscale pass. A still that moves is kept a little larger and lying on its
side, as the kernel that samples it wants it. A video is
decoded and converted in a thread of its own, a few frames ahead.
"""

import math
from collections.abc import Generator, Mapping
from fractions import Fraction
from pathlib import Path
from typing import Protocol

import av
import numpy as np

from farm.errors import AssetUnreadable
from farm.timeline import Fit, MediaKind, Motion, Timeline
from workers.cpu_render.backdrop import Backdrop
from workers.cpu_render.geometry import place
from workers.cpu_render.kernels import resample, sampling, transpose
from workers.cpu_render.motion import Move
from workers.cpu_render.plan import Shot
from workers.media.ahead import Ahead
from workers.media.colour import Converter
from workers.media.planes import Plane, Planes
from workers.media.stills import open_still
from workers.media.video import VideoReader

VIDEO_AHEAD = 3
OPENED_BEFORE = 24  # frames before it is seen: an open decoder holds tens of megabytes


class Layer(Protocol):
    """One clip while it is being rendered."""

    def draw(self, frame: int, canvas: Planes) -> Planes:
        """The clip's picture at a frame of the timeline, which never goes back between calls.

        It is either `canvas`, drawn over whole, or planes of the layer's own, which must not be changed.
        """
        ...

    def near(self, frame: int) -> None:
        """Be ready for what comes soon after this frame."""
        ...

    def close(self) -> None:
        """Let go of files and threads."""
        ...


def open_layer(shot: Shot, use: range, timeline: Timeline, files: Mapping[str, Path]) -> Layer:
    """Open a clip's file and prepare what can be prepared. `use` is the frames it will be asked for.

    Raises AssetUnreadable, naming the medium, when its file is missing, broken or of the wrong kind.
    """
    medium = timeline.medium(shot.clip.media)
    path = files.get(medium.id)
    if path is None:
        raise AssetUnreadable(f"{medium.name} was not delivered")
    if medium.kind is MediaKind.VIDEO:
        return VideoLayer(path, medium.name, shot, use, timeline)
    frame = open_still(path, medium.name)
    if shot.clip.motion is Motion.KEN_BURNS:
        frames = shot.end_frame_exclusive - shot.first_frame
        move = Move.ken_burns(shot.index, frames, float(timeline.rate.seconds(shot.clip.frames)))
        return MovingStill(frame, timeline.width, timeline.height, shot.clip.fit, move, shot.first_frame)
    return Still(Fitter(timeline.width, timeline.height, shot.clip.fit).fit(frame))


class Fitter:
    """Puts the pictures of one source into a frame of one size."""

    def __init__(self, width: int, height: int, fit: Fit) -> None:
        self._width, self._height, self._fit = width, height, fit
        self._converter = Converter()
        self._backdrop = Backdrop(width, height)

    def fit(self, frame: av.VideoFrame) -> Planes:
        """The picture in the frame, on a blurred copy of itself where it leaves some free."""
        placed = place(frame.width, frame.height, self._width, self._height, self._fit)
        picture = Planes.of(self._converter.convert(frame, placed.width, placed.height, placed.crop))
        if not placed.backdrop:
            return picture
        canvas = self._backdrop.of(frame)
        for whole, part, halved in zip(canvas, picture, (1, 2, 2), strict=True):
            top, left = placed.y // halved, placed.x // halved
            whole[top : top + part.shape[0], left : left + part.shape[1]] = part
        return canvas


class Still:
    """A picture that does not move."""

    def __init__(self, picture: Planes) -> None:
        self._picture = picture

    def draw(self, frame: int, canvas: Planes) -> Planes:
        return self._picture

    def near(self, frame: int) -> None:
        pass

    def close(self) -> None:
        pass


class MovingStill:
    """A picture under a slow camera move, sampled between pixels."""

    def __init__(
        self, frame: av.VideoFrame, width: int, height: int, fit: Fit, move: Move, first_frame: int
    ) -> None:
        self._move, self._first_frame = move, first_frame
        # Multiples of 16, for whole blocks of 8 in the chroma planes too.
        large = (_multiple(width * move.zoom, 16), _multiple(height * move.zoom, 16))
        picture = Fitter(*large, fit).fit(frame)
        self._sideways = [_on_its_side(plane) for plane in picture]

    def draw(self, frame: int, canvas: Planes) -> Planes:
        view = self._move.view(frame - self._first_frame)
        for sideways, out in zip(self._sideways, canvas, strict=True):
            wide, tall = sideways.shape
            height, width = out.shape
            columns = sampling(wide, width, view.left, view.size)
            resample(sideways, out, columns, sampling(tall, height, view.top, view.size))
        return canvas

    def near(self, frame: int) -> None:
        pass

    def close(self) -> None:
        pass


def _on_its_side(plane: Plane) -> Plane:
    """A copy; both sides of the plane are multiples of 8."""
    sideways = np.empty(plane.shape[::-1], np.uint8)
    transpose(plane, sideways)
    return sideways


class VideoLayer:
    """A clip, decoded ahead. Its edge frames are held where it has no handles for a transition."""

    def __init__(self, path: Path, name: str, shot: Shot, use: range, timeline: Timeline) -> None:
        self._at = use.start
        self._name = f"decode-{shot.index}"
        self._source = _pictures(path, name, shot, use, timeline)
        self._pictures: Ahead[Planes] | None = None

    def draw(self, frame: int, canvas: Planes) -> Planes:
        pictures = self._opened()
        while self._at <= frame:
            self._picture = next(pictures)
            self._at += 1
        return self._picture

    def near(self, frame: int) -> None:
        if frame >= self._at - OPENED_BEFORE:
            self._opened()

    def close(self) -> None:
        if self._pictures is not None:
            self._pictures.close()

    def _opened(self) -> Ahead[Planes]:
        if self._pictures is None:
            self._pictures = Ahead(self._source, depth=VIDEO_AHEAD, name=self._name)
        return self._pictures


def _pictures(
    path: Path, name: str, shot: Shot, use: range, timeline: Timeline
) -> Generator[Planes, None, None]:
    """The clip's picture at each frame of the timeline in `use`."""
    rate, clip = timeline.rate, shot.clip
    handle = min(shot.frames_before, math.floor(clip.source_start * rate.fps / clip.speed))
    fitter = Fitter(timeline.width, timeline.height, clip.fit)
    decoded: av.VideoFrame | None = None
    with VideoReader(
        path,
        rate=rate,
        source_start=clip.source_start - rate.seconds(handle) * clip.speed,
        source_end=_source_end(shot, timeline),
        speed=clip.speed,
        name=name,
    ) as reader:
        for n in use:
            frame = reader.frame(max(0, n - clip.start_frame + handle))
            if frame is not decoded:
                decoded, picture = frame, fitter.fit(frame)
            yield picture


def _source_end(shot: Shot, timeline: Timeline) -> Fraction | None:
    """A clip that fills its place lends what follows it to the transition; a shorter one holds its end."""
    clip, seconds = shot.clip, timeline.rate.seconds
    if clip.source_end is None or clip.source_end - clip.source_start < seconds(clip.frames) * clip.speed:
        return clip.source_end
    return clip.source_end + seconds(shot.frames_after) * clip.speed


def _multiple(length: float, of: int) -> int:
    return math.ceil(length / of) * of
