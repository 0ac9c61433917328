"""A worker's change to the store, said again on a new connection while the database is away."""

from collections.abc import Callable
from typing import TypeVar

from sqlalchemy import Connection

from farm.doors.hall import Hall
from farm.errors import FarmUnavailable
from farm.store.engine import StoreAway

T = TypeVar("T")
_AWAY_S = 120.0


def insist(hall: Hall, change: Callable[[Connection], T], *, durable: bool = False, apart: bool = False) -> T:
    """Run one transaction, again on a new connection while the database is away.

    `apart`: each statement is a transaction by itself; saying any of them again must do no harm.
    """
    pause_s, waited_s = 0.05, 0.0
    while True:
        try:
            with hall.store.write(durable=durable, apart=apart) as connection:
                return change(connection)
        except StoreAway as away:
            if waited_s > _AWAY_S:
                raise FarmUnavailable(f"The database has been away for {_AWAY_S:g} s.") from away
        hall.pause(pause_s)
        waited_s += pause_s
        pause_s = min(1.0, pause_s * 2)
