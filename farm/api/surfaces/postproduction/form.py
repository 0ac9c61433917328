"""Takes a form with files apart as it comes: what it holds, and everything that is wrong with it. No HTTP.

Files go to a folder as they come; what is beyond a bound is counted and not kept.
"""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, BinaryIO

from pydantic import JsonValue
from python_multipart.exceptions import MultipartParseError
from python_multipart.multipart import MultipartParser, parse_options_header

from farm.api.body import parse_json
from farm.api.uploads import LONGEST_NAME
from farm.errors import BadRequest, FarmError
from farm.media_types import CONTENT_TYPES, HEAD_BYTES, check_size, content_type_of, describe_foreign, sniff
from farm.timeline import MediaKind
from tasks.compose_otio.findings import Finding, pointer

if TYPE_CHECKING:  # the package has it for type checkers only
    from python_multipart.multipart import MultipartCallbacks

METADATA = "metadata"
FILE_TOO_LARGE, FILES_TOO_LARGE = "file_too_large", "files_too_large"
MORE_PARTS = 8  # than files, before a call is refused as a whole
_PLAIN = re.compile(r"[\w.() -]+")


@dataclass(frozen=True, slots=True)
class FileRules:
    """What files a call may bring: `most` of form field `name`, of one family, within these bytes."""

    name: str
    kind: MediaKind
    most: int
    file_bytes: int
    total_bytes: int


@dataclass(frozen=True, slots=True)
class SentFile:
    """A file of the call, where it lies while the call is answered."""

    path: Path
    file_name: str
    content_type: str
    size_bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Sent:
    """The call's body. `files`: the good ones, in their order. `metadata` None: there is none."""

    metadata: JsonValue
    files: Sequence[SentFile]
    faults: Sequence[Finding]

    @property
    def told(self) -> JsonValue:
        """What makes two calls the same: what was said, and the files by name and content."""
        return [self.metadata, [[file.file_name, file.sha256] for file in self.files]]


def is_too_large(faults: Sequence[Finding]) -> bool:
    """Whether any of this is about bytes: then the answer is 413."""
    return any(fault.code in (FILE_TOO_LARGE, FILES_TOO_LARGE) for fault in faults)


@dataclass(slots=True)
class _Part:
    """One part as it comes in. What goes beyond its bounds is counted and not kept."""

    header: dict[str, str] = field(default_factory=dict)
    name: str = ""
    file_name: str | None = None
    size_bytes: int = 0
    most: int = 0
    text: bytearray = field(default_factory=bytearray)
    path: Path | None = None
    open_file: BinaryIO | None = None
    digest: "hashlib._Hash" = field(default_factory=hashlib.sha256)


