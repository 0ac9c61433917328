"""With which arguments a pipeline is called: those of its signature that the request has something for.

What single pipelines want otherwise is said here, once each.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from inspect import Parameter, signature
from math import ceil
from typing import Any

import torch
from diffusers.pipelines.ltx2.pipeline_ltx2_condition import LTX2VideoCondition
from diffusers.pipelines.ltx2.pipeline_ltx2_ic_lora import LTX2ReferenceCondition
from PIL import Image

from farm.errors import FailureClass, TaskFailure
from farm.models import Fitted, Model
from workers.gpu_generate.diffusing.asked import Asked
from workers.gpu_generate.diffusing.controls import scale_of

_SVD_CHUNK = 8  # frames decoded at once: all of them need several GiB
_LTX2_PLAIN = {
    "stg_scale": 0.0,
    "modality_scale": 1.0,
    "guidance_rescale": 0.0,
    "audio_guidance_scale": 1.0,
    "audio_stg_scale": 0.0,
    "audio_modality_scale": 1.0,
    "audio_guidance_rescale": 0.0,
}
_SEGMENT = 77  # frames that Wan Animate draws at once; the next ones go on from the last of them
_WINDOW, _STRIDE = 16, 4  # frames that AnimateDiff draws at once, and by how many a window follows another


@dataclass(frozen=True, slots=True)
class Given:
    """Pictures beside the prompt, RGB, in the size of what is drawn (`references` in their own)."""

    image: Image.Image | None = None
    last_image: Image.Image | None = None
    mask: Image.Image | None = None
    video: Sequence[Image.Image] = ()
    references: Sequence[Image.Image] = ()

    @property
    def all_pictures(self) -> list[Image.Image]:
        """The first and those to look at."""
        return [picture for picture in (self.image, *self.references) if picture is not None]


def arguments(
    pipeline: Any, model: Model, asked: Asked, given: Given, fitted: Fitted, seeds: Sequence[int]
) -> dict[str, Any]:
    """For one call that draws an item for each seed. Raises TaskFailure for a pipeline that needs more."""
    takes = signature(type(pipeline).__call__).parameters
    said = {
        "height": fitted.height,
        "width": fitted.width,
        "num_frames": fitted.frames,
        "frame_rate": float(fitted.frame_rate),
        "num_inference_steps": fitted.steps or None,
        "negative_prompt": _each(asked.negative_prompt, seeds) if asked.negative_prompt else None,
        "prompt": _each(asked.prompt, seeds),
        "generator": generators(seeds),
        "mask_image": given.mask,
        "last_image": given.last_image,
        "strength": asked.strength,
        **_pictures(pipeline, takes, given),
        **_guidance(takes, asked.cfg if asked.cfg is not None else model.defaults.cfg),
        "output_type": "np",
    }
    if "segment_frame_length" in takes:
        said["segment_frame_length"] = min(_SEGMENT, fitted.frames)
    if "min_guidance_scale" in takes:  # SVD
        said["decode_chunk_size"] = _SVD_CHUNK
    call = {name: value for name, value in said.items() if name in takes and value is not None}
    _check(pipeline, model, takes, call)
    return call


def generators(seeds: Sequence[int]) -> torch.Generator | list[torch.Generator]:
    """One for each item; the processor's, so that every device draws the same noise."""
    made = [torch.Generator("cpu").manual_seed(seed) for seed in seeds]
    return made if len(made) > 1 else made[0]


def settle(pipeline: Any, model: Model, asked: Asked, fitted: Fitted) -> None:
    """What is set on a pipeline before it is called."""
    cfg = asked.cfg if asked.cfg is not None else model.defaults.cfg
    guider = getattr(pipeline, "guider", None)
    if guider is not None and cfg is not None:
        pipeline.guider = guider.new(guidance_scale=cfg)
    if hasattr(pipeline, "enable_free_noise"):  # windows that overlap, for more than was trained on
        if fitted.frames > _WINDOW:
            pipeline.enable_free_noise(context_length=_WINDOW, context_stride=_STRIDE)
        elif getattr(pipeline, "free_noise_enabled", False):
            pipeline.disable_free_noise()


def pieces_of(pipeline: Any, fitted: Fitted) -> int:
    """Into how many pieces it cuts a film, each of which it draws in all its steps."""
    if "segment_frame_length" not in signature(type(pipeline).__call__).parameters:
        return 1
    return max(1, ceil((fitted.frames - 1) / (min(_SEGMENT, fitted.frames) - 1 or 1)))


def looks_at_references(pipeline: Any) -> bool:
    """Whether it draws after more pictures than the first and the last."""
    is_vace = "reference_images" in signature(type(pipeline).__call__).parameters
    return is_vace or type(pipeline).__name__.startswith("Flux2")


def _pictures(pipeline: Any, takes: Any, given: Given) -> dict[str, Any]:
    if "reference_conditions" in takes:
        videos = [LTX2ReferenceCondition(frames=list(given.video))] if given.video else None
        own = {"reference_conditions": videos, "reference_downscale_factor": scale_of(pipeline)}
        return {**own, "conditions": _conditions(given)}
    if "conditions" in takes:
        return {"conditions": _conditions(given)}
    if "pose_video" in takes:  # Wan Animate
        return _animated(pipeline, given)
    if "reference_images" in takes:  # Wan VACE
        return {"video": list(given.video) or None, "reference_images": given.all_pictures or None}
    if given.references and looks_at_references(pipeline):
        return {"image": given.all_pictures}
    return {"image": given.image, "video": list(given.video) or None}


def _animated(pipeline: Any, given: Given) -> dict[str, Any]:
    """The film is the pose, drawn as a figure. A black face leaves the expression to the model."""
    side = pipeline.transformer.config.motion_encoder_size
    faces = [Image.new("RGB", (side, side))] * len(given.video)
    return {"image": given.image, "pose_video": list(given.video), "face_video": faces}


def _conditions(given: Given) -> list[LTX2VideoCondition] | None:
    ends = ((given.image, 0), (given.last_image, -1))
    return [LTX2VideoCondition(frames=at, index=index) for at, index in ends if at is not None] or None


def _guidance(takes: Any, cfg: float | None) -> dict[str, float | None]:
    if "max_guidance_scale" in takes:  # SVD: more towards the end of the film
        return {"min_guidance_scale": min(1.0, cfg) if cfg is not None else None, "max_guidance_scale": cfg}
    if "audio_guidance_scale" in takes and cfg is not None and cfg <= 1:  # LTX-2, distilled: one call a step
        return {"guidance_scale": cfg, **_LTX2_PLAIN}
    return {"guidance_scale": cfg}


def _each(text: str, seeds: Sequence[int]) -> str | list[str]:
    return [text] * len(seeds) if len(seeds) > 1 else text


def _check(pipeline: Any, model: Model, takes: Any, call: dict[str, Any]) -> None:
    lacks = [
        name
        for name, parameter in takes.items()
        if name not in ("self", *call)
        and parameter.default is Parameter.empty
        and parameter.kind is Parameter.POSITIONAL_OR_KEYWORD
    ]
    if lacks:
        raise TaskFailure(
            f"{model.name} needs {', '.join(lacks)}, which nothing in this request gives"
            f" ({type(pipeline).__name__}).",
            FailureClass.INTERNAL,
            code="pipeline_unsupported",
        )
