"""Loads a model's pipeline as the configs say: safetensors only, and no code that came with it."""

import logging
from importlib.util import find_spec
from typing import Any

import diffusers
import torch
from diffusers import DiffusionPipeline, MotionAdapter, PipelineQuantizationConfig
from diffusers.utils import logging as diffusers_logging
from safetensors import SafetensorError
from transformers.utils import logging as transformers_logging

from farm.diffusing import OwnModel
from farm.errors import FailureClass, TaskFailure
from farm.model_sources import Source, Sources
from farm.models import Model
from workers.gpu_generate.diffusing.controls import CONTROL, note_scale
from workers.gpu_generate.diffusing.device import Device, is_out_of_memory
from workers.gpu_generate.diffusing.enlarged import UPSAMPLER, give_upsampler
from workers.gpu_generate.diffusing.moves import MOVES, note_move

_loud: Any = transformers_logging
_loud.disable_progress_bar()
logging.getLogger("bitsandbytes").setLevel(logging.ERROR)  # int8 tells of every layer at every step
diffusers_logging.disable_progress_bar()
_UNREADABLE = (OSError, ValueError, TypeError, KeyError, AttributeError, ImportError, SafetensorError)
_DENOISERS = ("transformer", "transformer_2", "unet")
_LORA, _SECOND_LORA = "_lora", "_2_lora"
_ADAPTER = "motion_adapter"


def load(model: Model, sources: Sources, own: OwnModel, device: Device, *, download: bool) -> Any:
    """The pipeline, ready on its device. Raises TaskFailure: INTERNAL `model_unreadable`, or OOM."""
    try:
        pipeline = _read(model, sources, own, device, download=download)
        _settle(pipeline, own, device)
    except _UNREADABLE as error:
        said = (str(error).splitlines() or [type(error).__name__])[0]
        message = f"{model.name} cannot be loaded from {sources.model.place}: {said}"
        raise TaskFailure(message, FailureClass.INTERNAL, code="model_unreadable") from error
    except (RuntimeError, MemoryError) as error:
        if is_out_of_memory(error):
            raise TaskFailure(
                f"{model.name} does not fit the memory here: {error}",
                FailureClass.OOM,
                code="out_of_memory",
            ) from error
        raise
    return pipeline


def denoisers(pipeline: Any) -> dict[str, Any]:
    """The large parts, which are called at every step."""
    found = {name: getattr(pipeline, name, None) for name in _DENOISERS}
    return {name: module for name, module in found.items() if module is not None}


def size_bytes(pipeline: Any) -> int:
    """What its weights take, each counted once."""
    seen: dict[int, int] = {}
    for part in pipeline.components.values():
        if isinstance(part, torch.nn.Module):
            for tensor in (*part.parameters(), *part.buffers()):
                seen[tensor.data_ptr()] = tensor.nbytes
    return sum(seen.values())


def cast_to_float8(pipeline: Any, dtype: torch.dtype) -> None:
    """Keep the large parts' weights in eight bits each; they are computed with in `dtype`."""
    for module in denoisers(pipeline).values():
        module.enable_layerwise_casting(storage_dtype=torch.float8_e4m3fn, compute_dtype=dtype)


def run_as_written(pipeline: Any) -> None:
    """Take back what `compiled` did."""
    for part in denoisers(pipeline).values():
        for module in part.modules():
            module._compiled_call_impl = None  # what Module.compile sets; torch has no word for it


def bits_config(how: str, dtype: torch.dtype) -> Any:
    """What diffusers is told, to load the large parts as `int8` or `nf4`. It needs bitsandbytes."""
    if how == "int8":
        backend, said = "bitsandbytes_8bit", dict[str, Any](load_in_8bit=True)
    else:
        backend = "bitsandbytes_4bit"
        said = {"load_in_4bit": True, "bnb_4bit_quant_type": "nf4", "bnb_4bit_compute_dtype": dtype}
    config: Any = PipelineQuantizationConfig
    return config(quant_backend=backend, quant_kwargs=said, components_to_quantize=[*_DENOISERS])


