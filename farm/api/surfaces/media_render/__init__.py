"""The media render surface: uploads, jobs, status and download of one MP4, as its document says."""

from farm.api.surfaces.media_render.routes import router

__all__ = ["router"]
