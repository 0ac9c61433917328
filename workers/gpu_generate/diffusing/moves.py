"""A camera's moves as LoRAs: of those that a model was given, the first that its prompt names is laid on."""

import re
from collections.abc import Mapping
from typing import Any

_OWN = "_kinefarm_moves"
# Of the camera only: things move and pull away as well.
_CAMERA = r"camera(?: \w+ly)? (?:mov|track|slid|glid|travel|pull)\w*"
_GOES = rf"\b(?:doll(?:y|ies|ied|ying)|truck(?:s|ing)?|{_CAMERA})(?: \w+ly)?"
_WAYS: Mapping[str, str] = {
    "in": rf"{_GOES} (?:in|forwards?|closer)\b|\b(?:push|zoom)\w*(?: \w+ly)? in\b",
    "out": rf"{_GOES} (?:out|back|backwards?|away)\b|\b(?:pull|zoom)\w*(?: \w+ly)? (?:back|out)\b",
    "left": rf"{_GOES} (?:to the )?left\b",
    "right": rf"{_GOES} (?:to the )?right\b",
}
# By the role of the part; the words are also those that tasks/camera.py has for numbers.
MOVES = {f"camera_{way}_lora": re.compile(words, re.IGNORECASE) for way, words in _WAYS.items()}


def move_of(prompt: str) -> str | None:
    """The role of the move that the prompt names first."""
    found = [(match.start(), role) for role, words in MOVES.items() if (match := words.search(prompt))]
    return min(found)[1] if found else None


def note_move(pipeline: Any, role: str) -> None:
    """Its LoRA is loaded, as an adapter of that name."""
    setattr(pipeline, _OWN, (*getattr(pipeline, _OWN, ()), role))


def turn_camera(pipeline: Any, prompt: str) -> str:
    """Lay on what the prompt asks for and nothing else. Returns what is to be said where that is nothing."""
    moves = getattr(pipeline, _OWN, ())
    if not moves:
        return ""
    asked = move_of(prompt)
    if asked not in moves:
        pipeline.transformer.disable_lora()
        return "The prompt names no move of the camera that this model was given; it chooses its own."
    pipeline.transformer.enable_lora()
    pipeline.transformer.set_adapters([asked], [1.0])
    return ""
