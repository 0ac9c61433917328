"""Whether the process lives, and whether it could take a job now. No key is asked for."""

from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel, Field

from farm.api.desk import AtDesk
from farm.api.routing import ErrorAnswer
from farm.doors import health

_NO_BLOB = "ready/nothing"

router = APIRouter(tags=["health"])


_AWAY: dict[int | str, dict[str, Any]] = {
    503: {"model": ErrorAnswer, "description": "The store or the blobs do not answer."}
}


class Health(BaseModel):
    """A healthy answer; an unhealthy one is an error."""

    status: str = Field(examples=["ok"])


@router.get("/healthz", summary="Whether the process lives")
async def alive() -> Health:
    """The process answers."""
    return Health(status="ok")


@router.get("/readyz", summary="Whether it could take a job now", responses=_AWAY)
def ready(desk: AtDesk) -> Health:
    """The store and the blobs answer too; 503 with the mend when one does not."""
    health.check(desk.hall)
    desk.blobs.stat(_NO_BLOB)  # reaches the store and writes nothing, for anybody may ask
    return Health(status="ready")
