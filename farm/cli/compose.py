"""`farm compose`: an explicit manifest becomes an `.otio` here; no farm is asked and nothing is charged."""

import json
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Annotated, Any

import typer

from farm.blobs.disk import landing
from farm.cli import console
from farm.errors import BadRequest
from farm.timeline import Timeline
from tasks.compose_otio import BrokenManifest, Composed, Finding, compose

app = typer.Typer()

_COLUMNS = {
    "track": "Track",
    "at": "At",
    "length": "Length",
    "name": "Clip",
    "source": "From",
    "file": "File",
}
_FAULTS = {"path": "Where", "code": "What", "message": "Why", "allowed": "Allowed"}
_LARGEST = 16_000_000


@app.command("compose", rich_help_panel="Use the farm")
def compose_command(
    manifest: Annotated[Path, typer.Argument(help="The manifest, as compose-otio takes it: JSON.")],
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="Where the .otio goes; else nothing is written.")
    ] = None,
    as_json: console.AsJson = False,
) -> None:
    """Compose a manifest into an OpenTimelineIO file, or show everything that is wrong with it."""
    try:
        made = compose(_read(manifest))
    except BrokenManifest as error:
        _show_faults(error, as_json=as_json)
        raise typer.Exit(2) from None
    if output is not None:
        with landing(output) as file:
            file.write(made.otio.encode())
    _show(made, output, as_json=as_json)


def _read(path: Path) -> Any:
    """The JSON of the manifest. Raises BadRequest."""
    if not path.is_file() or path.stat().st_size > _LARGEST:
        raise BadRequest(f"There is no manifest {path}.")
    try:
        return json.loads(path.read_bytes())
    except (ValueError, RecursionError):
        raise BadRequest(f"{path} is not JSON.") from None


def _show(made: Composed, output: Path | None, *, as_json: bool) -> None:
    rows = list(_rows(made.timeline))
    if as_json:
        warnings = [warning.model_dump(mode="json") for warning in made.warnings]
        where = None if output is None else str(output)
        console.print_json(
            {"output": where, "duration_s": made.duration_s, "clips": rows, "warnings": warnings}
        )
        return
    console.out().print(console.table(rows, _COLUMNS))
    for warning in made.warnings:
        console.remark(f"{warning.path}: {warning.message}")
    if output is not None:
        frames = made.timeline.end_frame_exclusive
        console.say(f"{output}: {made.duration_s:.3f} s, {frames} frames", style="bold")


def _show_faults(error: BrokenManifest, *, as_json: bool) -> None:
    faults = [_row(fault) for fault in error.faults]
    if as_json:
        console.print_json({"errors": faults})
        return
    console.err().print(console.table(faults, _FAULTS))
    console.complain("The manifest cannot be composed; nothing was written.")


def _row(fault: Finding) -> dict[str, Any]:
    return fault.model_dump(mode="json")


def _rows(timeline: Timeline) -> Iterator[dict[str, Any]]:
    for track in timeline.video:
        for seen in track.clips:
            yield {
                "track": track.name,
                "at": _time(timeline.rate.seconds(seen.start_frame)),
                "length": _time(timeline.rate.seconds(seen.frames)),
                "name": seen.name,
                "source": _time(seen.source_start),
                "file": timeline.medium(seen.media).name,
            }
    for sounds in timeline.audio:
        for heard in sounds.clips:
            length = heard.end_sample_exclusive - heard.start_sample
            yield {
                "track": sounds.name,
                "at": _time(Fraction(heard.start_sample, timeline.sample_rate)),
                "length": _time(Fraction(length, timeline.sample_rate)),
                "name": heard.name,
                "source": _time(heard.source_start),
                "file": timeline.medium(heard.media).name,
            }


def _time(seconds: Fraction) -> str:
    """Seconds for people: `1:02.500`."""
    whole, milli = divmod(round(seconds * 1000), 1000)
    return f"{whole // 60}:{whole % 60:02}.{milli:03}"
