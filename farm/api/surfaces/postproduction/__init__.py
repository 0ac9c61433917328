"""The postproduction surface: compose-otio, as its document says."""

from farm.api.surfaces.postproduction.routes import router

__all__ = ["router"]
