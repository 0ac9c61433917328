"""API keys, signatures and encryption, all under the one FARM_SECRET_KEY.

A key reads `farm_live_<8 id>_<32 random>`. The store keeps its prefix, an HMAC to compare with, and an
encrypted copy that is used only to sign webhooks as the generation API's document asks.
"""

import hashlib
import hmac
import os
import secrets
from base64 import b64encode, urlsafe_b64encode
from dataclasses import dataclass, field
from pathlib import Path

from cryptography.fernet import Fernet, InvalidToken

from farm.errors import FarmUnavailable
from farm.settings import Settings

_ALPHABET = "0123456789abcdefghijkmnpqrstuvwxyz"
_MINIMUM = 32


@dataclass(frozen=True, slots=True)
class NewKey:
    """A key at the one moment it is known whole."""

    text: str = field(repr=False)
    prefix: str
    mac: str
    sealed: str


class Secrets:
    """Everything derived from the farm's secret key; each use has its own derived key."""

    def __init__(self, secret_key: str) -> None:
        if len(secret_key) < _MINIMUM:
            raise FarmUnavailable(
                f"FARM_SECRET_KEY is shorter than {_MINIMUM} characters.", param="FARM_SECRET_KEY"
            )
        self._root = secret_key.encode()
        self._fernet = Fernet(urlsafe_b64encode(self._derive("seal")))

    @classmethod
    def of(cls, settings: Settings) -> "Secrets":
        """From FARM_SECRET_KEY, else from a file under FARM_HOME that is made on first use."""
        if settings.secret_key is not None:
            return cls(settings.secret_key.get_secret_value())
        return cls(_key_file(settings.root / "secret.key"))

    def new_key(self) -> NewKey:
        """Make an API key. Its text is never stored in the clear."""
        prefix = f"farm_live_{_random(8)}"
        text = f"{prefix}_{_random(32)}"
        return NewKey(text=text, prefix=prefix, mac=self.mac(text), sealed=self.seal(text))

    def mac(self, text: str) -> str:
        """The HMAC an API key is compared by."""
        return hmac.new(self._derive("api-key"), text.encode(), hashlib.sha256).hexdigest()

    @staticmethod
    def equal(one: str, other: str) -> bool:
        """Compare in constant time."""
        return hmac.compare_digest(one.encode(), other.encode())

    def sign(self, purpose: str, message: str) -> str:
        """A URL-safe signature over `message`, valid for one purpose only."""
        digest = hmac.new(self._derive(purpose), message.encode(), hashlib.sha256).digest()
        return urlsafe_b64encode(digest).rstrip(b"=").decode()

    def signed(self, purpose: str, message: str, signature: str) -> bool:
        """Whether `signature` is ours, compared in constant time."""
        return self.equal(self.sign(purpose, message), signature)

    def seal(self, text: str) -> str:
        """Encrypt for storage."""
        return self._fernet.encrypt(text.encode()).decode()

    def webhook_secret(self, key_prefix: str) -> str:
        """The `whsec_…` secret that signs what goes to the webhook_url of an API key's jobs."""
        return f"whsec_{b64encode(self._derive(f'webhook:{key_prefix}')).decode()}"

    def unseal(self, sealed: str) -> str:
        """Decrypt. Raises FarmUnavailable when it was sealed under another secret key."""
        try:
            return self._fernet.decrypt(sealed.encode()).decode()
        except InvalidToken:
            raise FarmUnavailable(
                "FARM_SECRET_KEY is not the one this farm's data was written under."
            ) from None

    def _derive(self, purpose: str) -> bytes:
        return hmac.new(self._root, f"kinefarm:{purpose}".encode(), hashlib.sha256).digest()


def key_prefix(text: str) -> str:
    """The public part of a key as a caller sent it; whatever else they sent finds nothing."""
    return text.rsplit("_", 1)[0]


def _random(length: int) -> str:
    return "".join(secrets.choice(_ALPHABET) for _ in range(length))


def _key_file(path: Path) -> str:
    """Read the key, or make it: written whole under another name first, so two starters agree on one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists():
        draft = path.with_name(f"{path.name}.{secrets.token_hex(8)}")
        draft.touch(mode=0o600)
        draft.write_text(secrets.token_urlsafe(48))
        try:
            os.link(draft, path)
        except FileExistsError:
            pass
        finally:
            draft.unlink()
    return path.read_text().strip()
