"""Calls that need no key: a shared link, the public gallery, a file by its token. Counted by address."""

from hashlib import blake2b
from typing import Annotated

from fastapi import Depends, Request

from farm.account import Account
from farm.api.auth import caller_of
from farm.api.desk import desk_of
from farm.errors import NotFound

_RATE, _KEYED_RATE = "public", "generation_status"
_NOBODY = "?"


def _visit(request: Request) -> Account | None:
    """Whose key came along, if one did. Raises NotSignedIn for a wrong one, and RateLimited."""
    if any("\0" in part for part in (request.url.path, request.scope["path"])):
        raise NotFound("There is nothing at this path.")
    desk = desk_of(request)
    if "authorization" not in request.headers and "x-api-key" not in request.headers:
        request.state.allowance = desk.limits.take(_RATE, _number(request))
        return None
    caller = caller_of(desk.hall, request.headers)
    request.state.allowance = desk.limits.take(
        _KEYED_RATE, caller.key_id, tier=caller.account.tier, key_prefix=caller.key_prefix
    )
    return caller.account


def _number(request: Request) -> int:
    """An address as the number that it is counted by."""
    host = request.client.host if request.client else _NOBODY
    return int.from_bytes(blake2b(host.encode(), digest_size=7).digest())


Visitor = Annotated[Account | None, Depends(_visit)]
