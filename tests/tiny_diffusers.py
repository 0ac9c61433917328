"""Diffusers pipelines of few and random weights, made here: they run as the large ones do, and draw noise.

Needs the extra diffusers. `PIPELINES` names them by the model of the catalog that each stands for;
`configure` writes configs in which those models are as small.
"""

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import diffusers as d
import torch
import transformers as t
from diffusers.pipelines.ltx2 import LTX2TextConnectors
from diffusers.pipelines.ltx2.latent_upsampler import LTX2LatentUpsamplerModel
from diffusers.pipelines.ltx2.vocoder import LTX2Vocoder
from diffusers.utils import logging as diffusers_logging
from safetensors.torch import save_file
from transformers.utils import logging as transformers_logging

diffusers_logging.disable_progress_bar()
transformers_logging.disable_progress_bar()
transformers_logging.set_verbosity_error()
diffusers_logging.set_verbosity_error()

_SIDE = 32  # pixels
_CHAT = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n"
    "{{ message['content'] if message['content'] is string else message['content'][0]['text'] }}<|im_end|>\n"
    "{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
_FLOW: dict[str, Any] = {"shift": 7.0}
_NOISE: dict[str, Any] = {
    "beta_start": 0.00085,
    "beta_end": 0.012,
    "beta_schedule": "scaled_linear",
    "clip_sample": False,
    "set_alpha_to_one": False,
    "steps_offset": 1,
}

# --- words ------------------------------------------------------------------------------------------------


def _letters() -> list[str]:
    """The 256 signs that byte-level tokenizers write bytes with."""
    plain = [*range(33, 127), *range(161, 173), *range(174, 256)]
    rest = (chr(256 + number) for number in range(256 - len(plain)))
    return [*map(chr, plain), *rest]


def _clip_tokenizer() -> Any:
    letters = _letters()
    tokens = [*letters, *(f"{letter}</w>" for letter in letters), "<|startoftext|>", "<|endoftext|>"]
    return t.CLIPTokenizer(vocab=_numbered(tokens), merges=[], model_max_length=77)


def _t5_tokenizer() -> Any:
    signs = [("<pad>", 0.0), ("</s>", 0.0), ("<unk>", 0.0), ("\u2581", -2.0)]
    signs += [(chr(code), -3.0) for code in range(33, 127)]
    return t.T5Tokenizer(vocab=signs, extra_ids=0, additional_special_tokens=[], model_max_length=512)


def _qwen_tokenizer() -> Any:
    tokens = [*_letters(), "<|endoftext|>", "<|im_start|>", "<|im_end|>"]
    made = t.Qwen2Tokenizer(
        vocab=_numbered(tokens),
        merges=[],
        model_max_length=2048,
        additional_special_tokens=["<|im_start|>", "<|im_end|>"],
    )
    made.chat_template = _CHAT
    return made


def _gemma_tokenizer() -> Any:
    tokens = ["<pad>", "<eos>", "<bos>", "<unk>", "\u2581", *map(chr, range(33, 127))]
    return t.GemmaTokenizer(vocab=_numbered(tokens), merges=[], model_max_length=1024)


def _numbered(tokens: Sequence[str]) -> dict[str, int]:
    return {token: number for number, token in enumerate(tokens)}


def _clip_text(hidden: int = 32) -> Any:
    config = t.CLIPTextConfig(
        vocab_size=514,
        bos_token_id=512,
        eos_token_id=513,
        pad_token_id=513,
        hidden_size=hidden,
        intermediate_size=2 * hidden,
        num_attention_heads=4,
        num_hidden_layers=2,
        projection_dim=hidden,
        max_position_embeddings=77,
    )
    return t.CLIPTextModel(config)


def _t5_text(words: int = 128) -> Any:
    config = t.T5Config(vocab_size=words, d_model=32, d_kv=8, d_ff=64, num_layers=2, num_heads=4)
    return t.T5EncoderModel(config)


