"""Checks a declared upload and hands out its URL: the same on every surface."""

import unicodedata
from collections.abc import Mapping

from farm.api.desk import Desk
from farm.asset import Asset, NewAsset
from farm.errors import BadRequest, TooLarge
from farm.media_types import CONTENT_TYPES

LONGEST_NAME = 255
_TURNS_TEXT = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")  # hide what a name ends in


def declared(
    desk: Desk, file_name: str, content_type: str, size_bytes: int, meta: Mapping[str, float | None]
) -> NewAsset:
    """The declaration, checked. Raises BadRequest or TooLarge; `param` is our name of the field."""
    _check_name(file_name)
    if content_type not in CONTENT_TYPES:
        raise BadRequest(
            f"Content type {content_type!r} is not accepted; these are: {', '.join(CONTENT_TYPES)}.",
            param="content_type",
        )
    limit = desk.hall.catalog.limits.upload_max_bytes
    if size_bytes > limit:
        raise TooLarge(f"{file_name} has {size_bytes} bytes; at most {limit} are taken.", param="size_bytes")
    known = {name: value for name, value in meta.items() if value is not None}
    return NewAsset(file_name=file_name, content_type=content_type, size_bytes=size_bytes, meta=known)


def upload_url(desk: Desk, asset: Asset, base_url: str) -> str:
    """The URL that takes exactly this asset's bytes by PUT, for `limits.upload_url_s` seconds."""
    return desk.blobs.upload_url(
        asset.blob_key,
        content_type=asset.content_type,
        size_bytes=asset.size_bytes,
        expires_s=desk.hall.catalog.limits.upload_url_s,
        base_url=base_url,
        file_name=asset.file_name,
    )


def _check_name(name: str) -> None:
    """A name, not a path; nothing in it that a terminal or a listing would obey."""
    if len(name) > LONGEST_NAME or name in {"", ".", ".."} or name != name.strip():
        raise BadRequest(
            f"A file name has 1 to {LONGEST_NAME} characters and no space at its ends.", param="file_name"
        )
    if any(c in "/\\" or c in _TURNS_TEXT or unicodedata.category(c) in {"Cc", "Zl", "Zp"} for c in name):
        raise BadRequest("A file name has no path and no control characters.", param="file_name")
