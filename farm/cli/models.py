"""`farm models`: the catalog's models, who offers them, and whether this host has what they need."""

import os
from typing import Annotated, Any

import typer

from farm.catalog import Catalog, read_catalog
from farm.cli import console
from farm.model_check import Here, Offered, Verdict, offers_here
from farm.models import Makes, Model
from farm.settings import Settings

app = typer.Typer()

_COLUMNS = {
    "id": "Model",
    "makes": "Makes",
    "engine": "Engine",
    "commercial": "May earn",
    "licence": "Licence",
    "offered_by": "Offered by",
}
_CHECKED = {
    "model": "Model",
    "capability": "For",
    "provider": "Provider",
    "state": "State",
    "licence": "Licence",
    "where": "Where",
    "said": "What to do",
}


@app.callback(invoke_without_command=True)
def models(
    context: typer.Context,
    makes: Annotated[Makes | None, typer.Option(help="Only these.", show_default=False)] = None,
    as_json: console.AsJson = False,
) -> None:
    """List the models of configs/models, and the providers that offer them here."""
    if context.invoked_subcommand is not None:
        return
    catalog = read_catalog(Settings())
    rows = [
        _row(catalog, model_id, model)
        for model_id, model in catalog.models.models.items()
        if makes in (None, model.makes)
    ]
    console.print_listing(rows, _COLUMNS, as_json=as_json, empty="No models.")


@app.command()
def check(as_json: console.AsJson = False) -> None:
    """Look whether all that providers.toml offers could be made: weights, workflows, keys, on this host.

    Run it where the workers run, with their environment. It loads and calls nothing, and ends with 1 where
    something is missing.
    """
    settings = Settings()
    found = [*offers_here(Here(read_catalog(settings), settings, os.environ))]
    rows = [_checked(one) for one in found]
    console.print_listing(rows, _CHECKED, as_json=as_json, empty="providers.toml offers nothing.")
    if any(one.verdict is Verdict.MISSING for one in found):
        raise typer.Exit(1)


def _row(catalog: Catalog, model_id: str, model: Model) -> dict[str, Any]:
    routes = catalog.providers.routes
    offered = {
        offer.provider: None
        for capability, key in catalog.providers.serving(model_id).items()
        for offer in routes[capability][key].offers
    }
    return {
        "id": model_id,
        "name": model.name,
        "makes": model.makes,
        "serves": list(model.serves),
        "engine": model.engine,
        "repository": model.repository or None,
        "revision": model.revision or None,
        "licence": model.licence,
        "commercial": model.commercial,
        "vram_gb": model.vram_gb,
        "offered_by": list(offered),
    }


def _checked(one: Offered) -> dict[str, Any]:
    return {
        "capability": one.capability,
        "model": one.model,
        "provider": one.provider,
        "engine": one.engine,
        "licence": one.licence,
        "commercial": one.commercial,
        "where": one.where,
        "state": one.verdict,
        "said": one.said,
    }
