"""Reads the sound of any medium as float32 stereo at one sample rate, from an exact time on."""

from collections.abc import Generator
from contextlib import ExitStack, suppress
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Self

import av
import numpy as np
import numpy.typing as npt
from av.audio.frame import AudioFrame

from workers.media.decode import audio_frames
from workers.media.open import open_media, origin, sniff_file, sound_stream, translated_errors

Samples = npt.NDArray[np.float32]  # shape (2, n), full scale ±1

# Decoding starts this long (seconds) before the wanted sound: overlapping transforms and bit
# reservoirs need a few packets before they are right.
_RUN_UP_S = Fraction(1, 4)
# Holes in the timestamps longer than this (seconds) are silence; shorter ones are rounding.
_HOLE_S = Fraction(1, 20)
# What is longer is a broken timestamp. A microphone may be off for long.
_MAX_HOLE_S = 3600
_SHORT_S = 10
_LOUDEST = 1000.0  # 60 dB above full scale


class SoundReader:
    """The sound of one medium from `source_start` to `source_end` (seconds in the medium's own time).

    Open from the start; close it, or use it as a context manager. A medium without sound reads as
    ended. With `loop`, what was read starts over when it ends. Raises AssetUnreadable, naming the file
    (`name`, else the file's own).
    """

    def __init__(
        self,
        path: Path,
        *,
        sample_rate: int,
        source_start: Fraction = Fraction(0),
        source_end: Fraction | None = None,
        loop: bool = False,
        name: str | None = None,
    ) -> None:
        self._path = path
        self._label = name or path.name
        self._rate = sample_rate
        self._start = source_start
        self._end = source_end
        self._stack = ExitStack()
        self._is_used = False  # whether anything was read since the file was opened
        self._left: Samples = np.empty((2, 0), np.float32)
        self._found = sniff_file(path, self._label)
        self._open()
        self._origin = origin(self._container)
        self._pieces = self._repeated() if loop else self._once()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the file; may be called twice."""
        self._pieces.close()
        self._stack.close()

    def read(self, count: int) -> Samples:
        """The next `count` samples; fewer only when the sound has ended."""
        taken = [self._left]
        missing = count - self._left.shape[1]
        with translated_errors(self._label, self._found):
            while missing > 0 and (piece := next(self._pieces, None)) is not None:
                taken.append(piece)
                missing -= piece.shape[1]
        all_taken = np.concatenate(taken, axis=1)
        self._left = all_taken[:, count:]
        return all_taken[:, :count]

    def _repeated(self) -> Generator[Samples, None, None]:
        """Over and over; a short sound is decoded once and kept."""
        kept: list[Samples] = []
        heard = 0
        for piece in self._once():
            heard += piece.shape[1]
            if heard <= _SHORT_S * self._rate:
                kept.append(piece)
            yield piece
        while heard:
            yield from kept if heard <= _SHORT_S * self._rate else self._once()

    def _once(self) -> Generator[Samples, None, None]:
        """Exactly the samples of `[source_start, source_end)`, or up to the end of the medium."""
        wanted = None if self._end is None else max(0, round((self._end - self._start) * self._rate))
        skip: int | None = None
        for time, piece in self._resampled():
            if skip is None:
                skip = round((self._start - time) * self._rate)
                if skip < 0:  # a little late: what is later begins with silence
                    late = min(-skip, int(_HOLE_S * self._rate))
                    piece, skip = np.pad(piece, ((0, 0), (late, 0))), 0
            dropped = min(skip, piece.shape[1])
            skip -= dropped
            piece = piece[:, dropped : None if wanted is None else dropped + wanted]
            if wanted is not None:
                wanted -= piece.shape[1]
            if piece.shape[1]:
                yield piece
            if wanted == 0:
                return

    def _resampled(self) -> Generator[tuple[Fraction, Samples], None, None]:
        """Stereo pieces at the wanted rate, each with the time at which the first of them began."""
        resampler: av.AudioResampler | None = None
        shape: tuple[str, str, int] | None = None
        began: Fraction | None = None
        for time, frame in self._continuous():
            began = time if began is None else began
            if shape != (frame.format.name, frame.layout.name, frame.sample_rate):  # may change midway
                for piece in resampler.resample(None) if resampler else ():
                    yield began, _stereo(piece)
                shape = (frame.format.name, frame.layout.name, frame.sample_rate)
                resampler = self._resampler_for(frame)
            assert resampler is not None
            for piece in resampler.resample(frame):
                yield began, _stereo(piece)
        if resampler is not None and began is not None:
            for piece in resampler.resample(None):
                yield began, _stereo(piece)

    def _resampler_for(self, frame: AudioFrame) -> av.AudioResampler:
        """One channel stays one, to be doubled in _stereo: swresample's own matrix would lower it by 3 dB."""
        layout = "mono" if len(frame.layout.channels) == 1 else "stereo"
        return av.AudioResampler(format="fltp", layout=layout, rate=self._rate)

    def _continuous(self) -> Generator[tuple[Fraction, AudioFrame], None, None]:
        """Decoded frames with their times, holes filled with silence, so that counting samples keeps time."""
        expected: Fraction | None = None
        for frame in map(_in_channels, self._decoded()):
            time = self._time_of(frame, expected)
            due = self._start if expected is None else expected  # sound may begin after the picture does
            if _HOLE_S < time - due < _MAX_HOLE_S:
                yield from self._silence(frame, due, time)
                expected = time
            yield (time if expected is None else expected), frame
            expected = (time if expected is None else expected) + Fraction(frame.samples, frame.sample_rate)

    def _silence(
        self, like: AudioFrame, start: Fraction, end: Fraction
    ) -> Generator[tuple[Fraction, AudioFrame], None, None]:
        left = round((end - start) * like.sample_rate)
        while left > 0:
            frame = AudioFrame(like.format.name, like.layout.name, min(left, like.sample_rate))
            frame.sample_rate = like.sample_rate
            silent = bytes([0x80]) if like.format.name.startswith("u8") else b"\0"
            for plane in frame.planes:
                plane.update(silent * plane.buffer_size)
            left -= frame.samples
            yield start, frame

    def _decoded(self) -> Generator[AudioFrame, None, None]:
        if self._stream is None:
            return
        self._rewind()
        yield from audio_frames(self._container, self._stream)

    def _rewind(self) -> None:
        """Stand a run-up before `source_start`; where there is no seeking, at the start of the file."""
        assert self._stream is not None and self._stream.time_base is not None
        if self._start > 1:
            target = self._origin + self._start - _RUN_UP_S
            with suppress(av.error.FFmpegError):
                self._container.seek(int(target / self._stream.time_base), stream=self._stream)
                return
        if self._is_used:
            self._open()
        self._is_used = True

    def _open(self) -> None:
        self._stack.close()
        self._container = self._stack.enter_context(open_media(self._path, self._label))
        self._stream = sound_stream(self._container)

    def _time_of(self, frame: AudioFrame, expected: Fraction | None) -> Fraction:
        """When the frame is heard, in the medium's own time; follows the frame before if it has no stamp."""
        if frame.pts is None or frame.time_base is None:
            return expected or Fraction(0)
        return frame.pts * frame.time_base - self._origin


