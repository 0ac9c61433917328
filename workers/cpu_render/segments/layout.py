"""Performs the first task of a long film: makes its final timeline, cuts it, and grows the other tasks.

It has all the files, so that it can speak, listen, and hash what segments are made of. Which of these the
account has already, the scheduler knows when it adds the tasks.
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from pydantic import JsonValue

from farm.catalog import read_catalog
from farm.encoders import EncoderProfile
from farm.errors import AssetUnreadable
from farm.kinds import CachedOutput, TaskSpec
from farm.noun import Noun
from farm.rules.films import SegmentRules
from farm.settings import Settings
from farm.timeline import Timeline
from tasks.media_render import segments as tasks
from tasks.media_render.profiles import PROFILES
from tasks.media_render.voiceover import VOICE_FILE, VOICE_MEDIUM
from workers.context import Context, Done, Output, TaskInput
from workers.cpu_render.builtin import builtin_files
from workers.cpu_render.film import encoding, profile_named, rendered
from workers.cpu_render.media_render import RenderParams, disk_full_named, files_of, final_timeline
from workers.cpu_render.plan import Plan, plan
from workers.cpu_render.render import check
from workers.cpu_render.segments.cutting import Segment, cut
from workers.cpu_render.segments.part import key_of, part_of
from workers.cpu_render.segments.sound import heard, heard_media, sound_key
from workers.cpu_render.smart_cut import copying_nothing, find_copies
from workers.media.encode import thinning
from workers.media.join import segment_form

_READ_BYTES = 1 << 20
_LITTLE = 0.25  # of a film: segments would cost four times as much as encoding that, and copy nothing


def perform(task: TaskInput, context: Context) -> Done:
    """Lay the film out. Raises as a render does."""
    params = RenderParams.model_validate(dict(task.params))
    files = files_of(task)
    catalog = read_catalog(Settings())
    with disk_full_named():
        final = final_timeline(params, files, context)
        laid_out = params.model_copy(
            update={"timeline": final.timeline, "unheard": None, "unspoken": None, "grows_s": 0.0}
        )
        film = _Film(laid_out, files, profile_named(params.profile, catalog.encoders))
        notes = (*final.notes, *check(film.timeline, film.plan))
        grown = film.tasks(catalog.segments, notes, context)
    return Done(_voice(files), tasks=grown)


@dataclass(frozen=True)
class _Film:
    """A film that is laid out: `params` have its final timeline."""

    params: RenderParams
    files: Mapping[str, Path]
    profile: EncoderProfile

    @cached_property
    def timeline(self) -> Timeline:
        """As the profile renders it."""
        return rendered(self.params.timeline, self.profile)

    @cached_property
    def plan(self) -> Plan:
        return plan(self.timeline)

    @property
    def speaks(self) -> bool:
        return VOICE_MEDIUM in self.files

    @property
    def frame_s(self) -> float:
        return tasks.frame_s(self.params.timeline, PROFILES[self.params.profile])

    def tasks(self, rules: SegmentRules, notes: Sequence[str], context: Context) -> list[TaskSpec]:
        """What is to be done: its segments, its sound and their join; or all of it at once."""
        found = self._segments(rules)
        if len(found) == 1:
            return [self._whole(notes, self.plan.frames)]
        left = self._left_to_encode(context)
        if self._is_little(left, rules):
            return [self._whole(notes, left)]
        hashes = hashes_of(self._named_files(), context)
        made = [self._pictures(number, segment, hashes) for number, segment in enumerate(found)]
        if self.profile.format.sound is not None:
            made.append(self._sound(hashes))
        return [*made, self._join(made, found, (*notes, *self._uncopied(left)))]

    def _segments(self, rules: SegmentRules) -> Sequence[Segment]:
        short = self.params.incremental
        segment_s = rules.incremental_segment_s if short else rules.segment_s
        every = thinning(encoding(self.profile), self.timeline.rate)
        return cut(self.plan, segment_s / self.frame_s, rules.most, every)

    def _left_to_encode(self, context: Context) -> int:
        """How many frames cannot be taken over from its clips."""
        profile = self.profile if self.params.copy_untouched else copying_nothing(self.profile)
        copying = find_copies(self.plan, self.timeline, self.files, profile, context.checkpoint)
        return self.plan.frames - copying.frames

    def _is_little(self, left: int, rules: SegmentRules) -> bool:
        """Whether one task encodes what is not taken over: a short film's worth, or a small share of all.

        A film that will be rendered again is better off with segments that stay.
        """
        if left == self.plan.frames:
            return False
        short = self.params.incremental
        is_share = not short and left <= _LITTLE * self.plan.frames
        return is_share or not tasks.is_long(left * self.frame_s, rules, incremental=short)

    def _uncopied(self, left: int) -> Iterator[str]:
        """What the film's owner should know where segments encode what could be copied."""
        if left < self.plan.frames:
            frames = self.plan.frames
            yield f"{frames - left} of {frames} frames could be copied; a film in segments is encoded whole."

    def _named_files(self) -> dict[str, Path]:
        """Every file that is seen or heard, by media id. Raises AssetUnreadable for one that is missing."""
        files = {**self.files, **builtin_files(self.timeline)}
        for medium in self.timeline.media:
            if medium.builtin is None and medium.id not in files:
                raise AssetUnreadable(f"{medium.name} was not delivered")
        return {medium.id: files[medium.id] for medium in self.timeline.media if medium.id in files}

    def _pictures(self, number: int, segment: Segment, hashes: Mapping[str, str]) -> TaskSpec:
        part = part_of(self.timeline, segment.start_frame, segment.end_frame_exclusive)
        names = [medium.id for medium in part.media]
        profile, form = encoding(self.profile), segment_form(encoding(self.profile))
        own: dict[str, JsonValue] = {name: hashes[name] for name in names}
        return tasks.segment_task(
            number,
            {"part": _said(part), "hashes": own, "profile": self.params.profile},
            names,
            segment.cost * self.frame_s,
            CachedOutput(
                key=key_of(part, hashes, profile),
                name=tasks.SEGMENT,
                file_name=f"{tasks.SEGMENT}{form.suffix}",
                content_type=form.content_type,
            ),
            PROFILES[self.params.profile].requires,
        )

    def _sound(self, hashes: Mapping[str, str]) -> TaskSpec:
        timeline, form = heard(self.timeline), self.profile.format
        names = heard_media(timeline)
        own: dict[str, JsonValue] = {name: hashes[name] for name in names if name in hashes}
        return tasks.sound_task(
            timeline,
            {"timeline": _said(timeline), "hashes": own, "profile": self.params.profile},
            self._fetched(names),
            CachedOutput(
                key=sound_key(timeline, hashes, self.profile),
                name=tasks.SOUND,
                file_name=f"{tasks.SOUND}{form.suffix}",
                content_type=form.content_type,
            ),
            speaks=self.speaks,
        )

    def _join(self, made: Sequence[TaskSpec], found: Sequence[Segment], notes: Sequence[str]) -> TaskSpec:
        every = thinning(encoding(self.profile), self.timeline.rate)
        frames: list[JsonValue] = [-(-segment.frames // every) for segment in found]
        params = {**self._told(notes), "frames": frames}
        return tasks.join_task(made, params, self.plan.frames, speaks=self.speaks)

    def _whole(self, notes: Sequence[str], left: int) -> TaskSpec:
        """All of it, of which so many frames are encoded; its limits are for the case that all are."""
        names = self._fetched([medium.id for medium in self.timeline.media])
        whole = tasks.whole_task(
            self._told(notes),
            names,
            self.plan.frames * self.frame_s,
            PROFILES[self.params.profile].requires,
            speaks=self.speaks,
        )
        copied_s = tasks.join_s(self.plan.frames - left) if left < self.plan.frames else 0.0
        return whole.model_copy(update={"estimated_s": left * self.frame_s + copied_s})

    def _told(self, notes: Sequence[str]) -> dict[str, JsonValue]:
        return _said(self.params.model_copy(update={"notes": tuple(notes)}))

    def _fetched(self, names: Sequence[str]) -> list[str]:
        """Those of these media that are files of the customer's."""
        ours = {medium.id for medium in self.timeline.media if medium.builtin is not None} | {VOICE_MEDIUM}
        return [name for name in names if name not in ours]


def _said(noun: Noun) -> dict[str, JsonValue]:
    """As it travels in a task's params."""
    return noun.model_dump(mode="json", exclude_defaults=True)


def hashes_of(files: Mapping[str, Path], context: Context) -> dict[str, str]:
    """SHA-256 of each file's content, in hex. Raises Cancelled."""
    found = {}
    for number, (name, path) in enumerate(files.items()):
        context.progress(number / len(files), "files")
        found[name] = _hash_of(path, context)
    return found


def _hash_of(path: Path, context: Context) -> str:
    said = hashlib.sha256()
    with path.open("rb") as file:
        while piece := file.read(_READ_BYTES):
            said.update(piece)
            context.checkpoint()
    return said.hexdigest()


def _voice(files: Mapping[str, Path]) -> list[Output]:
    """What was spoken, for the tasks that come."""
    if VOICE_MEDIUM not in files:
        return []
    return [Output(tasks.VOICE, files[VOICE_MEDIUM], VOICE_FILE, "audio/wav", intermediate=True)]
