"""The names blobs go by: keys inside the store, and the file name a browser saves under. Pure."""

import unicodedata
from urllib.parse import quote

from farm.errors import BadRequest

_SEGMENT_BYTES = 200
_KEY_BYTES = 700  # S3 allows 1024 with the bucket's prefix
_FILE_NAME_CHARACTERS = 150


def check_key(key: str) -> str:
    """The key itself, when every segment is safe as a file name and in a URL. Raises BadRequest."""
    if not all(_is_safe(segment) for segment in key.split("/")) or len(key.encode()) > _KEY_BYTES:
        raise BadRequest(f"{key[:80]!r} is not a blob key.", param="key")
    return key


def attachment(file_name: str) -> str:
    """The Content-Disposition that saves under `file_name` and never shows inline (RFC 6266 and 8187).

    Path separators become `_`; control characters and those that reverse text are dropped.
    """
    name = _harmless(file_name)
    plain = "".join(c if c.isascii() and c not in '"\\%;' else "_" for c in name)
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"


def _is_safe(segment: str) -> bool:
    if segment in {"", ".", ".."} or "\\" in segment:
        return False
    if any(unicodedata.category(c) in {"Cc", "Cs"} for c in segment):  # controls, NUL, lone surrogates
        return False
    return len(segment.encode()) <= _SEGMENT_BYTES


def _harmless(file_name: str) -> str:
    shown = "".join(c for c in file_name if unicodedata.category(c) not in {"Cc", "Cf", "Cs", "Zl", "Zp"})
    name = shown.replace("/", "_").replace("\\", "_").strip(" .")
    stem, dot, suffix = name.rpartition(".")
    if dot and len(suffix) <= 10:
        name = f"{stem[: _FILE_NAME_CHARACTERS - len(suffix) - 1]}.{suffix}"
    return name[:_FILE_NAME_CHARACTERS] or "download"
