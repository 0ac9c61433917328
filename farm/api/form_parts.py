"""Takes a form apart as it comes, part by part, files into a folder. No HTTP; everything here blocks.

What a form may hold is said by who inherits: `form_reader` refuses at the first fault, the postproduction
surface gathers all of them.
"""

import hashlib
import re
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, BinaryIO

from python_multipart.exceptions import MultipartParseError
from python_multipart.multipart import MultipartParser, parse_options_header

from farm.api.picture_size import HEAD_BYTES, picture_size
from farm.api.uploads import LONGEST_NAME
from farm.errors import BadRequest
from farm.media_types import CONTENT_TYPES, content_type_of, extension_of
from farm.timeline import MediaKind

if TYPE_CHECKING:  # the package has it for type checkers only
    from python_multipart.multipart import MultipartCallbacks

IN_WORDS: Mapping[MediaKind, str] = {
    MediaKind.IMAGE: "a picture",
    MediaKind.AUDIO: "a sound",
    MediaKind.VIDEO: "a video",
}
_USUAL = {MediaKind.IMAGE: "image/jpeg", MediaKind.AUDIO: "audio/mpeg", MediaKind.VIDEO: "video/mp4"}
_PLAIN = re.compile(r"[\w.() -]+")


@dataclass(frozen=True, slots=True)
class SentFile:
    """A file of the call, where it lies while the call is answered. Sizes of pictures as far as told."""

    path: Path
    file_name: str
    content_type: str
    size_bytes: int
    sha256: str
    width: int | None = None
    height: int | None = None


@dataclass(slots=True)
class Part:
    """One part as it comes in. `size_bytes` counts what was not kept too."""

    header: dict[str, str] = field(default_factory=dict)
    name: str = ""
    file_name: str | None = None
    size_bytes: int = 0
    text: bytearray = field(default_factory=bytearray)
    path: Path = Path()
    open_file: BinaryIO | None = None
    digest: "hashlib._Hash" = field(default_factory=hashlib.sha256)

    def keep(self, data: bytes) -> None:
        """The next bytes of its content."""
        if self.open_file is None:
            self.text += data
        else:
            self.digest.update(data)
            self.open_file.write(data)

    def head(self) -> bytes:
        """The file's first bytes, as many as tell what it is."""
        with self.path.open("rb") as file:
            return file.read(HEAD_BYTES)

    def sent(self, kind: MediaKind, container: str, number: int) -> SentFile:
        """The file, found to be a `container` of this family. `number` names it where its own name cannot."""
        width, height = picture_size(self.head()) or (None, None)
        content_type = self._type(kind, container)
        name = self._plain_name() or f"{self.name}-{number}{extension_of(content_type)}"
        return SentFile(
            self.path, name, content_type, self.size_bytes, self.digest.hexdigest(), width, height
        )

    def _type(self, kind: MediaKind, container: str) -> str:
        """What the bytes are, where that is of the family; else the type declared, or the name's."""
        said = self.header.get("content-type", "").partition(";")[0].strip().lower()
        likely = (content_type_of(f"x.{container}"), said, content_type_of(self.file_name or ""))
        return next((name for name in likely if name and CONTENT_TYPES.get(name) is kind), _USUAL[kind])

    def _plain_name(self) -> str | None:
        """The file's own name without its folders; None where no listing should show it."""
        name = PurePosixPath((self.file_name or "").replace("\\", "/")).name.strip()[-LONGEST_NAME:].strip()
        return name if name.strip(".") and _PLAIN.fullmatch(name) else None


class PartsReader(ABC):
    """One form of at most so many parts, fed piece by piece. `param`: the field named when there are more."""

    def __init__(self, boundary: bytes, folder: Path, most_parts: int, param: str | None = None) -> None:
        self._folder = folder
        self._most_parts, self._param = most_parts, param
        self._part = Part()
        self._parts = 0
        self._field, self._value = bytearray(), bytearray()
        self._is_whole = False
        self._parser = MultipartParser(boundary, self._callbacks())

    def feed(self, chunk: bytes) -> None:
        """The next piece of the body. Raises BadRequest for what is no form, and for what it may not have."""
        try:
            self._parser.write(chunk)
        except MultipartParseError as error:
            raise BadRequest(f"The form cannot be read: {error}.", code="broken_form") from None

    def close(self) -> None:
        """Let go of a file that broke off."""
        if self._part.open_file is not None:
            self._part.open_file.close()

    @abstractmethod
    def _is_file(self, part: Part) -> bool:
        """Whether the part, of which the headers are there, goes into the folder."""

    @abstractmethod
    def _is_kept(self, part: Part) -> bool:
        """Whether the piece that is counted in its size already is to be kept."""

    @abstractmethod
    def _ended(self, part: Part) -> None:
        """All of the part is there, its file closed."""

    def _require_whole(self) -> None:
        """Once the last byte was fed: raise BadRequest when some are missing."""
        self._parser.finalize()
        if not self._is_whole:
            raise BadRequest("The form ends before its last boundary.", code="body_incomplete")

    def _callbacks(self) -> "MultipartCallbacks":
        return {
            "on_part_begin": self._begin,
            "on_header_field": lambda data, start, end: self._field.extend(data[start:end]),
            "on_header_value": lambda data, start, end: self._value.extend(data[start:end]),
            "on_header_end": self._header,
            "on_headers_finished": self._open,
            "on_part_data": self._take,
            "on_part_end": self._close,
            "on_end": self._finish,
        }

    def _begin(self) -> None:
        self._parts += 1
        if self._parts > self._most_parts:
            raise BadRequest(f"The form has more than {self._most_parts} parts.", param=self._param)
        self._part = Part()

    def _header(self) -> None:
        self._part.header[self._field.decode("latin-1").lower()] = self._value.decode("latin-1")
        self._field.clear()
        self._value.clear()

    def _open(self) -> None:
        part = self._part
        _, options = parse_options_header(part.header.get("content-disposition", ""))
        part.name = options.get(b"name", b"").decode("utf-8", "replace").removesuffix("[]")
        given = options.get(b"filename")
        part.file_name = None if given is None else given.decode("utf-8", "replace")
        if self._is_file(part):
            part.path = self._folder / str(self._parts)
            part.open_file = part.path.open("xb")

    def _take(self, data: bytes, start: int, end: int) -> None:
        self._part.size_bytes += end - start
        if self._is_kept(self._part):
            self._part.keep(data[start:end])

    def _close(self) -> None:
        self.close()
        self._ended(self._part)

    def _finish(self) -> None:
        self._is_whole = True
