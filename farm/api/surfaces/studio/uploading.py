"""The studio's upload of a picture to begin a video with: one file in a form."""

from functools import partial

from fastapi import Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse
from pydantic import BaseModel

from farm.account import Caller
from farm.api.desk import AtDesk, Desk, SignedIn
from farm.api.forms import FileRule, SentFile, received_form, store, takes_form
from farm.api.idempotency import once
from farm.api.routing import farm_router
from farm.api.surfaces.studio.errors import REFUSALS
from farm.api.surfaces.studio.handed_in import uploaded_name
from farm.doors import assets
from farm.errors import BadRequest
from farm.timeline import MediaKind

router = farm_router("/api", "studio")

FIELD = "image"
ACCEPTED = ("image/png", "image/jpeg", "image/webp")


class UploadBody(BaseModel):
    """The form has nothing beside its file."""


class UploadedView(BaseModel):
    """A picture that was kept. `filename` is for `image_filename` and its like."""

    filename: str
    url: str
    content_type: str
    size_bytes: int
    width: int | None
    height: int | None


@router.post(
    "/upload-image",
    response_model=UploadedView,
    openapi_extra=takes_form("uploads", UploadBody, {FIELD: False}),
    responses=REFUSALS,
)
async def upload_image(request: Request, desk: AtDesk, caller: SignedIn) -> Response:
    """Upload a picture: PNG, JPEG or WebP."""
    rule = FileRule((MediaKind.IMAGE,), desk.hall.catalog.limits.studio_image_bytes)
    async with received_form(request, {FIELD: rule}) as form:
        files = form.files.get(FIELD, ())
        if not files:
            raise BadRequest(f"{FIELD} is required: send one file in a form.", param=FIELD)
        sent = _accepted(files[0])
        return await once(request, form.told, partial(_kept, desk, caller, sent))


def _accepted(sent: SentFile) -> SentFile:
    """By what its own bytes say."""
    if sent.content_type not in ACCEPTED:
        raise BadRequest(
            f"{FIELD}: {sent.content_type} is not taken; PNG, JPEG or WebP is.",
            param=FIELD,
            code="unsupported_media",
        )
    return sent


async def _kept(desk: Desk, caller: Caller, sent: SentFile) -> Response:
    return await run_in_threadpool(_keep, desk, caller, sent)


def _keep(desk: Desk, caller: Caller, sent: SentFile) -> Response:
    (asset_id,) = store(desk, caller.account, [sent])
    name = uploaded_name(assets.asset(desk.hall, caller.account, asset_id))
    view = UploadedView(
        filename=name,
        url=f"/api/input-image/{name}",
        content_type=sent.content_type,
        size_bytes=sent.size_bytes,
        width=sent.width,
        height=sent.height,
    )
    return JSONResponse(view.model_dump(mode="json"))
