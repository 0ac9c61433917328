"""Fetches the files behind URLs that customers name, through the guard: bounded in time and bytes.

A URL of a file that the farm itself has given to the account leads to that file, without a call.
"""

from functools import cache
from pathlib import Path
from ssl import SSLContext
from urllib.parse import unquote, urlsplit

import httpx
from sqlalchemy import select

from farm.account import Account
from farm.asset import AssetState
from farm.doors.hall import Hall
from farm.doors.jobs import kept
from farm.errors import BadRequest
from farm.net.guard import UrlRefused, place_of
from farm.net.http import AnswerTooLong, CallFailed, GuardedHttp
from farm.store.schema import artifacts, assets

_FOLDERS = ("/attempts/", "/assets/")  # where keys of artifacts and of assets begin
_ASKS = {"Accept": "*/*", "User-Agent": "Kinefarm"}


class Unreachable(BadRequest):
    """Nothing useful came from the URL; its owner may mend that."""

    code = "url_unreachable"


class FileTooLarge(BadRequest):
    """There is more of the file than is taken."""

    code = "file_too_large"


async def fetch(hall: Hall, url: str, into: Path, *, most_bytes: int, total_s: float) -> None:
    """Write what is at the URL to a file. Raises UrlRefused, Unreachable and FileTooLarge."""
    with (
        GuardedHttp(hall.guard.within(total_s), at_once=1, ssl_context=_ssl()) as http,
        into.open("wb") as file,
    ):
        try:
            reply = await http.save("GET", url, _ASKS, b"", file, most_bytes)
        except AnswerTooLong:
            raise FileTooLarge(f"The file has more than {most_bytes} bytes.") from None
        except CallFailed as failed:
            raise Unreachable(failed.message) from None
    if 300 <= reply.status < 400:
        raise Unreachable(
            f"The URL answers {reply.status}; redirects are not followed: name the file itself."
        )
    if not reply.succeeded:
        raise Unreachable(f"The URL answers {reply.status}.")


def own_key(hall: Hall, account: Account, url: str, base_url: str) -> str | None:
    """The blob key of a URL that leads to a file of the account on this farm, reached at `base_url`.

    None for a URL that leads elsewhere. Raises UrlRefused for one that leads here and to no such file.
    """
    if not hall.guard.leads_here(url) and place_of(url) != place_of(base_url):
        return None
    path = unquote(urlsplit(url).path)
    begins = [path.find(folder) for folder in _FOLDERS if folder in path]
    key = path[min(begins) + 1 :] if begins else ""
    if not _is_own(hall, account, key):
        raise UrlRefused("The URL leads to this farm, and to no file of this account.")
    return key


def _is_own(hall: Hall, account: Account, key: str) -> bool:
    if not key or "\0" in key:  # no store keeps a NUL, and not every one lets itself be asked for it
        return False
    made = select(artifacts.c.id).where(
        artifacts.c.blob_key == key, artifacts.c.account_id == account.id, kept(hall.clock.now())
    )
    sent = select(assets.c.id).where(
        assets.c.blob_key == key, assets.c.account_id == account.id, assets.c.state == AssetState.READY
    )
    with hall.store.read() as connection:
        return any(connection.execute(query.limit(1)).first() for query in (made, sent))


@cache
def _ssl() -> SSLContext:
    """Made once: reading the trusted certificates takes longer than many a call."""
    return httpx.create_ssl_context()
