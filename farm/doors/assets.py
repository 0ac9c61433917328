"""Media projects and assets: declare what will be uploaded, and check what has arrived."""

from collections.abc import Sequence
from dataclasses import asdict

from sqlalchemy import insert, literal, select, tuple_, update

from farm.account import Account
from farm.asset import MEDIA_PROJECT_PREFIX, Asset, AssetState, MediaProject, NewAsset
from farm.blobs import Blobs
from farm.doors.hall import Hall
from farm.errors import BadRequest, NotFound
from farm.media_types import check_upload, kind_of
from farm.store.rows import AnyRow
from farm.store.schema import assets, media_projects

_HEAD_BYTES = 4096
_DAY_S = 86_400.0
_KEPT = assets.c.state != AssetState.EXPIRED


def create_project(hall: Hall, account: Account, name: str) -> MediaProject:
    """A new, empty folder for one media render."""
    now = hall.clock.now()
    project_id = hall.ids.public(MEDIA_PROJECT_PREFIX)
    made = MediaProject(
        id=project_id,
        account_id=account.id,
        name=name,
        directory_prefix=f"{account.public_id}/media-render/{project_id}/",
        job_id=None,
        revision=0,
        created_at=now,
        expires_at=now + hall.catalog.limits.asset_days * _DAY_S,
    )
    with hall.store.write() as connection:
        connection.execute(insert(media_projects).values(asdict(made)))
    return made


def declare(
    hall: Hall, account: Account, files: Sequence[NewAsset], project: MediaProject | None = None
) -> list[Asset]:
    """Declare files that will be uploaded, in this order. Their bytes go to each one's `blob_key`."""
    now = hall.clock.now()
    folder = project.directory_prefix if project else f"{account.public_id}/assets/"
    expires_at = project.expires_at if project else now + hall.catalog.limits.asset_days * _DAY_S
    made = []
    for file in files:
        asset_id = hall.ids.public("asset")
        made.append(
            Asset(
                id=asset_id,
                account_id=account.id,
                project_id=project.id if project else None,
                file_name=file.file_name,
                content_type=file.content_type,
                media_kind=kind_of(file.content_type).value,
                size_bytes=file.size_bytes,
                blob_key=f"assets/{folder}{asset_id}",
                state=AssetState.DECLARED,
                meta=dict(file.meta),
                created_at=now,
                expires_at=expires_at,
            )
        )
    rows = [
        {name: getattr(asset, name) for name in Asset.__slots__} | {"position": position}
        for position, asset in enumerate(made)
    ]
    with hall.store.write() as connection:
        connection.execute(insert(assets), rows)
    return made


def project(hall: Hall, account: Account, project_id: str) -> MediaProject:
    """The account's project of that id. Raises NotFound, also for another account's."""
    return _project(hall, account, media_projects.c.id == project_id, "projectId")


def project_at(hall: Hall, account: Account, prefix: str) -> MediaProject:
    """The account's project at that directory prefix. Raises BadRequest on a bad path, NotFound."""
    if ".." in prefix.split("/") or prefix.startswith("/") or "\\" in prefix or "\0" in prefix:
        raise BadRequest("sourceDirectoryPrefix must not leave its folder.", param="sourceDirectoryPrefix")
    wanted = prefix if prefix.endswith("/") else prefix + "/"
    return _project(hall, account, media_projects.c.directory_prefix == wanted, "sourceDirectoryPrefix")


def project_assets(hall: Hall, account: Account, project_id: str) -> list[Asset]:
    """A project's assets in the order they were declared."""
    query = (
        select(assets)
        .where(assets.c.project_id == project_id, assets.c.account_id == account.id, _KEPT)
        .order_by(assets.c.position, assets.c.id)
    )
    with hall.store.read() as connection:
        return [asset_of(row) for row in connection.execute(query)]


def asset(hall: Hall, account: Account, asset_id: str) -> Asset:
    """One asset. Raises NotFound, also for another account's."""
    query = select(assets).where(assets.c.id == asset_id, assets.c.account_id == account.id, _KEPT)
    with hall.store.read() as connection:
        row = connection.execute(query).one_or_none()
    if row is None:
        raise NotFound(f"There is no asset {asset_id!r}.", param="asset_id")
    return asset_of(row)


def list_assets(hall: Hall, account: Account, *, after: Asset | None = None, limit: int = 50) -> list[Asset]:
    """The account's files that have not expired, newest first; those that come `after` one of them."""
    own = select(assets).where(assets.c.account_id == account.id, _KEPT)
    if after is not None:
        place = tuple_(assets.c.created_at, assets.c.id)
        own = own.where(place < tuple_(literal(after.created_at), literal(after.id)))
    query = own.order_by(assets.c.created_at.desc(), assets.c.id.desc()).limit(limit)
    with hall.store.read() as connection:
        return [asset_of(row) for row in connection.execute(query)]


def assets_named(hall: Hall, account: Account, ids: Sequence[str]) -> dict[str, Asset]:
    """Those of these assets that the account has, by id."""
    query = select(assets).where(assets.c.id.in_(ids), assets.c.account_id == account.id, _KEPT)
    with hall.store.read() as connection:
        return {row.id: asset_of(row) for row in connection.execute(query)}


def require_uploaded(hall: Hall, blobs: Blobs, wanted: Sequence[Asset]) -> None:
    """Check that the bytes of these assets have arrived and are what was declared.

    Raises BadRequest naming the file: expired, not uploaded, of another size, or not of the declared type.
    """
    now = hall.clock.now()
    for item in wanted:
        if item.expires_at is not None and item.expires_at <= now:
            raise BadRequest(
                f"{item.file_name} has expired; upload it again.", param=item.file_name, code="asset_expired"
            )
    fresh = [item for item in wanted if item.state is not AssetState.READY]
    for item in fresh:
        _check(blobs, item)
    if fresh:
        with hall.store.write() as connection:
            connection.execute(
                update(assets)
                .where(assets.c.id.in_([item.id for item in fresh]), _KEPT)
                .values(state=AssetState.READY)
            )


def _check(blobs: Blobs, item: Asset) -> None:
    info = blobs.stat(item.blob_key)
    if info is None:
        raise BadRequest(f"{item.file_name} has not been uploaded yet.", param=item.file_name)
    if info.size_bytes != item.size_bytes:
        raise BadRequest(
            f"{item.file_name} has {info.size_bytes} bytes; {item.size_bytes} were declared.",
            param=item.file_name,
        )
    check_upload(item.file_name, item.content_type, blobs.read(item.blob_key, 0, _HEAD_BYTES))


def _project(hall: Hall, account: Account, condition: object, param: str) -> MediaProject:
    query = select(media_projects).where(condition, media_projects.c.account_id == account.id)  # type: ignore[arg-type]  # a column condition
    with hall.store.read() as connection:
        row = connection.execute(query).one_or_none()
    if row is None:
        raise NotFound("There is no such media project.", param=param)
    return MediaProject(
        row.id,
        row.account_id,
        row.name,
        row.directory_prefix,
        row.job_id,
        row.revision,
        row.created_at,
        row.expires_at,
    )


def asset_of(row: AnyRow) -> Asset:
    """A stored asset."""
    values = {name: getattr(row, name) for name in Asset.__slots__}
    return Asset(**values | {"state": AssetState(row.state)})
