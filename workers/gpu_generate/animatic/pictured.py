"""Films that begin, and perhaps end, with a picture that was handed in: the camera moves over it.

The picture fills the frame (what is too much is cut off evenly), and the first frame shows it as it is. What
lies in its middle is taken for near and moves a little more than its edges.
"""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import numpy.typing as npt
from av.video.reformatter import ColorRange, Colorspace

from workers.context import InputFile
from workers.gpu_generate.animatic.camera import REACH, Pose, pose_at
from workers.gpu_generate.animatic.canvas import MARGIN, Canvas, Layer
from workers.gpu_generate.animatic.colour import Field, smoothstep
from workers.gpu_generate.animatic.film import Shown, canvas_of
from workers.gpu_generate.animatic.lettering import lettering
from workers.gpu_generate.animatic.particles import Particles
from workers.gpu_generate.animatic.scene import Scene
from workers.gpu_generate.animatic.stage import Stage
from workers.media.colour import Converter
from workers.media.planes import Planes
from workers.media.stills import open_still

Index = npt.NDArray[np.int64]

_DEPTH = 0.5
_TURN = (0.3, 0.7)  # of the time: from when to when the first picture gives way to the last
_PACE = 0.75
_FARTHEST_ZOOM, _FARTHEST_DOLLY = 0.86, 0.82  # both together still within the canvas' MARGIN


def pictured(
    scene: Scene, first: InputFile, last: InputFile | None, width: int, height: int, frames: int, fps: float
) -> Iterator[Shown]:
    """So many pictures of an even size. Raises AssetUnreadable for a file that is no picture."""
    canvas = canvas_of(scene, width, height)
    words = lettering(scene, canvas)
    files = [file for file in (first, last) if file is not None]
    stages = [
        Stage(canvas, [*_sheets(canvas, file), words], seed=scene.seed, is_drawn=False) for file in files
    ]
    particles = Particles(scene)
    other = Planes.blank(width, height)
    for number in range(frames):
        time = number / max(1, frames - 1)
        pose = _relative(scene, time, to=0.0)
        out = Planes.blank(width, height)
        stages[0].show(pose, time, number / fps, number, out)
        share = float(smoothstep(*_TURN, np.asarray(time, np.float32))) if len(stages) > 1 else 0.0
        if share > 0:
            stages[-1].show(_relative(scene, time, to=1.0), time, number / fps, number, other)
            _blend(out, other, share)
        particles.show(pose, number / fps, out)
        yield Shown(out)


def bare_pictured(
    scene: Scene,
    first: InputFile,
    last: InputFile | None,
    width: int,
    height: int,
    frames: int,
    fps: float,
    number: int,
) -> Planes:
    """The `number`-th picture of that film without words and weather. Raises AssetUnreadable."""
    canvas = canvas_of(scene, width, height)
    time = number / max(1, frames - 1)
    share = float(smoothstep(*_TURN, np.asarray(time, np.float32))) if last is not None else 0.0
    shown = [(first, 0.0, 1.0), *([(last, 1.0, share)] if last is not None and share > 0 else [])]
    out = Planes.blank(width, height)
    for file, to, weight in shown:
        stage = Stage(canvas, _sheets(canvas, file), seed=scene.seed, is_drawn=False, is_written=False)
        picture = Planes.blank(width, height)
        stage.show(_relative(scene, time, to=to), time, number / fps, number, picture)
        _blend(out, picture, weight)
    return out


def _relative(scene: Scene, time: float, *, to: float) -> Pose:
    """The camera's way, on which it sees the whole picture at the time `to`, and mostly is nearer elsewhere.

    Where it goes back it sees a little of what is mirrored beyond the edges.
    """
    pose, start = (pose_at(scene.moves, _PACE * scene.pace, at) for at in (time, to))
    x, y, roll_deg = pose.x - start.x, pose.y - start.y, pose.roll_deg - start.roll_deg
    room = 1 + 2 * REACH * max(abs(x), abs(y)) + 0.03 * abs(roll_deg)
    nearer = max(_FARTHEST_ZOOM, pose.zoom / start.zoom), max(_FARTHEST_DOLLY, pose.dolly / start.dolly)
    return replace(pose, x=x, y=y, roll_deg=roll_deg, zoom=nearer[0] * room, dolly=nearer[1])


def _blend(out: Planes, other: Planes, share: float) -> None:
    """So much of the other picture, in place."""
    late = np.uint16(round(256 * share))
    for mine, theirs in zip(out, other, strict=True):
        mine[...] = (mine * (256 - late) + theirs * late + np.uint16(128)) >> 8


def _sheets(canvas: Canvas, file: InputFile) -> list[Layer]:
    """The whole picture, and its middle once more as what is nearer."""
    pixels = _covering(canvas, file)
    whole = np.ones(pixels.shape[:2], np.float32)
    far = canvas.distance(0.5, 0.55, flat=canvas.aspect)
    near = smoothstep(0.62, 0.2, far)
    return [
        Layer(canvas.painted(pixels, whole), 0.8 * _DEPTH),
        Layer(canvas.painted(pixels, near), _DEPTH),
    ]


def _covering(canvas: Canvas, file: InputFile) -> Field:
    """The picture's colours, (H, W, 3): it fills the frame, and its edge goes on mirrored beyond it."""
    frame = open_still(file.path, file.file_name)
    scale = max(canvas.width / frame.width, canvas.height / frame.height)
    width = max(canvas.width, 2 * round(frame.width * scale / 2))
    height = max(canvas.height, 2 * round(frame.height * scale / 2))
    fitted = (
        Converter()
        .convert(frame, width, height)
        .reformat(
            format="rgb24",
            src_colorspace=Colorspace.ITU709,
            src_color_range=ColorRange.MPEG,
            dst_color_range=ColorRange.JPEG,
        )
    )
    large = fitted.to_ndarray().astype(np.float32) / 255
    top, left = (height - canvas.height) // 2, (width - canvas.width) // 2
    above, before = round(MARGIN * canvas.height), round(MARGIN * canvas.width)
    rows = _mirrored(np.arange(canvas.rows) - above + top, height)
    columns = _mirrored(np.arange(canvas.columns) - before + left, width)
    return np.ascontiguousarray(large[rows][:, columns])


def _mirrored(index: Index, count: int) -> Index:
    """Places beyond an edge, reflected at it."""
    folded = index % (2 * count)
    return np.asarray(np.minimum(folded, 2 * count - 1 - folded))
