"""Mixes everything that is heard in a timeline into one stream of samples.

Made once and whole, never per segment: sound encoded in pieces clicks where the pieces meet. Only the
clips that sound at a time are open, so memory does not grow with the timeline.
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import IntEnum
from fractions import Fraction
from pathlib import Path
from types import MappingProxyType

import numpy as np

from farm.timeline import PLAIN_SPEED, AudioClip, AudioTrack, MediaKind, Timeline, VideoClip
from workers.media.ducking import Ducker
from workers.media.sound import HeldSound, Samples, SoundReader
from workers.media.stretch import AtSpeed

CHUNK_S = Fraction(1, 2)
DECLICK_S = Fraction(5, 1000)
_SAME_SAMPLES = 2  # cuts are rounded to samples on both sides
_NOTHING: Mapping[str, Samples] = MappingProxyType({})
_Sound = SoundReader | HeldSound | AtSpeed


def mix(
    timeline: Timeline,
    files: Mapping[str, Path],
    *,
    builtin: Mapping[str, Samples] = _NOTHING,
    checkpoint: Callable[[], None],
) -> Iterator[Samples]:
    """The whole sound of a timeline as float32 chunks of shape (2, n) at its sample rate, not yet mastered.

    The chunks sum up to exactly `timeline.samples_at(timeline.end_frame_exclusive)` samples. `files` maps
    media ids to local files; media without sound are silent. `builtin` has the sounds that are no files, at
    that sample rate. Music and the clips' own sound give way while a voice speaks. `checkpoint` is called
    before each chunk and may raise. Raises AssetUnreadable.
    """
    parts = _parts(timeline, builtin)
    buses = _summed(timeline, parts, files, builtin, checkpoint)
    if not any(part.bus is _Bus.VOICE for part in parts):
        yield from (chunk.sum(axis=0) for chunk in buses)
        return
    ducker = Ducker(timeline.sample_rate)
    for bed, voice, beside in buses:
        yield ducker.push(bed, voice, beside)
    yield ducker.flush()


class _Bus(IntEnum):
    """What gives way, what it gives way to, and what is heard beside both."""

    BED = 0
    VOICE = 1
    BESIDE = 2


@dataclass(frozen=True, slots=True)
class _Part:
    """One clip's sound: where it is heard, in samples, and how loud."""

    media: str
    bus: _Bus
    start: int
    end_exclusive: int
    source_start: Fraction
    source_end: Fraction | None
    speed: Fraction
    gain: float
    fade_in: int
    fade_out: int
    loop: bool

    def envelope(self, start: int, end_exclusive: int) -> Samples:
        """The gain in samples `[start, end_exclusive)` of the timeline: half cosines at both ends."""
        if start - self.start >= self.fade_in and self.end_exclusive - end_exclusive >= self.fade_out:
            return np.full(1, self.gain, np.float32)
        # Counted from `start`: float32 cannot tell samples apart that come after the first six minutes.
        at = np.arange(end_exclusive - start, dtype=np.float32)
        rise = np.clip((at + (start - self.start + 0.5)) / max(self.fade_in, 1), 0, 1)
        fall = np.clip((self.end_exclusive - start - 0.5 - at) / max(self.fade_out, 1), 0, 1)
        shape: Samples = np.sin(rise * np.pi / 2) ** 2 * np.sin(fall * np.pi / 2) ** 2
        return (self.gain * shape).astype(np.float32)

    def goes_on_in(self, after: "_Part", sample_rate: int) -> bool:
        """Whether `after` is just what would be heard were this one longer: a cut that changes nothing."""
        source = self.source_start + Fraction(self.end_exclusive - self.start, sample_rate) * self.speed
        near = _SAME_SAMPLES * self.speed / sample_rate
        return (
            (self.media, self.bus, self.speed, self.gain) == (after.media, after.bus, after.speed, after.gain)
            and self.end_exclusive == after.start
            and not (self.loop or after.loop)
            and max(self.fade_out, after.fade_in) <= DECLICK_S * sample_rate
            and abs(after.source_start - source) <= near
            and (self.source_end is None or self.source_end >= source - near)
        )


def _parts(timeline: Timeline, builtin: Mapping[str, Samples]) -> list[_Part]:
    """Every clip that may be heard, in the order of their starts.

    A built-in sound begins and ends by itself, and keeps its attack: it is faded only where one asks for it.
    """
    rate = timeline.sample_rate
    declick = round(DECLICK_S * rate)
    moving = {medium.id for medium in timeline.media if medium.kind is MediaKind.VIDEO}
    parts: list[_Part] = []
    for video in timeline.video:
        seen = (clip for clip in video.clips if clip.media in moving and clip.sound_gain > 0)
        parts += _uncut((_of_video(clip, timeline, declick) for clip in seen), rate)
    for audio in timeline.audio:
        bus, clips = _bus_of(audio), (clip for clip in audio.clips if clip.gain > 0)
        parts += _uncut((_of_audio(c, bus, 0 if c.media in builtin else declick) for c in clips), rate)
    return sorted(parts, key=lambda part: part.start)


