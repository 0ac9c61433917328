"""Many rows at once come to the same as one after another, on both engines."""

import pytest
from sqlalchemy import insert, select

from farm.store.bulk import UpdateMany, insert_many
from farm.store.schema import arrivals, tasks
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
