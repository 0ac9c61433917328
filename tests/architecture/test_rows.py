"""Every row of the media render document's list (D-001 to D-160) is named by a test that shows it.

A test names rows in its name (`test_d016_to_d038_…`), in a comment beside an assert or in the id of a case.
A range counts as far as a list of words goes: a longer one says nothing of a single row.
"""

import re
from collections.abc import Iterator
from pathlib import Path

TESTS = Path(__file__).parents[1]
ROWS = range(1, 161)
LONGEST_RANGE = 23  # the types of uploads
_ROW = r"(?:(?<![A-Za-z0-9])[dD][-_]?|(?<=_)d_?)(\d{3})(?!\d)"
_NAMED = re.compile(rf"{_ROW}(?:(?:_to_| to | … ){_ROW})?")


def named_in(text: str) -> Iterator[int]:
    for found in _NAMED.finditer(text):
        first, last = int(found[1]), int(found[2] or found[1])
        if last - first < LONGEST_RANGE:
            yield from range(first, last + 1)
        else:
            yield from (first, last)


def test_rows_are_read_as_tests_write_them():
    assert set(named_in("def test_d091_to_d093_d089_looks(): ...")) == {91, 92, 93, 89}
    assert set(named_in('"""D-016 … D-018."""  # D-042, D-052')) == {16, 17, 18, 42, 52}
    assert set(named_in("def test_d_108_to_d_110_there()")) == {108, 109, 110}
    assert set(named_in("test_d060_to_d136_a_block")) == {60, 136}
    assert not set(named_in("id_123 dead001 0xd012 d1234 add_100"))


def test_every_row_is_named_by_a_test():
    named: set[int] = set()
    for path in TESTS.rglob("test_*.py"):
        if path != Path(__file__):
            named.update(named_in(path.read_text()))
    assert [f"D-{row:03}" for row in ROWS if row not in named] == []
