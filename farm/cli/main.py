"""The `farm` command: every command group, and how errors are told.

A call imports the module of the command that it names and no other: most speak to a farm over HTTP, and need
nothing of what a farm is made of.
"""

import atexit
import gc
import sys
from dataclasses import dataclass
from importlib import import_module
from typing import Annotated

import typer

from farm import __version__
from farm.cli import console
from farm.errors import BadRequest, FarmError

_USE = "Use the farm"
_LOOK_AFTER = "Look after the farm"
# Objects made between two searches for garbage. Python's own 700 makes a start a fifth longer: what is
# imported stays, and is looked through a hundred times.
_MADE = 50_000


@dataclass(frozen=True, slots=True)
class Group:
    """A typer.Typer of a module in farm.cli. With a `help` it is one command, with others below it."""

    module: str
    commands: tuple[str, ...]
    help: str = ""
    panel: str = _USE
    app: str = "app"

    def load(self) -> typer.Typer:
        """Import it."""
        found: typer.Typer = getattr(import_module(f"farm.cli.{self.module}"), self.app)
        return found


# The help lists commands in this order: what everybody uses, what an operator needs, the parts by themselves.
GROUPS = (
    Group("render", ("render", "demo")),
    Group("up", ("up",)),
    Group("jobs", ("submit",), app="submit_app"),
    Group("batch", ("batch",), "Submit a whole CSV or JSONL, a job a row."),
    Group("jobs", ("jobs",), "List, explain, follow, cancel, retry jobs."),
    Group("quote", ("quote",)),
    Group("compose", ("compose",)),
    Group("describe", ("describe",)),
    Group("align", ("align",)),
    Group("tunes", ("tunes",)),
    Group("voices", ("voices",), "List the voices of voiceovers; save your own."),
    Group("webhooks", ("webhooks",), "Have a URL told when jobs end; see what was sent."),
    Group("doctor", ("doctor",)),
    Group("workers", ("workers",), "See workers, and hold them back.", _LOOK_AFTER),
    Group("models", ("models",), "See models, and whether what they need is here.", _LOOK_AFTER),
    Group("keys", ("keys",), "Make, list and revoke API keys.", _LOOK_AFTER),
    Group("accounts", ("accounts",), "See customers, tiers and credits.", _LOOK_AFTER),
    Group("audit", ("audit",), "See what operators did.", _LOOK_AFTER),
    Group("retention", ("retention",), "See and delete what has expired.", _LOOK_AFTER),
    Group("backup", ("backup", "restore")),
    Group("bench", ("bench",), "Measure this host.", _LOOK_AFTER),
    Group("roles", ("api", "scheduler", "worker", "flower", "migrate")),
)


def farm_app(word: str = "") -> typer.Typer:
    """`farm` with the group that has the command `word`; with all of them, for the help, where none has."""
    app = typer.Typer(
        name="farm",
        help="Kinefarm: submit media jobs, watch them render, download the result. "
        "To begin: farm demo, farm up.",
        no_args_is_help=True,
        rich_markup_mode="rich",
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
        callback=_farm,
    )
    for group in [group for group in GROUPS if word in group.commands] or GROUPS:
        if group.help:
            app.add_typer(group.load(), name=group.commands[0], help=group.help, rich_help_panel=group.panel)
        else:
            app.add_typer(group.load())
    return app


def _version(wanted: bool) -> None:
    if wanted:
        console.say(f"kinefarm {__version__}")
        raise typer.Exit


def _farm(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Options of `farm` itself."""


def main() -> None:
    """Run the command. A FarmError becomes one line on stderr: exit 2 when the call is wrong, else 1.

    So does a file or folder that cannot be read, made or written.
    """
    gc.set_threshold(_MADE)
    atexit.register(gc.freeze)  # else a last search for garbage is a fifth of a short call
    try:
        farm_app(sys.argv[1] if len(sys.argv) > 1 else "")()
    except FarmError as error:
        console.complain(error.message)
        sys.exit(2 if isinstance(error, BadRequest) else 1)
    except OSError as error:
        if error.filename is None:
            raise
        console.complain(f"{error.filename}: {error.strerror}.")
        sys.exit(1)


if __name__ == "__main__":
    main()
