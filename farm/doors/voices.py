"""Saved voices: save, list, change, remove. One account never sees another's."""

from collections.abc import Sequence
from dataclasses import asdict

from sqlalchemy import Connection, delete, func, insert, select, update

from farm.account import Account
from farm.doors.hall import Hall
from farm.errors import Conflict, NotFound
from farm.store.rows import AnyRow
from farm.store.schema import accounts, saved_voices
from farm.voice import SAVED_PREFIX, NewVoice, SavedVoice


def save_voice(hall: Hall, account: Account, new: NewVoice) -> SavedVoice:
    """Keep a voice. Raises Conflict when the name is taken, or the account has as many as it may."""
    now = hall.clock.now()
    values = asdict(new) | {
        "public_id": hall.ids.public(SAVED_PREFIX),
        "account_id": account.id,
        "tags": list(new.tags),
        "created_at": now,
        "updated_at": now,
    }
    with hall.store.write() as connection:
        _alone(connection, account)
        _require_room(hall, connection, account)
        _require_name(connection, account, new.name)
        return _voice(connection.execute(insert(saved_voices).values(values).returning(saved_voices)).one())


def list_voices(hall: Hall, account: Account) -> Sequence[SavedVoice]:
    """The account's voices, oldest first."""
    query = select(saved_voices).where(saved_voices.c.account_id == account.id).order_by(saved_voices.c.id)
    with hall.store.read() as connection:
        return [_voice(row) for row in connection.execute(query)]


def saved_voice(hall: Hall, account: Account, voice_id: str) -> SavedVoice:
    """One of the account's voices. Raises NotFound."""
    with hall.store.read() as connection:
        return _voice(_row(connection, account, voice_id))


def change_voice(hall: Hall, account: Account, voice_id: str, new: NewVoice) -> SavedVoice:
    """Make it say this from now on; what was submitted before stays as it was. Raises Conflict, NotFound."""
    with hall.store.write() as connection:
        _alone(connection, account)
        row = _row(connection, account, voice_id)
        if new.name != row.name:
            _require_name(connection, account, new.name)
        values = asdict(new) | {"tags": list(new.tags), "updated_at": hall.clock.now()}
        changed = update(saved_voices).where(saved_voices.c.id == row.id).values(values)
        after = connection.execute(changed.returning(saved_voices)).one_or_none()
        if after is None:  # somebody removed it just now
            raise _none(voice_id)
        return _voice(after)


def remove_voice(hall: Hall, account: Account, voice_id: str) -> SavedVoice:
    """Forget it. Jobs that were submitted with it are none the worse. Raises NotFound."""
    with hall.store.write() as connection:
        row = _row(connection, account, voice_id)
        connection.execute(delete(saved_voices).where(saved_voices.c.id == row.id))
        return _voice(row)


def _alone(connection: Connection, account: Account) -> None:
    """One change of an account's voices at a time: names and their number are looked at before."""
    connection.execute(select(accounts.c.id).where(accounts.c.id == account.id).with_for_update())


def _require_room(hall: Hall, connection: Connection, account: Account) -> None:
    most = hall.catalog.voices.max_saved
    query = select(func.count()).select_from(saved_voices).where(saved_voices.c.account_id == account.id)
    if (connection.scalar(query) or 0) >= most:
        raise Conflict(f"An account may save {most} voices; delete one first.", param="name")


def _require_name(connection: Connection, account: Account, name: str) -> None:
    taken = select(saved_voices.c.public_id).where(
        saved_voices.c.account_id == account.id, saved_voices.c.name == name
    )
    if (found := connection.scalar(taken)) is not None:
        raise Conflict(f"The voice {found} has the name {name!r} already.", param="name", code="name_taken")


def _row(connection: Connection, account: Account, voice_id: str) -> AnyRow:
    query = select(saved_voices).where(
        saved_voices.c.public_id == voice_id, saved_voices.c.account_id == account.id
    )
    row = connection.execute(query).one_or_none()
    if row is None:
        raise _none(voice_id)
    return row


def _none(voice_id: str) -> NotFound:
    return NotFound(f"There is no saved voice {voice_id!r}.", param="voice_id")


def _voice(row: AnyRow) -> SavedVoice:
    return SavedVoice(
        id=row.public_id,
        said=NewVoice(row.name, row.voice_id, row.locale, row.speed, tuple(row.tags)),
        created_at=row.created_at,
        updated_at=row.updated_at,
    )
