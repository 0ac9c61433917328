"""The backup door: copies an embedded farm while it runs, and puts a farm back after a loss.

The database goes first, the blobs after it: a blob is written before the row that names it, so every row of
the copy finds its file. Redis is not copied: nothing lies there that the farm cannot lose.
"""

import hashlib
import os
import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Literal

from pydantic import ValidationError
from sqlalchemy import Connection, delete, make_url, select, true

import farm
from farm.asset import AssetState
from farm.blobs import Blobs
from farm.blobs.disk import flush, full_disk_named, landing
from farm.blobs.mirror import Mirrored, mirror
from farm.doors import audit
from farm.doors.hall import Hall
from farm.errors import BadRequest, Conflict, FarmUnavailable
from farm.noun import Noun
from farm.secrets import Secrets
from farm.settings import Settings
from farm.store import schema_version
from farm.store.clock import clock_of
from farm.store.engine import Store
from farm.store.schema import artifacts, assets, jobs, segment_cache
from farm.store.snapshot import skip_numbers, snapshot
from farm.validation import first_fault

MANIFEST = "manifest.json"
_DATABASE = "farm.sqlite3"
_BLOBS = "blobs"
_KEY = "secret.key"
_PURPOSE = "backup"
_LOOKERS = 16
_PAGE = 1000
_PIECE_BYTES = 1 << 20


class Manifest(Noun):
    """What a backup holds; written last, so that half a backup has none. `taken_at` is in Unix seconds.

    `blobs` says where the files are: `here`, or the s3:// URL they were left at. `secret` says whether the
    secret key is in the backup, `proof` tells the right one.
    """

    format: Literal[1] = 1
    version: str
    revision: str
    taken_at: float
    database_sha256: str
    database_bytes: int
    blobs: str
    blob_files: int = 0
    blob_bytes: int = 0
    secret: Literal["here", "FARM_SECRET_KEY"]
    proof: str


class Check(Noun):
    """What was found of a farm that is put back: files that rows name, and the first that are missing."""

    files: int
    missing: tuple[str, ...]
    segments_forgotten: int


def back_up(settings: Settings, folder: Path) -> tuple[Manifest, Mirrored]:
    """Copy the farm's SQLite store, its blob folder and its secret key into a new folder. Changes nothing.

    Raises BadRequest for a PostgreSQL store, Conflict unless the folder is new or empty.
    """
    _require_empty(folder, [path.name for path in folder.iterdir()] if folder.is_dir() else [])
    if not _database(settings).is_file():
        raise BadRequest(f"There is no farm at {settings.root}.", param="FARM_HOME")
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    taken_at, revision = _copy_database(settings, folder / _DATABASE)
    location = settings.blobs_location
    in_s3 = location.startswith("s3://")
    mirrored = Mirrored() if in_s3 else mirror(_folder(location), folder / _BLOBS)
    if settings.secret_key is None:
        _copy(settings.root / _KEY, folder / _KEY)
    manifest = Manifest(
        version=farm.__version__,
        revision=revision,
        taken_at=taken_at,
        database_sha256=_sha256(folder / _DATABASE),
        database_bytes=(folder / _DATABASE).stat().st_size,
        blobs=location if in_s3 else "here",
        blob_files=mirrored.linked + mirrored.copied,
        blob_bytes=mirrored.size_bytes,
        secret="here" if settings.secret_key is None else "FARM_SECRET_KEY",
        proof=Secrets.of(settings).sign(_PURPOSE, str(taken_at)),
    )
    with landing(folder / MANIFEST) as file:
        file.write(manifest.model_dump_json(indent=2).encode() + b"\n")
    flush(folder)
    return manifest, mirrored


def _copy_database(settings: Settings, path: Path) -> tuple[float, str]:
    """When it was, and the schema's revision. The store is opened as it is, and not brought up to date."""
    store = Store(settings.store_url)
    try:
        taken_at = clock_of(store).now()
        snapshot(store, path)
        return taken_at, schema_version.revision(store) or ""
    finally:
        store.close()


def read_manifest(folder: Path) -> Manifest:
    """What the backup holds. Raises BadRequest when it is none, unfinished, or of a newer kinefarm."""
    try:
        manifest = Manifest.model_validate_json((folder / MANIFEST).read_bytes())
    except (FileNotFoundError, NotADirectoryError):
        raise BadRequest(f"{folder} is no backup, or one that was never finished.", param="folder") from None
    except ValidationError as error:
        raise BadRequest(f"{folder / MANIFEST} cannot be read: {first_fault(error).text}.") from error
    if not schema_version.knows(manifest.revision):
        raise BadRequest(
            f"The backup is at {manifest.revision}, which a newer version ({manifest.version}) wrote. "
            "Upgrade kinefarm on this host.",
            param="folder",
        )
    return manifest


