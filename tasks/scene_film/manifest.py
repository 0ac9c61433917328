"""The manifest that a scene-film is: each picture from its scene's transition to the next, and the narration.

Pure. Times are those of the timestamps, in whole milliseconds and half ones; the cut snaps them to frames.
"""

from collections.abc import Iterator, Sequence
from itertools import count, pairwise
from pathlib import PurePosixPath

from pydantic import JsonValue, ValidationError

from farm.errors import BadRequest
from farm.timeline import Rate
from tasks.scene_film.params import SceneFile, SceneFilm
from tasks.scene_timestamps.outputs import SceneView, TimestampsFile

_NARRATION = "narration"
Json = dict[str, JsonValue]


def read(raw: bytes, name: str) -> TimestampsFile:
    """The timestamps of a file. Raises BadRequest."""
    try:
        return TimestampsFile.model_validate_json(raw)
    except ValidationError:
        message = f"{name} is no timestamps.json of scene-timestamps."
        raise BadRequest(message, param="timestamps") from None


def manifest_of(params: SceneFilm, timed: TimestampsFile) -> Json:
    """As compose-otio takes it. Raises BadRequest where pictures and scenes are not as many."""
    if len(timed.scenes) != len(params.images):
        raise BadRequest(
            f"There are {len(params.images)} pictures for {len(timed.scenes)} scenes.", param="images"
        )
    end_ms = timed.start_offset_ms + timed.duration_ms
    if end_ms > params.max_duration_s * 1000:
        raise BadRequest(
            f"The film lasts {end_ms / 1000:g} s; at most {params.max_duration_s:g} s were asked for.",
            param="max_duration_s",
            code="film_too_long",
        )
    edges = [0.0, *(_cut_ms(scene, params) for scene in timed.scenes[1:]), float(end_ms)]
    frame_ms = float(1000 / Rate.of(params.fps).fps)
    _require_frames(edges, frame_ms)
    return {
        **_frame(params, timed.duration_ms),
        "intent": {
            "kind": "explicit",
            "videoSequence": list(_clips(params, timed, edges)),
            "audioLayers": [_sound(timed.start_offset_ms, timed.duration_ms)],
            "markers": [
                _marker(number, scene, end_ms - frame_ms) for number, scene in enumerate(timed.scenes, 1)
            ],
        },
    }


def _require_frames(edges: list[float], frame_ms: float) -> None:
    """Raise BadRequest for a scene that is shorter than a frame."""
    for number, (begin, end) in enumerate(pairwise(edges), 1):
        if end - begin < frame_ms:
            raise BadRequest(
                f"Scene {number} would be seen for {max(0.0, end - begin):g} ms, less than a frame; "
                "time the scenes with min_scene_ms.",
                param="timestamps",
                code="scene_too_short",
            )


def stand_in(params: SceneFilm) -> Json:
    """As long as it may be, every picture as long as any other: what is wrong with it is wrong with all."""
    length = params.max_duration_s / len(params.images)
    clips: list[JsonValue] = [
        {"itemId": _picture(index), "fromSec": 0, "toSec": length} for index in range(len(params.images))
    ]
    length_ms = round(params.max_duration_s * 1000)
    intent: Json = {"kind": "explicit", "videoSequence": clips, "audioLayers": [_sound(0, length_ms)]}
    return {**_frame(params, length_ms), "intent": intent}


def _frame(params: SceneFilm, narration_ms: int) -> Json:
    """All but what is seen and heard when."""
    pictures: list[JsonValue] = [
        {
            "id": _picture(index),
            "kind": "image",
            "path": f"images/{name}",
            "asset": image.asset_id,
        }
        for index, (image, name) in enumerate(zip(params.images, _names(params.images), strict=True))
    ]
    sound: Json = {
        "id": _NARRATION,
        "kind": "audio",
        "path": f"audio/{params.narration.file_name}",
        "asset": params.narration.asset_id,
        "meta": {"durationSec": narration_ms / 1000},
    }
    return {
        "project": {
            "name": params.name,
            "fps": params.fps,
            "resolution": {"w": params.width, "h": params.height},
        },
        "folder": {"items": [*pictures, sound]},
        "output": {"targetConsumer": params.target_consumer, "formats": list(params.formats)},
        "render": params.render,
    }


def _names(images: Sequence[SceneFile]) -> Iterator[str]:
    """What the pictures are called in the cut: those of one name that are not one file get numbers."""
    owners: dict[str, str] = {}
    for image in images:
        path = PurePosixPath(image.file_name)
        tried = (f"{path.stem} ({number}){path.suffix}" for number in count(2))
        name = image.file_name
        while owners.setdefault(name, image.asset_id) != image.asset_id:
            name = next(tried)
        yield name


def _clips(params: SceneFilm, timed: TimestampsFile, edges: list[float]) -> Iterator[Json]:
    for index, (scene, (begin, end)) in enumerate(zip(timed.scenes, pairwise(edges), strict=True)):
        clip: Json = {
            "itemId": _picture(index),
            "fromSec": 0,
            "toSec": round((end - begin) / 1000, 4),
            "clipNameHint": (scene.scene_id or f"Scene {index + 1}")[:200],
        }
        lasts_ms = scene.transition.duration_ms
        if index and lasts_ms and params.transitions == "suggested":
            clip["transition"] = {"type": "dissolve", "durationSec": lasts_ms / 1000}
        yield clip


def _cut_ms(scene: SceneView, params: SceneFilm) -> float:
    """Where the picture changes: in the middle of a dissolve, which lies evenly about its cut."""
    if params.transitions == "cut":
        return float(scene.start_ms)
    return scene.transition.start_ms + scene.transition.duration_ms / 2


def _sound(start_ms: int, length_ms: int) -> Json:
    return {
        "itemId": _NARRATION,
        "fromSec": 0,
        "toSec": length_ms / 1000,
        "startSec": start_ms / 1000,
        "placement": "start",
        "role": "narration",
    }


def _marker(number: int, scene: SceneView, latest_ms: float) -> Json:
    """At its first word, where that is not in the very last frame."""
    name = (scene.scene_id or f"Scene {number}")[:200]
    at_ms = min(scene.start_ms, int(latest_ms))
    return {"atSec": at_ms / 1000, "name": name, "comment": scene.status}


def _picture(index: int) -> str:
    return f"picture-{index + 1}"