def _uncut(parts: Iterable[_Part], sample_rate: int) -> list[_Part]:
    """The parts of a track, one of those that go on in each other: else their cut would be heard as a dip."""
    found: list[_Part] = []
    for part in parts:
        if found and found[-1].goes_on_in(part, sample_rate):
            found[-1] = replace(
                found[-1],
                end_exclusive=part.end_exclusive,
                source_end=part.source_end,
                fade_out=part.fade_out,
            )
        else:
            found.append(part)
    return found


def _bus_of(track: AudioTrack) -> _Bus:
    if track.is_voice:
        return _Bus.VOICE
    return _Bus.BESIDE if track.is_effects else _Bus.BED


def _of_video(clip: VideoClip, timeline: Timeline, declick: int) -> _Part:
    return _Part(
        media=clip.media,
        bus=_Bus.BED,
        start=timeline.samples_at(clip.start_frame),
        end_exclusive=timeline.samples_at(clip.end_frame_exclusive),
        source_start=clip.source_start,
        source_end=clip.source_end,
        speed=clip.speed,
        gain=clip.sound_gain,
        fade_in=declick,
        fade_out=declick,
        loop=False,
    )


def _of_audio(clip: AudioClip, bus: _Bus, declick: int) -> _Part:
    return _Part(
        media=clip.media,
        bus=bus,
        start=clip.start_sample,
        end_exclusive=clip.end_sample_exclusive,
        source_start=clip.source_start,
        source_end=clip.source_end,
        speed=clip.speed,
        gain=clip.gain,
        fade_in=max(clip.fade_in_samples, declick),
        fade_out=max(clip.fade_out_samples, declick),
        loop=clip.loop,
    )


def _summed(
    timeline: Timeline,
    parts: Sequence[_Part],
    files: Mapping[str, Path],
    builtin: Mapping[str, Samples],
    checkpoint: Callable[[], None],
) -> Iterator[Samples]:
    """The plain sums of all parts, chunk by chunk, of shape (buses, 2, n)."""
    total = timeline.samples_at(timeline.end_frame_exclusive)
    step = round(CHUNK_S * timeline.sample_rate)
    waiting = deque(parts)
    playing: list[tuple[_Part, _Sound]] = []
    try:
        for start in range(0, total, step):
            checkpoint()
            end = min(start + step, total)
            while waiting and waiting[0].start < end:
                part = waiting.popleft()
                playing.append((part, _reader(part, timeline, files, builtin)))
            chunk = np.zeros((len(_Bus), 2, end - start), np.float32)
            for part, reader in playing:
                _add(part, reader, chunk[part.bus], start)
            for part, reader in playing:
                if part.end_exclusive <= end:
                    reader.close()
            playing = [(part, reader) for part, reader in playing if part.end_exclusive > end]
            yield chunk
    finally:
        for _, reader in playing:
            reader.close()


def _reader(
    part: _Part, timeline: Timeline, files: Mapping[str, Path], builtin: Mapping[str, Samples]
) -> _Sound:
    """The part's sound as quick as it is heard."""
    sound = _source(part, timeline, files, builtin)
    return sound if part.speed == PLAIN_SPEED else AtSpeed(sound, timeline.sample_rate, part.speed)


def _source(
    part: _Part, timeline: Timeline, files: Mapping[str, Path], builtin: Mapping[str, Samples]
) -> SoundReader | HeldSound:
    if part.media in builtin:
        held = builtin[part.media]
        return HeldSound(held, timeline.sample_rate, part.source_start, part.source_end, loop=part.loop)
    return SoundReader(
        files[part.media],
        sample_rate=timeline.sample_rate,
        source_start=part.source_start,
        source_end=part.source_end,
        loop=part.loop,
        name=timeline.medium(part.media).name,
    )


def _add(part: _Part, reader: _Sound, chunk: Samples, chunk_start: int) -> None:
    """Add what a part sounds within a chunk; nothing where its source has ended."""
    start = max(part.start, chunk_start)
    end = min(part.end_exclusive, chunk_start + chunk.shape[1])
    samples = reader.read(end - start)
    count = samples.shape[1]
    gains = part.envelope(start, end)
    at = start - chunk_start
    chunk[:, at : at + count] += samples * (gains if gains.size == 1 else gains[:count])
