"""`farm quote`: what a job would cost, over HTTP, submitting nothing."""

from typing import Annotated

import typer

from farm.cli import console
from farm.cli.embedded import any_farm
from farm.cli.jobs import params_in
from farm.settings import Settings

app = typer.Typer()

_COLUMNS = {"name": "For", "credits": "Credits"}


@app.command("quote", rich_help_panel="Use the farm")
def quote(
    kind: Annotated[str, typer.Argument(help="For example media-render.")],
    params: Annotated[str, typer.Option(help="The kind's parameters as JSON, or @file.")] = "{}",
    as_json: console.AsJson = False,
) -> None:
    """Say what a job would cost at most; submits nothing."""
    with any_farm(Settings()) as farm:
        found = farm.quote(kind, params_in(params))
    if as_json:
        console.print_json(found)
        return
    total = {"name": "in all", "credits": found["credits"]}
    console.out().print(console.table([*found["breakdown"], total], _COLUMNS))
    if not found["affordable"]:
        console.remark("The account's balance or the key's budget does not allow it now.")
