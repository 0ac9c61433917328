"""A ComfyUI workflow of configs/workflows, with what is asked in its places."""

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from pydantic import JsonValue

from farm.errors import FailureClass, TaskFailure
from farm.models import Engine
from tasks.generate_audio import GenerateAudio
from tasks.generate_image import PictureParams
from workers.gpu_generate.remote.asked import Asked
from workers.gpu_generate.remote.inputs import unsupported

Graph = dict[str, JsonValue]

FOLDER = "workflows"
_PLACE = re.compile(r"\{([a-z_]+)\}")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
_EMPTY: Mapping[str, JsonValue] = {"negative_prompt": "", "count": 1}


def workflow_of(asked: Asked, folders: Sequence[Path]) -> Graph:
    """The template, the operator's first. Raises TaskFailure INTERNAL `workflow_missing`."""
    name = asked.remote.name
    if not name:
        name = (asked.model.pipeline if asked.model.engine is Engine.COMFYUI else "") or asked.model_key
    for folder in folders:
        path = folder / FOLDER / f"{name}.json"
        if _NAME.fullmatch(name) and path.is_file():
            return _read(path)
    raise TaskFailure(
        f"There is no workflow {name!r} for ComfyUI: FARM_CONFIG_DIR/{FOLDER}/{name}.json.",
        FailureClass.INTERNAL,
        code="workflow_missing",
    )


def places_of(graph: JsonValue) -> set[str]:
    """The words that a workflow has a place for."""
    if isinstance(graph, str):
        return set(_PLACE.findall(graph))
    if isinstance(graph, Mapping):
        return {word for value in graph.values() for word in places_of(value)}
    if isinstance(graph, list):
        return {word for value in graph for word in places_of(value)}
    return set()


def settings_of(asked: Asked) -> dict[str, JsonValue]:
    """All that is asked and is no file, with the model's own settings where nothing else was said.

    Raises TaskFailure UNSUPPORTED for sound: no workflow here makes any.
    """
    params, own = asked.params, asked.model.defaults
    if isinstance(params, GenerateAudio):
        raise unsupported("a request for sound")
    found: dict[str, JsonValue] = {
        **_EMPTY,
        "cfg": params.cfg if params.cfg is not None else own.cfg,
        "sampler": params.sampler or own.sampler,
        "scheduler": params.scheduler or own.scheduler,
        "shift": own.shift if isinstance(params, PictureParams) else params.shift or own.shift,
        **{str(word): value for word, value in asked.values.items()},
        **asked.remote.fixed,
    }
    if isinstance(steps := found.get("steps"), int):
        found["half_steps"] = max(1, steps // 2)
    return {word: value for word, value in found.items() if value is not None}


def filled(graph: JsonValue, values: Mapping[str, JsonValue]) -> JsonValue:
    """The workflow with values in its places. Raises TaskFailure UNSUPPORTED for one that nothing fills."""
    if isinstance(graph, str):
        return _put(graph, values)
    if isinstance(graph, Mapping):
        return {name: filled(value, values) for name, value in graph.items()}
    if isinstance(graph, list):
        return [filled(value, values) for value in graph]
    return graph


def _put(text: str, values: Mapping[str, JsonValue]) -> JsonValue:
    """A text that is one place becomes the value as it is; places within a text become text."""
    missing = [word for word in _PLACE.findall(text) if word not in values]
    if missing:
        raise unsupported(f"a job without {missing[0]}, for which its workflow has a place")
    whole = _PLACE.fullmatch(text)
    if whole is not None:
        return values[whole[1]]
    return _PLACE.sub(lambda found: str(values[found[1]]), text)


def _read(path: Path) -> Graph:
    try:
        graph = json.loads(path.read_text())
    except (ValueError, OSError) as error:
        raise TaskFailure(f"The workflow {path} cannot be read: {error}.", FailureClass.INTERNAL) from error
    if not isinstance(graph, dict):
        raise TaskFailure(f"{path} is no workflow in the API's format.", FailureClass.INTERNAL)
    return graph
