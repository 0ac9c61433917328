"""POST /api/generate/{remove-background, upscale, restore}: one picture is mended, as a job (X-09).

The picture comes by URL in a JSON body, or as the file `image` of a form.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Annotated, TypeVar

from fastapi import Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse
from pydantic import Field, ValidationError
from starlette.requests import Request

from farm.account import Caller
from farm.api.body import read_json
from farm.api.desk import AtDesk, BaseUrl, Desk, SignedIn
from farm.api.errors import refused_params
from farm.api.fetched import Wanted, fetched
from farm.api.forms import MEDIA_TYPE, FileRule, Form, received_form, store, takes_form, values_of
from farm.api.idempotency import once
from farm.api.routing import farm_router
from farm.api.surfaces.generations.asked import Switch, ToldAtTheEnd, Url
from farm.api.surfaces.generations.shared_status import GenerationStatus, submitted
from farm.doors.submit import order, submit
from farm.errors import BadRequest
from farm.job import JobSpec
from farm.timeline import MediaKind
from tasks.remove_background import RemoveBackground
from tasks.restore_image import RestoreImage
from tasks.retouching import RetouchParams
from tasks.upscale_image import LEAST_SCALE, MOST_SCALE, UpscaleImage

_PENDING = "asset_pending"  # stands for a picture that has not come yet
_FILES = {"image": False}

router = farm_router("/api/generate", "generations")


class RetouchRequest(ToldAtTheEnd):
    """A picture: `image_url`, or in a form the file `image`."""

    image_url: Url | None = None
    model: Annotated[str, Field(min_length=1, max_length=64)] = "auto"
    failover: Switch = True


class UpscaleRequest(RetouchRequest):
    """`scale` times as large on each side."""

    scale: Annotated[float, Field(ge=LEAST_SCALE, le=MOST_SCALE)] = LEAST_SCALE


R = TypeVar("R", bound=RetouchRequest)


@router.post(
    "/remove-background",
    status_code=202,
    response_model=GenerationStatus,
    openapi_extra=takes_form("generations", RetouchRequest, _FILES, or_json=RetouchRequest),
)
async def remove_background(request: Request, desk: AtDesk, caller: SignedIn, base_url: BaseUrl) -> Response:
    """Cut out what a picture is about: a transparent PNG of the same size."""

    def params(body: RetouchRequest, image: str) -> RetouchParams:
        return RemoveBackground(image=image, model=body.model, failover=body.failover)

    return await _Call(request, desk, caller, base_url).answered(RetouchRequest, params, "rmbg")


@router.post(
    "/upscale",
    status_code=202,
    response_model=GenerationStatus,
    openapi_extra=takes_form("generations", UpscaleRequest, _FILES, or_json=UpscaleRequest),
)
async def upscale(request: Request, desk: AtDesk, caller: SignedIn, base_url: BaseUrl) -> Response:
    """Make a picture two to four times as large."""

    def params(body: UpscaleRequest, image: str) -> RetouchParams:
        return UpscaleImage(image=image, model=body.model, failover=body.failover, scale=body.scale)

    return await _Call(request, desk, caller, base_url).answered(UpscaleRequest, params, "upscale")


@router.post(
    "/restore",
    status_code=202,
    response_model=GenerationStatus,
    openapi_extra=takes_form("generations", RetouchRequest, _FILES, or_json=RetouchRequest),
)
async def restore(request: Request, desk: AtDesk, caller: SignedIn, base_url: BaseUrl) -> Response:
    """Make an old, noisy or faded picture good: scratches, noise, a cast and faded tones."""

    def params(body: RetouchRequest, image: str) -> RetouchParams:
        return RestoreImage(image=image, model=body.model, failover=body.failover)

    return await _Call(request, desk, caller, base_url).answered(RetouchRequest, params, "restore")


class _Call:
    """One call of a utility, from its body to its answer."""

    def __init__(self, request: Request, desk: Desk, caller: Caller, base_url: str) -> None:
        self._request, self._desk, self._caller, self._base_url = request, desk, caller, base_url

    async def answered(
        self, model: type[R], params: Callable[[R, str], RetouchParams], prefix: str
    ) -> Response:
        """202 with the job."""
        if self._request.headers.get("content-type", "").lower().startswith(MEDIA_TYPE):
            most = self._desk.hall.catalog.limits.fetch_picture_bytes
            async with received_form(self._request, {"image": FileRule((MediaKind.IMAGE,), most)}) as form:
                said = values_of(form, model)
                body = _checked(lambda: model.model_validate(said))
                return await self._made(body, form, form.told, params, prefix)
        raw = await read_json(self._request, self._desk.hall.catalog.limits.json_max_bytes)
        body = _checked(lambda: model.model_validate(raw))
        return await self._made(body, None, raw, params, prefix)

    async def _made(
        self, body: R, form: Form | None, told: object, params: Callable[[R, str], RetouchParams], prefix: str
    ) -> Response:
        if (body.image_url is None) == (form is None or not form.files["image"]):
            raise BadRequest("Give one picture: image_url, or a file image in a form.", param="image_url")

        async def make() -> Response:
            spec = await run_in_threadpool(body.spec, self._desk, params(body, _PENDING), prefix)
            order(self._desk.hall, spec)
            spec = replace(spec, params=params(body, await self._picture(body, form)))
            return await run_in_threadpool(self._submitted, spec)

        return await once(self._request, told, make)

    async def _picture(self, body: RetouchRequest, form: Form | None) -> str:
        """The id of its asset."""
        desk, account = self._desk, self._caller.account
        if body.image_url is not None:
            (found,) = await fetched(desk, account, [Wanted(body.image_url, "image_url")], self._base_url)
            return found.id
        assert form is not None
        return (await run_in_threadpool(store, desk, account, form.files["image"]))[0]

    def _submitted(self, spec: JobSpec) -> Response:
        ticket = getattr(self._request.state, "ticket", None)
        made = submit(self._desk.hall, self._caller, spec, ticket)
        view = submitted(self._desk, self._caller.account.id, made.job_id, self._base_url)
        return JSONResponse(view.model_dump(mode="json"), 202, headers={"Cache-Control": "no-store"})


def _checked(read: Callable[[], R]) -> R:
    try:
        return read()
    except ValidationError as error:
        raise refused_params(error, "") from None
