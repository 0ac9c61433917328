"""What a benchmark says: rows with targets, as a table for people and as JSON for what comes after."""

import json
import statistics
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from rich.console import Console

FOLDER = Path(".bench")


@dataclass(frozen=True, slots=True)
class Row:
    """One figure. `value` is what `target` is held against; `runs` are the measurements behind it."""

    name: str
    value: float
    unit: str
    better: Literal["lower", "higher"]
    target: float | None
    ok: bool | None
    runs: tuple[float, ...]

    @classmethod
    def median(
        cls,
        name: str,
        runs: Sequence[float],
        unit: str,
        *,
        better: Literal["lower", "higher"] = "lower",
        target: float | None = None,
    ) -> "Row":
        """The median of some runs, held against a target where there is one."""
        value = statistics.median(runs)
        reached = value <= (target or 0) if better == "lower" else value >= (target or 0)
        return cls(name, value, unit, better, target, None if target is None else reached, tuple(runs))


@dataclass(frozen=True, slots=True)
class Benchmark:
    """A benchmark by name. `run` is told how many runs to take the median of; it measures its peers too."""

    name: str
    summary: str
    run: Callable[[int], Sequence[Row]]


def publish(name: str, rows: Sequence[Row], console: "Console") -> Path:
    """Print the table and write `.bench/NAME.json`."""
    from rich.table import Table  # here, because what is measured imports FOLDER

    table = Table(title=f"bench {name}", title_justify="left")
    for column, side in (("figure", "left"), ("median", "right"), ("target", "right"), ("runs", "left")):
        table.add_column(column, justify=side)  # type: ignore[arg-type]  # the literals are right
    for row in rows:
        table.add_row(
            row.name, f"{row.value:.2f} {row.unit}", _target(row), "  ".join(f"{r:.2f}" for r in row.runs)
        )
    console.print(table)
    FOLDER.mkdir(exist_ok=True)
    path = FOLDER / f"{name}.json"
    path.write_text(json.dumps([asdict(row) for row in rows], indent=2) + "\n")
    return path


def _target(row: Row) -> str:
    if row.target is None:
        return ""
    bound = "at most" if row.better == "lower" else "at least"
    return f"{bound} {row.target:g}: {'reached' if row.ok else '[red]missed[/red]'}"