def put_back(settings: Settings, folder: Path) -> Manifest:
    """Copy a backup into an empty FARM_HOME. No farm may run there; `adopt` it afterwards.

    Raises Conflict when something is there already, and BadRequest when the backup or the key is not right.
    """
    manifest, database = read_manifest(folder), _database(settings)
    blobs = None if manifest.blobs != "here" else _folder(settings.blobs_location)
    places = [database, settings.root / _KEY, settings.root / "valkey", *([blobs] if blobs else [])]
    _require_empty(settings.root, [path.name for path in places if path.exists()])
    if _sha256(folder / _DATABASE) != manifest.database_sha256:
        raise BadRequest(f"{folder / _DATABASE} is not what was backed up.", param="folder")
    key = _checked_key(settings, folder, manifest)
    settings.root.mkdir(parents=True, exist_ok=True)
    if blobs is not None:
        mirror(folder / _BLOBS, blobs)
    if key is not None:
        _copy(key, settings.root / _KEY)
    _copy(folder / _DATABASE, database)  # last: until then there is no farm
    return manifest


def adopt(hall: Hall, blobs: Blobs, who: str, detail: dict[str, object]) -> Check:
    """Make a farm that was put back fit to go on, and look whether its files are there.

    No number is given again that was given after the backup; segments without their file are forgotten.
    No other process of the farm may run. Calling it twice does no harm.
    """
    with hall.store.read() as connection:
        named = dict(_named(connection))
    missing = _absent(blobs, list(named))
    with hall.store.write() as connection:
        gone = 0
        for key in missing:  # also what a file names besides: a job that took it would fail
            forgotten = delete(segment_cache).where(segment_cache.c.blob_key == key)
            gone += connection.execute(forgotten).rowcount
        skip_numbers(connection)
        audit.note(connection, hall, who, "farm.restore", "farm", detail)
    lost = tuple(key for key in missing if named[key])
    return Check(files=len(named) - len(missing), missing=lost, segments_forgotten=gone)


def _named(connection: Connection) -> Iterator[tuple[str, bool]]:
    """Every blob that a row still counts on, and whether anybody would miss it."""
    for key in connection.scalars(select(segment_cache.c.blob_key)):
        yield key, False
    for key in connection.scalars(select(assets.c.blob_key).where(assets.c.state == AssetState.READY)):
        yield key, True
    missed = (~artifacts.c.intermediate | jobs.c.ended_at.is_(None)).label("missed")
    files = select(artifacts.c.blob_key, missed).join(jobs, jobs.c.seq == artifacts.c.job_seq)
    for row in connection.execute(files.where(artifacts.c.expired.is_not(true())).order_by(missed)):
        yield row.blob_key, row.missed  # what anybody would miss comes last, and counts


def _absent(blobs: Blobs, keys: list[str]) -> list[str]:
    with ThreadPoolExecutor(_LOOKERS) as lookers:
        found = lookers.map(lambda key: blobs.stat(key) is not None, keys, chunksize=_PAGE)
        return [key for key, is_there in zip(keys, found, strict=True) if not is_there]


def _checked_key(settings: Settings, folder: Path, manifest: Manifest) -> Path | None:
    """The key file to put back, or None when FARM_SECRET_KEY is it. Raises BadRequest for a wrong one."""
    key = None
    if settings.secret_key is not None:
        secrets = Secrets(settings.secret_key.get_secret_value())
    elif manifest.secret == "here":
        key = folder / _KEY
        secrets = Secrets(key.read_text().strip())
    else:
        raise BadRequest(
            "Set FARM_SECRET_KEY as it was: the backup does not hold it.", param="FARM_SECRET_KEY"
        )
    if not secrets.signed(_PURPOSE, str(manifest.taken_at), manifest.proof):
        raise BadRequest(
            "The secret key is not the one this farm was backed up under.", param="FARM_SECRET_KEY"
        )
    return key


def _require_empty(folder: Path, found: list[str]) -> None:
    if found:
        raise Conflict(f"{folder} is not empty: it has {', '.join(sorted(found)[:5])}.", param="folder")


def _database(settings: Settings) -> Path:
    """Where the SQLite file lies. Raises BadRequest for another engine."""
    url = make_url(settings.store_url)
    if url.get_backend_name() != "sqlite" or not url.database:
        raise BadRequest(
            "This farm is on PostgreSQL: use pg_dump and pg_restore; see deploy/BACKUP.md.",
            param="FARM_DATABASE_URL",
        )
    return Path(url.database)


def _folder(location: str) -> Path:
    if location.startswith("s3://"):
        raise BadRequest("FARM_BLOBS_URL names S3, and this backup holds a folder.", param="FARM_BLOBS_URL")
    return Path(location).expanduser().absolute()


def _copy(source: Path, target: Path) -> None:
    """Copy for this user's eyes alone, whole and durably."""
    if not source.is_file():
        raise FarmUnavailable(f"{source} is missing.")
    draft = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        draft.touch(mode=0o600)
        with full_disk_named(target), source.open("rb") as from_, draft.open("wb") as to:
            shutil.copyfileobj(from_, to, _PIECE_BYTES)
        flush(draft)
        draft.replace(target)
        flush(target.parent)
    finally:
        draft.unlink(missing_ok=True)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
