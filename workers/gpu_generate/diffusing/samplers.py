"""Which sampler draws, by the words that requests use (ComfyUI's), as far as a pipeline can have another one.

What it cannot have is left as its makers set it: a sampler that does not fit a model draws noise.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from inspect import signature
from typing import Any

import diffusers

_CLASSES = {
    "euler": "EulerDiscreteScheduler",
    "euler_ancestral": "EulerAncestralDiscreteScheduler",
    "ddim": "DDIMScheduler",
    "ddpm": "DDPMScheduler",
    "heun": "HeunDiscreteScheduler",
    "dpm_2": "KDPM2DiscreteScheduler",
    "dpm_2_ancestral": "KDPM2AncestralDiscreteScheduler",
    "dpmpp_2m": "DPMSolverMultistepScheduler",
    "uni_pc": "UniPCMultistepScheduler",
    "sa_solver": "SASolverScheduler",
}
_FLOW_CLASSES = {**_CLASSES, "euler": "FlowMatchEulerDiscreteScheduler"}
_FLOWING = ("euler", "dpmpp_2m", "uni_pc", "sa_solver")
_SPACINGS: dict[str, dict[str, Any]] = {
    "normal": {},
    "karras": {"use_karras_sigmas": True},
    "exponential": {"use_exponential_sigmas": True},
    "beta": {"use_beta_sigmas": True},
    "simple": {"timestep_spacing": "trailing"},
    "sgm_uniform": {"timestep_spacing": "trailing"},
    "ddim_uniform": {"timestep_spacing": "leading"},
}


@contextmanager
def sampled(
    pipeline: Any, sampler: str | None, spacing: str | None, shift: float | None
) -> Iterator[tuple[str, ...]]:
    """While it lasts the pipeline draws so. Yields the words that it could not obey."""
    own = pipeline.scheduler
    wanted, ignored = _wanted(pipeline, sampler, spacing, shift)
    if wanted is not None:
        pipeline.scheduler = wanted
    try:
        yield ignored
    finally:
        pipeline.scheduler = own


def _wanted(
    pipeline: Any, sampler: str | None, spacing: str | None, shift: float | None
) -> tuple[Any, tuple[str, ...]]:
    own = pipeline.scheduler
    flows = "shift" in own.config or bool(own.config.get("use_flow_sigmas"))
    kind = _flow_class(pipeline, sampler) if flows else _class(own, sampler)
    ignored = [] if sampler is None or kind is not None else [f"sampler {sampler}"]
    kind = kind or type(own)
    taken = signature(kind.__init__).parameters
    changes: dict[str, Any] = {}
    if flows and kind is not type(own) and "use_flow_sigmas" in taken:
        changes |= {"use_flow_sigmas": True, "prediction_type": "flow_prediction"}
    if shift is not None and not own.config.get("use_dynamic_shifting"):
        changes |= {name: shift for name in ("shift", "flow_shift") if name in taken and flows}
    spaced = _SPACINGS.get(spacing or "normal")
    if spaced is None or not spaced.keys() <= taken.keys() or not _can(spaced):
        ignored.append(f"scheduler {spacing}")
    else:
        changes |= spaced
    same = kind is type(own) and all(own.config.get(name) == value for name, value in changes.items())
    return (None if same else kind.from_config(own.config, **changes)), tuple(ignored)


def _class(own: Any, sampler: str | None) -> Any:
    """Among those that the pipeline's own sampler may be replaced by; one of continuous time may not be."""
    name = _CLASSES.get(sampler or "")
    if name is None or name not in own._compatibles or own.config.get("timestep_type") == "continuous":
        return None
    return getattr(diffusers, name)


def _flow_class(pipeline: Any, sampler: str | None) -> Any:
    """Pipelines that hand their own sigmas or a `mu` to the sampler can have no other one; Wan's do not."""
    own = type(pipeline.scheduler)
    name = _FLOW_CLASSES.get(sampler or "")
    if name is None or name == own.__name__:
        return own if name else None
    if sampler not in _FLOWING or not type(pipeline).__name__.startswith("Wan"):
        return None
    return getattr(diffusers, name)


def _can(spaced: dict[str, Any]) -> bool:
    """Whether what it needs is installed."""
    return "use_beta_sigmas" not in spaced or find_spec("scipy") is not None
