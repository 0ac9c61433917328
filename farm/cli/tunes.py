"""`farm tunes`: the background music that can be asked for in words, as this host is configured."""

from typing import Annotated

import typer

from farm.cli import console
from tasks.media_render.shelf import tunes_here
from tasks.media_render.tune_query import rank
from tasks.media_render.tunes import Tune

app = typer.Typer()

_COLUMNS = {
    "name": "Name",
    "bpm": "Bpm",
    "key": "Key",
    "energy": "Energy",
    "length": "Length",
    "description": "What it is like",
}
_FITS = {"fits": "Fits"}

Words = Annotated[
    list[str] | None,
    typer.Argument(help="What a render would ask for: the best comes first.", show_default=False),
]


@app.command("tunes", rich_help_panel="Use the farm")
def tunes(words: Words = None, as_json: console.AsJson = False) -> None:
    """List the background music that bgmQuery chooses from."""
    query = " ".join(words or ())
    ranked, unknown = rank(query, tunes_here())
    rows = [_row(tune) | ({"fits": round(points, 2)} if query else {}) for tune, points in ranked]
    columns = _COLUMNS | (_FITS if query else {})
    console.print_listing(rows, columns, as_json=as_json, empty="No tunes: see configs/tunes.toml.")
    if unknown:
        console.remark(f"Not understood: {', '.join(unknown)}.")


def _row(tune: Tune) -> dict[str, object]:
    seconds = tune.duration_s
    return {
        "name": tune.name,
        "title": tune.title,
        "bpm": tune.bpm,
        "key": tune.key,
        "energy": tune.energy,
        "length": None if seconds is None else f"{seconds:.0f} s",
        "duration_s": seconds,
        "tags": list(tune.tags),
        "description": tune.description or ", ".join(tune.tags),
        "file": None if tune.file is None else str(tune.file),
    }