class FormReader:
    """Takes a form apart as it comes."""

    def __init__(self, boundary: bytes, folder: Path, rules: FileRules, metadata_bytes: int) -> None:
        self._folder = folder
        self._rules = rules
        self._metadata_bytes = metadata_bytes
        self._part = _Part()
        self._field, self._value = bytearray(), bytearray()
        self._parts = 0
        self._texts: dict[str, bytes] = {}
        self._files: list[_Part] = []
        self._faults: list[Finding] = []
        self._is_whole = False
        self._parser = MultipartParser(boundary, self._callbacks())

    def feed(self, chunk: bytes) -> None:
        """The next piece of the body. Raises BadRequest for what is no form. Blocks."""
        try:
            self._parser.write(chunk)
        except MultipartParseError as error:
            raise BadRequest(f"The form cannot be read: {error}.", code="broken_form") from None

    def sent(self) -> Sent:
        """All of it, once the last byte was fed. Raises BadRequest when some are missing."""
        self._parser.finalize()
        if not self._is_whole:
            raise BadRequest("The form ends before its last boundary.", code="body_incomplete")
        files = list(self._good_files())
        metadata = self._metadata()
        return Sent(metadata, files, tuple(self._faults))

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
        if self._parts > self._rules.most + MORE_PARTS:
            raise BadRequest(f"The form has more than {self._parts - 1} parts.", param=self._rules.name)
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
        part.file_name = None if given is None else given.decode("utf-8", "replace")
        part.most = self._metadata_bytes if part.name == METADATA else self._rules.file_bytes
        if part.name == self._rules.name and part.file_name is not None:
            part.path = self._folder / str(self._parts)
            part.open_file = part.path.open("xb")

    def _take(self, data: bytes, start: int, end: int) -> None:
        part = self._part
        part.size_bytes += end - start
        if part.size_bytes > part.most:
            return
        if part.open_file is not None:
            part.digest.update(data[start:end])
            part.open_file.write(data[start:end])
        elif part.name == METADATA:
            part.text += data[start:end]

    def _close(self) -> None:
        part = self._part
        if part.open_file is not None:
            part.open_file.close()
            self._files.append(part)
        elif part.name == METADATA:
            self._take_text(part)
        elif part.name == self._rules.name:
            self._fault("wrong_type", "Send it as a file, with its name.", pointer(part.name))
        else:
            self._fault("unknown_field", "There is no such field.", pointer(part.name))

    def _finish(self) -> None:
        self._is_whole = True

    def _take_text(self, part: _Part) -> None:
        if part.size_bytes > part.most:
            allowed: JsonValue = {"maxBytes": part.most}
            self._fault(FILE_TOO_LARGE, "Is too large.", pointer(METADATA), part.size_bytes, allowed)
        elif METADATA in self._texts:
            self._fault("duplicate_field", "Came twice.", pointer(METADATA))
        self._texts[METADATA] = bytes(part.text)

    def _metadata(self) -> JsonValue:
        raw = self._texts.get(METADATA)
        if raw is None or any(fault.path == f"/{METADATA}" for fault in self._faults):
            return None
        try:
            value: JsonValue = parse_json(raw)
        except FarmError as error:
            self._fault("not_json", error.message, pointer(METADATA))
            return None
        return value

    def _good_files(self) -> Sequence[SentFile]:
        rules, good = self._rules, []
        if not self._files and not any(fault.path == pointer(rules.name) for fault in self._faults):
            self._fault("missing_field", "Is required.", pointer(rules.name))
        if len(self._files) > rules.most:
            message = f"At most {rules.most} may be sent."
            self._fault("too_many_files", message, pointer(rules.name), len(self._files), rules.most)
        total = sum(part.size_bytes for part in self._files)
        if rules.most > 1 and total > rules.total_bytes:
            message = f"All together have {total} bytes; at most {rules.total_bytes} are taken."
            self._fault(FILES_TOO_LARGE, message, pointer(rules.name), total, {"maxBytes": rules.total_bytes})
        for index, part in enumerate(self._files[: rules.most]):
            file = self._file(part, pointer(rules.name, index) if rules.most > 1 else pointer(rules.name))
            if file is not None:
                good.append(file)
        return good

    def _file(self, part: _Part, where: str) -> SentFile | None:
        assert part.path is not None
        if part.size_bytes > part.most:
            message = f"Has {part.size_bytes} bytes; at most {part.most} are taken."
            self._fault(FILE_TOO_LARGE, message, where, part.size_bytes, {"maxBytes": part.most})
            return None
        with part.path.open("rb") as file:
            head = file.read(HEAD_BYTES)
        kind, found = self._rules.kind, sniff(head)
        if found is None or kind not in found.kinds:
            label = describe_foreign(head) if found is None else found.label
            message = f"Is {label}; {_A[kind]} is wanted."
            self._fault("unsupported_media", message, where, label, kind.value)
            return None
        try:
            check_size(part.file_name or part.name, found.width, found.height)
        except FarmError as error:
            self._fault("unsupported_media", f"{error.message}.", where)
            return None
        content_type = _type_of(part, kind, found.container)
        name = _name_of(part, self._files.index(part) + 1, found.container)
        return SentFile(part.path, name, content_type, part.size_bytes, part.digest.hexdigest())

    def _fault(
        self, code: str, message: str, path: str, got: JsonValue = None, allowed: JsonValue = None
    ) -> None:
        self._faults.append(Finding(code=code, message=message, path=path, got=got, allowed=allowed))


_A = {MediaKind.IMAGE: "a picture", MediaKind.AUDIO: "a sound", MediaKind.VIDEO: "a clip"}
_USUAL = {MediaKind.IMAGE: "image/jpeg", MediaKind.AUDIO: "audio/mpeg", MediaKind.VIDEO: "video/mp4"}


def _type_of(part: _Part, kind: MediaKind, container: str) -> str:
    """The declared type where it is of the family, else what name or bytes suggest."""
    said = part.header.get("content-type", "").partition(";")[0].strip().lower()
    likely = (said, content_type_of(part.file_name or ""), content_type_of(f"x.{container}"))
    return next((name for name in likely if name and CONTENT_TYPES.get(name) is kind), _USUAL[kind])


def _name_of(part: _Part, number: int, container: str) -> str:
    """The file's own name without its folders; a plain one where no listing should show it."""
    name = PurePosixPath((part.file_name or "").replace("\\", "/")).name.strip()[-LONGEST_NAME:].strip()
    return name if name.strip(".") and _PLAIN.fullmatch(name) else f"{part.name}-{number}.{container}"
