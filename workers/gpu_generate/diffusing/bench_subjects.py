"""What `farm bench gpu` measures with: transformers and VAEs of full size and random weights.

Of random weights speed and memory are as of trained ones; what is drawn is noise, and nothing is said of it.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import diffusers
import torch

from farm.models import Fitted

Config = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Subject:
    """A pipeline without its text encoder: words come as random `embeds` of shape (batch, tokens, width).

    `gib` is what its weights take in bfloat16; `batches` are the numbers of items drawn together.
    """

    name: str
    build: Callable[[], Any]
    embeds: tuple[int, int]
    call: Mapping[str, Any]
    gib: float
    batches: tuple[int, ...] = (1,)

    def fitted(self, steps: int) -> Fitted:
        """What a call of it draws."""
        size = {"width": self.call["width"], "height": self.call["height"]}
        return Fitted(**size, frames=self.call.get("num_frames", 1), frame_rate=16, steps=steps, count=1)

    def arguments(self, pipeline: Any, batch: int, steps: int, **more: Any) -> dict[str, Any]:
        """For a call that draws so many items."""
        part = pipeline.transformer
        words = torch.randn((batch, *self.embeds), generator=torch.Generator().manual_seed(1))
        return {
            "prompt_embeds": words.to(pipeline._execution_device, part.dtype),
            "num_inference_steps": steps,
            "generator": [torch.Generator().manual_seed(number) for number in range(batch)],
            "output_type": "latent",
            "guidance_scale": 1.0,
            **self.call,
            **more,
        }


@dataclass(frozen=True, slots=True)
class _Flux:
    transformer: Config
    vae: Config = field(default_factory=dict)

    def __call__(self) -> Any:
        return diffusers.Flux2KleinPipeline(
            transformer=diffusers.Flux2Transformer2DModel(**self.transformer),
            vae=diffusers.AutoencoderKLFlux2(**self.vae),
            scheduler=diffusers.FlowMatchEulerDiscreteScheduler(),
            text_encoder=None,
            tokenizer=None,
        )


@dataclass(frozen=True, slots=True)
class _Wan:
    transformer: Config
    vae: Config = field(default_factory=dict)

    def __call__(self) -> Any:
        return diffusers.WanPipeline(
            transformer=diffusers.WanTransformer3DModel(**self.transformer),
            vae=diffusers.AutoencoderKLWan(**self.vae),
            scheduler=diffusers.FlowMatchEulerDiscreteScheduler(shift=5.0),
            text_encoder=None,
            tokenizer=None,
        )


_KLEIN_4B: Config = {
    "num_layers": 5,
    "num_single_layers": 20,
    "num_attention_heads": 24,
    "joint_attention_dim": 7680,
    "guidance_embeds": False,
}
_WAN_1B: Config = {"num_attention_heads": 12, "ffn_dim": 8960, "num_layers": 30}
_FILM: Config = {"width": 832, "height": 480, "num_frames": 81}

FULL = (
    Subject(
        "flux2-klein-4b", _Flux(_KLEIN_4B), (512, 7680), {"width": 1024, "height": 1024}, 8, (1, 2, 4, 8)
    ),
    Subject(
        "flux2-klein-4b-512", _Flux(_KLEIN_4B), (512, 7680), {"width": 512, "height": 512}, 8, (1, 2, 4, 8)
    ),
    Subject("wan-1.3b", _Wan(_WAN_1B), (512, 4096), _FILM, 3, (1, 2)),
    Subject("wan-14b", _Wan({}), (512, 4096), _FILM, 29),
)
TINY = (
    Subject(
        "tiny-flux2",
        _Flux(
            {
                "in_channels": 4,
                "num_layers": 1,
                "num_single_layers": 1,
                "attention_head_dim": 16,
                "num_attention_heads": 2,
                "joint_attention_dim": 48,
                "axes_dims_rope": (4, 4, 4, 4),
                "guidance_embeds": False,
            },
            {
                "down_block_types": ("DownEncoderBlock2D",),
                "up_block_types": ("UpDecoderBlock2D",),
                "block_out_channels": (4,),
                "layers_per_block": 1,
                "latent_channels": 1,
                "norm_num_groups": 1,
                "use_quant_conv": False,
                "use_post_quant_conv": False,
            },
        ),
        (16, 48),
        {"width": 32, "height": 32},
        0.01,
        (1, 2),
    ),
    Subject(
        "tiny-wan",
        _Wan(
            {
                "num_attention_heads": 2,
                "attention_head_dim": 12,
                "text_dim": 32,
                "ffn_dim": 32,
                "num_layers": 2,
                "rope_max_seq_len": 64,
            },
            {"base_dim": 3, "dim_mult": [1] * 4, "num_res_blocks": 1},
        ),
        (16, 32),
        {"width": 32, "height": 32, "num_frames": 9},
        0.01,
    ),
)
