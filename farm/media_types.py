"""What may be uploaded, and what the first bytes of a file say it really is.

Pure: the standard library only, no media library, so that the API can refuse a bad upload before any
worker opens it. Nothing here decodes anything: sizes are read from headers and may lie.
"""

from collections.abc import Mapping
from pathlib import PurePath
from types import MappingProxyType

from farm.errors import AssetUnreadable, BadRequest
from farm.sniffing import HEAD_BYTES, Sniffed, describe_foreign, sniff
from farm.timeline import MediaKind

__all__ = [
    "CONTENT_TYPES",
    "HEAD_BYTES",
    "MAX_PIXELS",
    "MAX_SIDE_PX",
    "Sniffed",
    "check_size",
    "check_upload",
    "content_type_of",
    "describe_foreign",
    "extension_of",
    "kind_of",
    "sniff",
]

MAX_SIDE_PX = 16_384
MAX_PIXELS = 100_000_000

_IMAGE, _VIDEO, _AUDIO = MediaKind.IMAGE, MediaKind.VIDEO, MediaKind.AUDIO

_ALLOWED = {
    "image/jpeg": (_IMAGE, ".jpg"),
    "image/png": (_IMAGE, ".png"),
    "image/gif": (_IMAGE, ".gif"),
    "image/webp": (_IMAGE, ".webp"),
    "image/svg+xml": (_IMAGE, ".svg"),
    "image/heic": (_IMAGE, ".heic"),
    "image/heif": (_IMAGE, ".heif"),
    "video/mp4": (_VIDEO, ".mp4"),
    "video/mpeg": (_VIDEO, ".mpg"),
    "video/quicktime": (_VIDEO, ".mov"),
    "video/x-msvideo": (_VIDEO, ".avi"),
    "video/webm": (_VIDEO, ".webm"),
    "video/x-matroska": (_VIDEO, ".mkv"),
    "audio/mpeg": (_AUDIO, ".mp3"),
    "audio/mp3": (_AUDIO, ".mp3"),
    "audio/mp4": (_AUDIO, ".m4a"),
    "audio/m4a": (_AUDIO, ".m4a"),
    "audio/x-m4a": (_AUDIO, ".m4a"),
    "audio/wav": (_AUDIO, ".wav"),
    "audio/x-wav": (_AUDIO, ".wav"),
    "audio/webm": (_AUDIO, ".weba"),
    "audio/ogg": (_AUDIO, ".ogg"),
    "audio/aac": (_AUDIO, ".aac"),
}
CONTENT_TYPES: Mapping[str, MediaKind] = MappingProxyType(
    {name: kind for name, (kind, _) in _ALLOWED.items()}
)
"""Every content type an upload may have, and the family it belongs to."""

_BY_EXTENSION = {
    **{extension: name for name, (_, extension) in reversed(_ALLOWED.items())},
    ".jpeg": "image/jpeg",
    ".jpe": "image/jpeg",
    ".jfif": "image/jpeg",
    ".hif": "image/heif",
    ".m4v": "video/mp4",
    ".3gp": "video/mp4",
    ".mpeg": "video/mpeg",
    ".m2v": "video/mpeg",
    ".ts": "video/mpeg",
    ".m2ts": "video/mpeg",
    ".mts": "video/mpeg",
    ".qt": "video/quicktime",
    ".m4b": "audio/mp4",
    ".oga": "audio/ogg",
    ".opus": "audio/ogg",
}


def kind_of(content_type: str) -> MediaKind:
    """The family of an allowed content type. Raises BadRequest for any other."""
    kind = CONTENT_TYPES.get(content_type)
    if kind is None:
        raise BadRequest(f"content type {content_type!r} is not accepted", param="contentType")
    return kind


def extension_of(content_type: str) -> str:
    """The usual file extension with its dot, e.g. ".jpg". Raises BadRequest for an unknown type."""
    kind_of(content_type)
    return _ALLOWED[content_type][1]


def content_type_of(file_name: str) -> str | None:
    """The content type a file name suggests, or None when its extension is none of ours."""
    return _BY_EXTENSION.get(PurePath(file_name).suffix.lower())


def check_upload(file_name: str, content_type: str, head: bytes) -> None:
    """Hold the first bytes of an upload (`HEAD_BYTES` suffice) against its declared content type.

    The family must match, not the format: a PNG sent as image/jpeg is read as what it is. Raises
    BadRequest for a content type that is not accepted, AssetUnreadable for everything about the bytes.
    """
    kind = kind_of(content_type)
    found = sniff(head)
    if found is None:
        raise AssetUnreadable(f"{file_name} is {describe_foreign(head)}, not {content_type}")
    if kind not in found.kinds:
        raise AssetUnreadable(f"{file_name} is {found.label}, not {content_type}")
    check_size(file_name, found.width, found.height)


def check_size(file_name: str, width: int | None, height: int | None) -> None:
    """Raise AssetUnreadable for a picture of more than MAX_SIDE_PX a side or MAX_PIXELS in all."""
    if width is None or height is None:
        return
    if width < 1 or height < 1:
        raise AssetUnreadable(f"{file_name} is a picture of {width} × {height} pixels")  # noqa: RUF001 a true times sign
    if max(width, height) > MAX_SIDE_PX or width * height > MAX_PIXELS:
        raise AssetUnreadable(
            f"{file_name} is a picture of {width} × {height} pixels;"  # noqa: RUF001 a true times sign
            f" at most {MAX_SIDE_PX} a side and {MAX_PIXELS // 1_000_000} megapixels are accepted"
        )
