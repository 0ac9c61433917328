"""Takes a form apart as it comes: its texts, and its files into a folder. No HTTP; everything here blocks."""

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, BinaryIO

from pydantic import JsonValue
from python_multipart.exceptions import MultipartParseError
from python_multipart.multipart import MultipartParser, parse_options_header

from farm.api.picture_size import HEAD_BYTES, picture_size
from farm.api.uploads import LONGEST_NAME
from farm.errors import AssetUnreadable, BadRequest, TooLarge
from farm.media_types import CONTENT_TYPES, check_size, content_type_of, describe_foreign, extension_of, sniff
from farm.timeline import MediaKind

if TYPE_CHECKING:  # the package has it for type checkers only
    from python_multipart.multipart import MultipartCallbacks

MORE_PARTS = 40  # than files
TEXT_BYTES = 128 * 1024  # of all texts together
_PLAIN = re.compile(r"[\w.() -]+")
_A = {MediaKind.IMAGE: "a picture", MediaKind.AUDIO: "a sound", MediaKind.VIDEO: "a video"}
_USUAL = {MediaKind.IMAGE: "image/jpeg", MediaKind.AUDIO: "audio/mpeg", MediaKind.VIDEO: "video/mp4"}


@dataclass(frozen=True, slots=True)
class FileRule:
    """What files of one field may be: of these families, at most so many, each of at most so many bytes."""

    kinds: Sequence[MediaKind]
    max_bytes: int
    most: int = 1


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


@dataclass(frozen=True, slots=True)
class Form:
    """The call's body: texts and files by their fields, each in its order."""

    texts: Mapping[str, tuple[str, ...]]
    files: Mapping[str, tuple[SentFile, ...]]

    def text(self, name: str) -> str | None:
        """A field's text. Raises BadRequest when it came more than once."""
        found = self.texts.get(name, ())
        if len(found) > 1:
            raise BadRequest(f"{name}: came {len(found)} times.", param=name)
        return found[0] if found else None

    @property
    def told(self) -> JsonValue:
        """What makes two calls the same: the texts, and the files by name and content."""
        texts: dict[str, JsonValue] = {name: list(found) for name, found in self.texts.items()}
        files: dict[str, JsonValue] = {
            name: [[file.file_name, file.sha256] for file in found] for name, found in self.files.items()
        }
        return [texts, files]


@dataclass(slots=True)
class _Part:
    """One part as it comes in."""

    header: dict[str, str] = field(default_factory=dict)
    name: str = ""
    file_name: str | None = None
    size_bytes: int = 0
    text: bytearray = field(default_factory=bytearray)
    path: Path = Path()
    open_file: BinaryIO | None = None
    digest: "hashlib._Hash" = field(default_factory=hashlib.sha256)