def _qwen3(layers: int, kind: Any) -> Any:
    config = t.Qwen3Config(
        vocab_size=320,
        hidden_size=16,
        intermediate_size=16,
        num_hidden_layers=layers,
        num_attention_heads=2,
        num_key_value_heads=2,
        max_position_embeddings=512,
    )
    return kind(config)


def _clip_eye(hidden: int, side: int, patch: int) -> Any:
    config = t.CLIPVisionConfig(
        hidden_size=hidden,
        projection_dim=hidden,
        num_hidden_layers=2,
        num_attention_heads=4 if hidden > 4 else 2,
        image_size=side,
        intermediate_size=37,
        patch_size=patch,
    )
    return t.CLIPVisionModelWithProjection(config)


# --- pictures ---------------------------------------------------------------------------------------------


def _vae(channels: Sequence[int] = (8, 16), latent: int = 4, **more: Any) -> Any:
    count = len(channels)
    return d.AutoencoderKL(
        block_out_channels=list(channels),
        in_channels=3,
        out_channels=3,
        down_block_types=["DownEncoderBlock2D"] * count,
        up_block_types=["UpDecoderBlock2D"] * count,
        latent_channels=latent,
        norm_num_groups=4,
        **more,
    )


def _unet(channels: Sequence[int] = (16, 32), inputs: int = 4, context: int = 32) -> Any:
    return d.UNet2DConditionModel(
        block_out_channels=tuple(channels),
        layers_per_block=1,
        sample_size=16,
        in_channels=inputs,
        out_channels=4,
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"),
        cross_attention_dim=context,
        norm_num_groups=8,
        attention_head_dim=8,
    )


def _stable_diffusion(kind: Any, inputs: int) -> Any:
    return kind(
        unet=_unet(inputs=inputs),
        scheduler=d.DDIMScheduler(**_NOISE),
        vae=_vae(),
        text_encoder=_clip_text(),
        tokenizer=_clip_tokenizer(),
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    )


def sd15() -> Any:
    return _stable_diffusion(d.StableDiffusionPipeline, 4)


def sd15_inpaint() -> Any:
    return _stable_diffusion(d.StableDiffusionInpaintPipeline, 9)


def flux2_klein() -> Any:
    return d.Flux2KleinPipeline(
        transformer=d.Flux2Transformer2DModel(
            patch_size=1,
            in_channels=4,
            num_layers=1,
            num_single_layers=1,
            attention_head_dim=16,
            num_attention_heads=2,
            joint_attention_dim=48,  # three of the encoder's layers, which the pipeline names itself
            timestep_guidance_channels=256,
            axes_dims_rope=[4, 4, 4, 4],
            guidance_embeds=False,
        ),
        scheduler=d.FlowMatchEulerDiscreteScheduler(),
        vae=d.AutoencoderKLFlux2(
            sample_size=32,
            down_block_types=("DownEncoderBlock2D",),
            up_block_types=("UpDecoderBlock2D",),
            block_out_channels=(4,),
            layers_per_block=1,
            latent_channels=1,
            norm_num_groups=1,
            use_quant_conv=False,
            use_post_quant_conv=False,
        ),
        text_encoder=_qwen3(28, t.Qwen3ForCausalLM),
        tokenizer=_qwen_tokenizer(),
    )


def z_image() -> Any:
    transformer = d.ZImageTransformer2DModel(
        in_channels=16,
        dim=32,
        n_layers=2,
        n_refiner_layers=1,
        n_heads=2,
        n_kv_heads=2,
        cap_feat_dim=16,
        axes_dims=[8, 4, 4],
        axes_lens=[640, 32, 32],
    )
    with torch.no_grad():  # made without values of their own
        transformer.x_pad_token.fill_(1.0)
        transformer.cap_pad_token.fill_(1.0)
    return d.ZImagePipeline(
        transformer=transformer,
        scheduler=d.FlowMatchEulerDiscreteScheduler(),
        vae=_vae(latent=16, scaling_factor=0.3611, shift_factor=0.1159),
        text_encoder=_qwen3(2, t.Qwen3Model),
        tokenizer=_qwen_tokenizer(),
    )


