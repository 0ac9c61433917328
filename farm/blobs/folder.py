"""Blobs in a local folder, for one machine or a shared file system.

    objects/<key>   the bytes
    types/<key>     their content type
    partial/        files still being written; what stayed here for a day is swept at start-up

Uploads and downloads by URL are served by the API (farm/api/blobs.py) under a signed Grant.
"""

import math
import secrets as random
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from stat import S_ISREG
from typing import BinaryIO

from farm.blobs.contract import BlobInfo
from farm.blobs.disk import flush, full_disk_named, landing
from farm.blobs.grant import Grant
from farm.blobs.names import check_key
from farm.clock import Clock
from farm.errors import BadRequest, FarmUnavailable, NotFound
from farm.secrets import Secrets

_DEFAULT_TYPE = "application/octet-stream"
_COPY_BYTES = 1 << 20
_ABANDONED_S = 24 * 3600  # every write renews a partial file's age
_TRIES = 20
_ABSENT = (FileNotFoundError, NotADirectoryError, IsADirectoryError)


class FolderBlobs:
    """The folder store. Many processes may share one root."""

    def __init__(self, root: Path, secrets: Secrets, clock: Clock) -> None:
        self._root = root
        self._objects, self._types, self._partial = (root / name for name in ("objects", "types", "partial"))
        self._secrets = secrets
        self._clock = clock
        with self._usable():
            for folder in (self._objects, self._types, self._partial):
                folder.mkdir(parents=True, exist_ok=True)
            self._sweep()

    def put(self, key: str, path: Path, content_type: str) -> None:
        check_key(key)
        with path.open("rb") as source, self.draft() as draft:
            shutil.copyfileobj(source, draft.file, _COPY_BYTES)
            draft.commit(key, content_type)

    def fetch(self, key: str, path: Path) -> None:
        with self.file(key).open("rb") as source, landing(path) as target:
            shutil.copyfileobj(source, target, _COPY_BYTES)

    def stat(self, key: str) -> BlobInfo | None:
        try:
            found = (self._objects / check_key(key)).stat()
        except _ABSENT:
            return None
        return BlobInfo(found.st_size, self._type(key)) if S_ISREG(found.st_mode) else None

    def read(self, key: str, start: int, length: int) -> bytes:
        with self.file(key).open("rb") as source:
            source.seek(start)
            return source.read(length)

    def delete(self, key: str) -> None:
        check_key(key)
        for tree in (self._objects, self._types):
            try:
                (tree / key).unlink(missing_ok=True)
            except _ABSENT:
                continue
            _prune((tree / key).parent, tree)

    def delete_prefix(self, prefix: str) -> None:
        folder = check_key(prefix.removesuffix("/"))
        for tree in (self._objects, self._types):
            if (tree / folder).is_dir():
                shutil.rmtree(tree / folder, ignore_errors=True)  # a put beside us may keep its own file
                _prune((tree / folder).parent, tree)

    def upload_url(
        self,
        key: str,
        *,
        content_type: str,
        size_bytes: int,
        expires_s: int,
        base_url: str,
        file_name: str | None = None,
    ) -> str:
        expires_at = self._expiry(expires_s)
        grant = Grant("PUT", check_key(key), content_type, expires_at, size_bytes, file_name)
        return grant.url(base_url, self._secrets)

    def download_url(
        self, key: str, *, file_name: str, content_type: str, expires_s: int, base_url: str
    ) -> str:
        grant = Grant("GET", check_key(key), content_type, self._expiry(expires_s), file_name=file_name)
        return grant.url(base_url, self._secrets)

    def check(self) -> None:
        with self._usable(), self.draft() as draft:
            draft.file.write(b"probe")

    def file(self, key: str) -> Path:
        """Where the blob lies, to be read only. Raises NotFound."""
        path = self._objects / check_key(key)
        if not path.is_file():
            raise NotFound(f"Nothing is stored under {key!r}.", param="key")
        return path

    @contextmanager
    def draft(self) -> Iterator["Draft"]:
        """A file to fill and commit under a key; without a commit nothing of it stays."""
        path = self._partial / random.token_hex(16)
        try:
            with full_disk_named(self._root), path.open("xb") as file:
                yield Draft(self, path, file)
        finally:
            path.unlink(missing_ok=True)

    def place(self, draft: Path, key: str, content_type: str) -> None:
        """Move a finished file under its key. The type goes first: alone it says nothing."""
        with self.draft() as type_draft:
            type_draft.file.write(content_type.encode())
            type_draft.file.flush()
            _move(type_draft.path, self._types / key)
        _move(draft, self._objects / key)
        flush((self._objects / key).parent)

    def _type(self, key: str) -> str:
        try:
            return (self._types / key).read_text() or _DEFAULT_TYPE
        except _ABSENT:
            return _DEFAULT_TYPE

    def _expiry(self, expires_s: int) -> int:
        return math.ceil(self._clock.now() + expires_s)

    def _sweep(self) -> None:
        oldest = self._clock.now() - _ABANDONED_S
        for path in self._partial.iterdir():
            try:
                if path.stat().st_mtime < oldest:
                    path.unlink()
            except FileNotFoundError:  # another process sweeps too
                continue

    @contextmanager
    def _usable(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise FarmUnavailable(
                f"The blob folder {self._root} cannot be written ({error.strerror}): "
                "mend its permissions, or point FARM_BLOBS_URL elsewhere.",
                param="FARM_BLOBS_URL",
            ) from error


class Draft:
    """A blob being written. `file` is open for writing until it is committed."""

    def __init__(self, blobs: FolderBlobs, path: Path, file: BinaryIO) -> None:
        self._blobs = blobs
        self.path = path
        self.file = file

    def commit(self, key: str, content_type: str) -> None:
        """Store what was written, durably. Raises BadRequest when the key is another key's folder."""
        check_key(key)
        self.file.flush()
        flush(self.path)
        self._blobs.place(self.path, key, content_type)


def _move(draft: Path, target: Path) -> None:
    for _ in range(_TRIES):
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            draft.replace(target)
            return
        except FileNotFoundError:  # a delete beside us pruned the folder just made
            continue
        except (FileExistsError, NotADirectoryError, IsADirectoryError):
            raise BadRequest("A blob key cannot be another key's folder.", param="key") from None
    raise FarmUnavailable(f"{target.parent} is removed as fast as it is made.")


def _prune(folder: Path, top: Path) -> None:
    """Remove folders that have become empty, upwards, `top` excluded."""
    while folder != top:
        try:
            folder.rmdir()
        except OSError:  # not empty, or already gone
            return
        folder = folder.parent
