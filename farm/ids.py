"""Public ids and fencing tokens, injected so that a simulation repeats exactly."""

import secrets
from typing import Protocol

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"  # Crockford base32: no i, l, o, u to misread
_LENGTH = 22  # 110 random bits: not guessable, so an id leaks nothing about its neighbours


class Ids(Protocol):
    """Makes ids. Public ids are `<prefix>_<22 characters>`."""

    def public(self, prefix: str) -> str:
        """A new public id such as `job_7x…`, unique and not guessable."""
        ...

    def token(self) -> int:
        """A new fencing token: a random positive 63-bit integer."""
        ...


class RandomIds:
    """Ids from the operating system's random source."""

    def public(self, prefix: str) -> str:
        return f"{prefix}_{''.join(_ALPHABET[byte & 31] for byte in secrets.token_bytes(_LENGTH))}"

    def token(self) -> int:
        return secrets.randbelow(2**63 - 1) + 1
