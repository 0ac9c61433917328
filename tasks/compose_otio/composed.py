"""From a manifest's JSON to its `.otio`: the same bytes for the same manifest, on any machine."""

import json
import re
import unicodedata
from fractions import Fraction
from typing import NamedTuple

from farm.otio import as_otio
from farm.timeline import Timeline
from tasks.compose_otio.checks import Limits, checked
from tasks.compose_otio.findings import Finding
from tasks.compose_otio.layout import timeline_of
from tasks.compose_otio.manifest import Manifest
from tasks.compose_otio.markers import markers_of
from tasks.compose_otio.targets import tailored
from tasks.compose_otio.warnings import warnings_of

_LONGEST_SLUG = 80


class Composed(NamedTuple):
    """An `.otio`: its text, the timeline that it is, and what a person should know of it."""

    otio: str
    timeline: Timeline
    file_name: str
    warnings: tuple[Finding, ...]

    @property
    def duration_s(self) -> float:
        """How long it lasts, in seconds."""
        return float(self.timeline.duration)


def compose(raw: object, limits: Limits = Limits()) -> Composed:  # noqa: B008  # frozen
    """Compose the manifest that this JSON is. Raises BrokenManifest with everything that is wrong with it."""
    return composed(checked(raw, limits))


def composed(manifest: Manifest) -> Composed:
    """Compose a manifest that has been checked."""
    timeline = timeline_of(manifest)
    document = json.loads(as_otio(timeline))
    document["tracks"]["markers"] = markers_of(manifest, timeline)
    lost = tailored(document, manifest, timeline)
    return Composed(
        otio=json.dumps(document, indent=4, sort_keys=True, ensure_ascii=False, allow_nan=False) + "\n",
        timeline=timeline,
        file_name=f"{_slug(manifest.project.name)}.otio",
        warnings=(*warnings_of(manifest, timeline), *lost),
    )


def length_of(manifest: Manifest) -> Fraction:
    """How long the picture is, in exact seconds."""
    return timeline_of(manifest).duration


def _slug(name: str) -> str:
    """A file name that every system takes: `Forest Morning Cut` is `forest-morning-cut`."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:_LONGEST_SLUG].strip("-") or "timeline"