class FormReader:
    """One form, fed piece by piece."""

    def __init__(self, boundary: bytes, folder: Path, rules: Mapping[str, FileRule]) -> None:
        self._folder = folder
        self._rules = rules
        self._part = _Part()
        self._field, self._value = bytearray(), bytearray()
        self._parts, self._text_bytes = 0, 0
        self._texts: dict[str, list[str]] = {}
        self._files: dict[str, list[SentFile]] = {name: [] for name in rules}
        self._is_whole = False
        self._parser = MultipartParser(boundary, self._callbacks())

    def feed(self, chunk: bytes) -> None:
        """The next piece of the body. Raises BadRequest for what is no form, and for what it may not have."""
        try:
            self._parser.write(chunk)
        except MultipartParseError as error:
            raise BadRequest(f"The form cannot be read: {error}.", code="broken_form") from None

    def form(self) -> Form:
        """All of it, once the last byte was fed."""
        self._parser.finalize()
        if not self._is_whole:
            raise BadRequest("The form ends before its last boundary.", code="body_incomplete")
        texts = {name: tuple(found) for name, found in self._texts.items()}
        return Form(texts, {name: tuple(found) for name, found in self._files.items()})

    def close(self) -> None:
        """Let go of a file that broke off."""
        if self._part.open_file is not None:
            self._part.open_file.close()

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
        if self._parts > sum(rule.most for rule in self._rules.values()) + MORE_PARTS:
            raise BadRequest(f"The form has more than {self._parts - 1} parts.")
        self._part = _Part()

    def _header(self) -> None:
        self._part.header[self._field.decode("latin-1").lower()] = self._value.decode("latin-1")
        self._field.clear()
        self._value.clear()

    def _open(self) -> None:
        part = self._part
        _, options = parse_options_header(part.header.get("content-disposition", ""))
        part.name = options.get(b"name", b"").decode("utf-8", "replace").removesuffix("[]")
        given = options.get(b"filename")
        if given is None:
            return
        part.file_name = given.decode("utf-8", "replace")
        rule = self._rules.get(part.name)
        if rule is None:
            known = ", ".join(self._rules)
            raise BadRequest(
                f"There is no file field {part.name[:64]!r}; known: {known}.", param=part.name[:64]
            )
        if len(self._files[part.name]) >= rule.most:
            raise BadRequest(f"{part.name}: at most {rule.most} may be sent.", param=part.name)
        part.path = self._folder / str(self._parts)
        part.open_file = part.path.open("xb")

    def _take(self, data: bytes, start: int, end: int) -> None:
        part = self._part
        part.size_bytes += end - start
        if part.open_file is None:
            self._text_bytes += end - start
            if self._text_bytes > TEXT_BYTES:
                raise TooLarge(f"The form's texts have more than {TEXT_BYTES} bytes.", param=part.name[:64])
            part.text += data[start:end]
            return
        most = self._rules[part.name].max_bytes
        if part.size_bytes > most:
            raise TooLarge(
                f"{part.name}: has more than {most} bytes.", param=part.name, code="file_too_large"
            )
        part.digest.update(data[start:end])
        part.open_file.write(data[start:end])

    def _close(self) -> None:
        part = self._part
        if part.open_file is not None:
            part.open_file.close()
            if part.size_bytes or part.file_name:  # browsers send an empty one for a file that was not chosen
                self._files[part.name].append(_sent(part, self._rules[part.name], self._parts))
            return
        if part.name in self._rules:
            raise BadRequest(f"{part.name}: send it as a file, with its name.", param=part.name)
        self._texts.setdefault(part.name, []).append(_text(part))

    def _finish(self) -> None:
        self._is_whole = True


def _text(part: _Part) -> str:
    try:
        text = part.text.decode()
    except UnicodeDecodeError:
        raise BadRequest(f"{part.name[:64]}: is not UTF-8.", param=part.name[:64]) from None
    if "\0" in text or "\0" in part.name:
        raise BadRequest(f"{part.name[:64]!r} holds a NUL.", param=part.name[:64].replace("\0", ""))
    return text


def _sent(part: _Part, rule: FileRule, number: int) -> SentFile:
    """The file, checked by its own bytes. Raises BadRequest `unsupported_media`."""
    with part.path.open("rb") as file:
        head = file.read(HEAD_BYTES)
    found = sniff(head)
    kind = next((one for one in rule.kinds if found is not None and one in found.kinds), None)
    if found is None or kind is None:
        label = found.label if found else describe_foreign(head)
        wanted = " or ".join(_A[one] for one in rule.kinds)
        raise BadRequest(
            f"{part.name}: is {label}; {wanted} is wanted.", param=part.name, code="unsupported_media"
        )
    try:
        check_size(part.name, found.width, found.height)
    except AssetUnreadable as error:
        raise AssetUnreadable(error.message, param=part.name) from None
    width, height = picture_size(head) or (None, None)
    content_type = _type_of(part, kind, found.container)
    name = _name_of(part, number, content_type)
    return SentFile(part.path, name, content_type, part.size_bytes, part.digest.hexdigest(), width, height)


def _type_of(part: _Part, kind: MediaKind, container: str) -> str:
    """The declared type where it is of the family, else what name or bytes suggest."""
    said = part.header.get("content-type", "").partition(";")[0].strip().lower()
    likely = (content_type_of(f"x.{container}"), said, content_type_of(part.file_name or ""))
    return next((name for name in likely if name and CONTENT_TYPES.get(name) is kind), _USUAL[kind])


def _name_of(part: _Part, number: int, content_type: str) -> str:
    """The file's own name without its folders; a plain one where no listing should show it."""
    name = PurePosixPath((part.file_name or "").replace("\\", "/")).name.strip()[-LONGEST_NAME:].strip()
    plain = name.strip(".") and _PLAIN.fullmatch(name)
    return name if plain else f"{part.name}-{number}{extension_of(content_type)}"
