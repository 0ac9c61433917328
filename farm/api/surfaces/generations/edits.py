"""POST /v1/images/edits: a picture is changed as a prompt says, in OpenAI's shape (a form with files)."""

from collections.abc import Mapping, Sequence

from fastapi import Response
from fastapi.concurrency import run_in_threadpool
from pydantic import ValidationError
from starlette.requests import Request

from farm.account import Account
from farm.api.desk import AtDesk, BaseUrl, Desk, SignedIn
from farm.api.errors import refused_params
from farm.api.fetched import Wanted, fetched
from farm.api.forms import FileRule, Form, SentFile, received_form, store, takes_form, values_of
from farm.api.idempotency import once
from farm.api.routing import farm_router
from farm.api.surfaces.generations import images_spec as specs
from farm.api.surfaces.generations.images import ANSWERS
from farm.api.surfaces.generations.images_answer import held
from farm.api.surfaces.generations.images_stream import streamed
from farm.api.surfaces.generations.images_wire import EditRequest, PicturesAnswer
from farm.errors import BadRequest
from farm.job import JobSpec
from farm.timeline import MediaKind
from tasks.edit_image import MOST_IMAGES

_FILES = {"image": True, "mask": False}

router = farm_router("/v1", "generations")


@router.post(
    "/images/edits",
    response_model=PicturesAnswer,
    openapi_extra=takes_form("generations", EditRequest, _FILES),
    responses=ANSWERS,
)
async def edit(request: Request, desk: AtDesk, caller: SignedIn, base_url: BaseUrl) -> Response:
    """Change a picture: within a mask, beyond its edges, in another style; the answer comes with it."""
    async with received_form(request, _rules(desk)) as form:
        body = _body(form)
        images, masks = form.files["image"], form.files["mask"]
        _check(body, images, masks)

        async def make() -> Response:
            spec = await _spec(desk, caller.account, body, form, base_url)
            events = streamed("image_edit", body)
            return await held(request, desk, caller, spec, base_url, body.response_format, events)

        return await once(request, form.told, make)


async def _spec(desk: Desk, account: Account, body: EditRequest, form: Form, base_url: str) -> JobSpec:
    """The job with its pictures kept, once all that is cheap to check has been checked."""
    images, masks = form.files["image"], form.files["mask"]
    links = [Wanted(body.image_url, "image_url")] if body.image_url else []
    pending = specs.edit(
        body,
        [specs.PENDING] * (len(images) + len(links)),
        specs.PENDING if masks else None,
        specs.PENDING if body.style_reference_url else None,
    )
    spec = await run_in_threadpool(specs.spec_of, desk, account, body, pending, specs.EDIT)
    found = specs.ids_of(await fetched(desk, account, [*links, *specs.wanted_of(body)], base_url))
    kept = await run_in_threadpool(_kept, desk, account, [*images, *masks])
    _, style = specs.sorted_out(body, found[len(links) :])
    pictures = (*kept[: len(images)], *found[: len(links)])
    mask = kept[-1] if masks else None
    return specs.with_pictures(spec, images=pictures, mask=mask, style_image=style)


def _kept(desk: Desk, account: Account, files: Sequence[SentFile]) -> list[str]:
    """Their assets' ids. The call's own copies are let go at once: it may be held for minutes."""
    ids = store(desk, account, files)
    for file in files:
        file.path.unlink()
    return ids


def _rules(desk: Desk) -> Mapping[str, FileRule]:
    most = desk.hall.catalog.limits.fetch_picture_bytes
    kinds = (MediaKind.IMAGE,)
    return {"image": FileRule(kinds, most, MOST_IMAGES), "mask": FileRule(kinds, most)}


def _body(form: Form) -> EditRequest:
    """The form's texts, checked."""
    try:
        return EditRequest.model_validate(values_of(form, EditRequest))
    except ValidationError as error:
        raise refused_params(error, "") from None


def _check(body: EditRequest, images: tuple[SentFile, ...], masks: tuple[SentFile, ...]) -> None:
    """Raise BadRequest for what the files show at once; workers look again at what they decode."""
    if not images and body.image_url is None:
        raise BadRequest("image is required.", param="image")
    if len(images) + bool(body.image_url) > MOST_IMAGES:
        raise BadRequest(f"image: at most {MOST_IMAGES} pictures may be given.", param="image")
    if not masks or not images or not (images[0].width and masks[0].width):
        return
    first, mask = images[0], masks[0]
    if (first.width, first.height) != (mask.width, mask.height):
        raise BadRequest(
            f"mask: has {mask.width} x {mask.height} pixels, the image {first.width} x {first.height};"
            " they must be the same.",
            param="mask",
        )
