"""Reads a form of any texts and files, refusing the first fault by its field. No HTTP; all of it blocks."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import JsonValue

from farm.api.form_parts import IN_WORDS, Part, PartsReader, SentFile
from farm.errors import AssetUnreadable, BadRequest, TooLarge
from farm.media_types import check_size, describe_foreign, sniff
from farm.timeline import MediaKind

MORE_PARTS = 40  # than files
TEXT_BYTES = 128 * 1024  # of all texts together


@dataclass(frozen=True, slots=True)
class FileRule:
    """What files of one field may be: of these families, at most so many, each of at most so many bytes."""

    kinds: Sequence[MediaKind]
    max_bytes: int
    most: int = 1


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


def most_parts(rules: Mapping[str, FileRule]) -> int:
    """How many parts a form may have."""
    return sum(rule.most for rule in rules.values()) + MORE_PARTS


class FormReader(PartsReader):
    """One form, fed piece by piece. Raises BadRequest, or TooLarge, as soon as there is a fault."""

    def __init__(self, boundary: bytes, folder: Path, rules: Mapping[str, FileRule]) -> None:
        super().__init__(boundary, folder, most_parts(rules))
        self._rules = rules
        self._text_bytes = 0  # of the texts that ended
        self._texts: dict[str, list[str]] = {}
        self._files: dict[str, list[SentFile]] = {name: [] for name in rules}

    def form(self) -> Form:
        """All of it, once the last byte was fed."""
        self._require_whole()
        texts = {name: tuple(found) for name, found in self._texts.items()}
        return Form(texts, {name: tuple(found) for name, found in self._files.items()})

    def _is_file(self, part: Part) -> bool:
        if part.file_name is None:
            return False
        rule = self._rules.get(part.name)
        if rule is None:
            known = ", ".join(self._rules)
            raise BadRequest(
                f"There is no file field {part.name[:64]!r}; known: {known}.", param=part.name[:64]
            )
        if len(self._files[part.name]) >= rule.most:
            raise BadRequest(f"{part.name}: at most {rule.most} may be sent.", param=part.name)
        return True

    def _is_kept(self, part: Part) -> bool:
        if part.open_file is None:
            if self._text_bytes + part.size_bytes > TEXT_BYTES:
                raise TooLarge(f"The form's texts have more than {TEXT_BYTES} bytes.", param=part.name[:64])
            return True
        most = self._rules[part.name].max_bytes
        if part.size_bytes > most:
            raise TooLarge(
                f"{part.name}: has more than {most} bytes.", param=part.name, code="file_too_large"
            )
        return True

    def _ended(self, part: Part) -> None:
        if part.open_file is not None:
            if part.size_bytes or part.file_name:  # browsers send an empty one for a file that was not chosen
                self._files[part.name].append(_sent(part, self._rules[part.name], self._parts))
            return
        if part.name in self._rules:
            raise BadRequest(f"{part.name}: send it as a file, with its name.", param=part.name)
        self._text_bytes += part.size_bytes
        self._texts.setdefault(part.name, []).append(_text(part))


def _text(part: Part) -> str:
    try:
        text = part.text.decode()
    except UnicodeDecodeError:
        raise BadRequest(f"{part.name[:64]}: is not UTF-8.", param=part.name[:64]) from None
    if "\0" in text or "\0" in part.name:
        raise BadRequest(f"{part.name[:64]!r} holds a NUL.", param=part.name[:64].replace("\0", ""))
    return text


def _sent(part: Part, rule: FileRule, number: int) -> SentFile:
    """The file, checked by its own bytes. Raises BadRequest `unsupported_media`."""
    head = part.head()
    found = sniff(head)
    kind = next((one for one in rule.kinds if found is not None and one in found.kinds), None)
    if found is None or kind is None:
        label = found.label if found else describe_foreign(head)
        wanted = " or ".join(IN_WORDS[one] for one in rule.kinds)
        raise BadRequest(
            f"{part.name}: is {label}; {wanted} is wanted.", param=part.name, code="unsupported_media"
        )
    try:
        check_size(part.name, found.width, found.height)
    except AssetUnreadable as error:
        raise AssetUnreadable(error.message, param=part.name) from None
    return part.sent(kind, found.container, number)
