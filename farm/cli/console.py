"""How the CLI speaks: results on stdout, remarks on stderr, listings as a table or as JSON."""

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any

import typer
from rich.console import Console, ConsoleOptions, RenderResult
from rich.table import Table
from rich.text import Text

# What a file or a pipe gets: wide enough that no id is cut.
_PLAIN_WIDTH = 200

# Cells up to this length stay in one line (states, numbers, names of pools, times), longer ones get so much.
_SHORT = 20
_GAP = "  "

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]

_STATE_STYLE = {
    "ok": "green",
    "online": "green",
    "completed": "green",
    "succeeded": "green",
    "running": "cyan",
    "queued": "blue",
    "draining": "yellow",
    "note": "yellow",
    "missing": "yellow",
    "cancelled": "yellow",
    "failed": "red",
    "broken": "red",
    "offline": "red",
    "quarantined": "red",
    "sleeping": "yellow",
}


def out() -> Console:
    """For results. Without a terminal it writes plain, uncut text."""
    return Console(width=None if sys.stdout.isatty() else _PLAIN_WIDTH, highlight=False)


def err() -> Console:
    """For remarks, warnings and errors."""
    return Console(stderr=True, width=None if sys.stderr.isatty() else _PLAIN_WIDTH, highlight=False)


def complain(message: str) -> None:
    """One clear red line on stderr."""
    err().print(Text(f"error: {message}", style="bold red"), soft_wrap=True)


def remark(message: str, style: str = "yellow") -> None:
    """A line on stderr that is no result."""
    err().print(Text(message, style=style), soft_wrap=True)


def say(message: str, style: str = "") -> None:
    """A line on stdout."""
    out().print(Text(message, style=style), soft_wrap=True)


def print_json(value: object) -> None:
    """JSON on stdout, the same on a terminal and in a pipe."""
    sys.stdout.write(json.dumps(value, indent=2, ensure_ascii=False, default=str) + "\n")
    sys.stdout.flush()


def print_line(value: object) -> None:
    """One line on stdout at once, as it is: a text, or anything else as JSON."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def print_listing(
    rows: Sequence[Mapping[str, Any]], columns: Mapping[str, str], *, as_json: bool, empty: str = "None."
) -> None:
    """Rows as a table of `columns` (key → heading), or all of them as JSON."""
    if as_json:
        print_json([dict(row) for row in rows])
    elif not rows:
        say(empty, style="dim")
    else:
        out().print(table(rows, columns))


def table(rows: Sequence[Mapping[str, Any]], columns: Mapping[str, str]) -> "Listing":
    """Rows as people read them; columns without a word are left out."""
    cells = {columns[key]: [_text(row.get(key)) for row in rows] for key in columns}
    return Listing({heading: texts for heading, texts in cells.items() if any(texts)})


class Listing:
    """A plain table, or a paragraph for each row where the terminal is too narrow for one.

    Words that are states get their colour. Only long cells are broken, and never the first column's.
    """

    def __init__(self, columns: Mapping[str, Sequence[str]]) -> None:
        self._columns = columns
        self._rows = list(zip(*columns.values(), strict=True))

    def __rich_console__(self, _console: Console, options: ConsoleOptions) -> RenderResult:
        widths = [len(max((heading, *texts), key=len)) for heading, texts in self._columns.items()]
        least = [min(width, _SHORT) if position else width for position, width in enumerate(widths)]
        if sum(least) + len(_GAP) * (len(least) - 1) > options.max_width:
            yield from self._paragraphs()
        else:
            yield self._table(widths)

    def _table(self, widths: Sequence[int]) -> Table:
        made = Table(box=None, header_style="bold", pad_edge=False, padding=(0, len(_GAP), 0, 0))
        for position, (heading, width) in enumerate(zip(self._columns, widths, strict=True)):
            made.add_column(heading, overflow="fold", no_wrap=position == 0 or width <= _SHORT)
        for row in self._rows:
            made.add_row(*map(_coloured, row))
        return made

    def _paragraphs(self) -> Iterator[Text | Table]:
        first, *others = self._columns
        for position, row in enumerate(self._rows):
            if position:
                yield Text()
            yield Text(f"{first} {row[0]}", style="bold")
            said = Table(box=None, show_header=False, pad_edge=False, padding=(0, len(_GAP), 0, 0))
            for heading, text in zip(others, row[1:], strict=True):
                if text:
                    said.add_row(f"{_GAP}{heading}", _coloured(text))
            yield said


def _coloured(text: str) -> Text:
    return Text(text, style=_STATE_STYLE.get(text, ""), overflow="fold")


def when(unix_s: float | None) -> str:
    """A point in time as the reader's clock shows it."""
    return "" if unix_s is None else datetime.fromtimestamp(unix_s).strftime("%Y-%m-%d %H:%M:%S")


def bytes_text(size: int) -> str:
    """A size for people, in decimal units."""
    value = float(size)
    for unit in ("B", "kB", "MB", "GB"):
        if value < 1000:
            return f"{value:.0f} {unit}" if unit == "B" else f"{value:.1f} {unit}"
        value /= 1000
    return f"{value:.1f} TB"


def _text(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {_text(item)}" for key, item in value.items() if item not in ("", None))
    if isinstance(value, (list, tuple)):
        return ", ".join(str(item) for item in value)
    return str(value)
