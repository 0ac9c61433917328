"""Draws an animatic: a prompt, and perhaps pictures to start and end with, as a row of I420 pictures."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from av.video.reformatter import ColorRange, Colorspace

from workers.gpu_generate.animatic.camera import pose_at
from workers.gpu_generate.animatic.canvas import LARGEST, Canvas, Layer
from workers.gpu_generate.animatic.lettering import lettering
from workers.gpu_generate.animatic.particles import Particles
from workers.gpu_generate.animatic.places import PLACES
from workers.gpu_generate.animatic.scene import Scene
from workers.gpu_generate.animatic.stage import Stage
from workers.gpu_generate.animatic.subject import subject_layers
from workers.media.planes import Planes


@dataclass(frozen=True, slots=True)
class Shown:
    """A picture for the encoder."""

    planes: Planes
    frames: int = 1


def film(scene: Scene, width: int, height: int, frames: int, fps: float) -> Iterator[Shown]:
    """So many pictures of an even size. Each is a frame of its own."""
    canvas = canvas_of(scene, width, height)
    stage = Stage(canvas, [*drawn(scene, canvas), lettering(scene, canvas)], seed=scene.seed)
    particles = Particles(scene)
    for number in range(frames):
        time = number / max(1, frames - 1)
        out = Planes.blank(width, height)
        pose = pose_at(scene.moves, scene.pace, time)
        stage.show(pose, time, number / fps, number, out)
        particles.show(pose, number / fps, out)
        yield Shown(out)


def bare(scene: Scene, width: int, height: int, frames: int, fps: float, number: int) -> Planes:
    """The `number`-th picture of that film as it would be without words and weather: another can begin so."""
    canvas = canvas_of(scene, width, height)
    stage = Stage(canvas, drawn(scene, canvas), seed=scene.seed, is_written=False)
    time = number / max(1, frames - 1)
    out = Planes.blank(width, height)
    stage.show(pose_at(scene.moves, scene.pace, time), time, number / fps, number, out)
    return out


def canvas_of(scene: Scene, width: int, height: int) -> Canvas:
    """The sheet for pictures of a size: no larger than LARGEST, whatever they are."""
    smaller = max(1.0, max(width, height) / LARGEST)
    return Canvas(round(width / smaller), round(height / smaller), scene.seed)


def drawn(scene: Scene, canvas: Canvas) -> list[Layer]:
    """All layers of a scene, the farthest first."""
    setting = PLACES[scene.place](scene, canvas)
    within = subject_layers(scene, scene.subject, setting, canvas) if scene.subject else []
    return [*setting.behind, *within, *setting.before]


def still(scene: Scene, width: int, height: int) -> npt.NDArray[np.uint8]:
    """One picture as RGB, (height, width, 3): the middle of the film."""
    canvas = canvas_of(scene, width, height)
    stage = Stage(canvas, [*drawn(scene, canvas), lettering(scene, canvas, caption=False)], seed=scene.seed)
    out = Planes.blank(width, height)
    pose = pose_at(scene.moves, scene.pace, 0.5)
    stage.show(pose, 0.5, 1.0, 0, out)
    Particles(scene).show(pose, 1.0, out)
    return as_rgb(out)


def as_rgb(planes: Planes) -> npt.NDArray[np.uint8]:
    """The picture as RGB, (height, width, 3)."""
    seen = planes.frame.reformat(
        format="rgb24",
        src_colorspace=Colorspace.ITU709,
        src_color_range=ColorRange.MPEG,
        dst_color_range=ColorRange.JPEG,
    )
    return np.asarray(seen.to_ndarray(), np.uint8)