class HeldSound:
    """Sound in memory, read as a SoundReader is: from `source_start` to `source_end`, in seconds."""

    def __init__(
        self,
        sound: Samples,
        sample_rate: int,
        source_start: Fraction,
        source_end: Fraction | None,
        *,
        loop: bool = False,
    ) -> None:
        self._all = sound[:, round(source_start * sample_rate) :]
        if source_end is not None:
            self._all = self._all[:, : max(0, round((source_end - source_start) * sample_rate))]
        self._at = 0
        self._loop = loop and self._all.shape[1] > 0

    def close(self) -> None:
        """Nothing to close."""

    def read(self, count: int) -> Samples:
        """The next `count` samples; fewer only when the sound has ended."""
        start, length = self._at, self._all.shape[1]
        if not self._loop or start + count <= length:
            self._at = min(start + count, length)
            return self._all[:, start : self._at]
        self._at = (start + count) % length
        return self._all.take(np.arange(start, start + count), axis=1, mode="wrap")


def resampled(sound: Samples, sample_rate: int, wanted_rate: int) -> Samples:
    """Sound in memory at another sample rate; itself at its own."""
    if sample_rate == wanted_rate:
        return sound
    frame = AudioFrame.from_ndarray(np.ascontiguousarray(sound), format="fltp", layout="stereo")
    frame.sample_rate = sample_rate
    resampler = av.AudioResampler(format="fltp", layout="stereo", rate=wanted_rate)
    pieces = [*resampler.resample(frame), *resampler.resample(None)]
    return np.concatenate([_stereo(piece) for piece in pieces], axis=1)


def _in_channels(frame: AudioFrame) -> AudioFrame:
    """Of a sphere's sound (360° cameras) the first channel, which hears all around alike; else all."""
    if not frame.layout.name.startswith("ambisonic"):
        return frame
    sound = frame.to_ndarray()
    first = sound[:1] if frame.format.is_planar else sound[:, :: len(frame.layout.channels)]
    samples: Samples = np.ascontiguousarray(first)  # or of whatever numbers it came in
    heard = AudioFrame.from_ndarray(samples, frame.format.name, "mono")
    heard.sample_rate, heard.pts, heard.time_base = frame.sample_rate, frame.pts, frame.time_base
    return heard


def _stereo(frame: AudioFrame) -> Samples:
    """Shape (2, n); what is not a number becomes silence, what is infinite full scale.

    What is louder than _LOUDEST is no sound, and sums of it would become infinite.
    """
    samples: Samples = np.asarray(frame.to_ndarray(), np.float32)
    if not np.abs(samples).max(initial=0) <= _LOUDEST:  # or not a number, of which nothing is true
        samples = np.nan_to_num(samples, nan=0.0, posinf=1.0, neginf=-1.0).clip(-_LOUDEST, _LOUDEST)
    return np.repeat(samples, 2, axis=0) if samples.shape[0] == 1 else samples
