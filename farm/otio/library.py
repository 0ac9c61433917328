"""The media that an `.otio` names: the farm's own list where it wrote one, else what its references say."""

from collections.abc import Mapping
from pathlib import PureWindowsPath
from urllib.parse import unquote, urlsplit

from pydantic import ValidationError

from farm.media_types import CONTENT_TYPES, content_type_of
from farm.otio.checked import Clock, Node, Span, fraction
from farm.timeline import Media, MediaKind


class Library:
    """Every medium met so far, by id. A foreign medium's id is its path as the file has it."""

    def __init__(self, told: object) -> None:
        listed = (_listed(item) for item in told) if isinstance(told, list) else ()
        self.media = {medium.id: medium for medium in listed if medium is not None}

    def of(self, clip: Node, clock: Clock) -> tuple[Media | None, Span | None]:
        """A clip's medium, and the range that is said to be there. None, told in a warning, for no file."""
        reference = _reference(clip)
        if reference is None or reference.schema == "MissingReference":
            clip.warn("has no media; it is black or silent")
            return None, None if reference is None else reference.span("available_range", clock)
        available = reference.span("available_range", clock)
        if own := self._own(reference):
            return own, available
        if reference.schema != "ExternalReference":
            clip.warn(f"its {reference.schema or 'media'} is no file; it is black or silent")
            return None, available
        return self._file(reference, available), available

    def _own(self, reference: Node) -> Media | None:
        """The listed medium that it names, unless somebody has linked it to another file since."""
        named = reference.told.get("media")
        medium = self.media.get(named) if isinstance(named, str) else None
        if medium is None:
            return None
        if medium.builtin is not None:
            return medium if reference.value.get("generator_kind") == medium.builtin else None
        return medium if reference.value.get("target_url") == medium.name else None

    def _file(self, reference: Node, available: Span | None) -> Media | None:
        path = _path(reference.text("target_url"))
        name = PureWindowsPath(path).name  # splits at both kinds of slash
        if not name:
            reference.wrong("target_url", "names no file")
            return None
        content_type = content_type_of(name)
        if content_type is None:
            reference.wrong("target_url", f"{name[:200]!r} is no picture, clip or sound that is known")
            return None
        if path not in self.media:
            kind = CONTENT_TYPES[content_type]
            length = None if available is None or kind is MediaKind.IMAGE else available.duration
            self.media[path] = Media(id=path, kind=kind, name=name, duration=length)
        return self.media[path]


def _reference(clip: Node) -> Node | None:
    """The reference in use; `Clip.1` had one, `Clip.2` has several."""
    if clip.value.get("media_references") is None:
        return clip.node("media_reference")
    references = clip.node("media_references")
    return references and references.node(clip.text("active_media_reference_key") or "DEFAULT_MEDIA")


def _path(url: str) -> str:
    """What a `file:` URL, a path or a name of a file says; percent signs are undone in URLs only.

    Such a URL has no query and no fragment: OpenTimelineIO's own URLs leave `#` and `?` of names as they are.
    """
    if not url.lower().startswith("file:"):
        return url
    try:
        return unquote(urlsplit(url.replace("#", "%23").replace("?", "%3F")).path)
    except ValueError:  # brackets that are no address
        return ""


def _listed(item: object) -> Media | None:
    """A medium as the writer lists it; None for anything else."""
    if not isinstance(item, Mapping):
        return None
    fields = {key: item.get(key) for key in ("id", "kind", "name", "builtin")}
    try:
        return Media.model_validate({**fields, "duration": fraction(item.get("duration"))})
    except ValidationError:
        return None
