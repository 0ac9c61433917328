"""Small timelines with known pictures, and what their frames must be, worked out in plain floating point."""

from pathlib import Path

import av
import numpy as np

from farm.timeline import (
    Fit,
    Media,
    MediaKind,
    Motion,
    Rate,
    TextTrack,
    Timeline,
    Transition,
    VideoClip,
    VideoTrack,
)
from workers.cpu_render.layers import Fitter
from workers.cpu_render.motion import Move
from workers.media.planes import Planes
from workers.media.stills import open_still

WIDTH, HEIGHT = 360, 640
RATE = Rate(num=30)


def crossfade(before=7, after=8):
    return Transition(type="crossfade", before_frames=before, after_frames=after)


def montage(*clips, rate=RATE, width=WIDTH, height=HEIGHT, audio=(), texts=()):
    """Clips one after the other: each `(path, frames, {options of VideoClip})`. Media ids are file names."""
    placed, at = [], 0
    for path, frames, options in clips:
        placed.append(VideoClip(media=path.name, start_frame=at, end_frame_exclusive=at + frames, **options))
        at += frames
    paths = {path.name: path for path, _, _ in clips} | {path.name: path for path, _ in audio}
    return Timeline(
        name="montage",
        rate=rate,
        width=width,
        height=height,
        media=tuple(Media(id=name, kind=kind_of(path), name=name) for name, path in paths.items()),
        video=(VideoTrack(clips=tuple(placed)),),
        audio=tuple(track for _, track in audio),
        text=(TextTrack(clips=tuple(texts)),),
    )


def kind_of(path):
    kinds = {".mp4": MediaKind.VIDEO, ".wav": MediaKind.AUDIO, ".mp3": MediaKind.AUDIO}
    return kinds.get(path.suffix, MediaKind.IMAGE)


def paths_of(*paths: Path):
    return {path.name: path for path in paths}


def planes_of(frame: av.VideoFrame):
    """Float copies of the three planes."""
    return [plane.astype(np.float64) for plane in Planes.of(frame)]


def decoded(path):
    """Every frame of a finished file."""
    with av.open(str(path)) as container:
        return list(container.decode(video=0))


def psnr(picture, expected):
    """Over all three planes, in dB; 99 when they are equal."""
    error = np.concatenate([(a - b).ravel() for a, b in zip(picture, expected, strict=True)])
    mean = float((error**2).mean())
    return 99.0 if mean == 0 else 10 * np.log10(255**2 / mean)


def moving_still(path, index, seen_frames, clip_frames, n, *, width=WIDTH, height=HEIGHT):
    """A photo under the camera at frame `n` of those in which it is seen: bilinear, in float64.

    `seen_frames` counts those that transitions borrow too.
    """
    move = Move.ken_burns(index, seen_frames, clip_frames / 30)
    large = [-(-int(np.ceil(side * move.zoom)) // 16) * 16 for side in (width, height)]
    view = move.view(n)
    planes = planes_of(Fitter(large[0], large[1], Fit.AUTO).fit(open_still(path)).frame)
    return [
        _sampled(plane, height // half, width // half, view)
        for plane, half in zip(planes, (1, 2, 2), strict=True)
    ]


def _sampled(plane, height, width, view):
    rows = _positions(plane.shape[0], height, view.top, view.size)
    columns = _positions(plane.shape[1], width, view.left, view.size)
    return _between(_between(plane, rows).T, columns).T


def _positions(length, out_length, start, share):
    centres = (np.arange(out_length) + 0.5) / out_length
    return np.clip((start + share * centres) * length - 0.5, 0, length - 1.001)


def _between(plane, positions):
    index = positions.astype(int)
    late = (positions - index)[:, None]
    return plane[index] * (1 - late) + plane[index + 1] * late


def still(path, *, width=WIDTH, height=HEIGHT, fit=Fit.AUTO):
    """A photo that stands still."""
    return planes_of(Fitter(width, height, fit).fit(open_still(path)).frame)


def mixed(before, after, progress):
    return [a * (1 - progress) + b * progress for a, b in zip(before, after, strict=True)]


MOVING = {"motion": Motion.KEN_BURNS}
