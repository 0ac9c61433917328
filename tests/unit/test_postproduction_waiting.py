"""What a caller prefers (RFC 7240), as the postproduction surface reads it."""

import pytest
from starlette.requests import Request

from farm.api.surfaces.postproduction.waiting import is_async


@pytest.mark.parametrize(
    ("lines", "is_wanted"),
    [
        ([], False),
        (["respond-async"], True),
        (["Respond-Async; foo=bar, wait=5"], True),
        (["wait=5", "respond-async"], True),  # several lines are one list
        (["wait=5, handling=lenient"], False),
        (["respond-asynchronously"], False),
    ],
)
def test_x034_who_does_not_want_to_wait_is_understood(lines: list[str], is_wanted: bool) -> None:
    headers = [(b"prefer", line.encode()) for line in lines]
    assert is_async(Request({"type": "http", "headers": headers})) is is_wanted
