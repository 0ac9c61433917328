"""`farm bench`: measures this host. A program of the pool does; this runs it and shows its rows."""

import json
import subprocess
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from typing import Annotated, Any

import typer

from farm.cli import console
from farm.errors import FarmUnavailable

app = typer.Typer(no_args_is_help=True)
_PROGRAM = "workers.gpu_generate.bench"
_NEEDS = ("torch", "diffusers", "transformers", "accelerate")
_NO_CARD = 3  # as the program says it
_COLUMNS = {"name": "What", "value": "Measured", "unit": "Unit", "better": "Better", "runs": "Runs"}

Tiny = Annotated[
    bool,
    typer.Option("--tiny", help="Tiny models, on a card or the processor: shows that it works, no more."),
]
Only = Annotated[
    str | None, typer.Option(help="Models whose names have this in them, such as wan.", show_default=False)
]


@app.callback()
def _bench() -> None:
    """Measures of this host."""


@app.command("gpu")
def gpu(tiny: Tiny = False, only: Only = None, as_json: console.AsJson = False) -> None:
    """Steps a second, loading, cancelling, running out of memory: full-size models with random weights.

    It takes some minutes, and 30 GiB on the disk for a while. Stop this host's workers first.
    """
    missing = [name for name in _NEEDS if find_spec(name) is None]
    if missing:
        raise FarmUnavailable(
            f"This host lacks {', '.join(missing)}: pip install 'kinefarm[generate,diffusers]'."
        )
    rows = [*_measured(tiny, only)]
    console.print_listing(rows, _COLUMNS, as_json=as_json, empty="Nothing was measured.")


def _measured(tiny: bool, only: str | None) -> Iterator[dict[str, Any]]:
    """Rows as they come; the program's remarks go to stderr. Raises FarmUnavailable where it fails."""
    argv = [sys.executable, "-P", "-m", _PROGRAM]
    argv += ["--tiny"] if tiny else []
    argv += ["--only", only] if only else []
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as program:
        assert program.stdout is not None
        for line in program.stdout:
            row = json.loads(line)
            console.remark(f"{row['name']}: {row['value']} {row['unit']}", style="dim")
            yield row
    if program.returncode == _NO_CARD:
        raise FarmUnavailable(
            "There is no CUDA device here to measure. `farm bench gpu --tiny` shows what it does without one."
        )
    if program.returncode:
        raise FarmUnavailable(f"The benchmark ended with status {program.returncode}.")
