"""A caller's public URL becomes an asset of the account, when the job that is to read it is submitted.

All URLs of a call are fetched together: within `limits.fetch_s`, of at most so many bytes, and what comes is
checked by its own first bytes as an upload is. What the other server says of its type counts for nothing.
"""

import asyncio
import re
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from urllib.parse import unquote, urlsplit

from fastapi.concurrency import run_in_threadpool

from farm.account import Account
from farm.api.desk import Desk
from farm.api.picture_size import HEAD_BYTES, picture_size
from farm.api.uploads import declared
from farm.asset import Asset, AssetState, NewAsset
from farm.doors import assets, fetch
from farm.errors import AssetUnreadable, BadRequest, FarmError, NotFound
from farm.media_types import check_upload, describe_foreign, extension_of
from farm.sniffing import sniff
from farm.timeline import MediaKind

__all__ = ["FILMS", "PICTURES", "SOUNDS", "Wanted", "fetched"]

PICTURES = (MediaKind.IMAGE,)
SOUNDS = (MediaKind.AUDIO,)
FILMS = (MediaKind.VIDEO,)

_AT_ONCE = 8
_LONGEST_STEM = 100
_WORDS = {MediaKind.IMAGE: "a picture", MediaKind.AUDIO: "a sound", MediaKind.VIDEO: "a video"}
# By what the bytes are: their type as a picture, a film or a sound.
_TYPES: Mapping[str, Mapping[MediaKind, str]] = {
    "jpeg": {MediaKind.IMAGE: "image/jpeg"},
    "png": {MediaKind.IMAGE: "image/png"},
    "gif": {MediaKind.IMAGE: "image/gif"},
    "webp": {MediaKind.IMAGE: "image/webp"},
    "heif": {MediaKind.IMAGE: "image/heif"},
    "svg": {MediaKind.IMAGE: "image/svg+xml"},
    "mp4": {MediaKind.VIDEO: "video/mp4", MediaKind.AUDIO: "audio/mp4"},
    "mov": {MediaKind.VIDEO: "video/quicktime", MediaKind.AUDIO: "audio/mp4"},
    "webm": {MediaKind.VIDEO: "video/webm", MediaKind.AUDIO: "audio/webm"},
    "matroska": {MediaKind.VIDEO: "video/x-matroska", MediaKind.AUDIO: "audio/webm"},
    "avi": {MediaKind.VIDEO: "video/x-msvideo"},
    "mpeg-ps": {MediaKind.VIDEO: "video/mpeg"},
    "mpeg-es": {MediaKind.VIDEO: "video/mpeg"},
    "mpeg-ts": {MediaKind.VIDEO: "video/mpeg"},
    "wav": {MediaKind.AUDIO: "audio/wav"},
    "mp3": {MediaKind.AUDIO: "audio/mpeg"},
    "aac": {MediaKind.AUDIO: "audio/aac"},
    "ogg": {MediaKind.AUDIO: "audio/ogg"},
    "flac": {MediaKind.AUDIO: "audio/wav"},  # no type of uploads; whoever opens it looks at its bytes
}


@dataclass(frozen=True, slots=True)
class Wanted:
    """A file that a call names. `param` is the field, as its caller wrote it; `kinds` is what it may be."""

    url: str
    param: str
    kinds: Sequence[MediaKind] = PICTURES


async def fetched(desk: Desk, account: Account, wanted: Sequence[Wanted], base_url: str) -> list[Asset]:
    """An asset for each, in this order, ready to be read; a URL that is named twice is one asset.

    Call it once all that is cheap has been checked, before the submit. `base_url` is where callers reach this
    API: the account's own outputs are copied, not called for. Pictures have `width` and `height` in their
    `meta` where their bytes tell. Raises BadRequest with `param`: url_refused, url_unreachable,
    file_too_large, asset_unreadable.
    """
    if not wanted:
        return []
    await run_in_threadpool(_look, desk, account, wanted, base_url)  # none is called before all may be
    first = {(item.url, tuple(item.kinds)): item for item in reversed(wanted)}
    folder = Path(await run_in_threadpool(tempfile.mkdtemp, prefix="farm-fetch-"))
    try:
        made = await _Errand(desk, account, base_url, folder).all(list(first.values()))
    finally:
        await run_in_threadpool(shutil.rmtree, folder, ignore_errors=True)
    asset_of = dict(zip(first, made, strict=True))
    return [asset_of[item.url, tuple(item.kinds)] for item in wanted]


