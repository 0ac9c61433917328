"""The studio's lists of models, and what a generation would cost."""

from collections.abc import Callable, Iterator
from typing import Annotated, TypeVar

from fastapi import Query

from farm.api.desk import AtDesk
from farm.api.routing import farm_router, rated
from farm.api.surfaces.studio import wire
from farm.api.surfaces.studio.errors import REFUSALS
from farm.catalog import Catalog
from farm.errors import BadRequest, NotFound
from farm.models import Makes, Model, Wish

router = farm_router("/api", "studio")

T = TypeVar("T")
Number = Annotated[int | None, Query(gt=0, le=1_000_000)]


@router.get("/models", openapi_extra=rated("models"), responses=REFUSALS)
async def video_models(desk: AtDesk) -> wire.VideoModels:
    """List the video models with their live defaults; the mesh model is among them."""
    makes = (Makes.VIDEO, Makes.MESH)
    return wire.VideoModels(models=list(_listed(desk.hall.catalog, wire.VideoModel.of, makes)))


@router.get("/image-models", openapi_extra=rated("models"), responses=REFUSALS)
async def image_models(desk: AtDesk) -> wire.ImageModels:
    """List the picture models with their live defaults and prices."""
    return wire.ImageModels(models=list(_listed(desk.hall.catalog, wire.ImageModel.of, (Makes.IMAGE,))))


@router.get("/generation-cost", openapi_extra=rated("models"), responses=REFUSALS)
async def generation_cost(
    desk: AtDesk,
    model: str,
    frames: Number = None,
    steps: Number = None,
    width: Number = None,
    height: Number = None,
    frame_rate: Annotated[int | None, Query(gt=0, le=120)] = None,
) -> wire.CostView:
    """Quote a generation without making it: numbers that the model cannot have are brought to the nearest."""
    catalog = desk.hall.catalog
    try:
        found = catalog.models.named(model)
    except NotFound as error:
        raise BadRequest(error.message, param="model") from error
    wish = Wish(frames=frames, steps=steps, width=width, height=height, frame_rate=frame_rate)
    fitted = found.fitted(wish)
    return wire.CostView.of(model, fitted, found.price_mc(fitted))


def _listed(catalog: Catalog, view: Callable[[str, Model, bool], T], makes: tuple[Makes, ...]) -> Iterator[T]:
    """Those that somebody runs here first."""
    offered = {name: bool(catalog.providers.serving(name)) for name in catalog.models.models}
    for name in sorted(offered, key=lambda name: not offered[name]):
        model = catalog.models.models[name]
        if model.makes in makes:
            yield view(name, model, offered[name])
