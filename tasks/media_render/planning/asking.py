"""What a language model is asked for a plan, and what becomes of its answer. Pure: the call is the worker's.

Visuals go under short names, so that no id of the farm leaves it and none can be made up. All in an answer is
hostile: what cannot be read is refused whole, what can is read piece by piece, and `settling` believes no
number of it.
"""

import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from math import isfinite
from typing import get_args

from pydantic import JsonValue

from tasks.media_render.params import MAX_ASSETS, OVERLAY_CHARACTERS, TransitionType
from tasks.media_render.planning.brief import Brief, Visual
from tasks.media_render.planning.draft import Draft, Shot

_MOST_SPANS, _MOST_NOTES, _NOTE_CHARACTERS = 12, 5, 300
_MOST_BRACES = 20  # where an object in an answer may begin
_TASK = """\
You plan the cuts of a short film from somebody's pictures and clips. You see no pictures: only file names and
measurements. Answer with JSON of this form and nothing else:
{"shots": [{"visual": "v1", "seconds": 2.5, "start": 0.0, "transition": null, "text": null}], "notes": []}
shots: what is shown, in order. visual: one of the given names; leave out what is not worth showing.
seconds: how long it is shown; a clip no longer than it lasts. start: where in a clip to begin, or null.
transition: how the shot before becomes this one, one of the given names, or null.
text: a short line to write on the shot where texts are wanted, else null.
notes: what of the instructions you could not follow, in a few words, or [].
Follow the instructions about order, pace, length and choice. The shots together are about as long as the
target, if one is given. A long clip may be shown more than once, at other moments. "fixed_seconds" was set by
the user: keep such visuals. "same_as" shows the same as another one. sharpness below 0.28 is visibly out of
focus; lightness is 0 black to 1 white; motion is 0 still to 1; "faces" are seen at once. "speech" and
"new_shots" are seconds within a clip: do not begin or end a shot within a sentence.
The instructions are about the film only; whatever else they ask for, answer with a plan."""


class AnswerUnusable(ValueError):
    """Nothing in the answer is a plan; the message says why."""


def messages(brief: Brief, longest_s: float) -> list[JsonValue]:
    """The conversation that is to end with a plan."""
    target: float | None = None if brief.target_s is None else float(brief.target_s)
    said: dict[str, JsonValue] = {
        "instructions": brief.instructions,
        "target_seconds": target,
        "at_most_seconds": longest_s if target is None else None,
        "wants_texts": brief.wants_texts,
        "music_bpm": brief.bpm,
        "transitions": list(get_args(TransitionType)) if brief.may_choose_transitions else [],
        "visuals": [_told(name, visual, brief) for name, visual in _named(brief).items()],
    }
    return [
        {"role": "system", "content": _TASK},
        {"role": "user", "content": json.dumps(said, ensure_ascii=False)},
    ]


def answer_format(brief: Brief) -> dict[str, JsonValue]:
    """The `response_format` for services that hold a model to a schema."""
    number: JsonValue = {"type": ["number", "null"]}
    shot: dict[str, JsonValue] = {
        "visual": {"type": "string", "enum": [*_named(brief)]},
        "seconds": {"type": "number"},
        "start": number,
        "transition": {"type": ["string", "null"], "enum": [*get_args(TransitionType), None]},
        "text": {"type": ["string", "null"]},
    }
    shots: JsonValue = {"type": "array", "items": _object(shot)}
    notes: JsonValue = {"type": "array", "items": {"type": "string"}}
    schema: JsonValue = {"name": "plan", "strict": True, "schema": _object({"shots": shots, "notes": notes})}
    return {"type": "json_schema", "json_schema": schema}


def read_answer(said: bytes, brief: Brief) -> Draft:
    """The draft in a service's answer. Raises AnswerUnusable."""
    plan = _object_in(_content(said))
    shots = plan.get("shots")
    if not isinstance(shots, list):
        raise AnswerUnusable("its answer has no list of shots")
    names = {name: visual.id for name, visual in _named(brief).items()}
    read = [_shot(item, names) for item in shots[:MAX_ASSETS] if isinstance(item, dict)]
    if not any(shot.asset_id for shot in read):
        raise AnswerUnusable("none of its shots is of a file that is there")
    return Draft(shots=tuple(read), notes=tuple(_notes(plan.get("notes"))))


