"""Cuts a stream of bytes into records and reads each as a batch row, in the memory of one record.

JSONL has a record a line. A CSV's record may hold line ends between quotes; its first record names the
columns.
"""

import csv
import re
from collections.abc import Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass
from typing import Any, Protocol

from pydantic import JsonValue, TypeAdapter, ValidationError

from farm.api.body import parse_json
from farm.api.errors import refused_params
from farm.api.native.batch_wire import BatchRow, CustomId
from farm.errors import BadRequest, TooLarge

_ROW_FIELDS = ("custom_id", "needs", "reference")
_STEP = re.compile(r"[^.\[\]]+|\[\d{1,3}\]")
_LAST_INDEX = 999
_NAME: TypeAdapter[str | None] = TypeAdapter(CustomId | None)


class HeaderWrong(BadRequest):
    """The columns make no sense: no row of the upload can be read."""


@dataclass(frozen=True, slots=True)
class Record:
    """One row as it was sent. `line` is its first line, from 1; `text` None was too long."""

    line: int
    text: bytes | None


class Records:
    """Feed it bytes, get records. `quoted`: a line end between quotes does not end a record."""

    def __init__(self, *, quoted: bool, longest: int) -> None:
        self._quoted = quoted
        self._longest = longest
        self._line = 0
        self._first = 0
        self._rest = b""
        self._record: list[bytes] | None = []
        self._size = 0
        self._open = False

    def feed(self, chunk: bytes) -> Iterator[Record]:
        """The records that these bytes complete."""
        *lines, rest = chunk.split(b"\n")
        for line in lines:
            self._add(line)
            self._line += 1
            if self._quoted and self._open:
                self._add(b"\n")
            else:
                yield from self._ended()
        self._add(rest)

    def end(self) -> Iterator[Record]:
        """What is left when the stream has ended."""
        self._line += 1
        yield from self._ended()

    def _add(self, piece: bytes) -> None:
        if not piece:
            return
        self._size += len(piece)
        if self._quoted and piece.count(b'"') % 2:
            self._open = not self._open
        if self._size > self._longest:
            self._record, self._open = None, False  # an open quote would swallow all that follows
        elif self._record is not None:
            self._record.append(piece)

    def _ended(self) -> Iterator[Record]:
        text = None if self._record is None else b"".join(self._record)
        line, self._first = self._first + 1, self._line
        self._record, self._size, self._open = [], 0, False
        if text is None or text.strip():
            yield Record(line, text)


class Reader(Protocol):
    """Reads records as rows."""

    ignored: list[str]

    def read(self, record: Record) -> BatchRow | None:
        """The row, its params over the batch's defaults; None for a header. Raises BadRequest."""
        ...

    def name(self, record: Record) -> str | None:
        """The custom_id of a row that could not be read, as far as that can be."""
        ...


class JsonRows:
    """Each line an object as BatchRow describes it."""

    def __init__(self, defaults: Mapping[str, JsonValue]) -> None:
        self._defaults = defaults
        self.ignored: list[str] = []

    def read(self, record: Record) -> BatchRow | None:
        value = parse_json(_whole(record))
        if not isinstance(value, dict):
            raise BadRequest("A row is a JSON object.")
        try:
            row = BatchRow.model_validate(value)
        except ValidationError as error:
            raise refused_params(error, "") from None
        return row.model_copy(update={"params": merged(self._defaults, row.params)})

    def name(self, record: Record) -> str | None:
        try:
            value = parse_json(_whole(record))
        except (BadRequest, TooLarge):
            return None
        return _name(value.get("custom_id")) if isinstance(value, dict) else None


class CsvRows:
    """Columns go where `columns` sends them, else to the parameter or row field of their own name.

    A target is a path within the params (`output_file_name`, `assets[0].asset_id`), or custom_id, needs
    (names separated by spaces) or reference. `schema` is the JSON schema of the kind's params: it tells how a
    cell is read. An empty cell leaves the default.
    """

    def __init__(
        self, columns: Mapping[str, str], schema: Mapping[str, Any], defaults: Mapping[str, JsonValue]
    ) -> None:
        self._columns = columns
        self._schema = schema
        self._defaults = defaults
        self._targets: list[_Target | None] | None = None
        self.ignored: list[str] = []

    def read(self, record: Record) -> BatchRow | None:
        if self._targets is None:
            self._targets = self._header(record)
            return None
        cells = _cells(record)
        if len(cells) != len(self._targets):
            raise BadRequest(f"The row has {len(cells)} cells, the header {len(self._targets)}.")
        values: dict[str, Any] = {"params": deepcopy(dict(self._defaults))}
        for target, cell in zip(self._targets, cells, strict=True):
            if target is not None and cell != "":
                target.put(values, cell)
        try:
            return BatchRow.model_validate(values)
        except ValidationError as error:
            raise refused_params(error, "") from None

    def name(self, record: Record) -> str | None:
        try:
            cells = _cells(record)
        except (BadRequest, TooLarge):
            return None
        named = zip(self._targets or (), cells, strict=False)
        return next((_name(cell) for target, cell in named if target and target.path == ("custom_id",)), None)

    def _header(self, record: Record) -> list["_Target | None"]:
        """Where each column goes. Raises HeaderWrong: then no row can be read."""
        try:
            names = _cells(record)
        except BadRequest as error:
            raise HeaderWrong(error.message, param="map") from None
        missing = [name for name in self._columns if name not in names]
        if missing:
            raise HeaderWrong(f"The CSV has no column {missing[0]!r}.", param="map")
        if len(set(names)) < len(names):
            raise HeaderWrong("The CSV has two columns of one name.", param="map")
        found = [self._target(name) for name in names]
        self.ignored = [name for name, target in zip(names, found, strict=True) if target is None]
        return found

    def _target(self, column: str) -> "_Target | None":
        path = self._columns.get(column, column)
        if path in _ROW_FIELDS:
            return _Target(column, (path,), "names" if path == "needs" else "string")
        steps = tuple(
            int(step[1:-1]) if step.startswith("[") else step
            for step in _STEP.findall(path.removeprefix("params."))
        )
        kind = _type_at(self._schema, self._schema, steps)
        if kind is None and column in self._columns:
            raise HeaderWrong(f"Column {column!r} goes to {path!r}, which is no parameter.", param="map")
        return None if kind is None else _Target(column, ("params", *steps), kind)


