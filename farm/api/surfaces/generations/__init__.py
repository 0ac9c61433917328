"""The generations surface: what OpenAI's own clients, n8n and Make talk to."""

from farm.api.surfaces.generations.models import router

__all__ = ["router"]
