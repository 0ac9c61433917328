"""Listings as people see them, in terminals of any width."""

from io import StringIO

import pytest
from rich.console import Console

from farm.cli.console import table

COLUMNS = {"id": "Job", "state": "State", "why": "Failure", "created": "Created", "note": "Note"}
WHY = "The picture is broken in the middle."
ROWS = [
    dict(zip(COLUMNS, cells, strict=True))
    for cells in (
        ("job_90txyrfcbkjbn702gnvgmv", "failed", WHY, "2026-11-20 23:08", None),
        ("job_4pt4hz573md7rerkzw7fbq", "completed", "", "2026-11-20 23:11", ""),
    )
]


def seen(width: int) -> list[str]:
    paper = StringIO()
    Console(file=paper, width=width).print(table(ROWS, COLUMNS))
    return [line.rstrip() for line in paper.getvalue().splitlines()]


def test_a_wide_terminal_shows_a_line_a_row_without_columns_that_say_nothing() -> None:
    head, first, second = seen(120)
    assert head.split() == ["Job", "State", "Failure", "Created"]
    assert WHY in first
    assert second.split()[:2] == ["job_4pt4hz573md7rerkzw7fbq", "completed"]


@pytest.mark.parametrize("width", range(77, 120, 5))
def test_only_the_long_cell_is_broken_and_between_its_words(width: int) -> None:
    whole = "\n".join(seen(width))
    for row in ROWS:
        assert all(str(row[key]) in whole for key in ("id", "state", "created"))
    assert all(word in whole for word in WHY.split())


@pytest.mark.parametrize("width", [40, 60, 76])
def test_a_narrow_terminal_shows_a_paragraph_a_row(width: int) -> None:
    lines = seen(width)
    assert lines[0] == "Job job_90txyrfcbkjbn702gnvgmv"
    assert lines[1].split() == ["State", "failed"]
    at = lines.index("Job job_4pt4hz573md7rerkzw7fbq")
    assert lines[at - 1] == "" and [line.split()[0] for line in lines[at + 1 :]] == ["State", "Created"]
