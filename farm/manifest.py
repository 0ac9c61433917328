"""The explicit manifest of the postproduction API's compose-otio, and the timeline it means.

So far only what that document's example shows: trims, one picture track, layered audio. Media are named
by their manifest ids and are not opened.
"""

from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import Annotated, Literal, Self

from pydantic import ConfigDict, Field, model_validator
from pydantic.alias_generators import to_camel

from farm.noun import Noun
from farm.timeline import (
    AudioClip,
    AudioTrack,
    Media,
    MediaKind,
    Rate,
    Timeline,
    VideoClip,
    VideoTrack,
)

Seconds = Annotated[float, Field(ge=0, le=86_400)]


class _Part(Noun):
    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True)


class Resolution(_Part):
    w: int
    h: int


class Project(_Part):
    name: str
    fps: Annotated[float, Field(gt=0, le=240)]
    resolution: Resolution
    audio_sample_rate: int = 48_000


class ItemMeta(_Part):
    """What the caller knows of a file; nothing here is looked up."""

    w: int | None = None
    h: int | None = None
    duration_sec: Seconds | None = None
    fps: float | None = None
    has_audio: bool | None = None
    sample_rate: int | None = None
    channels: int | None = None


class Item(_Part):
    id: str = Field(min_length=1)
    kind: MediaKind
    path: str
    meta: ItemMeta = ItemMeta()


class Folder(_Part):
    items: tuple[Item, ...]


class Span(_Part):
    """A span of one item, in seconds of its own time."""

    item_id: str
    from_sec: Seconds
    to_sec: Seconds

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.to_sec <= self.from_sec:
            raise ValueError("toSec must be after fromSec")
        return self

    @property
    def start(self) -> Fraction:
        return Fraction(str(self.from_sec))

    @property
    def end(self) -> Fraction:
        return Fraction(str(self.to_sec))


class SequenceClip(Span):
    clip_name_hint: str | None = None


class AudioLayer(Span):
    placement: Literal["trimToFit"] = "trimToFit"
    role: str = "music"


class Intent(_Part):
    kind: Literal["explicit"] = "explicit"
    video_sequence: tuple[SequenceClip, ...]
    audio_layers: tuple[AudioLayer, ...] = ()


class Output(_Part):
    include_clip_names: bool = True
    otio_schema: Literal["Timeline.1"] = "Timeline.1"


class Manifest(_Part):
    """The whole request. Ids are unique, and every span names one of them and stays inside its duration."""

    project: Project
    folder: Folder
    intent: Intent
    output: Output = Output()

    @model_validator(mode="after")
    def _check(self) -> Self:
        durations = {item.id: item.meta.duration_sec for item in self.folder.items}
        if len(durations) < len(self.folder.items):
            raise ValueError("folder.items: an id is used twice")
        for span in (*self.intent.video_sequence, *self.intent.audio_layers):
            if span.item_id not in durations:
                raise ValueError(f"there is no item {span.item_id!r} in folder.items")
            longest = durations[span.item_id]
            if longest is not None and span.to_sec > longest:
                raise ValueError(f"{span.item_id!r} has {longest:g} s; toSec is {span.to_sec:g}")
        return self


def timeline_of(manifest: Manifest) -> Timeline:
    """The clips one after the other, their edges snapped to frames; each audio layer on its own track."""
    rate = Rate.of(manifest.project.fps)
    bare = Timeline(
        name=manifest.project.name,
        rate=rate,
        width=manifest.project.resolution.w,
        height=manifest.project.resolution.h,
        sample_rate=manifest.project.audio_sample_rate,
        media=tuple(_medium(item) for item in manifest.folder.items),
        video=(VideoTrack(clips=tuple(_clips(manifest, rate))),),
    )
    return bare.model_copy(update={"audio": tuple(_layers(manifest.intent.audio_layers, bare))})


def _clips(manifest: Manifest, rate: Rate) -> Iterator[VideoClip]:
    at = Fraction(0)
    for span in manifest.intent.video_sequence:
        end = at + span.end - span.start
        yield VideoClip(
            media=span.item_id,
            start_frame=rate.nearest_frame(at),
            end_frame_exclusive=rate.nearest_frame(end),
            source_start=span.start,
            source_end=span.end,
            name=span.clip_name_hint if manifest.output.include_clip_names else None,
        )
        at = end


def _layers(layers: Sequence[AudioLayer], timeline: Timeline) -> Iterator[AudioTrack]:
    """`trimToFit`: from the first sample on, and never beyond the last picture."""
    limit = timeline.samples_at(timeline.end_frame_exclusive)
    for layer in layers:
        wanted = round((layer.end - layer.start) * timeline.sample_rate)
        clip = AudioClip(
            media=layer.item_id,
            start_sample=0,
            end_sample_exclusive=min(wanted, limit),
            source_start=layer.start,
            source_end=layer.end,
        )
        yield AudioTrack(clips=(clip,), name=layer.role, role=layer.role)


def _medium(item: Item) -> Media:
    length = item.meta.duration_sec
    duration = None if length is None else Fraction(str(length))
    return Media(id=item.id, kind=item.kind, name=item.path, duration=duration)
