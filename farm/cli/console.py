"""How the CLI speaks: results on stdout, remarks on stderr, listings as a table or as JSON."""

import json
import sys
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

# What a file or a pipe gets: wide enough that no id is cut.
_PLAIN_WIDTH = 200

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


def table(rows: Sequence[Mapping[str, Any]], columns: Mapping[str, str]) -> Table:
    """A plain table; words that are states get their colour."""
    made = Table(box=None, header_style="bold", pad_edge=False, padding=(0, 2, 0, 0))
    for position, heading in enumerate(columns.values()):
        made.add_column(heading, overflow="fold", no_wrap=position == 0)
    for row in rows:
        cells = [_text(row.get(key)) for key in columns]
        made.add_row(*(Text(cell, style=_STATE_STYLE.get(cell, "")) for cell in cells))
    return made


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
        return ", ".join(f"{key} {item}" for key, item in value.items())
    if isinstance(value, (list, tuple)):
        return ", ".join(str(item) for item in value)
    return str(value)
