"""`farm audit`: what operators did. Runs on the farm's own host: it opens the store."""

from dataclasses import asdict
from typing import Annotated

import typer

from farm.cli.console import AsJson, print_listing, when
from farm.cli.host import opened_hall
from farm.doors.audit import list_audit

app = typer.Typer(no_args_is_help=True)

_COLUMNS = {"when": "When", "who": "Who", "action": "Action", "subject": "Subject", "detail": "Detail"}


@app.command()
def ls(
    subject: Annotated[str | None, typer.Option(help="Only about this worker, key, job or account.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="How many.")] = 50,
    as_json: AsJson = False,
) -> None:
    """List what operators did, newest first."""
    with opened_hall() as hall:
        found = [asdict(entry) for entry in list_audit(hall, subject=subject, limit=limit)]
    rows = found if as_json else [row | {"when": when(row["at"])} for row in found]
    print_listing(rows, _COLUMNS, as_json=as_json, empty="Nobody did anything yet.")