def _look(desk: Desk, account: Account, wanted: Sequence[Wanted], base_url: str) -> None:
    """Raise BadRequest `url_refused` for the first that may not be called."""
    for item in wanted:
        try:
            if fetch.own_key(desk.hall, account, item.url, base_url) is None:
                desk.hall.guard.look(item.url)
        except BadRequest as error:
            raise _refused(item, error) from None


@dataclass(frozen=True, slots=True)
class _Errand:
    """One call's files, on their way into `folder` and from there into the account."""

    desk: Desk
    account: Account
    base_url: str
    folder: Path

    async def all(self, wanted: Sequence[Wanted]) -> list[Asset]:
        """All at once, in order. The first that cannot be had ends the others, and none is kept."""
        limit_s = self.desk.hall.catalog.limits.fetch_s
        few = asyncio.Semaphore(_AT_ONCE)
        try:
            async with asyncio.timeout(limit_s), asyncio.TaskGroup() as group:
                tasks = [
                    group.create_task(self._one(item, few, number)) for number, item in enumerate(wanted)
                ]
        except TimeoutError:
            raise _refused(
                wanted[0], fetch.Unreachable(f"Not all files came within {limit_s:g} s.")
            ) from None
        except ExceptionGroup as failed:
            raise failed.exceptions[0] from None
        return await run_in_threadpool(self._keep, [task.result() for task in tasks])

    async def _one(self, item: Wanted, few: asyncio.Semaphore, number: int) -> "_Come":
        path = self.folder / str(number)
        async with few:
            try:
                await self._bring(item, path)
                return await run_in_threadpool(self._checked, item, path)
            except (BadRequest, NotFound) as error:
                raise _refused(item, error) from None

    async def _bring(self, item: Wanted, path: Path) -> None:
        hall, limits = self.desk.hall, self.desk.hall.catalog.limits
        key = await run_in_threadpool(fetch.own_key, hall, self.account, item.url, self.base_url)
        if key is not None:
            await run_in_threadpool(self.desk.blobs.fetch, key, path)
            return
        most = limits.fetch_picture_bytes if tuple(item.kinds) == PICTURES else limits.fetch_media_bytes
        await fetch.fetch(hall, item.url, path, most_bytes=most, total_s=limits.fetch_s)

    def _checked(self, item: Wanted, path: Path) -> "_Come":
        """What came, by its own bytes. Raises AssetUnreadable for another kind, or one too large."""
        with path.open("rb") as file:
            head = file.read(HEAD_BYTES)
        content_type = _type_of(head, item.kinds)
        size = picture_size(head) if content_type.startswith("image/") else None
        meta = dict(zip(("width", "height"), size, strict=True)) if size else {}
        name = _name(item.url, extension_of(content_type))
        check_upload(name, content_type, head)
        return _Come(path, declared(self.desk, name, content_type, path.stat().st_size, meta))

    def _keep(self, come: Sequence["_Come"]) -> list[Asset]:
        """Make the files assets."""
        hall, blobs = self.desk.hall, self.desk.blobs
        made = assets.declare(hall, self.account, [one.new for one in come])
        for asset, one in zip(made, come, strict=True):
            blobs.put(asset.blob_key, one.path, asset.content_type)
        assets.require_uploaded(hall, blobs, made)
        return [replace(asset, state=AssetState.READY) for asset in made]


@dataclass(frozen=True, slots=True)
class _Come:
    """A file that has come, and what it is to be called."""

    path: Path
    new: NewAsset


def _type_of(head: bytes, kinds: Sequence[MediaKind]) -> str:
    found = sniff(head)
    types = _TYPES.get(found.container, {}) if found else {}
    for kind in kinds:
        if found and kind in found.kinds and kind in types:
            return types[kind]
    wanted = " or ".join(_WORDS[kind] for kind in kinds)
    raise AssetUnreadable(
        f"What lies there is {found.label if found else describe_foreign(head)}, not {wanted}."
    )


def _name(url: str, extension: str) -> str:
    """What the URL calls the file, with the ending of what it is; a plain name where it says nothing fit."""
    stem = PurePosixPath(unquote(urlsplit(url).path)).stem
    plain = re.sub(r"[^\w.-]+", "-", stem, flags=re.ASCII).strip(".-")[:_LONGEST_STEM]
    return f"{plain or 'file'}{extension}"


def _refused(item: Wanted, error: FarmError) -> BadRequest:
    """The same refusal with the caller's field."""
    return BadRequest(f"{item.param}: {error.message}", param=item.param, code=error.public_code)
