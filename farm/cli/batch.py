"""`farm batch`: hand in thousands of jobs from one file, watch them, fetch what came of them."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from farm.blobs.disk import landing
from farm.cli import console
from farm.cli.answers import Refused
from farm.cli.batch_following import failures, is_good, watched
from farm.cli.batch_sending import send_catalog, send_file
from farm.cli.catalog_csv import Catalog
from farm.cli.client import FarmClient
from farm.cli.embedded import any_farm
from farm.cli.jobs import WebhookAutoRetry, params_in
from farm.cli.outputs import checked_outputs
from farm.errors import BadRequest
from farm.settings import Settings

app = typer.Typer(no_args_is_help=True)

_CSV = "text/csv"
_TYPES = {".csv": _CSV, ".jsonl": "application/jsonl", ".ndjson": "application/jsonl"}
_BATCHES = {
    "id": "Batch",
    "state": "State",
    "done": "Done",
    "rows": "Rows",
    "credits": "Credits",
    "created": "Created",
    "name": "Name",
}
_COUNTS = ("running", "completed", "failed", "cancelled", "rejected")

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
        typer.Option(
            "--map",
            help="CSV: column=parameter, as in photo=assets[0].asset_id or sku=custom_id; repeatable.",
        ),
    ] = None,
    upload: Annotated[
        list[str] | None,
        typer.Option(help="CSV: a column that names local files, beside the CSV; repeatable."),
    ] = None,
    params: Annotated[
        str, typer.Option(help="What all rows have in common, as JSON or @file; a row's own go over it.")
    ] = "{}",
    name: Annotated[str, typer.Option(help="What the batch is called.")] = "",
    max_running: Annotated[int | None, typer.Option(min=1, help="Jobs of it that run at once.")] = None,
    batch: Annotated[
        str | None, typer.Option(help="Go on with this batch: rows it has already are skipped.")
    ] = None,
    webhook_url: Annotated[str | None, typer.Option(help="Told when the whole batch has ended.")] = None,
    webhook_auto_retry: WebhookAutoRetry = False,
    keep_open: Annotated[bool, typer.Option("--open", help="More rows will come: do not close it.")] = False,
    watch_it: Annotated[bool, typer.Option("--watch", help="Follow it to its end.")] = False,
    as_json: console.AsJson = False,
) -> None:
    """Submit every row of a file as a job; prints the batch's id.

    When the line breaks it goes on by itself. When the credits end before the last row it stops with exit 1:
    the batch stays open, and --batch goes on with it.
    """
    content_type = _type_of(file)
    _require_pairs(columns or [])
    if content_type == _CSV and kind is None and batch is None:
        raise BadRequest("The rows of a CSV name no kind: say --kind.", param="kind")
    catalog = _catalog(file, content_type, columns or [], upload) if upload else None
    common = params_in(params)
    with _farm() as farm:
        goes_on = batch is not None
        if batch is None:
            made = {"name": name or file.name, "kind": kind, "defaults": common, "max_running": max_running}
            batch = str(farm.native("POST", "/batches", made | {"webhook_url": webhook_url})["id"])
        query = [("map", pair) for pair in columns or ()] + ([("kind", kind)] if kind else [])
        query += [("webhook_auto_retry", "true")] if webhook_auto_retry else []
        with nullcontext() if goes_on else _forgotten_if_refused(farm, batch):
            if catalog is None:
                taken = send_file(farm, batch, file, content_type, query)
            else:
                taken = send_catalog(farm, batch, catalog, query, goes_on=goes_on)
        _remarks(farm, taken)
        if taken["stopped_at"] is None and not keep_open:
            farm.native("POST", f"/batches/{batch}/close")
        if as_json:
            console.print_json({name: value for name, value in taken.items() if name != "error"})
        else:
            console.say(batch)
        if taken["stopped_at"] is not None:
            _complain_of_credits(file, taken)
        if taken["rejected"] and not taken["accepted"] + taken["known"]:
            console.complain("No row became a job.")
            raise typer.Exit(1)
        if watch_it and not is_good(watched(farm, batch)):
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
    """Show a batch: its counts, and the first rows that failed."""
    with _farm() as farm:
        found = farm.native("GET", f"/batches/{batch_id}")
        if as_json:
            console.print_json(found)
            return
        console.out().print(console.table([_row(found)], _BATCHES))
        for sentence in failures(farm, batch_id):
            console.say(sentence, style="red")


@app.command()
def watch(batch_id: BatchId, as_json: console.AsJson = False) -> None:
    """Follow a batch until it has ended. Exit 1 unless every row completed."""
    with _farm() as farm:
        ended = watched(farm, batch_id)
    if as_json:
        console.print_json(ended)
    else:
        console.out().print(console.table([_row(ended)], _BATCHES))
    if not is_good(ended):
        raise typer.Exit(1)


@app.command()
def results(
    batch_id: BatchId,
    output: Annotated[Path | None, typer.Option("-o", "--output", help="A file instead of stdout.")] = None,
    form: Annotated[Format, typer.Option("--format", help="How rows are written.")] = Format.JSONL,
    rejected: Annotated[bool, typer.Option("--rejected", help="The rows that became no job.")] = False,
) -> None:
    """Write every row with its state, its error and links to its files, which work for a while."""
    places = checked_outputs({"output": output})
    path = f"/batches/{batch_id}/{'rejected' if rejected else 'results'}"
    with _farm() as farm:
        pieces = farm.stream(path, format=form.value)
        if not places:
            for piece in pieces:
                sys.stdout.buffer.write(piece)
            sys.stdout.buffer.flush()
            return
        for place in places.values():
            place.parent.mkdir(parents=True, exist_ok=True)
            with landing(place) as file:
                file.writelines(pieces)


@app.command()
def cancel(batch_id: BatchId, as_json: console.AsJson = False) -> None:
    """Stop all of a batch."""
    _steer("cancel", batch_id, as_json)


@app.command()
def pause(batch_id: BatchId, as_json: console.AsJson = False) -> None:
    """Start nothing more of a batch; what runs is finished."""
    _steer("pause", batch_id, as_json)


@app.command()
def resume(batch_id: BatchId, as_json: console.AsJson = False) -> None:
    """Go on with a paused batch."""
    _steer("resume", batch_id, as_json)


@app.command("retry-failed")
def retry_failed(batch_id: BatchId, as_json: console.AsJson = False) -> None:
    """Try every failed row again."""
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
    parts = [f"{counts['total'] + counts['rejected']}"]
    parts += [f"{counts[name]} {name}" for name in _COUNTS if counts[name]]
    return {
        "id": batch["id"],
        "name": batch["name"],
        "state": "paused" if batch["paused"] and batch["ended_at"] is None else batch["state"],
        "done": f"{batch['progress']:.0%}",
        "credits": batch["credits_charged"] + batch["credits_held"],
        "created": console.when(batch["created_at"]),
        "rows": ", ".join(parts),
    }


@contextmanager
def _forgotten_if_refused(farm: FarmClient, batch_id: str) -> Iterator[None]:
    """A file that is refused as a whole leaves no batch behind that waits for rows."""
    try:
        yield
    except Refused:
        counts = farm.native("GET", f"/batches/{batch_id}")["counts"]
        if counts["total"] == counts["rejected"] == 0:
            farm.native("POST", f"/batches/{batch_id}/cancel")
        raise


def _require_pairs(columns: list[str]) -> None:
    """Raise BadRequest before a batch is made that no row could go to."""
    for pair in columns:
        column, _, target = pair.partition("=")
        if not (column and target):
            raise BadRequest(f"--map reads column=parameter, not {pair!r}.", param="map")


def _catalog(file: Path, content_type: str, columns: list[str], upload: list[str]) -> Catalog:
    """The CSV whose columns name files. Raises BadRequest."""
    if content_type != _CSV:
        raise BadRequest("--upload names a column of a CSV.", param="upload")
    targets = {column: target for column, _, target in (pair.partition("=") for pair in columns)}
    return Catalog(file, targets, upload)


def _type_of(file: Path) -> str:
    if not file.is_file():
        raise BadRequest(f"There is no file {file}.", param="file")
    found = _TYPES.get(file.suffix.lower())
    if found is None:
        raise BadRequest(f"{file.name} is neither .csv nor .jsonl.", param="file")
    return found


def _farm() -> FarmClient:
    return any_farm(Settings())
