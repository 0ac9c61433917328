"""`farm backup` and `farm restore`: an embedded farm to a folder and back; what follows pg_restore."""

import time
from pathlib import Path
from typing import Annotated

import typer

from farm.blobs import open_blobs
from farm.cli import console, running
from farm.doors import backup as door
from farm.doors.audit import who_is_here
from farm.doors.hall import open_hall
from farm.errors import BadRequest
from farm.settings import Settings

app = typer.Typer()

_LOOK_AFTER = "Look after the farm"
_SHOWN = 5


@app.command(rich_help_panel=_LOOK_AFTER)
def backup(
    folder: Annotated[Path, typer.Argument(help="A folder that is made; it must be new or empty.")],
    as_json: console.AsJson = False,
) -> None:
    """Copy a one-machine farm's database, files and secret key, also while it runs. Keep it elsewhere."""
    settings = Settings()
    manifest, mirrored = door.back_up(settings, folder.expanduser().absolute())
    if as_json:
        console.print_json(manifest.model_dump())
        return
    size = console.bytes_text(manifest.database_bytes)
    console.say(f"{folder}: database {size} at {manifest.revision}.")
    if manifest.blobs != "here":
        console.say(
            f"The files stay at {manifest.blobs}: keep a copy of the bucket of the same time or later."
        )
    else:
        console.say(f"{manifest.blob_files} files, {console.bytes_text(manifest.blob_bytes)}.")
    if mirrored.linked:
        console.remark(
            f"{mirrored.linked} files are hard links on the farm's own disk: carry {folder} to another one."
        )
    if manifest.secret != "here":
        console.remark("FARM_SECRET_KEY is not in it; without it all API keys are void.")
    else:
        console.remark("It holds the secret key: whoever reads it can make API keys.")


@app.command(rich_help_panel=_LOOK_AFTER)
def restore(
    folder: Annotated[Path | None, typer.Argument(help="What `farm backup` made.")] = None,
    in_place: Annotated[
        bool, typer.Option("--in-place", help="Database and files are back already (pg_restore, S3).")
    ] = False,
    as_json: console.AsJson = False,
) -> None:
    """Put a backup into an empty FARM_HOME, and check that every file is there. No farm may run meanwhile."""
    if (folder is None) != in_place:
        raise BadRequest("Name the backup's folder, or say --in-place.", param="folder")
    settings = Settings()
    with running.ownership(settings):
        detail: dict[str, object] = {}
        if folder is not None:
            manifest = door.put_back(settings, folder.expanduser().absolute())
            detail = {"taken_at": manifest.taken_at, "version": manifest.version}
        found = _adopt(settings, detail)
    if as_json:
        console.print_json(detail | found.model_dump())
    else:
        _say(detail, found)
    if found.missing:
        raise typer.Exit(1)


def _adopt(settings: Settings, detail: dict[str, object]) -> door.Check:
    hall = open_hall(settings)
    try:
        return door.adopt(hall, open_blobs(settings, hall.secrets, hall.clock), who_is_here(), detail)
    finally:
        hall.close()


def _say(detail: dict[str, object], found: door.Check) -> None:
    taken_at = detail.get("taken_at")
    if isinstance(taken_at, float):
        then = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(taken_at))
        console.say(f"The farm is as it was at {then}; what came later is lost.")
    console.say(f"{found.files} files are there.")
    if found.segments_forgotten:
        console.say(f"{found.segments_forgotten} segments without a file are forgotten; they are made again.")
    if found.missing:
        shown = ", ".join(found.missing[:_SHOWN])
        console.complain(
            f"{len(found.missing)} files are missing: {shown}{' …' * (len(found.missing) > _SHOWN)}"
        )
