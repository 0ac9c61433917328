"""The workflows that ship for ComfyUI, held against its nodes' signatures, and bought by the real engine.

C-056, C-059, B-402 to B-425: what a model of the catalog does on a ComfyUI of the operator's own.
"""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from tests.contract.engine_bench import Bench, configure, of
from tests.media import tone, write_sound
from tests.provider_protocols.comfyui_nodes import NODES, faults
from workers.context import InputFile, TaskInput
from workers.gpu_generate.remote.workflow import filled, places_of

FOLDER = Path(__file__).parents[2] / "configs" / "workflows"
WORKFLOWS = sorted(path.stem for path in FOLDER.glob("*.json"))
# What a job may have said, by the words of workflows/README.md, and the operator's own words.
SAID: dict[str, Any] = {
    "prompt": "a lighthouse",
    "negative_prompt": "",
    "width": 832,
    "height": 480,
    "frames": 81,
    "frame_rate": 16,
    "seed": 7,
    "steps": 20,
    "half_steps": 10,
    "cfg": 3.5,
    "sampler": "euler",
    "scheduler": "normal",
    "shift": 5.0,
    "count": 1,
    "image": "kinefarm/a.png",
    "last_image": "kinefarm/b.png",
    "audio": "kinefarm/c.wav",
}
FILES = {
    "checkpoint": "model.safetensors",
    "diffusion_model": "wan.safetensors",
    "high_noise_model": "wan-high.safetensors",
    "low_noise_model": "wan-low.safetensors",
    "high_noise_lora": "turbo-high.safetensors",
    "low_noise_lora": "turbo-low.safetensors",
    "text_encoder": "umt5.safetensors",
    "vae": "vae.safetensors",
    "audio_encoder": "wav2vec2.safetensors",
}


def workflow(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((FOLDER / f"{name}.json").read_text())
    return found


@pytest.mark.parametrize("name", WORKFLOWS)
def test_a_workflow_is_one_that_comfyui_takes(name: str) -> None:
    template = workflow(name)
    graph = filled(template, {**SAID, **FILES})
    assert isinstance(graph, dict)
    assert [*faults(graph)] == []
    assert places_of(template) <= {*SAID, *FILES}
    assert {"prompt", "seed"} <= places_of(template)


def test_what_comfyui_would_refuse_is_found() -> None:
    """Or the test above would pass with anything."""

    def told(number: str, **inputs: Any) -> list[str]:
        graph: Any = filled(workflow("wan-image-to-video"), {**SAID, **FILES})
        graph[number]["inputs"] |= inputs
        return [*faults(graph)]

    assert told("8") == []
    assert told("8", start_picture=["7", 0]) == ["8.start_picture is no input of it"]
    assert told("8", vae=["2", 0]) == ["8.vae takes VAE, and ['2', 0] is CLIP"]
    assert told("8", vae=["3", 1]) == ["8.vae links to an output that is not there: ['3', 1]"]
    assert told("8", vae=["33", 0]) == ["8.vae links nowhere: ['33', 0]"]
    assert told("8", width="832") == ["8.width is '832', not INT"]
    assert told("12", codec="hevc") == ["12.codec is 'hevc', not of ('auto', 'h264', 'av1')"]
    assert told("9", sampler_name="newton")[0].startswith("9.sampler_name is 'newton'")
    graph = workflow("text-to-image")
    del graph["9"], graph["3"]["inputs"]["seed"]
    graph["5"]["class_type"] = "EmptyLatent"
    assert {"3.seed is missing", "5: there is no node EmptyLatent", "nothing is saved"} <= {*faults(graph)}
    assert all(node.source.endswith(".py") for node in NODES.values())  # cited


BOUGHT = (
    ("wan22-text-to-video", "wan-t2v", ()),
    ("wan22-image-to-video", "wan-i2v", ("image",)),
    ("wan22-first-last-frame", "wan-flf", ("image", "last_image")),
    ("wan-s2v", "wan-s2v", ("image", "audio")),
)


def given(word: str, folder: Path) -> InputFile:
    if word == "audio":
        return InputFile(write_sound(folder / "audio.wav", tone(440, 1.0)), "audio.wav", "audio/wav")
    path = folder / f"{word}.png"
    Image.new("RGB", (64, 48), "teal").save(path)
    return InputFile(path, path.name, "image/png")


@pytest.mark.slow
@of("comfyui")
@pytest.mark.parametrize(("name", "model", "words"), BOUGHT)
def test_the_engine_buys_by_each(
    bench: Bench,
    name: str,
    model: str,
    words: tuple[str, ...],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The server holds every prompt against the same signatures."""
    fixed = ", ".join(f'{word} = "{file}"' for word, file in FILES.items())
    told = f'[providers.there.models."{model}"]\nname = "{name}"\nfixed = {{ {fixed} }}\n'
    own = Bench(replace(bench.engine, toml=told), bench.server, bench.folder)
    configure(own, tmp_path, monkeypatch)
    task = TaskInput(
        kind="generate-video",
        step="generate",
        params={"prompt": "a lighthouse", "steps": 9, **{word: f"a-{word}" for word in words}},
        inputs={f"a-{word}": given(word, tmp_path) for word in words},
        provider="there",
        model=model,
        idempotency_key="kf_one",
    )
    assert own.perform(task).outputs[0].content_type == "video/mp4"
    (sale,) = own.server.sold
    halves = [
        (node["inputs"]["start_at_step"], node["inputs"]["end_at_step"])
        for node in sale.order["graph"].values()
        if node["class_type"] == "KSamplerAdvanced"
    ]
    assert halves == ([(0, 4), (4, 10_000)] if name.startswith("wan22") else [])
    assert len(own.server.uploads) == len(words)  # type: ignore[attr-defined]  # its own books
