"""What a generation would cost, by the fields of its own call. Nothing is held, fetched or kept."""

from collections.abc import Callable, Mapping
from typing import Annotated, Any, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from farm.account import Caller
from farm.api.desk import Desk
from farm.api.errors import refused_params
from farm.api.surfaces.generations import charts, compose, images_spec, utilities, video, voice
from farm.api.surfaces.generations.images_wire import ImageRequest
from farm.api.surfaces.generations.video_start import UNFETCHED
from farm.api.surfaces.generations.video_wire import VideoRequest
from farm.catalog import Catalog
from farm.doors.submit import Order, order
from farm.errors import BadRequest
from farm.generation import whole
from farm.job import JobSpec
from farm.models import Change, Makes
from farm.providers import AUTO
from tasks.remove_background import RemoveBackground
from tasks.restore_image import RestoreImage
from tasks.retouching import RetouchParams
from tasks.upscale_image import UpscaleImage

Type = Literal["image", "video", "voice", "compose", "chart", "remove-background", "upscale", "restore"]

_BY_MAKES: Mapping[Makes, Type] = {Makes.IMAGE: "image", Makes.VIDEO: "video", Makes.SPEECH: "voice"}
# A field that only one sort of call has.
_BY_FIELD: Mapping[str, Type] = {
    "chart_data": "chart",
    "chart_image_url": "chart",
    "video_url": "compose",
    "scale": "upscale",
    "text": "voice",
    "duration": "video",
    "aspect_ratio": "video",
    "image_url": "video",
    "n": "image",
    "size": "image",
}


class CalculateRequest(BaseModel):
    """The fields of the call that is to be priced. `type` says which call where they do not."""

    model_config = ConfigDict(extra="allow")

    type: Type | None = None
    model: Annotated[str, Field(min_length=1, max_length=64)] = AUTO


class CalculatedPrice(BaseModel):
    """Credits that the call would hold. `normalized`: numbers that the model has otherwise than asked."""

    type: Type
    model: str
    model_actual: str | None
    credits: int | float
    normalized: list[Change] = []


def price_of(desk: Desk, caller: Caller, body: CalculateRequest) -> CalculatedPrice:
    """Raises BadRequest as the call itself would, and where it is open which call is meant."""
    kind = body.type or _guessed(desk.hall.catalog, body)
    asked = {**(body.model_extra or {}), "model": body.model}
    try:
        spec = _SPECS[kind](desk, caller, asked)
    except ValidationError as error:
        raise refused_params(error, "") from None
    planned = order(desk.hall, spec)
    choice = planned.plan[0].choice
    return CalculatedPrice(
        type=kind,
        model=body.model,
        model_actual=choice.model if choice else None,
        credits=whole(planned.price_mc),
        normalized=_normalized(desk.hall.catalog, planned),
    )


def _guessed(catalog: Catalog, body: CalculateRequest) -> Type:
    """By a field that tells, else by what the model makes."""
    kind = next((kind for name, kind in _BY_FIELD.items() if name in (body.model_extra or {})), None)
    known = catalog.models.find(body.model)
    if kind is None and known is not None:
        kind = _BY_MAKES.get(catalog.models.models[known].makes)
    if kind is None:
        raise BadRequest(f"type: say what is to be priced: {', '.join(get_args(Type))}.", param="type")
    return kind


def _normalized(catalog: Catalog, planned: Order) -> list[Change]:
    task = planned.plan[0]
    if task.route is None or task.route.wish is None or task.choice is None:
        return []
    known = catalog.models.find(task.choice.model)
    model = catalog.models.models[known] if known else None
    return list(model.fitted(task.route.wish).normalized) if model and model.size else []


def _image(desk: Desk, caller: Caller, asked: Mapping[str, Any]) -> JobSpec:
    body = ImageRequest.model_validate({"prompt": "-", **asked})
    wanted = images_spec.wanted_of(body)
    characters, style = images_spec.sorted_out(body, [images_spec.PENDING] * len(wanted))
    params = images_spec.generation(body, characters, style)
    return images_spec.spec_of(desk, caller.account, body, params, images_spec.IMAGE)


def _video(desk: Desk, caller: Caller, asked: Mapping[str, Any]) -> JobSpec:
    body = VideoRequest.model_validate({"prompt": "-", **asked})
    return video.spec_for(desk, caller, body, UNFETCHED, video.PREFIX)


def _voice(desk: Desk, _caller: Caller, asked: Mapping[str, Any]) -> JobSpec:
    body = voice.SpokenRequest.model_validate({"text": "a", **asked})
    # With a model, as /v1/audio/speech takes one.
    params = voice.params_of(body).model_copy(update={"model": asked["model"]})
    return body.spec(desk, params, voice.PREFIX)


def _compose(desk: Desk, _caller: Caller, asked: Mapping[str, Any]) -> JobSpec:
    body = compose.ComposeRequest.model_validate({"video_url": "-", "audio_url": "-", **asked})
    return body.spec(desk, compose.params_of(body), compose.PREFIX)


def _chart(desk: Desk, _caller: Caller, asked: Mapping[str, Any]) -> JobSpec:
    body = charts.ChartRequest.model_validate(asked)
    return body.spec(desk, charts.params_of(body), charts.PREFIX)


def _mended(
    call: type[utilities.RetouchRequest], params: type[RetouchParams]
) -> Callable[[Desk, Caller, Mapping[str, Any]], JobSpec]:
    """A picture as it comes: its size has no price."""

    def spec(desk: Desk, _caller: Caller, asked: Mapping[str, Any]) -> JobSpec:
        body = call.model_validate(asked)
        said = body.model_dump(include={"model", "failover", "scale"})
        return body.spec(desk, params(image=images_spec.PENDING, **said), "")

    return spec


_SPECS: Mapping[Type, Callable[[Desk, Caller, Mapping[str, Any]], JobSpec]] = {
    "image": _image,
    "video": _video,
    "voice": _voice,
    "compose": _compose,
    "chart": _chart,
    "remove-background": _mended(utilities.RetouchRequest, RemoveBackground),
    "upscale": _mended(utilities.UpscaleRequest, UpscaleImage),
    "restore": _mended(utilities.RetouchRequest, RestoreImage),
}
