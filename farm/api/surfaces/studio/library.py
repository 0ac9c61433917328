"""The studio's library: an account's videos, pictures and sounds, with what it has made of each since."""

from typing import Annotated

from fastapi import Path, Query
from pydantic import BaseModel

from farm.api.desk import AtDesk, Desk, SignedIn
from farm.api.routing import farm_router, rated
from farm.api.surfaces.studio.errors import REFUSALS
from farm.api.surfaces.studio.media import KINDS, Medium, address, main_file
from farm.api.surfaces.studio.shown import GenerationView, generation_view
from farm.doors import generations

router = farm_router("/api", "studio")

Limit = Annotated[int, Query(ge=1, le=200)]
Offset = Annotated[int, Query(ge=0, le=10_000_000)]
Number = Annotated[int, Path(ge=1, lt=2**63)]
_RATE = rated("generation_status")
_VIDEOS = KINDS[Medium.VIDEO]


class Generations(BaseModel):
    """The newest first; `offset` of the next page is this one's and `limit` more, while `has_more`."""

    generations: list[GenerationView]
    limit: int
    offset: int
    has_more: bool


class DeletedView(BaseModel):
    """It is shown no more, and its files are given to nobody from now on."""

    deleted: bool
    id: int


class FavoriteView(BaseModel):
    """What it is now."""

    id: int
    is_favorite: bool


class ShareView(BaseModel):
    """Whoever has the token sees it at `url`, and its file at `video_url`, until it is unshared."""

    id: int
    share_token: str
    url: str
    video_url: str | None


class PublicView(BaseModel):
    """Whether it is in the public gallery now."""

    id: int
    is_public: bool


@router.get("/generations", openapi_extra=_RATE, responses=REFUSALS)
def videos(desk: AtDesk, caller: SignedIn, limit: Limit = 50, offset: Offset = 0) -> Generations:
    """List the videos that were made or are being made, with all that is known of each."""
    return _listed(desk, caller.account.id, Medium.VIDEO, limit, offset)


@router.get("/image-generations", openapi_extra=_RATE, responses=REFUSALS)
def images(desk: AtDesk, caller: SignedIn, limit: Limit = 50, offset: Offset = 0) -> Generations:
    """List the pictures."""
    return _listed(desk, caller.account.id, Medium.IMAGE, limit, offset)


@router.get("/audio-generations", openapi_extra=_RATE, responses=REFUSALS)
def sounds(desk: AtDesk, caller: SignedIn, limit: Limit = 50, offset: Offset = 0) -> Generations:
    """List music, effects and speech."""
    return _listed(desk, caller.account.id, Medium.AUDIO, limit, offset)


@router.get("/generations/{id}", openapi_extra=_RATE, responses=REFUSALS)
def one_video(id: Number, desk: AtDesk, caller: SignedIn) -> GenerationView:
    """Show one video with all that is known of it."""
    return generation_view(generations.generation(desk.hall, caller.account.id, id, _VIDEOS))


@router.delete("/generations/{id}", openapi_extra=_RATE, responses=REFUSALS)
def delete_video(id: Number, desk: AtDesk, caller: SignedIn) -> DeletedView:
    """Delete a video and its file. One under way is cancelled."""
    return _deleted(desk, caller.account.id, id, Medium.VIDEO)


@router.delete("/image-generations/{id}", openapi_extra=_RATE, responses=REFUSALS)
def delete_image(id: Number, desk: AtDesk, caller: SignedIn) -> DeletedView:
    """Delete a picture and its file."""
    return _deleted(desk, caller.account.id, id, Medium.IMAGE)


@router.delete("/audio-generations/{id}", openapi_extra=_RATE, responses=REFUSALS)
def delete_sound(id: Number, desk: AtDesk, caller: SignedIn) -> DeletedView:
    """Delete a sound and its file."""
    return _deleted(desk, caller.account.id, id, Medium.AUDIO)


@router.post("/generations/{id}/favorite", openapi_extra=_RATE, responses=REFUSALS)
def favorite(id: Number, desk: AtDesk, caller: SignedIn) -> FavoriteView:
    """Make it a favourite, or no longer one."""
    marks = generations.toggle_favorite(desk.hall, caller.account.id, id, _VIDEOS)
    return FavoriteView(id=id, is_favorite=marks.is_favorite)


@router.post("/generations/{id}/share", openapi_extra=_RATE, responses=REFUSALS)
def share(id: Number, desk: AtDesk, caller: SignedIn) -> ShareView:
    """Make a link for whoever has it; the same one as long as it stays shared."""
    account_id = caller.account.id
    token = generations.share(desk.hall, account_id, id, _VIDEOS).token or ""
    found = generations.generation(desk.hall, account_id, id, _VIDEOS)
    main = main_file(found.job.kind, found.files)
    return ShareView(
        id=id,
        share_token=token,
        url=f"/api/share/{token}",
        video_url=address(found.job.kind, main.name, token) if main else None,
    )


@router.delete("/generations/{id}/share", openapi_extra=_RATE, responses=REFUSALS)
def unshare(id: Number, desk: AtDesk, caller: SignedIn) -> PublicView:
    """Take the link back: it never opens anything again, unless the video is public."""
    marks = generations.unshare(desk.hall, caller.account.id, id, _VIDEOS)
    return PublicView(id=id, is_public=marks.is_public)


@router.post("/generations/{id}/public", openapi_extra=_RATE, responses=REFUSALS)
def public(id: Number, desk: AtDesk, caller: SignedIn) -> PublicView:
    """Put it into the public gallery, or take it out."""
    marks = generations.toggle_public(desk.hall, caller.account.id, id, _VIDEOS)
    return PublicView(id=id, is_public=marks.is_public)


def _listed(desk: Desk, account_id: int, medium: Medium, limit: int, offset: int) -> Generations:
    found = generations.list_generations(desk.hall, account_id, KINDS[medium], limit=limit + 1, offset=offset)
    return Generations(
        generations=[generation_view(one) for one in found[:limit]],
        limit=limit,
        offset=offset,
        has_more=len(found) > limit,
    )


def _deleted(desk: Desk, account_id: int, number: int, medium: Medium) -> DeletedView:
    generations.delete_generation(desk.hall, account_id, number, KINDS[medium])
    return DeletedView(deleted=True, id=number)
