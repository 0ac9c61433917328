"""Every row of the lists of documents that is built is named by a test that shows it.

A test names rows in its name (`test_d016_to_d038_…`), in a comment beside an assert or in the id of a case.
A range counts as far as a list of words goes: a longer one says nothing of a single row.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]
# Postproduction, generations, media render; of the studio what generates.
ROWS: Mapping[str, Iterable[int]] = {
    "a": range(1, 85),
    "b": [*range(1, 106), *range(120, 136), *range(401, 458), 468, *range(471, 478)],
    "c": range(1, 273),
    "d": range(1, 161),
}
LONGEST_RANGE = 23  # the types of uploads


def named_in(text: str, letter: str) -> Iterator[int]:
    row = rf"(?:(?<![A-Za-z0-9])[{letter}{letter.upper()}][-_]?|(?<=_){letter}_?)(\d{{3}})(?!\d)"
    for found in re.finditer(rf"{row}(?:(?:_to_| to | … ){row})?", text):
        first, last = int(found[1]), int(found[2] or found[1])
        if last - first < LONGEST_RANGE:
            yield from range(first, last + 1)
        else:
            yield from (first, last)


def test_rows_are_read_as_tests_write_them():
    assert set(named_in("def test_d091_to_d093_d089_looks(): ...", "d")) == {91, 92, 93, 89}
    assert set(named_in('"""D-016 … D-018."""  # D-042, D-052', "d")) == {16, 17, 18, 42, 52}
    assert set(named_in("def test_d_108_to_d_110_there()", "d")) == {108, 109, 110}
    assert set(named_in("test_d060_to_d136_a_block", "d")) == {60, 136}
    assert set(named_in("test_a014_d015 A-016 to A-018", "a")) == {14, 16, 17, 18}
    assert not set(named_in("id_123 dead001 0xd012 d1234 add_100", "d"))


@pytest.mark.parametrize("letter", ROWS)
def test_every_row_is_named_by_a_test(letter: str):
    named: set[int] = set()
    for path in TESTS.rglob("test_*.py"):
        if path != Path(__file__):
            named.update(named_in(path.read_text(), letter))
    assert [f"{letter.upper()}-{row:03}" for row in ROWS[letter] if row not in named] == []
