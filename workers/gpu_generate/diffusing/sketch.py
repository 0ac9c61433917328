"""Shows what a pipeline draws while it draws: at the end of a step, where its latents are heading.

Latents between two steps are full of noise. Samplers that go straight from step to step tell where the line
leads: to the picture as the model sees it by now. Of other samplers the latents themselves are shown.
"""

from typing import Any

import torch
from PIL import Image

from farm.models import Fitted
from workers.gpu_generate.diffusing.glimpse import can_glimpse, glimpse
from workers.gpu_generate.previews import Previews

# Those whose latents shrink with the noise; of the others, and of flow matching, they keep their scale.
_SHRINKING = (
    "DDIMScheduler",
    "CogVideoXDDIMScheduler",
    "DPMSolverMultistepScheduler",
    "UniPCMultistepScheduler",
)
_STRAIGHT = ("FlowMatchEulerDiscreteScheduler", "EulerDiscreteScheduler", *_SHRINKING)


class Sketch:
    """One call's. `see` is told of the latents at every step, in turn."""

    def __init__(self, pipeline: Any, fitted: Fitted, previews: Previews) -> None:
        self._pipeline = pipeline
        self._fitted = fitted
        self._previews = previews
        self._before: tuple[int, torch.Tensor] | None = None
        self.is_drawing = False

    def see(self, latents: torch.Tensor, step: int, time: Any, *, has_ended: bool) -> None:
        """What they are at a step (counted from 0, at the scheduler's `time`): before it, or at its end."""
        before, self._before = self._before, (step, latents)
        if before is None or before[0] != step - 1 or not self._previews.are_due:
            return
        if latents.is_cuda:
            torch.cuda.synchronize(latents.device)  # or the wait for the step would count as the preview's
        self.is_drawing = True
        try:
            self._previews.make(lambda: self._drawn(before[1], latents, time, has_ended))
        finally:
            self.is_drawing = False

    def _drawn(
        self, before: torch.Tensor, now: torch.Tensor, time: Any, has_ended: bool
    ) -> Image.Image | None:
        scheduler = self._pipeline.scheduler
        if type(scheduler).__name__ in _STRAIGHT:
            times = scheduler.timesteps.tolist()
            now = heading(scheduler, before, now, times.index(float(time)) + has_ended)
        return glimpse(self._pipeline, now, self._fitted)


def sketch_of(pipeline: Any, fitted: Fitted, previews: Previews) -> Sketch | None:
    """None where nothing is to be shown of this pipeline.

    So where a checker of its own looks at what it has drawn: what that refuses nobody may see before.
    """
    is_checked = getattr(pipeline, "safety_checker", None) is not None
    if previews.every_s <= 0 or is_checked or not can_glimpse(pipeline):
        return None
    return Sketch(pipeline, fitted, previews)


def heading(scheduler: Any, before: torch.Tensor, now: torch.Tensor, number: int) -> torch.Tensor:
    """Where latents lead that are `now` before the scheduler's step `number`, and were `before` a step ago.

    With x = clean + noise * sigma a straight step changes x by as much as sigma, in proportion.
    """
    (was, was_scale), (sigma, scale) = (_noise(scheduler, at) for at in (number - 1, number))
    if was == sigma:
        return now
    before, now = before.float() * was_scale, now.float() * scale
    return now - (now - before) * (sigma / (sigma - was))


def _noise(scheduler: Any, number: int) -> tuple[float, float]:
    """Sigma before that step, and what undoes that latents have shrunk."""
    if type(scheduler).__name__ not in _SHRINKING or scheduler.config.get("use_flow_sigmas"):
        return float(scheduler.sigmas[number]), 1.0
    if number >= len(scheduler.timesteps):
        return 0.0, 1.0
    kept = float(scheduler.alphas_cumprod[int(scheduler.timesteps[number])])
    return float(((1 - kept) / kept) ** 0.5), float(kept**-0.5)