# --- films ------------------------------------------------------------------------------------------------


def animatediff() -> Any:
    unet = d.UNet2DConditionModel(
        block_out_channels=(8, 8),
        layers_per_block=1,
        sample_size=8,
        down_block_types=("CrossAttnDownBlock2D", "DownBlock2D"),
        up_block_types=("UpBlock2D", "CrossAttnUpBlock2D"),
        cross_attention_dim=8,
        norm_num_groups=2,
    )
    adapter = d.MotionAdapter(
        block_out_channels=(8, 8),
        motion_layers_per_block=1,
        motion_norm_num_groups=2,
        motion_num_attention_heads=2,
    )
    return d.AnimateDiffPipeline(
        unet=unet,
        motion_adapter=adapter,
        scheduler=d.DDIMScheduler(**_NOISE),
        vae=_vae((8, 8)),
        text_encoder=_clip_text(8),
        tokenizer=_clip_tokenizer(),
    )


def svd() -> Any:
    return d.StableVideoDiffusionPipeline(
        unet=d.UNetSpatioTemporalConditionModel(
            block_out_channels=(32, 64),
            layers_per_block=1,
            sample_size=32,
            in_channels=8,
            out_channels=4,
            down_block_types=("CrossAttnDownBlockSpatioTemporal", "DownBlockSpatioTemporal"),
            up_block_types=("UpBlockSpatioTemporal", "CrossAttnUpBlockSpatioTemporal"),
            cross_attention_dim=32,
            num_attention_heads=8,
            projection_class_embeddings_input_dim=96,
            addition_time_embed_dim=32,
        ),
        image_encoder=_clip_eye(32, 224, 56),
        scheduler=d.EulerDiscreteScheduler(
            beta_start=0.00085,
            beta_end=0.012,
            beta_schedule="scaled_linear",
            prediction_type="v_prediction",
            sigma_max=700.0,
            sigma_min=0.002,
            steps_offset=1,
            timestep_spacing="leading",
            timestep_type="continuous",
            use_karras_sigmas=True,
        ),
        vae=d.AutoencoderKLTemporalDecoder(
            block_out_channels=[32, 64], down_block_types=["DownEncoderBlock2D"] * 2, latent_channels=4
        ),
        feature_extractor=t.CLIPImageProcessor(crop_size=32, size=32),
    )


def cogvideox() -> Any:
    return d.CogVideoXPipeline(
        transformer=d.CogVideoXTransformer3DModel(
            num_attention_heads=4,
            attention_head_dim=8,
            in_channels=4,
            out_channels=4,
            time_embed_dim=2,
            text_embed_dim=32,
            num_layers=1,
            sample_width=2,
            sample_height=2,
            sample_frames=17,
            patch_size=2,
            temporal_compression_ratio=4,
            max_text_seq_length=226,
        ),
        vae=d.AutoencoderKLCogVideoX(
            down_block_types=("CogVideoXDownBlock3D",) * 4,
            up_block_types=("CogVideoXUpBlock3D",) * 4,
            block_out_channels=(8,) * 4,
            latent_channels=4,
            layers_per_block=1,
            norm_num_groups=2,
            temporal_compression_ratio=4,
        ),
        scheduler=d.CogVideoXDDIMScheduler(),
        text_encoder=_t5_text(),
        tokenizer=_t5_tokenizer(),
    )


