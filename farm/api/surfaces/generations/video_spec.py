"""From a video request to what the farm is asked: translation, and the checks that are the surface's own."""

import secrets
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from decimal import Decimal
from typing import TypeVar

from pydantic import ValidationError

from farm.api.fetched import Wanted
from farm.api.surfaces.generations.video_wire import VideoRequest, VideoSettings
from farm.errors import BadRequest, FarmError
from farm.models import Model
from farm.providers import AUTO
from farm.validation import first_fault
from tasks.generate_video import MOST_SEED, GenerateVideo
from tasks.multi_shot import LEAST_SHOT_S, MultiShot, Shot, Transition
from tasks.multi_shot.director import cameras_of, transitions_of

VideoParams = GenerateVideo | MultiShot
_SHOT_S = 5  # what a shot lasts where nothing is said

# What the farm's own fields are called here.
_FIELDS = {
    "width": "resolution",
    "height": "resolution",
    "frames": "duration",
    "length_s": "duration",
    "image": "image_url",
    "images": "character_references",
    "style_image": "style_reference_url",
    "capability": "model",
    "cfg": "cfg_scale",
    "camera": "camera_control",
    "shots": "multi_shot_prompts",
}

T = TypeVar("T")


def wanted_of(body: VideoSettings, image_url: str | None, param: str = "image_url") -> list[Wanted]:
    """The pictures that a request names; `param` is what its first picture is called."""
    named = [(image_url, param), (body.character_reference_url, "character_reference_url")]
    named += [
        (url, f"character_references[{number}]") for number, url in enumerate(body.character_references)
    ]
    named.append((body.style_reference_url, "style_reference_url"))
    return [Wanted(url, field) for url, field in named if url is not None]


def first_picture(body: VideoRequest) -> tuple[str | None, str]:
    """The URL that the video begins with, and its field. Raises BadRequest where two differ."""
    if body.keyframe_url is None:
        return body.image_url, "image_url"
    if body.image_url not in (None, body.keyframe_url):
        raise BadRequest(
            "keyframe_url: image_url begins the video with another picture.", param="keyframe_url"
        )
    return body.keyframe_url, "keyframe_url"


def one_video(
    body: VideoSettings,
    prompt: str,
    image_url: str | None,
    assets: Mapping[str, str],
    size: tuple[int, int],
) -> GenerateVideo:
    """A video of one shot. `assets` are the ids of what the URLs led to."""
    return GenerateVideo(
        prompt=prompt,
        length_s=None if body.duration is None else Decimal(str(body.duration)),
        **_shared(body, image_url, assets, size),
    )


def video(body: VideoRequest, assets: Mapping[str, str], size: tuple[int, int]) -> VideoParams:
    """The request as the farm is asked it. Raises BadRequest naming the field."""
    url, _ = first_picture(body)
    if body.multi_shot_prompts:
        return _shots(body, url, assets, size)
    if body.transitions is not None:
        raise BadRequest("transitions: one shot has none; see multi_shot_prompts.", param="transitions")
    with wire_names():
        (shot,) = _each_shot(body, [body.prompt])
        made = one_video(body, body.prompt, url, assets, size)
    said = {"camera": shot.camera, "motion": shot.motion, "cfg": shot.cfg}
    return made.model_copy(update=said)


def check_sound(model: Model | None, name: str, *, sound: bool) -> None:
    """Raise BadRequest where sound is asked of a model by name that makes none."""
    if sound and model is not None and not model.sound and name != AUTO:
        raise BadRequest(f"sound: {name} makes none.", param="sound")


def check_length(models: Sequence[Model | None], name: str, seconds: float | Decimal | None) -> None:
    """Raise BadRequest where none of these makes anything so long (C-077)."""
    longest = [model.longest_s if model else None for model in models]
    known = [length_s for length_s in longest if length_s is not None]
    if seconds is not None and len(known) == len(longest) and seconds > max(known):
        raise BadRequest(f"duration: {name} makes at most {float(max(known)):g} s.", param="duration")


