"""GET /v1/models: every model of the catalog as OpenAI's clients read it, and whether this farm has it."""

from farm.api.desk import AtDesk
from farm.api.routing import farm_router, rated
from farm.api.surfaces.generations import wire
from farm.catalog import Catalog
from farm.models import Capability
from farm.providers import AUTO

router = farm_router("/v1", "generations")


@router.get("/models", openapi_extra=rated("models"))
async def list_models(desk: AtDesk, available: bool | None = None) -> wire.ModelList:
    """List all models: `available` are those that a provider of this farm offers, and come first.

    As a query, `available` lists only those of which it is so.
    """
    views = sorted(_views(desk.hall.catalog), key=lambda view: not view.available)
    return wire.ModelList(data=[view for view in views if available in (None, view.available)])


@router.get("/models/{model_id}", openapi_extra=rated("models"))
async def get_model(model_id: str, desk: AtDesk) -> wire.ModelView:
    """Tell of one model, by its id, its concrete key or a word of a pattern such as `gpt-*`."""
    catalog = desk.hall.catalog
    if model_id == AUTO:
        return _auto(catalog)
    own = {view.id: view for view in _talkers(catalog)}
    if model_id in own:
        return own[model_id]
    known = catalog.models.id_of(model_id)
    return wire.ModelView.of(model_id, catalog.models.models[known], catalog.providers.serving(known))


def _views(catalog: Catalog) -> list[wire.ModelView]:
    known = catalog.models.models.items()
    views = [wire.ModelView.of(name, model, catalog.providers.serving(name)) for name, model in known]
    return [_auto(catalog), *views, *_talkers(catalog)]


def _talkers(catalog: Catalog) -> list[wire.ModelView]:
    """Language models that providers.toml routes by name; some of the catalog's patterns, some its own."""
    book = catalog.providers
    names = [name for name in book.routes.get(Capability.CHAT, {}) if not name.endswith("*")]
    return [_talker(catalog, name) for name in names if name not in catalog.models.models]


def _talker(catalog: Catalog, name: str) -> wire.ModelView:
    known, serving = catalog.models.find(name), {str(Capability.CHAT): name}
    if known is not None:
        return wire.ModelView.of(name, catalog.models.models[known], serving)
    return wire.ModelView.talker(name, serving)


def _auto(catalog: Catalog) -> wire.ModelView:
    """The word that leaves the choice to the farm, with what it means there today."""
    book = catalog.providers
    return wire.ModelView.auto({one: book.auto_of(one) for one in Capability if book.routes.get(one)})