@dataclass(frozen=True, slots=True)
class _Target:
    column: str
    path: tuple[str | int, ...]
    kind: str

    def put(self, values: dict[str, Any], cell: str) -> None:
        """Set the cell's value in the row. Raises BadRequest naming the column."""
        place: Any = values
        for step, following in zip(self.path, self.path[1:], strict=False):
            place = _within(place, step, [] if isinstance(following, int) else {})
        _within(place, self.path[-1], None)
        place[self.path[-1]] = self._value(cell)

    def _value(self, cell: str) -> Any:
        match self.kind:
            case "string":
                return cell
            case "names":
                return cell.split()
            case "boolean" if cell.lower() in ("true", "yes", "1", "false", "no", "0"):
                return cell.lower() in ("true", "yes", "1")
            case "integer" | "number" if re.fullmatch(r"-?[0-9.]+([eE][-+]?[0-9]+)?", cell.strip()):
                return self._json(cell.strip())
            case "boolean" | "integer" | "number":
                raise BadRequest(
                    f"Column {self.column!r}: {cell[:50]!r} is no {self.kind}.", param=self.column
                )
            case "any":
                try:
                    return parse_json(cell.encode())
                except BadRequest:
                    return cell
            case _:
                return self._json(cell)

    def _json(self, cell: str) -> Any:
        try:
            return parse_json(cell.encode())
        except BadRequest:
            raise BadRequest(
                f"Column {self.column!r}: {cell[:50]!r} is no JSON {self.kind}.", param=self.column
            ) from None


def merged(default: Any, given: Any) -> Any:
    """`given` over `default`, object by object; anything else replaces."""
    if not (isinstance(default, Mapping) and isinstance(given, Mapping)):
        return given
    return {**default, **{key: merged(default.get(key), value) for key, value in given.items()}}


def _name(value: object) -> str | None:
    try:
        return _NAME.validate_python(value)
    except ValidationError:
        return None


def _whole(record: Record) -> bytes:
    if record.text is None:
        raise BadRequest("The row is too long.")
    return record.text.removeprefix(b"\xef\xbb\xbf") if record.line == 1 else record.text


def _cells(record: Record) -> list[str]:
    try:
        text = _whole(record).decode("utf-8")
        if "\0" in text:
            raise BadRequest("The row holds a NUL.")
        return next(csv.reader([text.rstrip("\r")], strict=True))
    except UnicodeDecodeError:
        raise BadRequest("The row is not UTF-8.") from None
    except csv.Error as error:
        raise BadRequest(f"The row is not CSV: {error}.") from None


def _within(place: Any, step: str | int, fresh: Any) -> Any:
    """The value at a step, made when missing; lists grow as far as is needed."""
    if isinstance(step, int):
        place.extend(None for _ in range(step + 1 - len(place)))
        if place[step] is None:
            place[step] = fresh
        return place[step]
    return place.setdefault(step, fresh)


def _type_at(root: Mapping[str, Any], schema: Any, path: tuple[str | int, ...]) -> str | None:
    """The JSON type a schema has at a path; None where it has nothing."""
    for option in _options(root, schema):
        if not path:
            if option.get("type") != "null":
                return str(option.get("type", "any"))
            continue
        step, rest = path[0], path[1:]
        inner = option.get("items") if isinstance(step, int) else option.get("properties", {}).get(step)
        if inner is not None and (found := _type_at(root, inner, rest)) is not None:
            return found
    return None


def _options(root: Mapping[str, Any], schema: Any) -> Iterator[Mapping[str, Any]]:
    """A schema's alternatives, with references followed."""
    if not isinstance(schema, Mapping):
        return
    if "$ref" in schema:
        yield from _options(root, root.get("$defs", {}).get(schema["$ref"].rpartition("/")[2]))
    elif "anyOf" in schema:
        for option in schema["anyOf"]:
            yield from _options(root, option)
    elif "enum" in schema or "const" in schema:
        yield {"type": "string", **schema}
    else:
        yield schema
