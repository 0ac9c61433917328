"""The files beside an `.otio`: which are wanted, what they lose of the timeline, and the files themselves."""

import importlib
from collections.abc import Iterator, Mapping, Sequence

from tasks.compose_otio import formats
from tasks.compose_otio.findings import BrokenManifest, Finding, pointer
from tasks.compose_otio.formats._contract import File, Format, Source
from tasks.compose_otio.manifest import Manifest, Target
from tasks.compose_otio.plan import Plan

# What an editor opens that opens no `.otio`.
OF_TARGETS: Mapping[Target, tuple[str, ...]] = {"fcpx": ("fcpxml",), "avid": ("aaf", "edl")}


def wanted(manifest: Manifest) -> tuple[str, ...]:
    """The names of the formats, each once: the target's own, then those asked for."""
    of_target = OF_TARGETS.get(manifest.output.target_consumer, ())
    return tuple(dict.fromkeys((*of_target, *manifest.output.formats)))


def format_named(name: str) -> Format:
    """The format of one of the names. Nothing of it is imported before somebody asks."""
    declared = importlib.import_module(f"{formats.__name__}.{name}").FORMAT
    if not isinstance(declared, Format):
        raise TypeError(f"tasks/compose_otio/formats/{name}.py declares no FORMAT")
    return declared


def losses_of(manifest: Manifest, plan: Plan) -> Iterator[Finding]:
    """What the files do not keep, format by format. Raises BrokenManifest where there can be no such file."""
    asked = [(name, format_named(name)) for name in wanted(manifest)]
    _refuse(manifest, [(name, said) for name, made in asked if (said := made.refusal(plan))])
    for _name, made in asked:
        yield from made.losses(plan)


def writing_s(manifest: Manifest, plan: Plan) -> float:
    """How many seconds it takes to write them, where that is long."""
    pieces = sum(1 for _ in plan.pieces)
    return sum(format_named(name).piece_s for name in wanted(manifest)) * pieces


def require_writable(manifest: Manifest) -> None:
    """Check that this machine can write them all. Raises BrokenManifest where it cannot."""
    asked = [(name, format_named(name)) for name in wanted(manifest)]
    _refuse(manifest, [(name, said) for name, made in asked if (said := made.missing)])


def files_of(manifest: Manifest, source: Source) -> Iterator[File]:
    """The files. Raises BrokenManifest where this machine cannot write one of them."""
    require_writable(manifest)
    for name in wanted(manifest):
        yield from format_named(name).write(source)


def _refuse(manifest: Manifest, refused: Sequence[tuple[str, str]]) -> None:
    faults = [
        Finding(code="format_unavailable", path=_asked_at(name, manifest), message=said, format=name)
        for name, said in refused
    ]
    if faults:
        raise BrokenManifest(faults)


def _asked_at(name: str, manifest: Manifest) -> str:
    if name in manifest.output.formats:
        return pointer("output", "formats", manifest.output.formats.index(name))
    return pointer("output", "targetConsumer")
