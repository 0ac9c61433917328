"""Notes when a key was last used: true to the minute, so that few calls write anything."""

from sqlalchemy import update

from farm.doors.hall import Hall
from farm.store.schema import api_keys

_NOTED_EVERY_S = 60.0


def note_use(hall: Hall, key_id: int, last_used_at: float | None) -> None:
    """It is used now. `last_used_at` is what its row said."""
    now = hall.clock.now()
    if last_used_at is not None and now - last_used_at < _NOTED_EVERY_S:
        return
    with hall.store.write() as connection:
        connection.execute(update(api_keys).where(api_keys.c.id == key_id).values(last_used_at=now))
