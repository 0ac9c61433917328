"""The generations surface: what OpenAI's own clients, n8n and Make talk to."""

from fastapi import APIRouter

from farm.api.surfaces.generations import (
    audio,
    charts,
    chat,
    compose,
    edits,
    images,
    models,
    native,
    shared_status,
    utilities,
    video,
    video_batch,
    videos,
    voice,
)
from farm.api.surfaces.generations.errors import SHAPES

__all__ = ["SHAPES", "router"]

router = APIRouter()
for _part in (
    audio,
    charts,
    chat,
    compose,
    edits,
    images,
    models,
    native,
    shared_status,
    utilities,
    video,
    video_batch,
    videos,
    voice,
):
    router.include_router(_part.router)