def _read(model: Model, sources: Sources, own: OwnModel, device: Device, *, download: bool) -> Any:
    found = getattr(diffusers, model.pipeline, None)
    if not (isinstance(found, type) and issubclass(found, DiffusionPipeline)):
        raise ValueError(f"diffusers has no pipeline {model.pipeline}")
    kind: Any = found
    dtype = device.dtype(own.dtype or "auto")
    given: dict[str, Any] = {"use_safetensors": True, "dtype": dtype, "trust_remote_code": False}
    if own.variant:
        given["variant"] = own.variant
    if own.quantised in ("int8", "nf4"):
        if find_spec("bitsandbytes") is None:
            raise ValueError(f"quantised = {own.quantised!r} needs the package bitsandbytes on its worker")
        given["quantization_config"] = bits_config(own.quantised, dtype)
    for role, source in sources.parts:
        if role == _ADAPTER:
            adapter: Any = MotionAdapter
            given[role] = adapter.from_pretrained(
                source.place, use_safetensors=True, dtype=dtype, **_where(source, download)
            )
    pipeline = kind.from_pretrained(sources.model.place, **given, **_where(sources.model, download))
    _add_parts(pipeline, sources, dtype, download=download)
    return pipeline


def _add_parts(pipeline: Any, sources: Sources, dtype: torch.dtype, *, download: bool) -> None:
    """What is melted into the weights goes first: a camera's moves stay loose."""
    for role, source in sorted(sources.parts, key=lambda part: part[0] in MOVES):
        if role in MOVES:
            _load_lora(pipeline, role, source, download)
            note_move(pipeline, role)
        elif role.endswith(_LORA):
            _lay_on(pipeline, role, source, download)
            if role == CONTROL:
                note_scale(pipeline, source, download=download)
        elif role == UPSAMPLER:
            how = {"use_safetensors": True, "dtype": dtype, **_where(source, download)}
            give_upsampler(pipeline, source.place, source.file, **how)
        elif role != _ADAPTER:
            raise ValueError(f"it has no use for a part {role!r}")


def _settle(pipeline: Any, own: OwnModel, device: Device) -> None:
    pipeline.set_progress_bar_config(disable=True)
    for part in pipeline.components.values():
        if isinstance(part, torch.nn.Module):
            part.eval()  # one that was built from a config is in its training mode
    if own.quantised == "float8":
        cast_to_float8(pipeline, device.dtype(own.dtype or "auto"))
    elif own.compiled:
        _compile(pipeline)


def _compile(pipeline: Any) -> None:
    """The blocks that repeat, where the model says which. What cannot be compiled runs as it is written."""
    for module in denoisers(pipeline).values():
        if module._repeated_blocks:
            module.compile_repeated_blocks()


def _where(source: Source, download: bool) -> dict[str, Any]:
    if source.is_folder:
        return {"local_files_only": True}
    return {"revision": source.revision, "local_files_only": not download}


def _lay_on(pipeline: Any, role: str, source: Source, download: bool) -> None:
    """A LoRA, melted into the weights: it costs nothing at a step.

    Of two transformers (Wan 2.2) it is for the first, unless its role ends with `_2_lora`.
    """
    is_second = role.endswith(_SECOND_LORA)
    _load_lora(pipeline, role, source, download, **({"load_into_transformer_2": True} if is_second else {}))
    pipeline.fuse_lora(adapter_names=[role], **({"components": ["transformer_2"]} if is_second else {}))
    pipeline.unload_lora_weights()


def _load_lora(pipeline: Any, role: str, source: Source, download: bool, **where: Any) -> None:
    if not hasattr(pipeline, "load_lora_weights"):
        raise ValueError(f"a {type(pipeline).__name__} takes no LoRA")
    named: dict[str, Any] = {"weight_name": source.file} if source.file else {}
    pipeline.load_lora_weights(
        source.place, adapter_name=role, use_safetensors=True, **named, **where, **_where(source, download)
    )
