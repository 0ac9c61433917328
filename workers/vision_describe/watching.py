"""Watches a clip: samples of it a fraction of a second apart, judged as pictures and against each other."""

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np

from farm.timeline import Rate
from workers.media.colour import Converter
from workers.media.video import VideoReader
from workers.vision_describe.counting import faces_in
from workers.vision_describe.detail import Glance, Grey, change, glance, lightness, sharpness, small

STEP_S = Fraction(1, 4)
MOST_SAMPLES = 240  # of a longer clip they lie further apart
_SIDE_PX = 480
_AFAR = 12  # every so many pixels are enough to see that something moved
_GLANCES = (0.2, 0.5, 0.8)
_CUT, _SUDDEN = 0.12, 3.0  # a new shot changes so much, and so many times more than what is around it
_MARGIN = 1e-6


@dataclass(frozen=True, slots=True)
class Watched:
    """Samples every `step_s` from the first frame on; `glances` and the most `faces` of three moments."""

    step_s: float
    sharp: tuple[float, ...]
    light: tuple[float, ...]
    motion: tuple[float, ...]
    shots: tuple[float, ...]
    glances: tuple[Glance, ...]
    faces: int | None


def watch(path: Path, duration_s: Fraction, name: str, on_share: Callable[[float], None]) -> Watched:
    """Look at a clip of that length. Raises AssetUnreadable naming it.

    `on_share` is told how much of it has been seen, and may raise to stop.
    """
    step = max(STEP_S, duration_s / MOST_SAMPLES)
    count = max(1, int(duration_s / step))
    sharp, light, motion = list[float](), list[float](), list[float]()
    glances, faces = list[Glance](), list[int | None]()
    wanted = {int(count * share) for share in _GLANCES}
    converter, before = Converter(), None
    rate = Rate(num=step.denominator, den=step.numerator) if _fits(step) else Rate.of(float(1 / step))
    with VideoReader(path, rate=rate, name=name) as reader:
        for index in range(count):
            on_share(index / count)
            planes = small(reader.frame(index), converter, _SIDE_PX)
            luma = np.asarray(planes.y, np.float32)
            afar: Grey = luma[::_AFAR, ::_AFAR].copy()
            sharp.append(round(sharpness(luma), 3))
            light.append(round(lightness(luma), 3))
            motion.append(0.0 if before is None else round(change(before, afar), 4))
            before = afar
            if index in wanted:
                glances.append(glance(planes))
                faces.append(faces_in(planes))
    step_s = float(1 / rate.fps)
    counted = max((count for count in faces if count is not None), default=None)
    return Watched(step_s, (*sharp,), (*light,), (*motion,), _shots(motion, step_s), (*glances,), counted)


def _fits(step: Fraction) -> bool:
    return step.denominator <= 1_000_000 and step.numerator <= 1_000_000


def _shots(motion: list[float], step_s: float) -> tuple[float, ...]:
    """Where so much changes at once that it is another shot: in seconds, to a sample."""
    found = []
    for index in range(1, len(motion)):
        around = [motion[n] for n in (index - 2, index - 1, index + 1, index + 2) if 0 < n < len(motion)]
        usual = sum(around) / len(around) if around else 0.0
        if motion[index] >= _CUT and motion[index] > _SUDDEN * (usual + _MARGIN):
            found.append(round(index * step_s, 3))
    return tuple(found)
