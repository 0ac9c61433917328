"""The signatures of ComfyUI's own nodes that our workflows use, written down from its sources by hand.

Of https://github.com/Comfy-Org/ComfyUI: nodes.py (loaders, texts, samplers, pictures), and of comfy_extras
nodes_wan.py, nodes_hunyuan.py, nodes_model_advanced.py, nodes_video.py (its formats and codecs are those of
comfy_api/latest/_util/video_types.py), nodes_audio.py, nodes_audio_encoder.py. Each node names its file. The
rules of a prompt are those of `validate_inputs` in execution.py: what is required is there, a link leads to
an output of the input's type, a choice is one of its list.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

FILE = ("FILE",)  # a choice among the files that a server has
# Not all of comfy/samplers.py: those that callers and the catalog name.
SAMPLERS = ("euler", "euler_ancestral", "heun", "dpmpp_2m", "dpmpp_2m_sde", "sa_solver", "uni_pc", "lcm")
SCHEDULERS = ("simple", "sgm_uniform", "karras", "exponential", "ddim_uniform", "beta", "normal")
_CLIP_TYPES = ("stable_diffusion", "sd3", "mochi", "ltxv", "wan", "qwen_image", "flux2")
_SIDES = {"width": "INT", "height": "INT"}

Kind = str | tuple[str, ...]  # a type of links or values, or the choices


@dataclass(frozen=True)
class Node:
    """What a node must and may be given, and the types of its outputs. `saves`: its files are the result."""

    source: str
    required: Mapping[str, Kind]
    outputs: tuple[str, ...] = ()
    optional: Mapping[str, Kind] = field(default_factory=dict)
    saves: bool = False


_SAMPLED: dict[str, Kind] = {
    "model": "MODEL",
    "steps": "INT",
    "cfg": "FLOAT",
    "sampler_name": SAMPLERS,
    "scheduler": SCHEDULERS,
    "positive": "CONDITIONING",
    "negative": "CONDITIONING",
    "latent_image": "LATENT",
}
_WAN: dict[str, Kind] = {
    "positive": "CONDITIONING",
    "negative": "CONDITIONING",
    "vae": "VAE",
    **_SIDES,
    "length": "INT",
    "batch_size": "INT",
}
_WAN_OUT = ("CONDITIONING", "CONDITIONING", "LATENT")
_SWITCH = ("enable", "disable")

NODES: Mapping[str, Node] = {
    "CheckpointLoaderSimple": Node("nodes.py", {"ckpt_name": FILE}, ("MODEL", "CLIP", "VAE")),
    "UNETLoader": Node(
        "nodes.py",
        {"unet_name": FILE, "weight_dtype": ("default", "fp8_e4m3fn", "fp8_e4m3fn_fast", "fp8_e5m2")},
        ("MODEL",),
    ),
    "LoraLoaderModelOnly": Node(
        "nodes.py", {"model": "MODEL", "lora_name": FILE, "strength_model": "FLOAT"}, ("MODEL",)
    ),
    "CLIPLoader": Node(
        "nodes.py", {"clip_name": FILE, "type": _CLIP_TYPES}, ("CLIP",), {"device": ("default", "cpu")}
    ),
    "VAELoader": Node("nodes.py", {"vae_name": FILE}, ("VAE",)),
    "CLIPTextEncode": Node("nodes.py", {"text": "STRING", "clip": "CLIP"}, ("CONDITIONING",)),
    "EmptyLatentImage": Node("nodes.py", {**_SIDES, "batch_size": "INT"}, ("LATENT",)),
    "LoadImage": Node("nodes.py", {"image": FILE}, ("IMAGE", "MASK")),
    "KSampler": Node("nodes.py", {**_SAMPLED, "seed": "INT", "denoise": "FLOAT"}, ("LATENT",)),
    "KSamplerAdvanced": Node(
        "nodes.py",
        {
            **_SAMPLED,
            "add_noise": _SWITCH,
            "noise_seed": "INT",
            "start_at_step": "INT",
            "end_at_step": "INT",
            "return_with_leftover_noise": _SWITCH,
        },
        ("LATENT",),
    ),
    "VAEDecode": Node("nodes.py", {"samples": "LATENT", "vae": "VAE"}, ("IMAGE",)),
    "SaveImage": Node("nodes.py", {"images": "IMAGE", "filename_prefix": "STRING"}, saves=True),
    "ModelSamplingSD3": Node("nodes_model_advanced.py", {"model": "MODEL", "shift": "FLOAT"}, ("MODEL",)),
    "EmptyHunyuanLatentVideo": Node(
        "nodes_hunyuan.py", {**_SIDES, "length": "INT", "batch_size": "INT"}, ("LATENT",)
    ),
    "WanImageToVideo": Node(
        "nodes_wan.py",
        _WAN,
        _WAN_OUT,
        {"clip_vision_output": "CLIP_VISION_OUTPUT", "start_image": "IMAGE"},
    ),
    "WanFirstLastFrameToVideo": Node(
        "nodes_wan.py",
        _WAN,
        _WAN_OUT,
        {
            "clip_vision_start_image": "CLIP_VISION_OUTPUT",
            "clip_vision_end_image": "CLIP_VISION_OUTPUT",
            "start_image": "IMAGE",
            "end_image": "IMAGE",
        },
    ),
    "WanSoundImageToVideo": Node(
        "nodes_wan.py",
        _WAN,
        _WAN_OUT,
        {
            "audio_encoder_output": "AUDIO_ENCODER_OUTPUT",
            "ref_image": "IMAGE",
            "control_video": "IMAGE",
            "ref_motion": "IMAGE",
        },
    ),
    "CreateVideo": Node(
        "nodes_video.py", {"images": "IMAGE", "fps": "FLOAT"}, ("VIDEO",), {"audio": "AUDIO"}
    ),
    "SaveVideo": Node(
        "nodes_video.py",
        {
            "video": "VIDEO",
            "filename_prefix": "STRING",
            "format": ("auto", "mp4", "mkv", "webm"),
            "codec": ("auto", "h264", "av1"),
        },
        saves=True,
    ),
    "LoadAudio": Node("nodes_audio.py", {"audio": FILE}, ("AUDIO",)),
    "AudioEncoderLoader": Node("nodes_audio_encoder.py", {"audio_encoder_name": FILE}, ("AUDIO_ENCODER",)),
    "AudioEncoderEncode": Node(
        "nodes_audio_encoder.py",
        {"audio_encoder": "AUDIO_ENCODER", "audio": "AUDIO"},
        ("AUDIO_ENCODER_OUTPUT",),
    ),
}
SAVERS = frozenset(name for name, node in NODES.items() if node.saves)


def faults(graph: Mapping[str, Any]) -> Iterator[str]:
    """What a server would refuse a prompt for, apart from files that it does not have."""
    for name, node in graph.items():
        known = NODES.get(node["class_type"])
        if known is None:
            yield f"{name}: there is no node {node['class_type']}"
            continue
        inputs: Mapping[str, Any] = node["inputs"]
        takes = {**known.required, **known.optional}
        yield from (f"{name}.{lacking} is missing" for lacking in known.required.keys() - inputs.keys())
        yield from (f"{name}.{extra} is no input of it" for extra in inputs.keys() - takes.keys())
        for key in inputs.keys() & takes.keys():
            yield from (f"{name}.{key} {fault}" for fault in _faults_of(graph, inputs[key], takes[key]))
    if not any(node["class_type"] in SAVERS for node in graph.values()):
        yield "nothing is saved"


def _faults_of(graph: Mapping[str, Any], value: Any, kind: Kind) -> Iterator[str]:
    if isinstance(value, list):
        yield from _faults_of_link(graph, value, kind)
    elif isinstance(kind, tuple):
        if not isinstance(value, str) or (kind is not FILE and value not in kind):
            yield f"is {value!r}, not of {kind}"
    elif not _is_of(value, kind):
        yield f"is {value!r}, not {kind}"


def _faults_of_link(graph: Mapping[str, Any], link: list[Any], kind: Kind) -> Iterator[str]:
    if len(link) != 2 or link[0] not in graph:
        yield f"links nowhere: {link}"
        return
    source = NODES.get(graph[link[0]]["class_type"])
    outputs = source.outputs if source is not None else ()
    if not isinstance(link[1], int) or link[1] >= len(outputs):
        yield f"links to an output that is not there: {link}"
    elif outputs[link[1]] != kind:
        yield f"takes {kind}, and {link} is {outputs[link[1]]}"


def _is_of(value: Any, kind: str) -> bool:
    match kind:
        case "INT":
            return type(value) is int
        case "FLOAT":
            return type(value) in (int, float)
        case "STRING":
            return isinstance(value, str)
    return False  # all else comes by links
