"""`farm worker --slots`: a number, or a number for each resource."""

import pytest

from farm.cli.roles import slots_of
from farm.errors import BadRequest
from farm.rules.pools import Pool

POOL = Pool(extra="generate", default_slots=1, device_slots=1, io_slots=4)


@pytest.mark.parametrize(
    ("said", "slots"),
    [
        (None, {"cpu": 1, "device": 1, "io": 4}),
        ("3", {"cpu": 3, "device": 1, "io": 4}),
        ("cpu=2,io=16,device=1", {"cpu": 2, "io": 16, "device": 1}),
        ("io=8", {"io": 8}),
        ("cpu=0, device=2", {"device": 2}),
    ],
)
def test_slots(said: str | None, slots: dict[str, int]) -> None:
    assert slots_of(said, POOL) == slots


@pytest.mark.parametrize(
    "said", ["0", "", "-1", "gpu=1", "cpu=2,cpu=3", "cpu=x", "cpu=", "cpu=0", "1.5", "9999"]
)
def test_what_is_no_slots(said: str) -> None:
    with pytest.raises(BadRequest):
        slots_of(said, POOL)


def test_a_pool_keeps_slots_only_where_there_are_enough() -> None:
    kept = Pool(extra="render", interactive_slots=2, interactive_min_slots=3)
    assert [kept.reserved(slots) for slots in (1, 2, 3, 4, 100)] == [0, 0, 2, 2, 2]
    eager = Pool(extra="render", interactive_slots=5, interactive_min_slots=2)
    assert [eager.reserved(slots) for slots in (1, 2, 3)] == [0, 1, 2]
