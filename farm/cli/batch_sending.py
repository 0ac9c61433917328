"""Sends the rows of a file to a batch, again from where it must when the line breaks. Says how far it is."""

import json
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import quote

from farm.cli import console
from farm.cli.catalog_csv import Catalog
from farm.cli.client import FarmClient, chunks
from farm.cli.footage import MediaFile
from farm.cli.progress import Show, new_show
from farm.cli.uploads import Files, Journal, Uploaded
from farm.errors import BadRequest, FarmUnavailable

Query = Sequence[tuple[str, str]]
_T = TypeVar("_T")

_PATIENCE_S = 60.0
_PAUSE_S = 1.0
_CSV = "text/csv"
_COUNTS = ("accepted", "known", "rejected")


def send_file(farm: FarmClient, batch_id: str, file: Path, content_type: str, query: Query) -> dict[str, Any]:
    """Send a file as it is: what became of its rows. The farm knows rows that it has already."""
    size = file.stat().st_size
    with _to_be_continued(file, batch_id), new_show() as bars:
        bars.step("sending")
        return _patiently(
            lambda: farm.send_rows(
                _rows(batch_id), lambda: chunks(file, _shown(bars, size)), content_type, query
            )
        )


def send_catalog(
    farm: FarmClient, batch_id: str, catalog: Catalog, query: Query, *, goes_on: bool
) -> dict[str, Any]:
    """Upload a catalog's files and send its rows, piece by piece: what became of them all.

    `goes_on`: the batch may have some of the rows; their files are not uploaded again.
    """
    taken: dict[str, Any] = dict.fromkeys(_COUNTS, 0)

    def upload(file: MediaFile) -> Uploaded:
        return _patiently(lambda: _uploaded(farm, file))

    def look(asset_id: str) -> Uploaded:
        return _patiently(lambda: _asset(farm.native("GET", f"/assets/{quote(asset_id, safe='')}")))

    def send(content: bytes) -> dict[str, Any]:
        return _patiently(lambda: farm.send_rows(_rows(batch_id), lambda: [content], _CSV, query))

    known = _rows_of(farm, batch_id) if goes_on else ()
    with _to_be_continued(catalog.path, batch_id), closing(Journal(known)) as journal, new_show() as bars:
        files = Files(catalog.path.parent, journal, upload, look)
        bars.step("sending")
        for piece in catalog.pieces(files, journal.has_row):
            answer = send(piece.content)
            taken = answer | {name: taken[name] + answer[name] for name in _COUNTS}
            bars.at(piece.done, f"{files.uploaded} files uploaded, {taken['accepted']} rows accepted")
            if taken["stopped_at"] is not None:
                break
        files.tell_the_rest()
    ignored = [name for name in taken["ignored_columns"] if name not in catalog.added]
    return taken | {"ignored_columns": ignored}


def _uploaded(farm: FarmClient, file: MediaFile) -> Uploaded:
    slot = farm.declare(file.name, file.content_type, file.size_bytes)
    farm.put(slot["upload_url"], file.path, file.content_type, file.size_bytes, lambda _: None)
    return _asset(slot["asset"])


def _asset(asset: dict[str, Any]) -> Uploaded:
    return Uploaded(asset["id"], asset["file_name"], asset["media_kind"])


def _rows_of(farm: FarmClient, batch_id: str) -> Iterator[str]:
    """The custom_id of every row that the batch has."""
    rest = b""
    for chunk in farm.stream(f"/batches/{batch_id}/results", format="jsonl"):
        *lines, rest = (rest + chunk).split(b"\n")
        for line in lines:
            yield str(json.loads(line)["custom_id"])


@contextmanager
def _to_be_continued(file: Path, batch_id: str) -> Iterator[None]:
    """Say how to go on when it ends half-way."""
    try:
        yield
    except (BadRequest, FarmUnavailable, KeyboardInterrupt):
        console.remark(f"To go on, with the same options: farm batch submit {file} --batch {batch_id}")
        raise


def _patiently(call: Callable[[], _T]) -> _T:
    """What the call returns, made again for a minute when the line breaks."""
    patience_ends = time.monotonic() + _PATIENCE_S
    while True:
        try:
            return call()
        except FarmUnavailable as error:
            if time.monotonic() > patience_ends:
                raise
            console.remark(f"{error.message} Trying again.")
            time.sleep(_PAUSE_S)


def _rows(batch_id: str) -> str:
    return f"/batches/{batch_id}/rows"


def _shown(bars: Show, size: int) -> Callable[[int], None]:
    sent = 0

    def add(count: int) -> None:
        nonlocal sent
        sent += count
        bars.at(sent / size if size else 1.0, console.bytes_text(sent))

    return add
