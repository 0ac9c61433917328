"""The health door: whether the store answers."""

from sqlalchemy import select
from sqlalchemy.exc import DBAPIError

from farm.doors.hall import Hall
from farm.errors import FarmUnavailable


def check(hall: Hall) -> None:
    """Ask the store for nothing. Raises FarmUnavailable when it does not answer."""
    try:
        with hall.store.read() as connection:
            connection.execute(select(1))
    except DBAPIError as error:
        raise FarmUnavailable(f"The store does not answer: {error.orig}") from error