def ltx() -> Any:
    vae = d.AutoencoderKLLTXVideo(
        latent_channels=8,
        block_out_channels=(8,) * 4,
        decoder_block_out_channels=(8,) * 4,
        layers_per_block=(1,) * 5,
        decoder_layers_per_block=(1,) * 5,
        spatio_temporal_scaling=(True, True, False, False),
        decoder_spatio_temporal_scaling=(True, True, False, False),
        decoder_inject_noise=(False,) * 5,
        upsample_residual=(False,) * 4,
        upsample_factor=(1,) * 4,
        timestep_conditioning=False,
        patch_size=1,
        patch_size_t=1,
        encoder_causal=True,
        decoder_causal=False,
    )
    return d.LTXPipeline(
        transformer=d.LTXVideoTransformer3DModel(
            in_channels=8,
            out_channels=8,
            patch_size=1,
            patch_size_t=1,
            num_attention_heads=4,
            attention_head_dim=8,
            cross_attention_dim=32,
            num_layers=1,
            caption_channels=32,
        ),
        vae=vae,
        scheduler=d.FlowMatchEulerDiscreteScheduler(),
        text_encoder=_t5_text(),
        tokenizer=_t5_tokenizer(),
    )


def ltx2() -> Any:
    """It makes sound as well."""
    words = t.Gemma3TextConfig(
        vocab_size=128,
        hidden_size=32,
        intermediate_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        num_key_value_heads=1,
        head_dim=16,
        max_position_embeddings=1024,
    )
    eyes: Any = {
        "hidden_size": 16,
        "intermediate_size": 16,
        "num_hidden_layers": 1,
        "num_attention_heads": 2,
        "image_size": 28,
        "patch_size": 14,
    }
    audio_vae = d.AutoencoderKLLTX2Audio(
        base_channels=4,
        output_channels=2,
        ch_mult=(1,),
        num_res_blocks=1,
        attn_resolutions=None,
        in_channels=2,
        resolution=32,
        latent_channels=2,
        norm_type="pixel",
        causality_axis="height",
        dropout=0.0,
        mid_block_add_attention=False,
        sample_rate=16000,
        mel_hop_length=160,
        is_causal=True,
        mel_bins=8,
    )
    connectors = LTX2TextConnectors(
        caption_channels=32,
        text_proj_in_factor=3,
        video_connector_num_attention_heads=4,
        video_connector_attention_head_dim=8,
        video_connector_num_layers=1,
        video_connector_num_learnable_registers=None,
        audio_connector_num_attention_heads=4,
        audio_connector_attention_head_dim=8,
        audio_connector_num_layers=1,
        audio_connector_num_learnable_registers=None,
        connector_rope_base_seq_len=32,
        rope_theta=10000.0,
        rope_double_precision=False,
        causal_temporal_positioning=False,
        rope_type="split",
    )
    return d.LTX2Pipeline(
        transformer=_ltx2_transformer(),
        vae=_ltx2_vae(),
        audio_vae=audio_vae,
        scheduler=d.FlowMatchEulerDiscreteScheduler(),
        text_encoder=t.Gemma3ForConditionalGeneration(
            t.Gemma3Config(text_config=words, vision_config=eyes, mm_tokens_per_image=4)
        ),
        tokenizer=_gemma_tokenizer(),
        connectors=connectors,
        vocoder=LTX2Vocoder(
            in_channels=16,
            hidden_channels=32,
            out_channels=2,
            upsample_kernel_sizes=[4, 4],
            upsample_factors=[2, 2],
            resnet_kernel_sizes=[3],
            resnet_dilations=[[1, 3, 5]],
            leaky_relu_negative_slope=0.1,
            output_sampling_rate=16000,
        ),
    )


def _ltx2_transformer() -> Any:
    return d.LTX2VideoTransformer3DModel(
        in_channels=4,
        out_channels=4,
        patch_size=1,
        patch_size_t=1,
        num_attention_heads=2,
        attention_head_dim=8,
        cross_attention_dim=16,
        audio_in_channels=4,
        audio_out_channels=4,
        audio_num_attention_heads=2,
        audio_attention_head_dim=4,
        audio_cross_attention_dim=8,
        num_layers=2,
        qk_norm="rms_norm_across_heads",
        caption_channels=32,
        rope_double_precision=False,
        rope_type="split",
    )


