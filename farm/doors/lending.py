"""Hands a generated file in again: it becomes an asset of the account that shares the file's blob.

Retention keeps a blob for as long as a row on any shelf names it, so neither of the two can lose the other's.
"""

from sqlalchemy import Connection, insert, select, update

from farm.account import Account
from farm.asset import Asset, AssetState
from farm.doors.assets import asset_of
from farm.doors.generations import no_such_file
from farm.doors.hall import Hall
from farm.doors.jobs import kept
from farm.media_types import kind_of
from farm.store.rows import AnyRow
from farm.store.schema import artifacts, assets

_DAY_S = 86_400.0


def lend(hall: Hall, account: Account, file_name: str) -> Asset:
    """The account's generated file as an asset; the same one while that has not expired. Raises NotFound."""
    now = hall.clock.now()
    until = now + hall.catalog.limits.asset_days * _DAY_S
    query = (
        select(artifacts)
        .where(artifacts.c.account_id == account.id, artifacts.c.file_name == file_name, kept(now))
        .with_for_update()  # retention gives it up before this or after, not meanwhile
    )
    with hall.store.write() as connection:
        row = connection.execute(query).one_or_none()
        if row is None:
            raise no_such_file()
        return _again(connection, row, until) or _new(connection, hall, row, until)


def _again(connection: Connection, row: AnyRow, until: float) -> Asset | None:
    """The asset that it was lent as before, to be kept as long as a new one."""
    same = (assets.c.account_id == row.account_id, assets.c.blob_key == row.blob_key)
    lent = update(assets).where(*same, assets.c.state == AssetState.READY).values(expires_at=until)
    found = connection.execute(lent.returning(assets)).first()
    return asset_of(found) if found is not None else None


def _new(connection: Connection, hall: Hall, row: AnyRow, until: float) -> Asset:
    values = {
        "id": hall.ids.public("asset"),
        "account_id": row.account_id,
        "file_name": row.display_name,
        "content_type": row.content_type,
        "media_kind": kind_of(row.content_type).value,
        "size_bytes": row.size_bytes,
        "blob_key": row.blob_key,
        "state": AssetState.READY,
        "meta": dict(row.meta),
        "created_at": hall.clock.now(),
        "expires_at": until,
    }
    return asset_of(connection.execute(insert(assets).values(values).returning(assets)).one())
