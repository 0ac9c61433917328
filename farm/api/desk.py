"""The front desk: what every endpoint needs, opened once per process, and how an endpoint gets at it."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request

from farm.account import Caller
from farm.api.limits import RateLimits
from farm.blobs import Blobs
from farm.doors.hall import Hall
from farm.settings import Settings


@dataclass(frozen=True, slots=True)
class Desk:
    """The hall, the blobs and the rate limits of one API process."""

    settings: Settings
    hall: Hall
    blobs: Blobs
    limits: RateLimits


def desk_of(request: Request) -> Desk:
    """The desk of the app that serves this request."""
    desk = request.app.state.desk
    assert isinstance(desk, Desk)
    return desk


def base_url_of(request: Request) -> str:
    """Where callers reach this API: FARM_PUBLIC_URL, else the way this call came. Without a final slash."""
    return (desk_of(request).settings.public_url or str(request.base_url)).rstrip("/")


async def _desk(request: Request) -> Desk:
    return desk_of(request)


async def _caller(request: Request) -> Caller:
    caller = request.state.caller
    assert isinstance(caller, Caller)
    return caller


async def _base_url(request: Request) -> str:
    return base_url_of(request)


AtDesk = Annotated[Desk, Depends(_desk)]
SignedIn = Annotated[Caller, Depends(_caller)]
BaseUrl = Annotated[str, Depends(_base_url)]