def _ltx2_vae() -> Any:
    return d.AutoencoderKLLTX2Video(
        in_channels=3,
        out_channels=3,
        latent_channels=4,
        block_out_channels=(8,),
        decoder_block_out_channels=(8,),
        layers_per_block=(1,),
        decoder_layers_per_block=(1, 1),
        spatio_temporal_scaling=(True,),
        decoder_spatio_temporal_scaling=(True,),
        decoder_inject_noise=(False, False),
        downsample_type=("spatial",),
        upsample_residual=(False,),
        upsample_factor=(1,),
        timestep_conditioning=False,
        patch_size=1,
        patch_size_t=1,
        encoder_causal=True,
        decoder_causal=False,
    )


def _wan_transformer(inputs: int = 16) -> Any:
    return d.WanTransformer3DModel(
        patch_size=(1, 2, 2),
        num_attention_heads=2,
        attention_head_dim=12,
        in_channels=inputs,
        out_channels=16,
        text_dim=32,
        freq_dim=256,
        ffn_dim=32,
        num_layers=2,
        cross_attn_norm=True,
        qk_norm="rms_norm_across_heads",
        rope_max_seq_len=64,
    )


def _wan_vae() -> Any:
    return d.AutoencoderKLWan(
        base_dim=3, z_dim=16, dim_mult=[1] * 4, num_res_blocks=1, temperal_downsample=[False, True, True]
    )


def wan() -> Any:
    """As Wan 2.2: one transformer for the first steps, one for the others."""
    return d.WanPipeline(
        transformer=_wan_transformer(),
        transformer_2=_wan_transformer(),
        boundary_ratio=0.875,
        vae=_wan_vae(),
        scheduler=d.FlowMatchEulerDiscreteScheduler(**_FLOW),
        text_encoder=_t5_text(),
        tokenizer=_t5_tokenizer(),
    )


def wan_image() -> Any:
    """As Wan 2.2, which needs no eyes beside its VAE."""
    return d.WanImageToVideoPipeline(
        transformer=_wan_transformer(36),
        transformer_2=_wan_transformer(36),
        boundary_ratio=0.9,
        vae=_wan_vae(),
        scheduler=d.FlowMatchEulerDiscreteScheduler(**_FLOW),
        text_encoder=_t5_text(),
        tokenizer=_t5_tokenizer(),
    )


def wan_video() -> Any:
    return d.WanVideoToVideoPipeline(
        transformer=_wan_transformer(),
        vae=_wan_vae(),
        scheduler=d.FlowMatchEulerDiscreteScheduler(**_FLOW),
        text_encoder=_t5_text(),
        tokenizer=_t5_tokenizer(),
    )


def wan_animate() -> Any:
    """It looks at the character with CLIP, and at the face's motion with an encoder of its own."""
    transformer = d.WanAnimateTransformer3DModel(
        patch_size=(1, 2, 2),
        num_attention_heads=2,
        attention_head_dim=12,
        in_channels=36,
        latent_channels=16,
        out_channels=16,
        text_dim=32,
        freq_dim=256,
        ffn_dim=32,
        num_layers=2,
        cross_attn_norm=True,
        qk_norm="rms_norm_across_heads",
        image_dim=4,
        rope_max_seq_len=32,
        motion_encoder_channel_sizes={"4": 16, "8": 16, "16": 16},
        motion_encoder_size=16,
        motion_style_dim=8,
        motion_dim=4,
        motion_encoder_dim=16,
        face_encoder_hidden_dim=16,
        face_encoder_num_heads=2,
        inject_face_latents_blocks=2,
    )
    eye = t.CLIPVisionConfig(
        hidden_size=4,
        projection_dim=4,
        num_hidden_layers=2,
        num_attention_heads=2,
        image_size=4,
        intermediate_size=16,
        patch_size=1,
    )
    return d.WanAnimatePipeline(
        transformer=transformer,
        vae=_wan_vae(),
        scheduler=d.FlowMatchEulerDiscreteScheduler(**_FLOW),
        text_encoder=_t5_text(),
        tokenizer=_t5_tokenizer(),
        image_encoder=t.CLIPVisionModel(eye),
        image_processor=t.CLIPImageProcessorPil(crop_size=4, size=4),
    )


