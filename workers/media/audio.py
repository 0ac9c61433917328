"""Mixes everything that is heard in a timeline into one stream of samples.

Made once and whole, never per segment: sound encoded in pieces clicks where the pieces meet. Only the
clips that sound at a time are open, so memory does not grow with the timeline.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np

from farm.timeline import AudioClip, MediaKind, Timeline, VideoClip
from workers.media.limiter import Limiter
from workers.media.sound import Samples, SoundReader

CHUNK_S = Fraction(1, 2)
DECLICK_S = Fraction(5, 1000)
CEILING = 10 ** (-1 / 20)  # -1 dBFS


def mix(
    timeline: Timeline, files: Mapping[str, Path], *, checkpoint: Callable[[], None]
) -> Iterator[Samples]:
    """The whole sound of a timeline as float32 chunks of shape (2, n) at its sample rate.

    The chunks sum up to exactly `timeline.samples_at(timeline.end_frame_exclusive)` samples, and none
    exceeds -1 dBFS. `files` maps media ids to local files; media without sound are silent. `checkpoint`
    is called before each chunk and may raise. Raises AssetUnreadable.
    """
    limiter = Limiter(CEILING, timeline.sample_rate)
    for chunk in _summed(timeline, files, checkpoint):
        if (limited := limiter.push(chunk)).shape[1]:
            yield limited
    if (rest := limiter.flush()).shape[1]:
        yield rest


@dataclass(frozen=True, slots=True)
class _Voice:
    """One clip's sound: where it is heard, in samples, and how loud."""

    media: str
    start: int
    end_exclusive: int
    source_start: Fraction
    source_end: Fraction | None
    gain: float
    fade_in: int
    fade_out: int
    loop: bool

    def envelope(self, start: int, end_exclusive: int) -> Samples:
        """The gain in samples `[start, end_exclusive)` of the timeline: half cosines at both ends."""
        if start - self.start >= self.fade_in and self.end_exclusive - end_exclusive >= self.fade_out:
            return np.full(1, self.gain, np.float32)
        at = np.arange(start, end_exclusive, dtype=np.float32)
        rise = np.clip((at - (self.start - 0.5)) / max(self.fade_in, 1), 0, 1)
        fall = np.clip((self.end_exclusive - 0.5 - at) / max(self.fade_out, 1), 0, 1)
        shape: Samples = np.sin(rise * np.pi / 2) ** 2 * np.sin(fall * np.pi / 2) ** 2
        return (self.gain * shape).astype(np.float32)


def _voices(timeline: Timeline) -> list[_Voice]:
    """Every clip that may be heard, in the order of their starts."""
    declick = round(DECLICK_S * timeline.sample_rate)
    moving = {medium.id for medium in timeline.media if medium.kind is MediaKind.VIDEO}
    voices = [
        _of_video(clip, timeline, declick)
        for track in timeline.video
        for clip in track.clips
        if clip.media in moving and clip.sound_gain > 0
    ]
    voices += [_of_audio(clip, declick) for track in timeline.audio for clip in track.clips if clip.gain > 0]
    return sorted(voices, key=lambda voice: voice.start)


def _of_video(clip: VideoClip, timeline: Timeline, declick: int) -> _Voice:
    return _Voice(
        media=clip.media,
        start=timeline.samples_at(clip.start_frame),
        end_exclusive=timeline.samples_at(clip.end_frame_exclusive),
        source_start=clip.source_start,
        source_end=clip.source_end,
        gain=clip.sound_gain,
        fade_in=declick,
        fade_out=declick,
        loop=False,
    )


def _of_audio(clip: AudioClip, declick: int) -> _Voice:
    return _Voice(
        media=clip.media,
        start=clip.start_sample,
        end_exclusive=clip.end_sample_exclusive,
        source_start=clip.source_start,
        source_end=clip.source_end,
        gain=clip.gain,
        fade_in=max(clip.fade_in_samples, declick),
        fade_out=max(clip.fade_out_samples, declick),
        loop=clip.loop,
    )


def _summed(
    timeline: Timeline, files: Mapping[str, Path], checkpoint: Callable[[], None]
) -> Iterator[Samples]:
    """The plain sum of all voices, chunk by chunk."""
    total = timeline.samples_at(timeline.end_frame_exclusive)
    step = round(CHUNK_S * timeline.sample_rate)
    waiting = _voices(timeline)
    playing: list[tuple[_Voice, SoundReader]] = []
    try:
        for start in range(0, total, step):
            checkpoint()
            end = min(start + step, total)
            while waiting and waiting[0].start < end:
                voice = waiting.pop(0)
                playing.append((voice, _reader(voice, timeline, files)))
            chunk = np.zeros((2, end - start), np.float32)
            for voice, reader in playing:
                _add(voice, reader, chunk, start)
            for voice, reader in playing:
                if voice.end_exclusive <= end:
                    reader.close()
            playing = [(voice, reader) for voice, reader in playing if voice.end_exclusive > end]
            yield chunk
    finally:
        for _, reader in playing:
            reader.close()


def _reader(voice: _Voice, timeline: Timeline, files: Mapping[str, Path]) -> SoundReader:
    return SoundReader(
        files[voice.media],
        sample_rate=timeline.sample_rate,
        source_start=voice.source_start,
        source_end=voice.source_end,
        loop=voice.loop,
        name=timeline.medium(voice.media).name,
    )


def _add(voice: _Voice, reader: SoundReader, chunk: Samples, chunk_start: int) -> None:
    """Add what a voice sounds within a chunk; nothing where its source has ended."""
    start = max(voice.start, chunk_start)
    end = min(voice.end_exclusive, chunk_start + chunk.shape[1])
    samples = reader.read(end - start)
    count = samples.shape[1]
    gains = voice.envelope(start, end)
    at = start - chunk_start
    chunk[:, at : at + count] += samples * (gains if gains.size == 1 else gains[:count])