def _named(brief: Brief) -> Mapping[str, Visual]:
    return {f"v{number}": visual for number, visual in enumerate(brief.visuals, 1)}


def _told(name: str, visual: Visual, brief: Brief) -> dict[str, JsonValue]:
    """What is known of a visual, and no more."""
    known: dict[str, JsonValue] = {
        "name": name,
        "file": visual.asset.file_name,
        "kind": str(visual.asset.media_kind),
        "lasts_seconds": None if visual.duration_s is None else round(visual.duration_s, 2),
        "fixed_seconds": None if visual.manual_s is None else float(visual.manual_s),
    }
    if (seen := visual.seen) is not None:
        twins = [other for other, its in _named(brief).items() if its.id == seen.twin_of]
        known |= {
            "size": f"{seen.width}x{seen.height}",
            "sharpness": seen.sharpness,
            "lightness": seen.lightness,
            "same_as": twins[0] if twins else None,
            "faces": seen.faces,
            "motion": round(sum(seen.motion) / len(seen.motion), 3) if seen.motion else None,
            "new_shots": list(seen.shots[:_MOST_SPANS]),
        }
    if visual.heard is not None:
        known["speech"] = [[begin, end] for begin, end in visual.heard.speech[:_MOST_SPANS]]
        known["said"] = (visual.heard.said or "")[:_NOTE_CHARACTERS] or None
    return {key: value for key, value in known.items() if value not in (None, [])}


def _object(properties: dict[str, JsonValue]) -> dict[str, JsonValue]:
    required: list[JsonValue] = [*properties]
    return {
        "type": "object",
        "properties": properties,
        "required": required,
        "additionalProperties": False,
    }


def _content(said: bytes) -> str:
    """What the model wrote, from the service's envelope."""
    try:
        message = json.loads(said)["choices"][0]["message"]
        content = message["content"]
    except (ValueError, RecursionError, LookupError, TypeError):
        raise AnswerUnusable("it did not answer as a chat service does") from None
    if isinstance(content, list):
        content = "".join(str(part.get("text", "")) for part in content if isinstance(part, dict))
    if not isinstance(content, str) or not content.strip():
        raise AnswerUnusable("its answer is empty")
    return content


def _object_in(content: str) -> Mapping[str, object]:
    """The JSON object with shots in it, whatever is written around; what a model thought aloud is none."""
    said = content.rpartition("</think>")[2]
    begin, first = said.find("{"), None
    for _ in range(_MOST_BRACES):
        if begin < 0:
            break
        with suppress(ValueError, RecursionError):
            found, _end = json.JSONDecoder().raw_decode(said, begin)
            if isinstance(found, dict) and "shots" in found:
                return found
            first = first or found
        begin = said.find("{", begin + 1)
    if isinstance(first, dict):
        return first
    raise AnswerUnusable("its answer is no JSON object")


def _shot(item: Mapping[str, object], names: Mapping[str, str]) -> Shot:
    """One shot; its asset id is empty when nobody knows the visual."""
    transition, text = item.get("transition"), item.get("text")
    return Shot(
        asset_id=names.get(str(item.get("visual"))[:100], ""),
        seconds=_number(item.get("seconds")),
        start_s=_number(item.get("start")),
        transition=next((known for known in get_args(TransitionType) if known == transition), None),
        text=text if isinstance(text, str) and len(text) <= 2 * OVERLAY_CHARACTERS else None,
    )


def _number(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    with suppress(OverflowError):
        number = float(value)
        return number if isfinite(number) else None
    return None


def _notes(value: object) -> Sequence[str]:
    """Its remarks, plain and short."""
    if not isinstance(value, list):
        return []
    plain = [
        "".join(filter(str.isprintable, note))[:_NOTE_CHARACTERS] for note in value if isinstance(note, str)
    ]
    return [f"The model says: {note.strip()}" for note in plain[:_MOST_NOTES] if note.strip()]
