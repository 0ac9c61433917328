"""Who is calling: an API key as `Authorization: Bearer …` or as `X-API-Key: …`, on every surface."""

from collections.abc import Mapping

from farm.account import Caller
from farm.doors import accounts
from farm.doors.hall import Hall
from farm.errors import NotAllowed, NotSignedIn

_LONGEST = 200
OWNER_TIER = "local"


def key_in(headers: Mapping[str, str]) -> str:
    """The key a request carries. Raises NotSignedIn when there is none, or two that differ."""
    scheme, _, bearer = headers.get("authorization", "").partition(" ")
    keys = {headers.get("x-api-key", "").strip(), bearer.strip() if scheme.lower() == "bearer" else ""} - {""}
    if not keys:
        raise NotSignedIn("Send your API key as Authorization: Bearer KEY, or as X-API-Key: KEY.")
    if len(keys) > 1:
        raise NotSignedIn("Authorization and X-API-Key carry different keys; send one.")
    return keys.pop()


def caller_of(hall: Hall, headers: Mapping[str, str]) -> Caller:
    """Whose key this is. Raises NotSignedIn."""
    key = key_in(headers)
    if len(key) > _LONGEST:
        raise NotSignedIn("This is not an API key of this farm.")
    return accounts.caller_of(hall, key)


def may_operate(caller: Caller) -> bool:
    """Whether this is an operator's key, or one of the account that `farm up` makes for the farm's owner."""
    return caller.is_operator or caller.account.tier == OWNER_TIER


def require_operator(caller: Caller, deed: str) -> None:
    """Raise NotAllowed unless the caller may operate the farm. `deed` says what was tried."""
    if not may_operate(caller):
        raise NotAllowed(f"Only an operator's key may {deed}.")
