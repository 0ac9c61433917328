"""The postproduction surface: compose-otio, describe-scenes and scene-timestamps, as their document says."""

from fastapi import APIRouter

from farm.api.surfaces.postproduction import describing, routes, timestamps

__all__ = ["router"]

router = APIRouter()
for _part in (routes, describing, timestamps):
    router.include_router(_part.router)
