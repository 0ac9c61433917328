"""`farm retention`: delete what has expired now, or see what would go. Runs on the farm's own host."""

import time
from collections.abc import Mapping
from typing import Annotated

import typer

from farm.blobs import open_blobs
from farm.cli.console import AsJson, bytes_text, print_listing
from farm.cli.host import opened_hall
from farm.logs import configure
from farm.settings import Settings

app = typer.Typer(no_args_is_help=True)

_COLUMNS = {"what": "What", "rows": "Rows", "size": "Size"}


@app.callback()
def _retention() -> None:
    """Do by hand what the scheduler does by itself in the background."""


@app.command()
def run(
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only show what would go; nothing is changed.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Delete what has expired, once. Ctrl-C is safe: the next round goes on."""
    from schedulers.retention.rounds import Retention

    settings = Settings()
    configure("retention", settings.log_format)
    with opened_hall() as hall:
        retention = Retention(hall, open_blobs(settings, hall.secrets, hall.clock), _rest)
        found = retention.preview() if dry_run else {n: (rows, 0) for n, rows in retention.round().items()}
    _show(found, as_json, dry_run)


def _show(found: Mapping[str, tuple[int, int]], as_json: bool, dry_run: bool) -> None:
    rows = [
        {"what": what, "rows": number, "size": size if as_json else bytes_text(size) if size else ""}
        for what, (number, size) in found.items()
        if number
    ]
    empty = "Nothing has to go." if dry_run else "Nothing had to go."
    print_listing(rows, _COLUMNS, as_json=as_json, empty=empty)


def _rest(seconds: float) -> bool:
    time.sleep(seconds)
    return False
