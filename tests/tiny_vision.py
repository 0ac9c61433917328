"""Vision models of few and random weights, made here: they load and run as the large ones do, and babble.

Needs torch and transformers, of the extra vlm.
"""

from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import (
    BartConfig,
    CLIPVisionConfig,
    Florence2Config,
    Florence2ForConditionalGeneration,
    Florence2Processor,
    LlamaConfig,
    LlavaConfig,
    LlavaForConditionalGeneration,
    LlavaProcessor,
    PreTrainedTokenizerFast,
)
from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil
from transformers.models.florence2.configuration_florence2 import Florence2VisionConfig
from transformers.utils import logging

logging.disable_progress_bar()

_SAID = "a red green blue picture of the sea . what does image describe in one short sentence"
WORDS = _SAID.split()
_SPECIAL = ("<pad>", "<s>", "</s>", "<unk>", "<image>")
_IDS: dict[str, Any] = {"pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 2}
# Some eight words, then the end.
_TALKS = {
    "min_new_tokens": 8,
    "suppress_tokens": [0, 1, 3, 4],
    "exponential_decay_length_penalty": (8, 10.0),
}
_TEMPLATE = (
    "{% for message in messages %}{% for part in message['content'] %}"
    "{% if part['type'] == 'image' %}<image> {% else %}{{ part['text'] }} {% endif %}"
    "{% endfor %}{% endfor %}"
)


def tiny_chat_model(folder: Path, *, is_mute: bool = False) -> Path:
    """A model that is spoken to, as Qwen3-VL and SmolVLM are. A mute one never says a word."""
    vision = CLIPVisionConfig(
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=2,
        image_size=28,
        patch_size=14,
    )
    text = LlamaConfig(
        vocab_size=len(_vocabulary()),
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=2,
        num_key_value_heads=2,
        max_position_embeddings=512,
        **_IDS,
    )
    config = LlavaConfig(
        vision_config=vision,
        text_config=text,
        image_token_index=4,
        vision_feature_layer=-1,
        vision_feature_select_strategy="full",
    )
    torch.manual_seed(3)
    model = LlavaForConditionalGeneration(config)
    processor = LlavaProcessor(
        image_processor=CLIPImageProcessorPil(
            size={"shortest_edge": 28}, crop_size={"height": 28, "width": 28}
        ),
        tokenizer=_tokenizer(),
        patch_size=14,
        vision_feature_select_strategy="full",
        num_additional_image_tokens=1,
        chat_template=_TEMPLATE,
    )
    return _saved(model, processor, folder, is_mute=is_mute)


def tiny_caption_model(folder: Path) -> Path:
    """A model that knows tasks, as Florence-2 does."""
    vision = Florence2VisionConfig(
        depths=[1, 1],
        embed_dim=[16, 32],
        num_heads=[2, 2],
        num_groups=[2, 2],
        patch_size=[7, 3],
        patch_stride=[4, 2],
        patch_padding=[3, 1],
        patch_prenorm=[False, True],
        window_size=4,
        projection_dim=32,
        max_temporal_embeddings=10,
        max_position_embeddings=20,
    )
    text = BartConfig(
        vocab_size=len(_vocabulary()),
        d_model=32,
        encoder_layers=1,
        decoder_layers=1,
        encoder_attention_heads=2,
        decoder_attention_heads=2,
        encoder_ffn_dim=64,
        decoder_ffn_dim=64,
        max_position_embeddings=512,
        decoder_start_token_id=2,
        **_IDS,
    )
    config = Florence2Config(vision_config=vision, text_config=text, image_token_id=4)
    torch.manual_seed(1)
    model = Florence2ForConditionalGeneration(config)
    pictures = CLIPImageProcessorPil(size={"height": 64, "width": 64}, do_center_crop=False)
    pictures.image_seq_length = 65
    processor = Florence2Processor(
        image_processor=pictures, tokenizer=_tokenizer(), num_additional_image_tokens=0
    )
    return _saved(model, processor, folder)


def _vocabulary() -> dict[str, int]:
    return {word: number for number, word in enumerate((*_SPECIAL, *WORDS))}


def _tokenizer() -> PreTrainedTokenizerFast:
    plain = Tokenizer(models.WordLevel(_vocabulary(), unk_token="<unk>"))
    plain.pre_tokenizer = pre_tokenizers.Whitespace()
    names = dict(zip(("pad_token", "bos_token", "eos_token", "unk_token"), _SPECIAL, strict=False))
    return PreTrainedTokenizerFast(
        tokenizer_object=plain, extra_special_tokens={"image_token": "<image>"}, **names
    )


def _saved(model: Any, processor: Any, folder: Path, *, is_mute: bool = False) -> Path:
    said: dict[str, Any] = {"suppress_tokens": [*range(3, len(_vocabulary()))]} if is_mute else _TALKS
    for name, value in said.items():
        setattr(model.generation_config, name, value)
    model.save_pretrained(folder)
    processor.save_pretrained(folder)
    return folder
