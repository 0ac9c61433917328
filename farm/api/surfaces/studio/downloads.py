"""The studio's files: to their owner by key, to others by the token of a shared or public generation."""

from typing import Annotated

from fastapi import APIRouter, Path, Query, Request, Response

from farm.account import Account
from farm.api.desk import AtDesk, Desk
from farm.api.files import file_answer
from farm.api.surfaces.studio.errors import REFUSALS
from farm.api.surfaces.studio.handed_in import uploaded
from farm.api.surfaces.studio.media import Medium
from farm.api.surfaces.studio.visitors import Visitor
from farm.doors import assets, generations
from farm.doors.generations import no_such_file
from farm.errors import NotFound, NotSignedIn
from farm.generations import GeneratedFile
from farm.timeline import MediaKind

router = APIRouter(prefix="/api", tags=["studio"])

Name = Annotated[str, Path(min_length=1, max_length=300)]
Token = Annotated[str | None, Query(max_length=64)]


@router.head("/video/{filename}", include_in_schema=False)
@router.get("/video/{filename}", summary="Download a video", response_class=Response, responses=REFUSALS)
def video(request: Request, filename: Name, desk: AtDesk, visitor: Visitor, token: Token = None) -> Response:
    """Download a video: your own, or one whose share token you have. Takes one Range."""
    return _given(request, desk, visitor, filename, token, Medium.VIDEO)


@router.head("/image/{filename}", include_in_schema=False)
@router.get("/image/{filename}", summary="Download a picture", response_class=Response, responses=REFUSALS)
def image(request: Request, filename: Name, desk: AtDesk, visitor: Visitor, token: Token = None) -> Response:
    """Download a picture."""
    return _given(request, desk, visitor, filename, token, Medium.IMAGE)


@router.head("/audio/{filename}", include_in_schema=False)
@router.get("/audio/{filename}", summary="Download a sound", response_class=Response, responses=REFUSALS)
def audio(request: Request, filename: Name, desk: AtDesk, visitor: Visitor, token: Token = None) -> Response:
    """Download a sound."""
    return _given(request, desk, visitor, filename, token, Medium.AUDIO)


@router.head("/input-image/{filename}", include_in_schema=False)
@router.get(
    "/input-image/{filename}", summary="Serve an input picture", response_class=Response, responses=REFUSALS
)
def input_image(request: Request, filename: Name, desk: AtDesk, visitor: Visitor) -> Response:
    """Serve a picture that was uploaded, or taken out of a video."""
    account = _signed_in(visitor)
    try:
        asset = uploaded(desk, account, filename)
    except NotFound:
        return _given(request, desk, account, filename, None, Medium.IMAGE)
    if asset.media_kind != MediaKind.IMAGE:
        raise no_such_file()
    assets.require_uploaded(desk.hall, desk.blobs, [asset])
    return file_answer(
        request, desk.blobs, asset.blob_key, file_name=filename, content_type=asset.content_type
    )


def _given(
    request: Request, desk: Desk, visitor: Account | None, name: str, token: str | None, medium: Medium
) -> Response:
    found = _found(desk, visitor, name, token)
    made = found.artifact
    if not made.content_type.startswith(f"{medium}/"):
        raise no_such_file()
    return file_answer(
        request, desk.blobs, made.blob_key, file_name=found.name, content_type=made.content_type
    )


def _found(desk: Desk, visitor: Account | None, name: str, token: str | None) -> GeneratedFile:
    """One's own first, so that an old token does not keep an owner out. Raises NotFound, NotSignedIn."""
    if "\0" in name or "\0" in (token or ""):
        raise no_such_file()
    if token is None:
        return generations.own_file(desk.hall, _signed_in(visitor).id, name)
    if visitor is not None:
        try:
            return generations.own_file(desk.hall, visitor.id, name)
        except NotFound:
            pass
    return generations.shared_file(desk.hall, token, name)


def _signed_in(visitor: Account | None) -> Account:
    if visitor is None:
        raise NotSignedIn("Send your API key as Authorization: Bearer KEY, or a share link's ?token=.")
    return visitor
