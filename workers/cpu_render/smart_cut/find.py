"""Looks through the clips of a plan for what the film can take over as it is."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import groupby
from pathlib import Path

from farm.encoders import EncoderProfile
from farm.errors import AssetUnreadable
from farm.timeline import PLAIN_SPEED, MediaKind, Timeline, VideoClip
from workers.cpu_render.plan import Plan, Shot, Span, SpanKind
from workers.cpu_render.smart_cut.runs import LEAST_S, Run, runs_of
from workers.media.coding import Coding, Footage, Unfit, coding_of, footage_of

_MBIT = 1_000_000


@dataclass(frozen=True, slots=True)
class Taken:
    """A run of packets and the clip that it is from."""

    clip: VideoClip
    footage: Footage
    run: Run

    @property
    def media(self) -> str:
        return self.clip.media


@dataclass(frozen=True, slots=True)
class Copying:
    """What can be copied: a plan that says so in its spans, and from where. `notes` say what cannot."""

    plan: Plan
    taken: tuple[Taken, ...] = ()
    codings: Mapping[str, Coding] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    @property
    def frames(self) -> int:
        """How many of the film's frames are copied."""
        return sum(len(taken.run.frames) for taken in self.taken)

    @property
    def summary(self) -> str:
        """What the film's owner should know of it."""
        return f"{self.frames} of {self.plan.frames} frames are copied without loss; the others are encoded."


def find_copies(
    planned: Plan,
    timeline: Timeline,
    files: Mapping[str, Path],
    profile: EncoderProfile,
    checkpoint: Callable[[], None],
) -> Copying:
    """Read the clips that fit, as far as they are shown. A clip that cannot be read is left to whoever will.

    Nothing is found for a profile that copies nothing or writes other frames than the timeline's.
    """
    if not can_copy(profile, timeline):
        return Copying(planned)
    search = _Search(timeline, files, profile.copy_up_to_bitrate)
    least = timeline.rate.nearest_frame(LEAST_S)
    for shot, frames in _stretches(planned):
        checkpoint()
        is_video = timeline.medium(shot.clip.media).kind is MediaKind.VIDEO
        if len(frames) > least and is_video and shot.clip.speed == PLAIN_SPEED:
            search.look_at(shot, frames)
    plan = planned.copying([taken.run.frames for taken in search.taken])
    codings = {taken.media: search.codings[taken.media] for taken in search.taken}
    return Copying(plan, tuple(search.taken), codings, tuple(search.notes))


def copying_nothing(profile: EncoderProfile) -> EncoderProfile:
    """The profile for a film whose every frame is to be encoded."""
    return profile.model_copy(update={"copy_up_to_bitrate": 0})


def can_copy(profile: EncoderProfile, timeline: Timeline) -> bool:
    """Whether its encoder's pictures and copied ones may stand in one film of the timeline's own rate."""
    thins = profile.most_fps is not None and profile.most_fps < timeline.rate.fps
    return profile.encoder == "libx264" and profile.copy_up_to_bitrate > 0 and not thins


def fits(coding: Coding) -> bool:
    """Whether a clip is coded as films are: plain pictures in a profile that every player of films has."""
    sps = coding.sps
    is_usual = sps.is_main and sps.is_420_8bit and sps.is_progressive
    return coding.is_plain and is_usual and not any(pps.is_grouped or pps.is_redundant for pps in coding.pps)


def _stretches(planned: Plan) -> Iterator[tuple[Shot, range]]:
    """The frames in which one clip alone gives the picture."""

    def shot_of(span: Span) -> Shot | None:
        return span.picture if span.kind is SpanKind.SIMPLE and isinstance(span.picture, Shot) else None

    for shot, spans in groupby(planned.spans, key=shot_of):
        if shot is not None:
            frames = list(spans)
            yield shot, range(frames[0].start_frame, frames[-1].end_frame_exclusive)


class _Search:
    """What was found so far. Each clip is understood once, and read wherever it is shown."""

    def __init__(self, timeline: Timeline, files: Mapping[str, Path], most_bits_per_s: int) -> None:
        self._timeline, self._files, self._most = timeline, files, most_bits_per_s
        self._seen: dict[str, Coding | None] = {}
        self.codings: dict[str, Coding] = {}
        self.taken: list[Taken] = []
        self.notes: list[str] = []

    def look_at(self, shot: Shot, frames: range) -> None:
        medium = self._timeline.medium(shot.clip.media)
        path = self._files.get(medium.id)
        if path is None:
            return
        try:
            self._take(medium.id, medium.name, path, shot, frames)
        except AssetUnreadable:
            self._seen[medium.id] = None
        except Unfit as reason:
            self._seen[medium.id] = None
            self._note(medium.name, str(reason))

    def _take(self, media: str, name: str, path: Path, shot: Shot, frames: range) -> None:
        if media not in self._seen:
            found = coding_of(path, name, self._timeline.width, self._timeline.height)
            self._seen[media] = found if found is not None and fits(found) else None
        coding = self._seen[media]
        if coding is None:
            return
        footage = footage_of(path, name, coding, *self._times(shot, frames))
        if footage.bits_per_s > self._most:
            had, most = footage.bits_per_s / _MBIT, self._most / _MBIT
            raise Unfit(f"it has {had:.0f} Mbit a second; up to {most:g} are copied")
        self.codings[media] = coding
        runs = runs_of(footage, shot.clip, self._timeline.rate, frames)
        self.taken += [Taken(shot.clip, footage, run) for run in runs]

    def _times(self, shot: Shot, frames: range) -> tuple[Fraction, Fraction]:
        """Seconds of the clip's own time."""
        seconds, start = self._timeline.rate.seconds, shot.clip.start_frame
        first, end = (shot.clip.source_start + seconds(edge - start) for edge in (frames.start, frames.stop))
        return first, end

    def _note(self, name: str, reason: str) -> None:
        note = f"{name} is encoded anew: {reason}."
        if note not in self.notes:
            self.notes.append(note)
