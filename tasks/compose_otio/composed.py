"""From a manifest's JSON to its `.otio`: the same bytes for the same manifest, on any machine."""

import json
from fractions import Fraction
from typing import NamedTuple

from farm.otio import as_otio
from farm.timeline import Timeline
from tasks.compose_otio.checks import Limits, checked
from tasks.compose_otio.files import files_of, losses_of, wanted, writing_s
from tasks.compose_otio.findings import Finding
from tasks.compose_otio.formats._contract import File, Source
from tasks.compose_otio.layout import file_stem, timeline_of
from tasks.compose_otio.manifest import Manifest
from tasks.compose_otio.markers import markers_of
from tasks.compose_otio.plan import Plan
from tasks.compose_otio.planned import plan_of
from tasks.compose_otio.targets import tailored
from tasks.compose_otio.warnings import warnings_of


class Composed(NamedTuple):
    """An `.otio`: its text, the timeline that it is, and what a person should know of it and of its files."""

    otio: str
    timeline: Timeline
    file_name: str
    warnings: tuple[Finding, ...]
    manifest: Manifest
    plan: Plan | None  # of the files beside it, where some are asked for

    @property
    def duration_s(self) -> float:
        """How long it lasts, in seconds."""
        return float(self.timeline.duration)

    @property
    def writing_s(self) -> float:
        """How many seconds its files take, where that is long."""
        return 0.0 if self.plan is None else writing_s(self.manifest, self.plan)

    def files(self) -> tuple[File, ...]:
        """The files beside it. Raises BrokenManifest where this machine cannot write one of them."""
        if self.plan is None:
            return ()
        return tuple(files_of(self.manifest, Source(self.plan, self.otio, file_stem(self.manifest))))


def compose(raw: object, limits: Limits = Limits()) -> Composed:  # noqa: B008  # frozen
    """Compose the manifest that this JSON is. Raises BrokenManifest with everything that is wrong with it."""
    return composed(checked(raw, limits))


def composed(manifest: Manifest) -> Composed:
    """Compose a manifest that has been checked. Raises BrokenManifest for a file that cannot be."""
    timeline = timeline_of(manifest)
    document = json.loads(as_otio(timeline))
    document["tracks"]["markers"] = markers_of(manifest, timeline)
    lost = tailored(document, manifest, timeline)
    plan = plan_of(manifest, timeline) if wanted(manifest) else None
    by_files = () if plan is None else losses_of(manifest, plan)
    return Composed(
        otio=json.dumps(document, indent=4, sort_keys=True, ensure_ascii=False, allow_nan=False) + "\n",
        timeline=timeline,
        file_name=f"{file_stem(manifest)}.otio",
        warnings=(*warnings_of(manifest, timeline), *lost, *by_files),
        manifest=manifest,
        plan=plan,
    )


def length_of(manifest: Manifest) -> Fraction:
    """How long the picture is, in exact seconds."""
    return timeline_of(manifest).duration
