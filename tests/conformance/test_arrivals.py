"""What a lane says after tasks arrived in it, by the same rules on both engines."""

from typing import Any

from sqlalchemy import Connection, delete, insert, select

from farm.store.rows import AnyRow
from farm.store.schema import arrivals, lanes, tiers
from schedulers.arrivals import arrive, fold_arrivals
from tests.farm import Farm

NOW = 1000.0
_LINE = {"pool": "cpu-render", "resource": "cpu"}
_SERVED = {"tier": "pro", "cap": 4, "vtime": 9.0, "served_at": 500.0, "busy": 1, "ready": 0}


def _stand(connection: Connection, **columns: Any) -> int:
    """A lane; returns its id."""
    row = _LINE | {"tier": "pro", "cap": 4, "vtime": 0.0, "ready": 0, "busy": 0, "fresh": False} | columns
    return int(connection.execute(insert(lanes).values(row).returning(lanes.c.id)).scalar_one())


def _tier(connection: Connection, name: str, lane_vtime: float) -> None:
    row = _LINE | {"tier": name, "vtime": 5.0, "lane_vtime": lane_vtime, "floor": 2.0, "typical_s": 3.0}
    connection.execute(insert(tiers).values(row))


def _lane(connection: Connection, lane_id: int) -> AnyRow:
    return connection.execute(select(lanes).where(lanes.c.id == lane_id)).one()


def test_an_idle_account_joins_at_its_tiers_virtual_time(farm: Farm) -> None:
    with farm.store.write() as connection:
        _tier(connection, "pro", 40.0)
        ahead = _stand(connection, account_id=91, vtime=50.0)
        behind = _stand(connection, account_id=92, vtime=9.0, served_at=500.0)
        arrive(connection, {ahead: 2, behind: 3}, NOW)
        assert (_lane(connection, ahead).vtime, _lane(connection, behind).vtime) == (50.0, 40.0)
        assert (_lane(connection, ahead).ready, _lane(connection, behind).ready) == (2, 3)
        assert _lane(connection, behind).served_at == NOW
        assert _lane(connection, behind).open


def test_a_new_lane_takes_from_its_siblings_and_idling_is_of_all_of_them(farm: Farm) -> None:
    with farm.store.write() as connection:
        _tier(connection, "pro", 40.0)
        _stand(connection, account_id=91, sort_id=1, **{**_SERVED, "ready": 7})
        new = _stand(connection, account_id=91, sort_id=2, tier="free", cap=1, vtime=77.0, fresh=True)
        elsewhere = _stand(connection, account_id=91, sort_id=3, resource="io", cap=9)
        arrive(connection, {new: 1, elsewhere: 1}, NOW)
        joined = _lane(connection, new)
        told = (joined.tier, joined.cap, joined.vtime, joined.served_at, joined.busy, joined.ready)
        assert told == ("pro", 4, 9.0, 500.0, 1, 1)
        assert (joined.fresh, joined.open) == (False, True)
        assert _lane(connection, elsewhere).busy == 0  # another line of the same account


def test_lanes_that_are_all_new_start_where_the_tier_is(farm: Farm) -> None:
    with farm.store.write() as connection:
        first = _stand(connection, account_id=91, sort_id=1, tier="studio", fresh=True)
        second = _stand(connection, account_id=91, sort_id=2, tier="studio", fresh=True)
        arrive(connection, {first: 1, second: 1}, NOW)
        assert {_lane(connection, lane).vtime for lane in (first, second)} == {0.0}
        known = connection.execute(select(tiers).where(tiers.c.tier == "studio")).one()
        assert (known.pool, known.resource, known.lane_vtime) == ("cpu-render", "cpu", 0.0)
        assert (known.vtime, known.floor, known.typical_s) == (0.0, 0.0, 0.0)


def test_a_lane_at_its_cap_or_with_more_cancelled_than_arrived_stays_shut(farm: Farm) -> None:
    with farm.store.write() as connection:
        full = _stand(connection, account_id=91, **{**_SERVED, "busy": 4})
        owing = _stand(connection, account_id=92, ready=-3)
        arrive(connection, {full: 1, owing: 2}, NOW)
        assert (_lane(connection, full).open, _lane(connection, owing).open) == (False, False)
        assert (_lane(connection, full).ready, _lane(connection, owing).ready) == (1, -1)


def test_notes_are_counted_once_and_are_gone(farm: Farm) -> None:
    with farm.store.write() as connection:
        connection.execute(delete(arrivals))
        one, other = _stand(connection, account_id=91), _stand(connection, account_id=92)
        connection.execute(
            insert(arrivals),
            [{"lane_id": lane, "added": by} for lane, by in ((one, 1), (other, 5), (one, 2))],
        )
        assert fold_arrivals(connection, NOW) == 3
        assert fold_arrivals(connection, NOW) == 0
        assert (_lane(connection, one).ready, _lane(connection, other).ready) == (3, 5)