def ltx2_upsampler() -> Any:
    """What enlarges the latents of `ltx2` to twice the size."""
    return LTX2LatentUpsamplerModel(
        in_channels=4, mid_channels=32, num_blocks_per_stage=1, use_rational_resampler=True
    )


def hunyuan15() -> Any:
    """It takes no callback, and its guidance is a part of it."""
    words = t.Qwen2_5_VLTextConfig(
        vocab_size=320,
        hidden_size=16,
        intermediate_size=16,
        num_hidden_layers=2,
        num_attention_heads=2,
        num_key_value_heads=2,
        rope_scaling={"mrope_section": [1, 1, 2], "rope_type": "default", "type": "default"},
        rope_theta=1e6,
    )
    return d.HunyuanVideo15Pipeline(
        transformer=d.HunyuanVideo15Transformer3DModel(
            in_channels=9,
            out_channels=4,
            num_attention_heads=2,
            attention_head_dim=8,
            num_layers=1,
            num_refiner_layers=1,
            mlp_ratio=2.0,
            patch_size=1,
            patch_size_t=1,
            text_embed_dim=16,
            text_embed_2_dim=32,
            image_embed_dim=12,
            rope_axes_dim=(2, 2, 4),
            target_size=16,
            task_type="t2v",
        ),
        vae=d.AutoencoderKLHunyuanVideo15(
            latent_channels=4,
            block_out_channels=(16, 16),
            layers_per_block=1,
            spatial_compression_ratio=4,
            temporal_compression_ratio=2,
            downsample_match_channel=False,
            upsample_match_channel=False,
        ),
        scheduler=d.FlowMatchEulerDiscreteScheduler(**_FLOW),
        text_encoder=t.Qwen2_5_VLTextModel(words),
        tokenizer=_qwen_tokenizer(),
        text_encoder_2=_t5_text(400),
        tokenizer_2=t.ByT5Tokenizer(),
        guider=d.ClassifierFreeGuidance(guidance_scale=1.0),
    )


# --- as the catalog has them ------------------------------------------------------------------------------

