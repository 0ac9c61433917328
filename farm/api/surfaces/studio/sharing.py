"""What the studio shows to anybody: a shared generation, and the gallery of public ones."""

from typing import Annotated

from fastapi import APIRouter, Path, Query
from pydantic import BaseModel

from farm.api.desk import AtDesk
from farm.api.surfaces.studio.errors import REFUSALS
from farm.api.surfaces.studio.media import KINDS, Medium
from farm.api.surfaces.studio.shown import SharedView, shared_view
from farm.api.surfaces.studio.visitors import Visitor
from farm.doors import generations
from farm.errors import NotFound

router = APIRouter(prefix="/api", tags=["studio"])


class Gallery(BaseModel):
    """The latest first."""

    generations: list[SharedView]
    limit: int
    offset: int
    has_more: bool


@router.get("/share/{token}", summary="Tell of a shared video", responses=REFUSALS)
def shared(token: Annotated[str, Path(max_length=64)], desk: AtDesk, visitor: Visitor) -> SharedView:
    """Tell of a shared video; no key is needed. Its `url` gives the file."""
    if "\0" in token:
        raise NotFound("There is nothing under this link, or not any more.", param="token")
    return shared_view(generations.shared(desk.hall, token))


@router.get("/gallery/community", summary="Browse the public gallery", responses=REFUSALS)
def community(
    desk: AtDesk,
    visitor: Visitor,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    offset: Annotated[int, Query(ge=0, le=10_000_000)] = 0,
) -> Gallery:
    """Browse the videos that their owners have made public; no key is needed."""
    found = generations.gallery(desk.hall, KINDS[Medium.VIDEO], limit=limit + 1, offset=offset)
    return Gallery(
        generations=[shared_view(one) for one in found[:limit]],
        limit=limit,
        offset=offset,
        has_more=len(found) > limit,
    )
