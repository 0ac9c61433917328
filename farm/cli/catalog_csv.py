"""A CSV some of whose columns name local files: read as the pieces in which it is sent, their assets put in.

Whatever its length, it needs the memory of one piece.
"""

import csv
import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from farm.cli.uploads import Files
from farm.errors import BadRequest

_PIECE_ROWS = 200
_PIECE_CHARACTERS = 1 << 20
_ASSET_ID = ".asset_id"
_CUSTOM_ID = "custom_id"

Cells = list[str]


@dataclass(frozen=True, slots=True)
class Piece:
    """Some rows as a CSV of their own, in which each has the line of the catalog. `done` is 0..1 of it."""

    content: bytes
    done: float


class Catalog:
    """A CSV with a header. `columns` name files; `targets` tells where columns go that go not by their name.

    Where a file's id goes to `….asset_id`, its name and kind go beside it, in columns that are added; the
    farm ignores those that name no parameter. Raises BadRequest where it is no such CSV.
    """

    def __init__(self, path: Path, targets: Mapping[str, str], columns: Sequence[str]) -> None:
        self.path = path
        self._size = path.stat().st_size
        self._read = 0
        self._names = next((cells for _, cells in self._records()), [])
        for column in columns:
            if column not in self._names:
                raise BadRequest(f"{path.name} has no column {column!r}.", param="upload")
        goes = [targets.get(name, name) for name in self._names]
        self._places = [self._names.index(column) for column in dict.fromkeys(columns)]
        self._facts = {place: _facts_beside(goes[place]) for place in self._places}
        self._custom_id = goes.index(_CUSTOM_ID) if _CUSTOM_ID in goes else None
        wanted = [name for facts in self._facts.values() for name in facts]
        self.added = [name for name in wanted if name not in (*self._names, *goes)]

    def pieces(self, files: Files, has_row: Callable[[str], bool]) -> Iterator[Piece]:
        """The header alone, so that nothing is uploaded for one that is refused; then the rows.

        The files of rows that the farm has already are not uploaded again.
        """
        head = _text([*self._names, *self.added])
        yield Piece(_encoded(head), 0.0)
        records = self._records()
        next(records, None)
        rows: list[str] = []
        start = 0
        for line, cells in records:
            start = start if rows else line
            rows.append(self._row(line, cells, files, has_row))
            if len(rows) >= _PIECE_ROWS or sum(map(len, rows)) >= _PIECE_CHARACTERS:
                yield self._piece(head, start, rows)
                rows = []
        if rows:
            yield self._piece(head, start, rows)

    def _piece(self, head: str, start: int, rows: Sequence[str]) -> Piece:
        """Empty lines stand for those sent before, so that the farm counts lines as the user does."""
        before = "\n" * (start - 1 - head.count("\n"))
        return Piece(_encoded(head + before + "".join(rows)), min(1.0, self._read / self._size))

    def _row(self, line: int, cells: Cells, files: Files, has_row: Callable[[str], bool]) -> str:
        if len(cells) != len(self._names):  # an empty line, or one that the farm will refuse
            return _text(cells)
        facts = dict.fromkeys(self.added, "")
        if not has_row(self._name(line, cells)):
            for place in self._places:
                if _is_text(cells[place]):
                    made = files.asset(line, cells[place])
                    cells[place] = made.asset_id
                    said = zip(self._facts[place], (made.file_name, made.media_kind), strict=False)
                    facts |= {name: value for name, value in said if name in facts}
        return _text([*cells, *facts.values()])

    def _name(self, line: int, cells: Cells) -> str:
        """How the farm knows the row."""
        given = "" if self._custom_id is None else cells[self._custom_id]
        return given or f"line-{line}"

    def _records(self) -> Iterator[tuple[int, Cells]]:
        """Each record with its first line, from 1. A line ends at a line feed, as the farm counts."""
        with self.path.open(encoding="utf-8-sig", errors="surrogateescape", newline="\n") as file:
            self._read = 0
            reader = csv.reader(self._counted(file), strict=True)
            line = 1
            try:
                for cells in reader:
                    yield line, cells
                    line = reader.line_num + 1
            except csv.Error as error:
                raise BadRequest(
                    f"{self.path.name}, line {line}, is not CSV: {error}.", param="file"
                ) from error

    def _counted(self, lines: Iterator[str]) -> Iterator[str]:
        for line in lines:
            self._read += len(line)
            yield line


def _is_text(cell: str) -> bool:
    """An empty cell leaves the default; what is no UTF-8 is for the farm to refuse."""
    return cell.strip() != "" and cell.isprintable()


def _facts_beside(target: str) -> tuple[str, ...]:
    """Where the name and the kind of a file go whose id goes to this parameter."""
    if not target.endswith(_ASSET_ID):
        return ()
    place = target.removesuffix(_ASSET_ID)
    return f"{place}.file_name", f"{place}.media_kind"


def _text(cells: Sequence[str]) -> str:
    if not cells:
        return "\n"
    written = io.StringIO()
    csv.writer(written, lineterminator="\r\n").writerow(cells)
    return written.getvalue()


def _encoded(text: str) -> bytes:
    """Bytes that are no UTF-8 go on as they came: the farm refuses their row alone."""
    return text.encode("utf-8", "surrogateescape")
