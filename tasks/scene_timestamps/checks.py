"""Finds all that is wrong with a call of scene-timestamps at once, before anything is stored or charged.

It reads the JSON itself beside its parsed shape, so that a field of the wrong shape hides nothing else.
"""

from collections.abc import Collection, Iterator

from pydantic import JsonValue, ValidationError

from farm.rules.tiers import TimestampsTier
from tasks.compose_otio import Finding
from tasks.compose_otio.findings import of_shape
from tasks.compose_otio.look import Look, bounded
from tasks.scene_timestamps.metadata import Metadata
from tasks.scene_timestamps.params import KNOWN_RATES, MAX_SCENES, is_known_rate, unkept
from tasks.scene_timestamps.spoken import tokens

_FIELDS = ("anchorText", "startCueText")
_AT = "metadata"
_PADDING_S = 0.1  # that encoders put around a sound: an MP3 of five minutes has 0.03 to 0.08 s of it


def checked(
    raw: JsonValue, tier: TimestampsTier, duration_s: float | None
) -> tuple[Metadata | None, list[Finding]]:
    """The metadata, and all that is wrong with it. `duration_s` as the sound's header tells, None unknown."""
    metadata = None
    if raw is None:
        return None, [Finding(code="missing_field", path=f"/{_AT}", message="Is required.")]
    known = bounded(raw, MAX_SCENES)  # of more scenes than anybody may send the first are looked at
    root = Look(known, (_AT,))
    faults = [*_count(Look(raw, (_AT,))["scenes"], tier), *_texts(root, tier)]
    try:
        metadata = Metadata.model_validate(known)
    except ValidationError as error:
        faults = [*_shape(error, root, {fault.path for fault in faults}), *faults]
    faults += _length(duration_s, tier)
    if metadata is not None:
        faults += _names(metadata, root)
        faults += _rate(root)
        faults += _places(metadata, root, duration_s)
    return (None if faults else metadata), _once(faults)


def _shape(error: ValidationError, root: Look, told: Collection[str]) -> Iterator[Finding]:
    """What has the wrong shape and is not `told` of already.

    Scenes that are all broken are no empty list: what is wrong with them is told of each.
    """
    scenes = root["scenes"]
    known = {*told, scenes.at} if scenes.all else told
    for found in of_shape(error):
        path = f"/{_AT}{found.path}"
        if path not in known:
            yield found.model_copy(update={"path": path})


def _count(scenes: Look, tier: TimestampsTier) -> Iterator[Finding]:
    count, most = len(scenes.all), min(tier.max_scenes, MAX_SCENES)
    if count > most:
        message = f"Has {count} scenes; your tier allows {most}."
        yield _over(scenes, "too_many_scenes", message, count, most)


def _texts(root: Look, tier: TimestampsTier) -> Iterator[Finding]:
    """What the account's tier allows, in characters (Unicode code points)."""
    total = 0
    for field in (scene[name] for scene in root["scenes"].all for name in _FIELDS):
        text = field.text or ""
        total += len(text)
        if len(text) > tier.max_field:
            message = f"Has {len(text)} characters; your tier allows {tier.max_field}."
            yield _over(field, "text_too_long", message, len(text), tier.max_field)
        elif text.strip() and not tokens(text, ""):
            yield field.wrong("no_words", "Has no word in it.")
    if total > tier.max_scene_text:
        most = tier.max_scene_text
        message = f"All anchorText and startCueText have {total} characters; your tier allows {most}."
        yield _over(root["scenes"], "scene_text_too_long", message, total, tier.max_scene_text)
    narration = root["narrationText"]
    if len(narration.text or "") > tier.max_narration:
        length = len(narration.text or "")
        message = f"Has {length} characters; your tier allows {tier.max_narration}."
        yield _over(narration, "narration_too_long", message, length, tier.max_narration)


def _over(field: Look, code: str, message: str, got: int, allowed: int) -> Finding:
    return Finding(code=code, path=field.at, message=message, got=got, allowed=allowed)


def _length(duration_s: float | None, tier: TimestampsTier) -> Iterator[Finding]:
    if duration_s is not None and duration_s > tier.max_audio_s + _PADDING_S:
        message = f"Lasts {duration_s:.1f} s; your tier allows {tier.max_audio_s:.0f} s."
        got, allowed = round(duration_s, 1), tier.max_audio_s
        yield Finding(code="audio_too_long", path="/audio", message=message, got=got, allowed=allowed)


def _names(metadata: Metadata, root: Look) -> Iterator[Finding]:
    seen: dict[str, int] = {}
    for index, (scene, at) in enumerate(zip(metadata.scenes, root["scenes"].all, strict=True)):
        if scene.scene_id and scene.id and scene.scene_id != scene.id:
            yield at["id"].wrong("unsupported_value", "Differs from sceneId; send one of them.")
        name = scene.scene_id or scene.id
        if name is not None and seen.setdefault(name, index) != index:
            field = at["sceneId"] if scene.scene_id else at["id"]
            yield field.wrong("duplicate_scene_id", f"Scene {seen[name]} has this id as well.")


def _rate(root: Look) -> Iterator[Finding]:
    fps = root["fps"]
    if fps.number is not None and not is_known_rate(float(fps.number)):
        yield fps.wrong("unsupported_fps", "This rate is not supported.", allowed=KNOWN_RATES)


def _places(metadata: Metadata, root: Look, duration_s: float | None) -> Iterator[Finding]:
    """Fixed starts and the shortest scene must leave room for all."""
    scenes = root["scenes"].all
    fixed = {
        index: scene.fixed_start_ms
        for index, scene in enumerate(metadata.scenes)
        if scene.fixed_start_ms is not None
    }
    for index, why in unkept(fixed, metadata.start_offset_ms, metadata.min_scene_ms).items():
        yield scenes[index]["fixedStartMs"].wrong("fixed_start_unkept", why)
    if duration_s is None:
        return
    least, end = max(1, metadata.min_scene_ms), round(duration_s * 1000)
    if len(scenes) * least > end:
        message = f"{len(scenes)} scenes of {least} ms do not fit into {end} ms of sound."
        yield root["minSceneMs"].wrong("scenes_too_long", message, allowed=end // len(scenes))
        least = 1
    for index, at in fixed.items():
        last = metadata.start_offset_ms + end - (len(scenes) - index) * least
        if at > last:
            message = "The sound ends before the scenes from here on have room."
            yield scenes[index]["fixedStartMs"].wrong("fixed_start_too_late", message, allowed=last)


def _once(faults: list[Finding]) -> list[Finding]:
    return list({(fault.path, fault.code): fault for fault in reversed(faults)}.values())[::-1]
