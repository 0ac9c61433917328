"""How a catalog that names files is read: line by line as the farm counts, in the memory of one piece."""

import csv
import tracemalloc
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from farm.cli.catalog_csv import Catalog, Piece
from farm.cli.footage import MediaFile
from farm.cli.uploads import Files, Journal, Uploaded
from farm.errors import BadRequest
from tests.api import png

TARGETS = {"photo": "assets[0].asset_id", "sku": "custom_id"}
ROWS = 30_000
MEMORY_BYTES = 4_000_000


@contextmanager
def files_of(folder: Path, known: tuple[str, ...] = ()) -> Iterator[tuple[Files, Journal, list[Path]]]:
    """Files that are "uploaded" by being noted."""
    sent: list[Path] = []

    def upload(file: MediaFile) -> Uploaded:
        sent.append(file.path)
        return Uploaded(f"asset_{len(sent)}", file.path.name, file.kind)

    with closing(Journal(known)) as journal:
        yield Files(folder, journal, upload, lambda name: Uploaded(name, "x.mp4", "video")), journal, sent


def read(path: Path, known: tuple[str, ...] = ()) -> list[Piece]:
    with files_of(path.parent, known) as (files, journal, _):
        return list(Catalog(path, TARGETS, ["photo"]).pieces(files, journal.has_row))


def test_an_id_and_what_the_file_is_take_the_cells_place(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(png())
    path = tmp_path / "catalog.csv"
    path.write_bytes(b"\xef\xbb\xbfsku,photo\r\nA-1,a.png\r\n\r\nA-2,asset_9\r\nA-3,\r\nA-4\r\n")
    header, rows = read(path)
    assert header.content == b"sku,photo,assets[0].file_name,assets[0].media_kind\r\n"
    assert rows.content.decode().split("\n") == [
        "sku,photo,assets[0].file_name,assets[0].media_kind\r",
        "A-1,asset_1,a.png,image\r",
        "",
        "A-2,asset_9,x.mp4,video\r",
        "A-3,,,\r",
        "A-4\r",  # too short: for the farm to refuse
        "",
    ]
    assert rows.done > 0.9


def test_a_column_of_the_users_own_goes_before_what_is_known_of_the_file(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(png())
    path = tmp_path / "catalog.csv"
    path.write_text("name,photo\nfront.png,a.png\n")
    with files_of(tmp_path) as (files, journal, _):
        catalog = Catalog(path, TARGETS | {"name": "assets[0].file_name"}, ["photo"])
        *_, rows = catalog.pieces(files, journal.has_row)
    assert rows.content.splitlines()[1] == b"front.png,asset_1,image"


def test_rows_that_the_farm_has_are_sent_without_their_files(tmp_path: Path) -> None:
    path = tmp_path / "catalog.csv"
    path.write_text("sku,photo\nA-1,gone.png\n")
    _, rows = read(path, known=("A-1",))
    assert rows.content.splitlines()[1] == b"A-1,gone.png,,"


def test_bytes_that_are_no_text_are_left_to_the_farm(tmp_path: Path) -> None:
    path = tmp_path / "catalog.csv"
    path.write_bytes(b"sku,photo\nA-1,\xff.png\n")
    assert read(path)[1].content.splitlines()[1] == b"A-1,\xff.png,,"


@pytest.mark.parametrize("text", ['sku,photo\nA-1,"a"b\n', 'sku,photo\nA-1,"never closed\n'])
def test_what_is_no_csv_is_told_with_its_line(tmp_path: Path, text: str) -> None:
    path = tmp_path / "catalog.csv"
    path.write_text(text)
    with pytest.raises(BadRequest, match=r"catalog\.csv, line 2, is not CSV"):
        read(path)


def test_a_long_catalog_needs_the_memory_of_a_short_one(tmp_path: Path) -> None:
    picture = png()
    for number in range(20):
        (tmp_path / f"{number}.png").write_bytes(picture)
    path = tmp_path / "catalog.csv"
    with path.open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["sku", "photo", "text"])
        rows.writerows((f"SKU-{n}", f"{n % 20}.png", "x" * 500) for n in range(ROWS))
    tracemalloc.start()
    try:
        with files_of(tmp_path, known=()) as (files, journal, sent):
            pieces = sum(1 for _ in Catalog(path, TARGETS, ["photo"]).pieces(files, journal.has_row))
        _, peak_bytes = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert pieces == 1 + ROWS // 200
    assert len(sent) == 20
    assert peak_bytes < MEMORY_BYTES