PIPELINES: dict[str, Callable[[], Any]] = {
    "sd15": sd15,
    "sd15-inpaint": sd15_inpaint,
    "flux": flux2_klein,
    "z-image": z_image,
    "wan-t2v": wan,
    "wan-i2v": wan_image,
    "v2v": wan_video,
    "wan-animate": wan_animate,
    "ltx-t2v": ltx2,
    "tiny-ltx": ltx,
    "cogvideo-t2v": cogvideox,
    "animatediff": animatediff,
    "svd-i2v": svd,
    "hunyuan15-t2v": hunyuan15,
}
_FILES = {
    "pictures": ("sd15", "sd15-inpaint", "flux", "flux-edit", "z-image"),
    "wan": ("wan-t2v", "wan-i2v", "wan-flf", "v2v", "wan-animate"),
    "ltx": ("ltx-t2v", "ltx-quality", "ltx-camera", "ltx-control"),
    "video": ("cogvideo-t2v", "animatediff", "svd-i2v"),
    "hunyuan": ("hunyuan15-t2v",),
}
_SIDES = {"ltx-quality": 64, "ltx-control": 64}  # one draws at half of that, one looks at so much
_FRAMES = {"animatediff": 8, "svd-i2v": 8, "cogvideo-t2v": 17}
_LTX = """
[tiny-ltx]
name = "LTX 0.9"
owner = "Lightricks"
makes = "video"
serves = ["text-to-video"]
engine = "diffusers"
pipeline = "LTXPipeline"
repository = "Lightricks/LTX-Video"
licence = "as its repository says"
commercial = "no"
vram_gb = 8
frames = { step = 8, offset = 1, least = 9, most = 257 }
size = { multiple = 32, least = 32, most = 1280 }
defaults = { width = 32, height = 32, frames = 9, steps = 2, cfg = 3.0 }
"""
# FARM_TEST_DEVICE=cuda draws on a card, where there is one.
DEVICE = os.environ.get("FARM_TEST_DEVICE", "cpu")
_GENERATE = """
[generate]
folder = "{folder}"
device = "{device}"
threads = 1
keep_free_gb = 0.5
memory_gb = {memory_gb}
[generate.models.flux-edit]
folder = "{folder}/flux"
[generate.models.ltx-camera]
folder = "{folder}/ltx-t2v"
[generate.models.ltx-camera.parts]
camera_in_lora = "{folder}/moves/in.safetensors"
camera_out_lora = "{folder}/moves/out.safetensors"
camera_left_lora = ""
camera_right_lora = ""
[generate.models.ltx-control]
folder = "{folder}/ltx-t2v"
[generate.models.ltx-control.parts]
control_lora = "{folder}/moves/control.safetensors"
[generate.models.ltx-quality]
folder = "{folder}/ltx-t2v"
[generate.models.ltx-quality.parts]
latent_upsampler = "{folder}/upsampler"
[generate.models.wan-flf]
folder = "{folder}/wan-i2v"
[generate.models.wan-flf.parts]
turbo_lora = ""
turbo_2_lora = ""
[generate.models.wan-t2v.parts]
turbo_lora = ""
turbo_2_lora = ""
[generate.models.wan-i2v.parts]
turbo_lora = ""
turbo_2_lora = ""
[generate.models.animatediff.parts]
motion_adapter = "{folder}/animatediff/motion_adapter"
"""


def save(name: str, folder: Path) -> Path:
    """Build the pipeline of that name and save it, as diffusers does, under that name."""
    torch.manual_seed(0)
    PIPELINES[name]().save_pretrained(folder / name, safe_serialization=True)
    return folder / name


def save_upsampler(folder: Path) -> Path:
    """That of ltx-quality, where its configs look for it."""
    torch.manual_seed(0)
    ltx2_upsampler().save_pretrained(folder / "upsampler", safe_serialization=True)
    return folder / "upsampler"


def save_moves(folder: Path) -> None:
    """LoRAs of ltx-camera and ltx-control, where their configs look for them: two of the four moves."""
    (folder / "moves").mkdir()
    key = "transformer.transformer_blocks.0.attn1.to_q.lora"
    for name, value in (("in", 0.5), ("out", -0.5), ("control", 0.25)):
        weights = {f"{key}_A.weight": torch.ones(1, 16), f"{key}_B.weight": torch.full((16, 1), value)}
        said = {"reference_downscale_factor": "2"} if name == "control" else None
        save_file(weights, folder / "moves" / f"{name}.safetensors", said)


def configure(configs: Path, models: Path, *, memory_gb: float = 0.0) -> Path:
    """Write configs (FARM_CONFIG_DIR) whose models lie in `models` and draw 32 x 32 pixels in two steps."""
    (configs / "models").mkdir(parents=True, exist_ok=True)
    for file, names in _FILES.items():
        said = [_small(name) for name in names]
        (configs / "models" / f"{file}.toml").write_text("\n".join(said))
    (configs / "models" / "tiny.toml").write_text(_LTX)
    (configs / "generate.toml").write_text(
        _GENERATE.format(folder=models, memory_gb=memory_gb, device=DEVICE)
    )
    return configs


def _small(name: str) -> str:
    """It draws by the catalog's own rules, but for the size."""
    frames = "" if name in _FILES["pictures"] else f"frames = {_FRAMES.get(name, 9)}, "
    side = _SIDES.get(name, _SIDE)
    return (
        f"[{name}]\n"
        f"size = {{ multiple = 16, least = 16 }}\n"
        f"defaults = {{ width = {side}, height = {side}, {frames}steps = 2 }}\n"
    )
