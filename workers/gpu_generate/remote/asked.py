"""What a task asks of a service, in one vocabulary whatever its kind: words with values, and pictures."""

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from hashlib import blake2b
from math import gcd
from pathlib import Path

from pydantic import JsonValue

from farm.catalog import Catalog, read_catalog
from farm.errors import FailureClass, TaskFailure
from farm.models import Fitted, Model, Wish
from farm.offers import Provider
from farm.remote_model import RemoteModel, Word
from farm.settings import Settings
from tasks.edit_image import EditImage
from tasks.generate_audio import GenerateAudio
from tasks.generate_image import GenerateImage, PictureParams
from tasks.generate_video import GenerateVideo
from workers.context import TaskInput
from workers.gpu_generate.pictures.edit_input import EditInput, edit_input

MOST_SEED = 2**31 - 1  # what services take
_SHAPES = ("21:9", "16:9", "4:3", "1:1", "3:4", "9:16")

Files = Mapping[Word, tuple[Path, ...]]
Params = GenerateVideo | PictureParams | GenerateAudio


@dataclass(frozen=True, slots=True)
class Asked:
    """One purchase. `files` are pictures, sounds and films by the word for what they are for.

    `key` names the purchase, the same for every attempt at it. A `seed` that nobody chose comes from it, so
    that another purchase has another.
    """

    params: Params
    provider: Provider
    model_key: str
    model: Model
    remote: RemoteModel
    fitted: Fitted
    seed: int
    key: str
    values: Mapping[Word, JsonValue]
    files: Files
    edit: EditInput | None = None

    @property
    def is_film(self) -> bool:
        return isinstance(self.params, GenerateVideo)

    @property
    def is_sound(self) -> bool:
        return isinstance(self.params, GenerateAudio)

    @property
    def is_picture(self) -> bool:
        return not self.is_film and not self.is_sound

    @property
    def name(self) -> str:
        """What the service calls the model."""
        return self.remote.name or self.model_key


def asked_of(task: TaskInput, workdir: Path) -> Asked:
    """What the task asks for. Raises AssetUnreadable and BadRequest for what it hands in.

    Raises TaskFailure INTERNAL for a kind that no service is asked for.
    """
    catalog = read_catalog(Settings())
    model_key = task.model or ""
    model = catalog.models.named(model_key)
    params = _params(task)
    edit = edit_input(params, task, model, workdir) if isinstance(params, EditImage) else None
    provider = provider_of(task, catalog)
    fitted = edit.fitted if edit is not None else model.fitted(_wish(params))
    seed = _seed(params.seed, task.idempotency_key or "")
    return Asked(
        params=params,
        provider=provider,
        model_key=model_key,
        model=model,
        remote=provider.calls(model_key, catalog.models.find(model_key)),
        fitted=fitted,
        seed=seed,
        key=task.idempotency_key or "",
        values=_values(params, fitted, seed),
        files=_edited(edit) if edit is not None else _files(params, task),
        edit=edit,
    )


def provider_of(task: TaskInput, catalog: Catalog) -> Provider:
    """The configs' entry of the task's provider. Raises TaskFailure INTERNAL when it is gone."""
    found = catalog.providers.providers.get(task.provider or "")
    if found is None:
        raise TaskFailure(f"providers.toml has no provider {task.provider!r}.", FailureClass.INTERNAL)
    return found


def _wish(params: Params) -> Wish:
    """A sound has neither frames nor a size."""
    return Wish() if isinstance(params, GenerateAudio) else params.wish


def _params(task: TaskInput) -> Params:
    kinds: tuple[type[Params], ...] = (GenerateVideo, GenerateImage, EditImage, GenerateAudio)
    for kind in kinds:
        if task.kind == kind.kind:
            return kind.model_validate(dict(task.params))
    raise TaskFailure(f"No service is asked for {task.kind}.", FailureClass.INTERNAL, code="engine_missing")


def _seed(chosen: int | None, key: str) -> int:
    if chosen is not None:
        return chosen if chosen <= MOST_SEED else chosen % MOST_SEED
    return int.from_bytes(blake2b(key.encode(), digest_size=8).digest()) % MOST_SEED


def _values(params: Params, fitted: Fitted, seed: int) -> dict[Word, JsonValue]:
    if isinstance(params, GenerateAudio):
        seconds = number(Fraction(params.length_s))
        return {"prompt": params.full_prompt, "seconds": seconds, "seed": seed}
    found: dict[Word, JsonValue] = {
        "prompt": params.full_prompt,
        "negative_prompt": params.negative_prompt or None,
        "width": fitted.width,
        "height": fitted.height,
        "size": f"{fitted.width}x{fitted.height}",
        "resolution": f"{min(fitted.width, fitted.height)}p",
        "aspect_ratio": shape_of(fitted.width, fitted.height),
        "seed": seed,
        "steps": fitted.steps or None,
        "cfg": params.cfg,
    }
    if isinstance(params, GenerateVideo):
        found |= {"frames": fitted.frames, "frame_rate": fitted.frame_rate}
        found |= {
            "seconds": number(fitted.length_s),
            "strength": params.strength,
            "sound": bool(params.sound),
        }
    else:
        quality = "high" if params.quality == "hd" else None
        ground = "transparent" if params.background == "transparent" else None
        found |= {"count": params.count, "quality": quality, "background": ground}
    return {word: value for word, value in found.items() if value is not None}


def shape_of(width: int, height: int) -> str:
    """The aspect ratio as services name them: the nearest of the usual ones, else the exact one."""
    ratio = width / height

    def distance(name: str) -> float:
        wide, high = name.split(":")
        named = int(wide) / int(high)
        return max(ratio, named) / min(ratio, named)

    nearest = min(_SHAPES, key=distance)
    if distance(nearest) <= 1.06:
        return nearest
    shared = gcd(width, height)
    return f"{width // shared}:{height // shared}"


def number(length_s: Fraction) -> int | float:
    return int(length_s) if length_s.denominator == 1 else round(float(length_s), 3)


def _files(params: Params, task: TaskInput) -> Files:
    """The files that the parameters name, by what they are for. Kinds have some of these fields, none all."""
    words: tuple[Word, ...] = ("image", "last_image", "style_image", "audio", "video")
    named = {word: (asset,) for word in words if (asset := getattr(params, word, None))}
    named["images"] = tuple(getattr(params, "images", ()))
    return {
        word: tuple(task.inputs[asset].path for asset in assets) for word, assets in named.items() if assets
    }


def _edited(edit: EditInput) -> Files:
    found: dict[Word, tuple[Path, ...]] = {"image": (edit.picture,)}
    if edit.mask is not None:
        found["mask"] = (edit.mask,)
    if edit.references:
        found["images"] = edit.references
    if edit.style is not None:
        found["style_image"] = (edit.style,)
    return found
