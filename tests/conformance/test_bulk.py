"""Many rows at once come to the same as one after another, on both engines."""

import pytest
from sqlalchemy import insert, select

from farm.store.bulk import UpdateMany, change_and_insert, insert_many
from farm.store.schema import arrivals, lanes, tasks
from schedulers.lanes import LaneChanges
from tests.farm import Farm

_CHANGE = UpdateMany(
    tasks.c.id,
    {"to": tasks.c.state, "spent": tasks.c.attempts, "what": tasks.c.result, "at": tasks.c.ended_at},
    lambda given: {
        "state": given["to"],
        "attempts": tasks.c.attempts - given["spent"],
        "result": given["what"],
        "ended_at": given["at"],
    },
)
_FORGOTTEN = UpdateMany(arrivals.c.id, {}, lambda _: {"added": 0}, "forgotten")


@pytest.mark.parametrize("count", [1, 3])
def test_each_row_gets_its_own_values(farm: Farm, count: int) -> None:
    caller = farm.caller()
    for _ in range(4):
        farm.submit(caller)
    with farm.store.write() as connection:
        ids = list(connection.scalars(select(tasks.c.id).order_by(tasks.c.id)))
        _CHANGE.run(
            connection,
            [
                {"key": id, "to": f"s{id}", "spent": -id, "what": {"it's": [id, None]}, "at": id / 3}
                for id in reversed(ids[:count])
            ],
        )
        rows = connection.execute(select(tasks).order_by(tasks.c.id)).all()
    for row in rows[:count]:
        told = (row.state, row.attempts, row.result, row.ended_at)
        assert told == (f"s{row.id}", row.id, {"it's": [row.id, None]}, row.id / 3)
    assert {(row.state, row.attempts) for row in rows[count:]} == {("ready", 0)}


def test_nothing_is_nothing(farm: Farm) -> None:
    with farm.store.write() as connection:
        _CHANGE.run(connection, [])


@pytest.mark.parametrize("count", [1, 2, 20])
def test_new_rows_get_their_numbers_in_their_order(farm: Farm, count: int) -> None:
    with farm.store.write() as connection:
        connection.execute(insert(arrivals).values(lane_id=1, added=1))
        given = [{"lane_id": 100 - number, "added": number} for number in range(count)]
        ids = insert_many(connection, arrivals, given)
        rows = connection.execute(select(arrivals).where(arrivals.c.id.in_(ids))).all()
    assert len(set(ids)) == count
    assert {row.id: (row.lane_id, row.added) for row in rows} == {
        id: (row["lane_id"], row["added"]) for id, row in zip(ids, given, strict=True)
    }


@pytest.mark.parametrize("count", [1, 20])
def test_rows_that_change_and_new_ones_are_written_together(farm: Farm, count: int) -> None:
    caller = farm.caller()
    for _ in range(3):
        farm.submit(caller)
    given = [{"lane_id": 7, "added": number} for number in range(count)]
    with farm.store.write() as connection:
        of_tasks = list(connection.scalars(select(tasks.c.id)))
        changes = [
            (_CHANGE, [{"key": id, "to": "x", "spent": -1, "what": {}, "at": 1.5} for id in of_tasks[:2]]),
            (_FORGOTTEN, []),
        ]
        ids = change_and_insert(connection, changes, arrivals, given)
        states = connection.scalars(select(tasks.c.state).order_by(tasks.c.id)).all()
        added = connection.scalars(
            select(arrivals.c.added).where(arrivals.c.id.in_(ids)).order_by(arrivals.c.id)
        )
        assert list(added) == list(range(count))
    assert list(states) == ["x", "x", "ready"]


def test_what_an_account_has_of_a_line_is_written_to_all_of_its_lanes(farm: Farm) -> None:
    """Two siblings change at once, a third follows them; another account's lane has its own."""
    with farm.store.write() as connection:
        ids = insert_many(connection, lanes, [_lane(1, 1), _lane(1, 2), _lane(1, 3), _lane(2, 1)])
        changes = LaneChanges()
        for lane_id, seconds in zip((ids[0], ids[1], ids[3]), (1.0, 2.0, 5.0), strict=True):
            change = changes.at(lane_id)
            change.ready, change.busy, change.vtime, change.served_at = -1, 1, seconds, 70.0 + seconds
        changes.at(ids[2]).ready += 4
        changes.write(connection)
        rows = connection.execute(select(lanes).where(lanes.c.id.in_(ids)).order_by(lanes.c.id)).all()
    told = [(row.ready, row.busy, row.vtime, row.served_at, row.open) for row in rows]
    assert told[0] == (0, 2, 3.0, 72.0, False)  # all that is served of it is on its way
    assert told[1] == (0, 2, 3.0, 72.0, False)
    assert told[2] == (5, 2, 3.0, 72.0, False)  # as many run as may
    assert told[3] == (0, 1, 5.0, 75.0, False)


def _lane(account: int, sort: int) -> dict[str, object]:
    lane = {"pool": "cpu-render", "resource": "cpu", "account_id": account, "sort_id": sort}
    return {**lane, "tier": "pro", "cap": 2, "ready": 1, "open": True}
