"""`farm workers`: who is here to work, and holding them back. Over HTTP, to any farm."""

from typing import Annotated, Any

import typer

from farm.cli import console
from farm.cli.embedded import any_farm
from farm.errors import BadRequest
from farm.settings import Settings

app = typer.Typer(no_args_is_help=True)

Name = Annotated[str, typer.Argument(help="As `farm workers ls` shows it.")]

_COLUMNS = {
    "name": "Worker",
    "pool": "Pool",
    "state": "State",
    "slots": "Slots",
    "running": "Runs",
    "seen": "Seen",
    "why": "Why",
    "sleep": "Sleeps",
}
_KINDS = {"kinds": "Kinds"}


@app.command()
def ls(
    kinds: Annotated[bool, typer.Option("--kinds", help="Also what each can run.")] = False,
    as_json: console.AsJson = False,
) -> None:
    """List the workers the farm has seen, and why one is held back."""
    with any_farm(Settings()) as farm:
        found = farm.workers()
    rows = found if as_json else [_row(worker) for worker in found]
    columns = _COLUMNS | (_KINDS if kinds else {})
    console.print_listing(rows, columns, as_json=as_json, empty="No workers yet.")


@app.command()
def drain(
    name: Name,
    because: Annotated[str, typer.Option(help="For whoever looks at it meanwhile.")] = "",
) -> None:
    """Send a worker nothing more; what it runs it finishes. Holds until resumed, whatever restarts."""
    with any_farm(Settings()) as farm:
        worker = farm.drain_worker(name, because)
    console.say(f"{name} is {worker['kept_out']}: {worker['because']}.")


@app.command()
def resume(name: Name) -> None:
    """Send a worker tasks again, whether it was drained or quarantined."""
    with any_farm(Settings()) as farm:
        worker = farm.resume_worker(name)
    console.say(f"{name} is {worker['state']}.")


@app.command()
def sleep(
    name: Name,
    schedule: Annotated[
        str | None, typer.Argument(help="Such as 'mon-fri 08:00-18:00, sat 10:00-14:00'.")
    ] = None,
    never: Annotated[bool, typer.Option("--never", help="Take the schedule away.")] = False,
) -> None:
    """Let a worker rest at told hours of its own time zone, and come back by itself."""
    if (schedule is None) != never:
        raise BadRequest("Say when it sleeps, or --never.", param="schedule")
    with any_farm(Settings()) as farm:
        worker = farm.sleep_worker(name, schedule)
    when = f"{worker['sleep']} ({worker['timezone']})" if worker["sleep"] else "never"
    console.say(f"{name} sleeps: {when}.")


def _row(worker: dict[str, Any]) -> dict[str, Any]:
    held = f"{worker['kept_out']}: {worker['because']}" if worker["kept_out"] else ""
    sleeps = f"{worker['sleep']} ({worker['timezone']})" if worker["sleep"] else ""
    return worker | {"seen": console.when(worker["seen_at"]), "why": held, "sleep": sleeps}
