"""The `farm` command: every command group, and how errors are told."""

import sys
from typing import Annotated

import typer

from farm import __version__
from farm.cli import (
    accounts,
    align,
    audit,
    backup,
    batch,
    bench,
    compose,
    console,
    describe,
    doctor,
    jobs,
    keys,
    quote,
    render,
    retention,
    roles,
    tunes,
    up,
    voices,
    webhooks,
    workers,
)
from farm.errors import BadRequest, FarmError

app = typer.Typer(
    name="farm",
    help="Kinefarm: submit media jobs, watch them render, download the result. To begin: farm demo, farm up.",
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

# The help lists commands in this order: what everybody uses, what an operator needs, the parts by themselves.
_USE = "Use the farm"
_LOOK_AFTER = "Look after the farm"

app.add_typer(render.app)
app.add_typer(up.app)
app.add_typer(jobs.submit_app)
app.add_typer(batch.app, name="batch", help="Submit a whole CSV or JSONL, a job a row.", rich_help_panel=_USE)
app.add_typer(jobs.app, name="jobs", help="List, explain, follow, cancel, retry jobs.", rich_help_panel=_USE)
app.add_typer(quote.app)
app.add_typer(compose.app)
app.add_typer(describe.app)
app.add_typer(align.app)
app.add_typer(tunes.app)
app.add_typer(
    voices.app, name="voices", help="List the voices of voiceovers; save your own.", rich_help_panel=_USE
)
app.add_typer(
    webhooks.app,
    name="webhooks",
    help="Have a URL told when jobs end; see what was sent.",
    rich_help_panel=_USE,
)
app.add_typer(doctor.app)
app.add_typer(
    workers.app, name="workers", help="See workers, and hold them back.", rich_help_panel=_LOOK_AFTER
)
app.add_typer(keys.app, name="keys", help="Make, list and revoke API keys.", rich_help_panel=_LOOK_AFTER)
app.add_typer(
    accounts.app, name="accounts", help="See customers, tiers and credits.", rich_help_panel=_LOOK_AFTER
)
app.add_typer(audit.app, name="audit", help="See what operators did.", rich_help_panel=_LOOK_AFTER)
app.add_typer(
    retention.app, name="retention", help="See and delete what has expired.", rich_help_panel=_LOOK_AFTER
)
app.add_typer(backup.app)
app.add_typer(bench.app, name="bench", help="Measure this host.", rich_help_panel=_LOOK_AFTER)
app.add_typer(roles.app)


def _version(wanted: bool) -> None:
    if wanted:
        console.say(f"kinefarm {__version__}")
        raise typer.Exit


@app.callback()
def _farm(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Options of `farm` itself."""


def main() -> None:
    """Run the command. A FarmError becomes one line on stderr: exit 2 when the call is wrong, else 1."""
    try:
        app()
    except FarmError as error:
        console.complain(error.message)
        sys.exit(2 if isinstance(error, BadRequest) else 1)


if __name__ == "__main__":
    main()
