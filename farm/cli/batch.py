"""`farm batch`: hand in thousands of jobs from one file, watch them, fetch what came of them."""

import sys
import time
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from farm.batch import BatchState
from farm.cli import console
from farm.cli.client import FarmClient
from farm.cli.embedded import any_farm
from farm.cli.jobs import params_in
from farm.cli.progress import Show, new_show
from farm.errors import BadRequest, FarmUnavailable
from farm.settings import Settings

app = typer.Typer(no_args_is_help=True)

_PATIENCE_S = 60.0
_LOOK_S = 1.0
_TYPES = {".csv": "text/csv", ".jsonl": "application/jsonl", ".ndjson": "application/jsonl"}
_SHOWN = 5
_BATCHES = {
    "id": "Batch",
    "name": "Name",
    "state": "State",
    "done": "Done",
    "total": "Jobs",
    "running": "Running",
    "completed": "Completed",
    "failed": "Failed",
    "cancelled": "Cancelled",
    "rejected": "Rejected",
    "credits": "Credits",
    "created": "Created",
}

BatchId = Annotated[str, typer.Argument(help="As `farm batch ls` shows it.")]


class Format(StrEnum):
    JSONL = "jsonl"
    CSV = "csv"


@app.command()
def submit(
    file: Annotated[Path, typer.Argument(help="A .csv with a header, or a .jsonl with a row a line.")],
    kind: Annotated[
        str | None, typer.Option(help="Of rows that name none, for example media-render.")
    ] = None,
    columns: Annotated[
        list[str] | None,
        typer.Option("--map", help="CSV: column=param, as in photo=assets[0].asset_id; repeatable."),
    ] = None,
    params: Annotated[
        str, typer.Option(help="What all rows have in common, as JSON or @file; a row's own go over it.")
    ] = "{}",
    name: Annotated[str, typer.Option(help="What the batch is called.")] = "",
    max_running: Annotated[int | None, typer.Option(min=1, help="Jobs of it that run at once.")] = None,
    batch: Annotated[
        str | None, typer.Option(help="Go on with this batch: rows it has already are skipped.")
    ] = None,
    keep_open: Annotated[bool, typer.Option("--open", help="More rows will come: do not close it.")] = False,
    watch_it: Annotated[bool, typer.Option("--watch", help="Follow it to its end.")] = False,
    as_json: console.AsJson = False,
) -> None:
    """Submit every row of a file as a job; prints the batch's id. A broken line is sent again by itself.

    Exit 1 when the credits end before the last row: the batch stays open, --batch goes on with it.
    """
    content_type = _type_of(file)
    common = params_in(params)
    with _farm() as farm:
        if batch is None:
            made = {"name": name or file.name, "kind": kind, "defaults": common, "max_running": max_running}
            batch = str(farm.native("POST", "/batches", made)["id"])
        query = [("map", pair) for pair in columns or ()] + ([("kind", kind)] if kind else [])
        taken = _sent(farm, batch, file, content_type, query)
        _remarks(farm, taken)
        if taken["stopped_at"] is None and not keep_open:
            farm.native("POST", f"/batches/{batch}/close")
        if as_json:
            console.print_json({name: value for name, value in taken.items() if name != "error"})
        else:
            console.say(batch)
        if taken["stopped_at"] is not None:
            _complain_of_credits(file, taken)
        if watch_it and not _good(_watched(farm, batch)):
            raise typer.Exit(1)


@app.command()
def ls(
    limit: Annotated[int, typer.Option(min=1, max=100, help="How many.")] = 20,
    as_json: console.AsJson = False,
) -> None:
    """List batches, newest first."""
    with _farm() as farm:
        found = farm.native("GET", "/batches", limit=limit)["data"]
    console.print_listing(
        found if as_json else [_row(batch) for batch in found], _BATCHES, as_json=as_json, empty="No batches."
    )


@app.command()
def show(batch_id: BatchId, as_json: console.AsJson = False) -> None:
    """A batch with its counts, and the first of what failed or was refused."""
    with _farm() as farm:
        found = farm.native("GET", f"/batches/{batch_id}")
        if as_json:
            console.print_json(found)
            return
        console.out().print(console.table([_row(found)], _BATCHES))
        failed = farm.native("GET", f"/batches/{batch_id}/jobs", state="failed", limit=_SHOWN)["data"]
    for job in failed:
        console.say(f"{job['custom_id']}: {job['failure']['code']}: {job['failure']['message']}", style="red")


@app.command()
def watch(batch_id: BatchId, as_json: console.AsJson = False) -> None:
    """Follow a batch to its end. Exit 1 unless every row completed."""
    with _farm() as farm:
        ended = _watched(farm, batch_id)
    if as_json:
        console.print_json(ended)
    else:
        console.out().print(console.table([_row(ended)], _BATCHES))
    if not _good(ended):
        raise typer.Exit(1)


@app.command()
def results(
    batch_id: BatchId,
    output: Annotated[Path | None, typer.Option("-o", "--output", help="A file instead of stdout.")] = None,
    form: Annotated[Format, typer.Option("--format", help="How rows are written.")] = Format.JSONL,
    rejected: Annotated[bool, typer.Option("--rejected", help="The rows that became no job.")] = False,
) -> None:
    """Every row with its state, its error and URLs of its files (they work for a while)."""
    path = f"/batches/{batch_id}/{'rejected' if rejected else 'results'}"
    with _farm() as farm:
        pieces = farm.stream(path, format=form.value)
        if output is None:
            for piece in pieces:
                sys.stdout.buffer.write(piece)
            sys.stdout.buffer.flush()
            return
        with output.open("wb") as written:
            written.writelines(pieces)


