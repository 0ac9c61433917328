"""The studio surface: its document's own shapes, and errors that are one sentence under `error`."""

from farm.api.surfaces.studio.errors import SHAPES
from farm.api.surfaces.studio.models import router

__all__ = ["SHAPES", "router"]
