"""`farm compose`: an explicit manifest becomes files right here; no farm is asked and nothing is charged."""

import json
from collections.abc import Iterator, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Annotated, Any

import typer

from farm.blobs.disk import landing
from farm.cli import console
from farm.cli.outputs import checked_outputs
from farm.errors import BadRequest
from farm.timeline import Timeline
from tasks.compose_otio import BrokenManifest, Composed, File, Finding, compose
from tasks.compose_otio.formats import NAMES

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
_FORMATS = ", ".join(NAMES)


@app.command("compose", rich_help_panel="Use the farm")
def compose_command(
    manifest: Annotated[Path, typer.Argument(help="The manifest, as compose-otio takes it: JSON.")],
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="Where the .otio goes; else nothing is written.")
    ] = None,
    formats: Annotated[
        list[str] | None, typer.Option("--format", help=f"A file beside the .otio, repeatedly: {_FORMATS}.")
    ] = None,
    as_json: console.AsJson = False,
) -> None:
    """Compose a manifest into an OpenTimelineIO file, or show everything that is wrong with it.

    Files of other formats are written beside the .otio, under its name.
    """
    try:
        checked_outputs({"output": output})
        made = compose(_with_formats(_read(manifest), formats or []))
        files = {} if output is None else _files(made, output)
    except BrokenManifest as error:
        _show_faults(error, as_json=as_json)
        raise typer.Exit(2) from None
    for path, content in files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        with landing(path) as file:
            file.write(content)
    _show(made, list(files), as_json=as_json)


def _with_formats(manifest: Any, formats: Sequence[str]) -> Any:
    """The manifest with these formats beside its own. Anything else than a manifest stays what it is."""
    output = manifest.get("output", {}) if isinstance(manifest, dict) else None
    if not formats or not isinstance(output, dict):
        return manifest
    own = output.get("formats", [])
    wanted = [*own, *(name for name in formats if name not in own)] if isinstance(own, list) else own
    return {**manifest, "output": {**output, "formats": wanted}}


def _files(made: Composed, output: Path) -> dict[Path, bytes]:
    """Every file by where it goes, the `.otio` first. Raises BadRequest where one cannot be written."""
    written = made.files()
    beside = {f"--format {file.format} {file.part}".strip(): _beside(output, file) for file in written}
    places = checked_outputs({"output": output, **beside})
    contents = (made.otio.encode(), *(file.content for file in written))
    return dict(zip(places.values(), contents, strict=True))


def _beside(output: Path, file: File) -> Path:
    """`cut-v1.edl` beside `cut.otio`."""
    part = f"-{file.part}" if file.part else ""
    return output.with_name(f"{output.stem}{part}{Path(file.name).suffix}")


def _read(path: Path) -> Any:
    """The JSON of the manifest. Raises BadRequest."""
    if not path.is_file():
        raise BadRequest(f"There is no manifest {path}.")
    if path.stat().st_size > _LARGEST:
        raise BadRequest(f"{path} is larger than a manifest may be: {_LARGEST // 1_000_000} MB.")
    try:
        return json.loads(path.read_bytes())
    except (ValueError, RecursionError):
        raise BadRequest(f"{path} is not JSON.") from None


def _show(made: Composed, written: Sequence[Path], *, as_json: bool) -> None:
    """`written` are the files, the `.otio` first."""
    rows = list(_rows(made.timeline))
    if as_json:
        warnings = [warning.model_dump(mode="json") for warning in made.warnings]
        told = {"duration_s": made.duration_s, "clips": rows, "warnings": warnings}
        names = [str(path) for path in written]
        console.print_json({"output": names[0] if names else None, "files": names[1:], **told})
        return
    console.out().print(console.table(rows, _COLUMNS))
    for warning in made.warnings:
        about = f"{warning.format}: " if warning.format else ""
        console.remark(f"{about}{warning.path}: {warning.message}")
    if written:
        frames = made.timeline.end_frame_exclusive
        console.say(f"{written[0]}: {made.duration_s:.3f} s, {frames} frames", style="bold")
    for path in written[1:]:
        console.say(str(path))


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