@app.command()
def cancel(batch_id: BatchId, as_json: console.AsJson = False) -> None:
    """Ask all of a batch to stop."""
    _steer("cancel", batch_id, as_json)


@app.command()
def pause(batch_id: BatchId, as_json: console.AsJson = False) -> None:
    """Start nothing more of a batch; what runs goes on."""
    _steer("pause", batch_id, as_json)


@app.command()
def resume(batch_id: BatchId, as_json: console.AsJson = False) -> None:
    """Go on with a paused batch."""
    _steer("resume", batch_id, as_json)


@app.command("retry-failed")
def retry_failed(batch_id: BatchId, as_json: console.AsJson = False) -> None:
    """Run every failed row again."""
    total = 0
    with _farm() as farm:
        while True:
            done = farm.native("POST", f"/batches/{batch_id}/retry-failed")
            total += done["retried"]
            if not done["remaining"] or not done["retried"]:
                break
    if as_json:
        console.print_json(done | {"retried": total})
    else:
        console.say(f"{total} rows are tried again.")


def _sent(
    farm: FarmClient, batch_id: str, file: Path, content_type: str, query: list[tuple[str, str]]
) -> dict[str, Any]:
    """Send the rows, again from the first when the line broke: the farm knows which it has."""
    patience_ends = time.monotonic() + _PATIENCE_S
    with new_show() as bars:
        while True:
            bars.step(file.name)
            try:
                return farm.send_rows(
                    f"/batches/{batch_id}/rows", file, content_type, query, _shown(bars, file.stat().st_size)
                )
            except FarmUnavailable as error:
                if time.monotonic() > patience_ends:
                    console.remark(f"Go on with: farm batch submit {file} --batch {batch_id}")
                    raise
                console.remark(f"{error.message} Trying again.")
                time.sleep(_LOOK_S)


def _shown(bars: Show, size: int) -> Any:
    sent = 0

    def add(count: int) -> None:
        nonlocal sent
        sent += count
        bars.at(sent / size if size else 1.0, console.bytes_text(sent))

    return add


def _remarks(farm: FarmClient, taken: dict[str, Any]) -> None:
    console.remark(
        f"{taken['accepted']} rows accepted, {taken['known']} known already, {taken['rejected']} rejected.",
        style="",
    )
    if taken["ignored_columns"]:
        console.remark(f"Columns that name no parameter: {', '.join(taken['ignored_columns'])}")
    if taken["rejected"]:
        console.remark(f"What was wrong: farm batch results {taken['batch_id']} --rejected")


def _complain_of_credits(file: Path, taken: dict[str, Any]) -> None:
    stop = taken["stopped_at"]
    console.complain(f"Stopped at line {stop['line']} ({stop['custom_id']}): {stop['message']}")
    console.remark(
        f"After a top-up, with the same options: farm batch submit {file} --batch {taken['batch_id']}"
    )
    raise typer.Exit(1)


def _watched(farm: FarmClient, batch_id: str) -> dict[str, Any]:
    with new_show() as bars:
        bars.step(batch_id)
        for batch in _followed(farm, batch_id):
            bars.at(batch["progress"], _said(batch))
    return batch


def _followed(farm: FarmClient, batch_id: str) -> Iterator[dict[str, Any]]:
    """The batch now and every second, until it has ended. A farm that restarts is waited for."""
    patience_ends = time.monotonic() + _PATIENCE_S
    while True:
        try:
            batch = farm.native("GET", f"/batches/{batch_id}")
        except FarmUnavailable:
            if time.monotonic() > patience_ends:
                raise
        else:
            yield batch
            if batch["ended_at"] is not None:
                return
            patience_ends = time.monotonic() + _PATIENCE_S
        time.sleep(_LOOK_S)


def _said(batch: dict[str, Any]) -> str:
    counts = batch["counts"]
    parts = [f"{counts['total']} jobs"]
    parts += [f"{counts[name]} {name}" for name in ("running", "completed", "failed") if counts[name]]
    if batch["paused"]:
        parts.append("paused")
    if batch["state"] == BatchState.OPEN:
        parts.append("open: it takes more rows")
    if batch["eta_s"] is not None:
        parts.append(f"about {batch['eta_s']:.0f} s left")
    return ", ".join(parts)


def _good(batch: dict[str, Any]) -> bool:
    return batch["state"] == BatchState.COMPLETED and not batch["partial_failure"]


def _steer(verb: str, batch_id: str, as_json: bool) -> None:
    with _farm() as farm:
        batch = farm.native("POST", f"/batches/{batch_id}/{verb}")
    if as_json:
        console.print_json(batch)
    else:
        paused = ", paused" if batch["paused"] else ""
        console.say(f"{batch_id} is {batch['state']}{paused}.")


def _row(batch: dict[str, Any]) -> dict[str, Any]:
    counts: dict[str, Any] = batch["counts"]
    shown = {
        "id": batch["id"],
        "name": batch["name"],
        "state": "paused" if batch["paused"] and batch["ended_at"] is None else batch["state"],
        "done": f"{batch['progress']:.0%}",
        "credits": batch["credits_charged"] + batch["credits_held"],
        "created": console.when(batch["created_at"]),
    }
    return shown | counts


def _type_of(file: Path) -> str:
    if not file.is_file():
        raise BadRequest(f"There is no file {file}.", param="file")
    found = _TYPES.get(file.suffix.lower())
    if found is None:
        raise BadRequest(f"{file.name} is neither .csv nor .jsonl.", param="file")
    return found


def _farm() -> FarmClient:
    return any_farm(Settings())
