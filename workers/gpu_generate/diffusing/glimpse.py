"""What latents look like, for next to nothing: averaged down to a few, which the pipeline's own VAE decodes.

A film shows its middle. Which way round a pipeline keeps its latents is told by its VAE; of one that is not
known here nothing is shown.
"""

from typing import Any

import torch
from PIL import Image

from farm.models import Fitted

_MOST_LATENTS = 32  # a side
_MOST_PX = 512
_FRAMES_FIRST = ("AutoencoderKLTemporalDecoder", "AutoencoderKLCogVideoX")
_LTX = ("AutoencoderKLLTXVideo", "AutoencoderKLLTX2Video")
_OF_PICTURES = ("AutoencoderKL", "AutoencoderKLFlux2", "AutoencoderKLTemporalDecoder")
_OF_FILMS = (
    "AutoencoderKLCogVideoX",
    "AutoencoderKLHunyuanVideo",
    "AutoencoderKLHunyuanVideo15",
    "AutoencoderKLWan",
    *_LTX,
)


def can_glimpse(pipeline: Any) -> bool:
    """Whether this pipeline's latents are understood here."""
    return _name(pipeline) in (*_OF_PICTURES, *_OF_FILMS)


def glimpse(pipeline: Any, latents: torch.Tensor, fitted: Fitted) -> Image.Image | None:
    """What is drawn of the first item, `latents` being as the pipeline has them between two steps.

    None where they decode to nothing (NaN). Raises what torch raises.
    """
    few = _pooled(_middle(_unpacked(pipeline, latents[:1], fitted)), fitted)
    if _name(pipeline) in _OF_PICTURES:
        few = few[:, :, -1]
    decoded = _decoded(pipeline.vae, _as_decoded(pipeline.vae, few))
    picture = decoded[0] if decoded.ndim == 4 else decoded[0, :, -1]
    if not bool(torch.isfinite(picture).all()):
        return None
    pixels = ((picture.float().clamp(-1, 1) + 1) * 127.5).round().to(torch.uint8)
    return Image.fromarray(pixels.permute(1, 2, 0).cpu().numpy())


def _unpacked(pipeline: Any, latents: torch.Tensor, fitted: Fitted) -> torch.Tensor:
    """(1, channels, frames, height, width)."""
    name = _name(pipeline)
    if name == "AutoencoderKLFlux2":
        return _flux2(pipeline, latents, fitted)
    if name in _LTX:
        return _ltx(pipeline, latents, fitted)
    if latents.ndim == 4:
        latents = latents[:, :, None]
    if name in _FRAMES_FIRST:
        latents = latents.transpose(1, 2)
    return latents[:, : pipeline.vae.config.latent_channels] if "Hunyuan" in name else latents


def _flux2(pipeline: Any, latents: torch.Tensor, fitted: Fitted) -> torch.Tensor:
    """A row of 2x2 patches, brought to a mean of 0 patch by patch."""
    vae, side = pipeline.vae, 2 * pipeline.vae_scale_factor
    high, wide = fitted.height // side, fitted.width // side
    patches = latents.reshape(1, high, wide, -1).permute(0, 3, 1, 2)
    deviation = torch.sqrt(vae.bn.running_var + vae.config.batch_norm_eps)
    mean, deviation = (each.view(1, -1, 1, 1).to(patches) for each in (vae.bn.running_mean, deviation))
    parts = (patches * deviation + mean).reshape(1, -1, 2, 2, high, wide)
    return parts.permute(0, 1, 4, 2, 5, 3).reshape(1, -1, 1, 2 * high, 2 * wide)


def _ltx(pipeline: Any, latents: torch.Tensor, fitted: Fitted) -> torch.Tensor:
    """A row of patches, those of pictures handed in behind those of the film."""
    space, time = pipeline.vae_spatial_compression_ratio, pipeline.vae_temporal_compression_ratio
    patch, patch_time = pipeline.transformer_spatial_patch_size, pipeline.transformer_temporal_patch_size
    shape = ((fitted.frames - 1) // time + 1, fitted.height // space, fitted.width // space)
    count = shape[0] // patch_time * (shape[1] // patch) * (shape[2] // patch)
    found: torch.Tensor = pipeline._unpack_latents(latents[:, :count], *shape, patch, patch_time)
    return found


def _middle(latents: torch.Tensor) -> torch.Tensor:
    """Two frames of latents: VAEs of films make a picture of one and of what came before it."""
    at = latents.shape[2] // 2
    return latents[:, :, max(0, at - 1) : at + 1]


def _pooled(latents: torch.Tensor, fitted: Fitted) -> torch.Tensor:
    """So few that they decode to _MOST_PX a side at most."""
    frames, high, wide = latents.shape[2:]
    most = min(_MOST_LATENTS, _MOST_PX * wide // fitted.width)
    share = min(1.0, max(1, most) / max(high, wide))
    size = (frames, max(1, round(high * share)), max(1, round(wide * share)))
    return torch.nn.functional.adaptive_avg_pool3d(latents.float(), size)


def _as_decoded(vae: Any, latents: torch.Tensor) -> torch.Tensor:
    """As the VAE takes them: with the mean and deviation that the pipeline has taken off."""
    config, name = vae.config, type(vae).__name__
    if name == "AutoencoderKLFlux2":
        scale, shift = 1.0, 0.0
    elif name == "AutoencoderKLWan":
        scale, shift = _by_channel(config.latents_std, latents), _by_channel(config.latents_mean, latents)
    elif name in _LTX:
        scale = _by_channel(vae.latents_std, latents) / config.scaling_factor
        shift = _by_channel(vae.latents_mean, latents)
    else:
        scale, shift = 1 / config.scaling_factor, config.get("shift_factor") or 0.0
    return (latents * scale + shift).to(vae.dtype)


def _by_channel(values: Any, latents: torch.Tensor) -> torch.Tensor:
    return torch.as_tensor(values, device=latents.device, dtype=latents.dtype).view(1, -1, 1, 1, 1)


def _decoded(vae: Any, latents: torch.Tensor) -> torch.Tensor:
    """(1, 3, height, width), or with frames before the height."""
    more: dict[str, Any] = {}
    if type(vae).__name__ == "AutoencoderKLTemporalDecoder":
        more["num_frames"] = 1
    if vae.config.get("timestep_conditioning"):  # how much noise is left
        more["temb"] = torch.zeros(1, device=latents.device, dtype=latents.dtype)
    found: torch.Tensor = vae.decode(latents, return_dict=False, **more)[0]
    return found


def _name(pipeline: Any) -> str:
    return type(getattr(pipeline, "vae", None)).__name__
