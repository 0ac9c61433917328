"""The health door: whether the store answers."""

from sqlalchemy import select

from farm.doors.hall import Hall


def check(hall: Hall) -> None:
    """Ask the store for nothing. Raises FarmUnavailable when it does not answer."""
    with hall.store.read() as connection:
        connection.execute(select(1))
