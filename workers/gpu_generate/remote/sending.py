"""How pictures, sounds and films go to a service: as data URLs, or as parts of a form. Nothing else.

A picture leaves upright, as PNG or JPEG, without its metadata (where it was taken, with what).
"""

from base64 import b64encode
from collections.abc import Mapping, Sequence
from io import BytesIO
from pathlib import Path
from typing import Self

import httpx
from PIL import Image, ImageOps

from farm.media_types import HEAD_BYTES, sniff
from farm.timeline import MediaKind
from workers.media.stills import open_transparent

_LONGEST_PX = 2048
_QUALITY = 95
_OPAQUE = (255, 255)


class Sendable:
    """A file as it is sent. A `lossless` picture is a PNG in any case; with a `size` it is cut to fill it."""

    def __init__(
        self, path: Path, number: int = 1, *, lossless: bool = False, size: tuple[int, int] | None = None
    ) -> None:
        with path.open("rb") as file:
            found = sniff(file.read(HEAD_BYTES))
        if found is not None and MediaKind.IMAGE in found.kinds:
            self.data, self.content_type = _picture(path, lossless, size)
        else:
            kind = "video" if found is not None and MediaKind.VIDEO in found.kinds else "audio"
            self.data, self.content_type = path.read_bytes(), f"{kind}/{found.container if found else 'wav'}"
        self.name = f"input-{number}{self.suffix}"

    @property
    def suffix(self) -> str:
        """The ending of its name."""
        return f".{self.content_type.rpartition('/')[2]}"

    def named(self, name: str) -> Self:
        """The same file under that name."""
        self.name = name
        return self

    @property
    def url(self) -> str:
        return f"data:{self.content_type};base64,{b64encode(self.data).decode()}"


def form(
    fields: Mapping[str, str], files: Sequence[tuple[str, Sendable]] = ()
) -> tuple[bytes, dict[str, str]]:
    """A multipart/form-data body with its headers."""
    parts = [(name, (file.name, file.data, file.content_type)) for name, file in files]
    plain = [(name, (None, value.encode())) for name, value in fields.items()]
    request = httpx.Request("POST", "http://form.invalid", files=[*plain, *parts])
    return request.read(), {"Content-Type": request.headers["Content-Type"]}


def _picture(path: Path, lossless: bool, size: tuple[int, int] | None) -> tuple[bytes, str]:
    picture = open_transparent(path)
    if size is not None:
        picture = ImageOps.fit(picture, size, Image.Resampling.LANCZOS)
    else:
        picture.thumbnail((_LONGEST_PX, _LONGEST_PX), Image.Resampling.LANCZOS)
    into = BytesIO()
    is_opaque = picture.getchannel("A").getextrema() == _OPAQUE
    if lossless or not is_opaque:
        (picture.convert("RGB") if is_opaque else picture).save(into, "PNG")
        return into.getvalue(), "image/png"
    picture.convert("RGB").save(into, "JPEG", quality=_QUALITY)
    return into.getvalue(), "image/jpeg"
