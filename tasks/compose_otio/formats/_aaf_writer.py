"""Writes an AAF with OpenTimelineIO's adapter, whose ids and dates depend on the manifest alone.

The adapter writes into a file of ours, so that locators can be added to what it made. That would have random
ids and the time of day; here ids are hashes of the `.otio`, and the date is a fixed one. So equal manifests
give equal bytes under equal versions of both libraries.
"""

import uuid
from collections.abc import Iterator
from datetime import datetime
from fractions import Fraction
from hashlib import sha256
from itertools import count
from typing import Any

import aaf2  # type: ignore[import-untyped]  # published without type information
import opentimelineio as otio  # type: ignore[import-untyped]  # published without type information
from aaf2.auid import AUID  # type: ignore[import-untyped]  # published without type information
from aaf2.mobid import MobID  # type: ignore[import-untyped]  # published without type information
from otio_aaf_adapter.adapters.aaf_adapter import aaf_writer  # type: ignore[import-untyped]  # published without type information

from tasks.compose_otio.formats._contract import Source
from tasks.compose_otio.formats._xml import url
from tasks.compose_otio.manifest import Item
from tasks.compose_otio.plan import Plan

_DATE = datetime(2000, 1, 1)
_DISSOLVE_COLOR = "RED"


def as_aaf(source: Source) -> bytes:
    """The AAF: one composition with a track for each of the timeline's, and a track of locators."""
    ids = _Ids(source)
    timeline = _without_what_it_refuses(source, ids)
    with aaf2.open() as file:
        file.create = _Factory(file.create, ids)
        composition = _transcribed(timeline, file)
        _add_locators(file, composition, source.plan)
        _fix_rates(file, source.plan)
        _fix_dates(file, ids)
        return _bytes_of(file)


class _Ids:
    """Ids that are hashes of the `.otio` and a name."""

    def __init__(self, source: Source) -> None:
        self._all = sha256(source.otio.encode()).digest()

    def uuid(self, name: str) -> uuid.UUID:
        """The one of that name."""
        return uuid.UUID(bytes=sha256(self._all + name.encode()).digest()[:16], version=5)

    def mob(self, name: str) -> Any:
        """A mob's, of that name."""
        made = MobID.new()
        made.material = self.uuid(name)
        return made


class _Factory:
    """Makes what the file's own factory makes; mobs have ids that are told by their order."""

    def __init__(self, factory: Any, ids: _Ids) -> None:
        self._factory, self._ids, self._mobs = factory, ids, count()

    def __getattr__(self, name: str) -> Any:
        make = getattr(self._factory, name)
        if not name.endswith("Mob"):
            return make

        def made(*args: Any, **options: Any) -> Any:
            mob = make(*args, **options)
            mob.mob_id = self._ids.mob(f"mob {next(self._mobs)}")
            return mob

        return made


def _without_what_it_refuses(source: Source, ids: _Ids) -> otio.schema.Timeline:
    """The timeline without dissolves and effects; every medium has an id, a size and a URL."""
    timeline = otio.adapters.read_from_string(source.otio, "otio_json")
    rate = float(source.plan.rate.fps)
    timeline.global_start_time = otio.opentime.RationalTime(source.plan.start, rate)
    for track in timeline.tracks:
        for index in reversed(range(len(track))):
            if isinstance(track[index], otio.schema.Transition):
                del track[index]
    items = {piece.item.id: piece.item for piece in source.plan.pieces}
    for track in timeline.tracks:
        for clip in track.find_clips():
            del clip.effects[:]
            del clip.markers[:]
            reference = clip.media_reference
            item = items[reference.metadata["kinefarm"]["media"]]
            # A master clip for each name: in Media Composer a clip on a track is called as its master clip.
            clip.metadata["AAF"] = {"MobID": str(ids.mob(f"{item.id}\n{clip.name}"))}
            reference.target_url = url(item.path)
            is_sound = track.kind == otio.schema.TrackKind.Audio
            essence = _sound_of(item, source.plan) if is_sound else _size_of(item, source.plan)
            reference.metadata["AAF"] = {"EssenceDescription": essence}
    return timeline


