"""Makes the HTTP application: native API, surfaces, blob URLs, health. Opens no media library."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager

from fastapi import FastAPI
from starlette.middleware.cors import CORSMiddleware

import farm
from farm.api.blobs import blob_routes
from farm.api.desk import Desk
from farm.api.envelope import Envelope
from farm.api.errors import Shape, install_errors
from farm.api.health import router as health
from farm.api.idempotency import REPLAYED
from farm.api.limits import RateLimits
from farm.api.llm.exchange import Exchange
from farm.api.native import routers as native
from farm.api.surfaces import generations, media_render, postproduction, studio
from farm.blobs import Blobs, open_blobs
from farm.doors.hall import Hall, open_hall
from farm.settings import Settings

# Surfaces whose errors look otherwise, by path prefix.
_SHAPES: Mapping[str, Shape] = {**generations.SHAPES, **studio.SHAPES}

# What a page of another origin may send, and may read of an answer, besides what every page may.
_PAGE_SENDS = (
    "Authorization",
    "X-API-Key",
    "Content-Type",
    "Idempotency-Key",
    "Prefer",
    "Range",
    "x-request-id",
)
_PAGE_READS = (
    "X-RateLimit-Limit",
    "X-RateLimit-Remaining",
    "X-RateLimit-Reset",
    "Retry-After",
    "x-request-id",
    "Content-Disposition",
    "Content-Range",
    "Accept-Ranges",
    "Location",
    "Preference-Applied",
    REPLAYED,
    "X-Compose-Warnings",
    "x-model-actual",
    "x-failover-used",
)
_PREFLIGHT_S = 600


def create_app(settings: Settings, hall: Hall | None = None, blobs: Blobs | None = None) -> FastAPI:
    """The application on an open hall, or on one it opens from the settings and closes itself.

    Raises FarmUnavailable with the mend when the store or the blobs cannot be used.
    """
    own = open_hall(settings) if hall is None else None
    hall = hall or own
    assert hall is not None
    blobs = blobs or open_blobs(settings, hall.secrets, hall.clock)

    exchange = Exchange(hall.clock)

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        yield
        await exchange.aclose()
        if own is not None:
            own.close()

    app = FastAPI(
        title="Kinefarm",
        version=farm.__version__,
        summary="A render farm: submit media jobs, watch them, download the result.",
        openapi_url="/openapi.json",
        docs_url=None,  # the viewer would be loaded from another company's server
        redoc_url=None,
        redirect_slashes=False,
        lifespan=lifespan,
    )
    app.state.desk = Desk(settings, hall, blobs, _rate_limits(settings, hall))
    app.state.exchange = exchange
    install_errors(app, _SHAPES)
    app.add_middleware(Envelope, ids=hall.ids)
    _let_pages_in(app, hall.catalog.api.cors_origins)
    surfaces = (media_render, postproduction, generations, studio)
    for router in (health, *native, *(surface.router for surface in surfaces)):
        app.include_router(router)
    app.router.routes.extend(blob_routes(blobs, hall.secrets, hall.clock))
    return app


def _rate_limits(settings: Settings, hall: Hall) -> RateLimits:
    catalog = hall.catalog
    by_tier, by_key = catalog.tier_rates, catalog.key_rates
    return RateLimits(catalog.rates, hall.clock, settings.redis_url, by_tier=by_tier, by_key=by_key)


def _let_pages_in(app: FastAPI, origins: Sequence[str]) -> None:
    """Let browsers hand answers to pages of these origins; without any, nothing is said of origins."""
    if origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=list(origins),
            allow_methods=["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"],
            allow_headers=list(_PAGE_SENDS),
            expose_headers=list(_PAGE_READS),
            max_age=_PREFLIGHT_S,
        )
