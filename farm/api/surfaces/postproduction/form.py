"""Takes a form with files apart as it comes: what it holds, and everything that is wrong with it. No HTTP.

Files go to a folder as they come; what is beyond a bound is counted and not kept.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import JsonValue

from farm.api.body import parse_json
from farm.api.form_parts import IN_WORDS, Part, PartsReader, SentFile
from farm.errors import FarmError
from farm.media_types import check_size, describe_foreign, sniff
from farm.timeline import MediaKind
from tasks.compose_otio.findings import Finding, pointer

METADATA = "metadata"
FILE_TOO_LARGE, FILES_TOO_LARGE = "file_too_large", "files_too_large"
MORE_PARTS = 8  # than files, before a call is refused as a whole


@dataclass(frozen=True, slots=True)
class FileRules:
    """What files a call may bring: `most` of form field `name`, of one family, within these bytes."""

    name: str
    kind: MediaKind
    most: int
    file_bytes: int
    total_bytes: int

    @property
    def most_parts(self) -> int:
        """How many parts a form may have before it is refused as a whole."""
        return self.most + MORE_PARTS


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


class FormReader(PartsReader):
    """One form, fed piece by piece. Gathers its faults; what goes beyond a bound is counted and not kept."""

    def __init__(self, boundary: bytes, folder: Path, rules: FileRules, metadata_bytes: int) -> None:
        super().__init__(boundary, folder, rules.most_parts, rules.name)
        self._rules = rules
        self._metadata_bytes = metadata_bytes
        self._texts: dict[str, bytes] = {}
        self._files: list[Part] = []
        self._faults: list[Finding] = []

    def sent(self) -> Sent:
        """All of it, once the last byte was fed. Raises BadRequest when some are missing."""
        self._require_whole()
        files = list(self._good_files())
        metadata = self._metadata()
        return Sent(metadata, files, tuple(self._faults))

    def _is_file(self, part: Part) -> bool:
        return part.name == self._rules.name and part.file_name is not None

    def _is_kept(self, part: Part) -> bool:
        if part.name == METADATA:
            return part.size_bytes <= self._metadata_bytes
        return part.open_file is not None and part.size_bytes <= self._rules.file_bytes

    def _ended(self, part: Part) -> None:
        if part.open_file is not None:
            self._files.append(part)
        elif part.name == METADATA:
            self._take_text(part)
        elif part.name == self._rules.name:
            self._fault("wrong_type", "Send it as a file, with its name.", pointer(part.name))
        else:
            self._fault("unknown_field", "There is no such field.", pointer(part.name))

    def _take_text(self, part: Part) -> None:
        if part.size_bytes > self._metadata_bytes:
            allowed: JsonValue = {"maxBytes": self._metadata_bytes}
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

    def _file(self, part: Part, where: str) -> SentFile | None:
        kind, most = self._rules.kind, self._rules.file_bytes
        if part.size_bytes > most:
            message = f"Has {part.size_bytes} bytes; at most {most} are taken."
            self._fault(FILE_TOO_LARGE, message, where, part.size_bytes, {"maxBytes": most})
            return None
        head = part.head()
        found = sniff(head)
        if found is None or kind not in found.kinds:
            label = describe_foreign(head) if found is None else found.label
            message = f"Is {label}; {IN_WORDS[kind]} is wanted."
            self._fault("unsupported_media", message, where, label, kind.value)
            return None
        try:
            check_size(part.file_name or part.name, found.width, found.height)
        except FarmError as error:
            self._fault("unsupported_media", f"{error.message}.", where)
            return None
        return part.sent(kind, found.container, self._files.index(part) + 1)

    def _fault(
        self, code: str, message: str, path: str, got: JsonValue = None, allowed: JsonValue = None
    ) -> None:
        self._faults.append(Finding(code=code, message=message, path=path, got=got, allowed=allowed))