@contextmanager
def wire_names(prefix: str = "", also: Mapping[str, str] | None = None) -> Iterator[None]:
    """Have refusals name the fields of this surface; `prefix` is that of fields of one video of a batch.

    `also` are names that go before the surface's own.
    """
    names = {**_FIELDS, **(also or {})}
    try:
        yield
    except ValidationError as error:
        fault = first_fault(error)
        where = [str(part) for part in fault.place]
        name = names.get(where[0], where[0]) if where else "prompt"
        raise BadRequest(f"{name}: {fault.text}.", param=name) from None
    except FarmError as error:
        raise _renamed(error, prefix, names) from None


def _renamed(error: FarmError, prefix: str, names: Mapping[str, str]) -> FarmError:
    name = error.param or ""
    new = names.get(name, name)
    if prefix and new in ("prompt", "image_url"):
        new = f"{prefix}.{new}"
    if name:
        error.message = error.message.replace(f"{name}: ", f"{new}: ", 1)
        error.param = new
    return error


def _shared(
    body: VideoSettings, image_url: str | None, assets: Mapping[str, str], size: tuple[int, int]
) -> dict[str, object]:
    characters = [body.character_reference_url, *body.character_references]
    return {
        "negative_prompt": body.negative_prompt,
        "model": body.model,
        "failover": body.failover,
        "image": assets[image_url] if image_url else None,
        "image_url": image_url,
        "images": tuple(dict.fromkeys(assets[url] for url in characters if url is not None)),
        "style_image": assets[body.style_reference_url] if body.style_reference_url else None,
        "width": size[0],
        "height": size[1],
        "camera_angle": body.camera_angle,
        "sound": body.sound,
        "seed": body.seed,
    }


def _shots(
    body: VideoRequest, image_url: str | None, assets: Mapping[str, str], size: tuple[int, int]
) -> MultiShot:
    prompts = [body.prompt, *body.multi_shot_prompts]
    least_s = LEAST_SHOT_S * len(prompts)
    seconds = Decimal(str(body.duration)) if body.duration else Decimal(_SHOT_S * len(prompts))
    if seconds < least_s:
        raise BadRequest(f"duration: {len(prompts)} shots need at least {least_s} s.", param="duration")
    with wire_names():
        return MultiShot(
            prompt=body.prompt,
            shots=tuple(_each_shot(body, prompts)),
            transitions=tuple(_joins(body, prompts)),
            length_s=seconds,
            is_anchor=body.keyframe_url is not None,
            **{**_shared(body, image_url, assets, size), "seed": _seed(body)},
        )


def _seed(body: VideoRequest) -> int:
    """One for all shots, so that they are of one look."""
    return secrets.randbelow(MOST_SEED) if body.seed is None else body.seed


def _each_shot(body: VideoRequest, prompts: Sequence[str]) -> list[Shot]:
    directed = cameras_of(prompts) if body.ai_director_mode else [None] * len(prompts)
    cameras = _of_each(body.camera_control, len(prompts), "camera_control")
    motions = _of_each(body.motion, len(prompts), "motion")
    scales = _of_each(body.cfg_scale, len(prompts), "cfg_scale")
    return [
        Shot(prompt=prompt, camera=asked or found, motion=motion, cfg=scale)
        for prompt, asked, found, motion, scale in zip(
            prompts, cameras, directed, motions, scales, strict=True
        )
    ]


def _joins(body: VideoRequest, prompts: Sequence[str]) -> Sequence[Transition]:
    if body.transitions is None:
        fades = [Transition.CROSSFADE] * (len(prompts) - 1)
        return transitions_of(prompts) if body.ai_director_mode else fades
    if isinstance(body.transitions, Transition):
        return [body.transitions] * (len(prompts) - 1)
    if len(body.transitions) != len(prompts) - 1:
        raise BadRequest(
            f"transitions: {len(prompts)} shots have {len(prompts) - 1} between them.", param="transitions"
        )
    return body.transitions


def _of_each(value: T | tuple[T | None, ...] | None, count: int, param: str) -> Sequence[T | None]:
    """One for each shot, from one for all or a list."""
    if not isinstance(value, tuple):
        return [value] * count
    if len(value) != count:
        raise BadRequest(f"{param}: a list has one for each of the {count} shots.", param=param)
    return value
