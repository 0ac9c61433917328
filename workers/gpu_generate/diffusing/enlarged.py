"""LTX's second pass: a film is drawn at half its size, enlarged while it is latents, then decoded whole.

A pipeline does so once it was given an upsampler; every other is called as it is.
"""

from collections.abc import Mapping
from typing import Any

import torch
from diffusers import LTX2LatentUpsamplePipeline
from diffusers.pipelines.ltx2.latent_upsampler import LTX2LatentUpsamplerModel
from diffusers.pipelines.ltx2.pipeline_output import LTX2PipelineOutput

from farm.models import Fitted

UPSAMPLER = "latent_upsampler"  # the part's role
_TIMES = 2  # what the upsampler makes of a side
_OWN = "_kinefarm_second_pass"


def give_upsampler(pipeline: Any, place: str, subfolder: str | None, **how: Any) -> None:
    """Load it. It lies on the processor, and comes to the pipeline's device for its one call a film."""
    kind: Any = LTX2LatentUpsamplerModel
    upsampler = kind.from_pretrained(place, subfolder=subfolder or "", **how).eval()
    second = LTX2LatentUpsamplePipeline(vae=pipeline.vae, latent_upsampler=upsampler)
    second.set_progress_bar_config(disable=True)
    setattr(pipeline, _OWN, second)


def first_pass(pipeline: Any, fitted: Fitted) -> Fitted:
    """What the pipeline itself is to draw. The model's sides are multiples of what half a side must be."""
    if getattr(pipeline, _OWN, None) is None:
        return fitted
    return fitted.model_copy(update={"width": fitted.width // _TIMES, "height": fitted.height // _TIMES})


def drawn_by(pipeline: Any, call: Mapping[str, Any], watching: Mapping[str, Any]) -> Any:
    """What the pipeline answers; with an upsampler after the second pass."""
    second = getattr(pipeline, _OWN, None)
    if second is None:
        return pipeline(**call, **watching)
    first = pipeline(**{**call, "output_type": "latent"}, **watching)
    return LTX2PipelineOutput(
        frames=_enlarged(pipeline, second, call, first.frames), audio=_heard(pipeline, first.audio)
    )


def _enlarged(pipeline: Any, second: Any, call: Mapping[str, Any], latents: Any) -> Any:
    upsampler = second.latent_upsampler
    upsampler.to(pipeline._execution_device)
    try:
        size = {name: call[name] for name in ("width", "height", "num_frames")}
        return second(latents=latents, generator=call["generator"], output_type="np", **size).frames
    finally:
        upsampler.to("cpu")


def _heard(pipeline: Any, latents: Any) -> Any:
    """The sound, which the first pass left as latents."""
    with torch.no_grad():
        mel = pipeline.audio_vae.decode(latents.to(pipeline.audio_vae.dtype), return_dict=False)[0]
        return pipeline.vocoder(mel)
