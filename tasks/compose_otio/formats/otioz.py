"""OTIOZ: the `.otio` in a zip, as OpenTimelineIO's file bundles have it.

It names its media and holds none: they are the caller's, and were never opened. Fixed times, sorted names and
no compression (whose bytes depend on the library) make it the same file everywhere.
"""

from collections.abc import Iterator, Sequence

from tasks.compose_otio.findings import Finding
from tasks.compose_otio.formats._contract import File, Format, Lost, Source
from tasks.compose_otio.plan import Plan
from tasks.compose_otio.zipped import zipped

_BUNDLE_VERSION = b"1.0.0"
_LOST = Lost("otioz")


def _write(source: Source) -> Sequence[File]:
    content = zipped({"content.otio": source.otio.encode(), "version.txt": _BUNDLE_VERSION})
    return [File("otioz", f"{source.slug}.otioz", "application/zip", content, is_text=False)]


def _losses(_plan: Plan) -> Iterator[Finding]:
    said = "The bundle names its media by their paths and does not hold them."
    yield _LOST(said, "folder", "items", code="media_not_included")


FORMAT = Format("otioz", _write, _losses)
