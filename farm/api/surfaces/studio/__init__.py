"""The studio surface: its document's own shapes, and errors that are one sentence under `error`."""

from fastapi import APIRouter

from farm.api.surfaces.studio import (
    downloads,
    following,
    generating,
    keys,
    library,
    models,
    sharing,
    uploading,
)
from farm.api.surfaces.studio.errors import SHAPES

__all__ = ["SHAPES", "router"]

router = APIRouter()
for _part in (models, generating, following, library, sharing, downloads, uploading, keys):
    router.include_router(_part.router)
