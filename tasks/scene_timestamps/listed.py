"""Scenes as a file lists them: what describe-scenes wrote or answered, or a caller's own list."""

import json

from pydantic import JsonValue, ValidationError

from farm.errors import BadRequest
from farm.validation import first_fault
from tasks.scene_timestamps.params import MAX_SCENES, SceneCue

_FIELDS = {
    "sceneId": "scene_id",
    "id": "scene_id",
    "startCueText": "start_cue_text",
    "anchorText": "anchor_text",
    "fixedStartMs": "fixed_start_ms",
}
_LARGEST = 8_000_000


def scenes_in(raw: bytes, name: str) -> tuple[SceneCue, ...]:
    """The scenes of a JSON file, in their order; what else they say is passed over. Raises BadRequest."""
    return tuple(_scene(index, scene, name) for index, scene in enumerate(_listed(read(raw, name), name)))


def read(raw: bytes, name: str) -> JsonValue:
    """The JSON of a file. Raises BadRequest."""
    try:
        value: JsonValue = json.loads(raw[:_LARGEST])
    except (ValueError, RecursionError):
        raise BadRequest(f"{name} is not JSON.", param="scenes") from None
    return value


def _listed(value: JsonValue, name: str) -> list[JsonValue]:
    """A list, or an object that has it as `scenes`, perhaps below `data`."""
    if isinstance(value, dict) and isinstance(value.get("data"), dict):
        value = value["data"]
    found = value.get("scenes") if isinstance(value, dict) else value
    if not isinstance(found, list) or not 0 < len(found) <= MAX_SCENES:
        raise BadRequest(f"{name} has no list of 1 to {MAX_SCENES} scenes.", param="scenes")
    return found


def _scene(index: int, scene: JsonValue, name: str) -> SceneCue:
    if not isinstance(scene, dict):
        raise BadRequest(f"{name}: scenes[{index}] is no object.", param=f"scenes[{index}]")
    known = {_FIELDS[key]: value for key, value in scene.items() if key in _FIELDS and value is not None}
    try:
        return SceneCue.model_validate(known)
    except ValidationError as error:
        fault = first_fault(error)
        field = next((key for key, value in _FIELDS.items() if value in fault.place), "")
        where = f"scenes[{index}]{'.' if field else ''}{field}"
        raise BadRequest(f"{name}: {where}: {fault.text}.", param=where) from None
