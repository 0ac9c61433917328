"""Grant: what one signed URL of the folder store allows, and for how long. No I/O, no HTTP framework.

Every field is under the signature; whoever alters one holds a URL that allows nothing.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote, urlencode

from farm.errors import NotAllowed
from farm.secrets import Secrets

PATH = "/farm/v1/blobs"
_PURPOSE = "blob-url"


@dataclass(frozen=True, slots=True)
class Grant:
    """One method on one key until `expires_at`, in Unix seconds. PUT has `size_bytes`.

    `file_name` is what a GET saves under, and what a refused PUT calls the file.
    """

    method: str
    key: str
    content_type: str
    expires_at: int
    size_bytes: int | None = None
    file_name: str | None = None

    def url(self, base_url: str, secrets: Secrets) -> str:
        """The signed URL under the API's public base."""
        query = {"type": self.content_type, "expires": str(self.expires_at)}
        if self.size_bytes is not None:
            query["size"] = str(self.size_bytes)
        if self.file_name is not None:
            query["name"] = self.file_name
        query["signature"] = secrets.sign(_PURPOSE, self._message())
        return f"{base_url.rstrip('/')}{PATH}/{quote(self.key, safe='/')}?{urlencode(query, quote_via=quote)}"

    @classmethod
    def parse(cls, method: str, key: str, query: Mapping[str, str], secrets: Secrets, now: float) -> "Grant":
        """What a call is allowed by its URL. Raises NotAllowed when it is altered, another's, or expired."""
        grant = cls(
            method=method,
            key=key,
            content_type=query.get("type", ""),
            expires_at=_number(query.get("expires")) or 0,
            size_bytes=_number(query.get("size")),
            file_name=query.get("name"),
        )
        if not secrets.signed(_PURPOSE, grant._message(), query.get("signature", "")):
            raise NotAllowed("This URL does not allow this call.", param="signature", code="url_not_signed")
        if now >= grant.expires_at:
            raise NotAllowed("This URL has expired; ask for a new one.", param="expires", code="url_expired")
        return grant

    def _message(self) -> str:
        fields = [self.method, self.key, self.content_type, self.expires_at, self.size_bytes, self.file_name]
        return json.dumps(fields)


def _number(text: str | None) -> int | None:
    return int(text) if text and text.isascii() and text.isdigit() and len(text) <= 15 else None