def _sound_of(item: Item, plan: Plan) -> dict[str, int]:
    """What the adapter takes for one channel else."""
    return {
        "Channels": item.meta.channels or 2,
        "AudioSamplingRate": item.meta.sample_rate or plan.sample_rate,
    }


def _size_of(item: Item, plan: Plan) -> dict[str, int]:
    """What the adapter takes for 1920 by 1080 else."""
    return {"StoredWidth": item.meta.w or plan.width, "StoredHeight": item.meta.h or plan.height}


def _transcribed(timeline: otio.schema.Timeline, file: Any) -> Any:
    """The composition that the adapter makes of the timeline, in the file."""
    transcriber = aaf_writer.AAFFileTranscriber(
        input_otio=timeline, aaf_file=file, embed_essence=False, create_edgecode=False
    )
    for track in timeline.tracks:
        if not len(track):
            continue
        tracks = transcriber.track_transcriber(track)
        for child in track:
            tracks.sequence.components.append(tracks.transcribe(child))
    transcriber.add_timecode(timeline, timeline.global_start_time.rate)
    return transcriber.compositionmob


def _add_locators(file: Any, composition: Any, plan: Plan) -> None:
    """Markers and dissolves on a track of events, as Media Composer has them."""
    found = sorted(_locators(plan), key=lambda locator: (locator[0].start, locator[1]))
    if not found:
        return
    sequence = file.create.Sequence(media_kind="DescriptiveMetadata")
    for place, text, color in found:
        marker = file.create.DescriptiveMarker()
        marker.media_kind = "DescriptiveMetadata"
        marker["Position"].value = place.start
        marker["Length"].value = max(1, len(place))
        marker["Comment"].value = text
        marker["DescribedSlots"].value = {1}
        colors = aaf2.misc.TaggedValueHelper(marker["CommentMarkerAttributeList"])
        colors["_ATN_CRM_COLOR"] = color.capitalize()
        sequence.components.append(marker)
    slot = file.create.EventMobSlot(slot_id=1000, segment=sequence)
    slot.edit_rate = plan.rate.fps
    slot["PhysicalTrackNumber"].value = 1
    composition.slots.append(slot)


def _locators(plan: Plan) -> Iterator[tuple[range, str, str]]:
    for mark in plan.marks:
        text = f"{mark.name}: {mark.comment}" if mark.comment else mark.name
        yield mark.place, text, mark.color
    for piece in plan.picture.pieces:
        if piece.dissolve:
            cut = piece.place.start
            place = range(cut - piece.dissolve.before, cut + piece.dissolve.after)
            yield place, f"dissolve, {len(place)} frames", _DISSOLVE_COLOR


def _fix_rates(file: Any, plan: Plan) -> None:
    """The exact rate everywhere: the adapter knows it as a float."""
    for mob in file.content.mobs:
        for slot in mob.slots:
            if abs(Fraction(slot.edit_rate) - plan.rate.fps) < Fraction(1, 1000):
                slot.edit_rate = plan.rate.fps


def _fix_dates(file: Any, ids: _Ids) -> None:
    """Nothing of this day or this machine."""
    file.header["LastModified"].value = _DATE
    for identification in file.header["IdentificationList"].value:
        identification["Date"].value = _DATE
        identification["Platform"].value = "any"
        identification["ProductName"].value = "Kinefarm"
        identification["CompanyName"].value = "Kinefarm"
        identification["GenerationAUID"].value = AUID(str(ids.uuid("generation")))
    for mob in file.content.mobs:
        mob["CreationTime"].value = _DATE
        mob["LastModified"].value = _DATE


def _bytes_of(file: Any) -> bytes:
    """The finished file; it takes nothing more after this."""
    file.save()
    file.manager.remove_temp()
    file.cfb.close()
    finished: bytes = file.f.getvalue()
    return finished
