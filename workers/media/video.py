"""Reads a clip as frames at the timeline's rate, whatever the clip's own rate is.

Which source frame is shown is decided by presentation times alone; frame counts and nominal rates in
headers are never trusted. Frames come upright and whole, in the pixel format they were coded in.
"""

from collections.abc import Generator
from contextlib import ExitStack
from fractions import Fraction
from math import floor
from pathlib import Path
from types import TracebackType
from typing import Self

import av

from farm.errors import AssetUnreadable
from farm.timeline import PLAIN_SPEED, Rate
from workers.media.decode import video_frames
from workers.media.fields import progressive
from workers.media.open import open_media, origin, picture_stream, sniff_file, translated_errors
from workers.media.tags import ColourTags
from workers.media.upright import Upright, from_display_matrix

# Pixels of a picture up to which one thread decodes fast enough beside the encoder; each holds frames.
_ONE_THREAD_PIXELS = 1920 * 1088
_DECODER_THREADS = 2

# A first frame is looked for this long (seconds) before the wanted time, then earlier, then from the
# start: an index may point at a keyframe shown after it, and a clip may end before the wanted time.
_SEEK_BACK_S = (Fraction(0), Fraction(2), Fraction(20))
# Beyond this distance (seconds) seeking is cheaper than decoding everything in between.
_FAR_S = 5
# Nearer to the start than this (seconds) a first frame is reached without seeking.
_NEAR_START_S = 1
_UNINDEXED = frozenset({"mpeg-es"})  # has no timestamps: only counting from the start is right
# On the way from a keyframe to a wanted time, pictures that no other needs are left out up to so many seconds
# before it, by decoders that know them.
_WHOLE_S = Fraction(1, 4)
_TELLING = frozenset({"h264", "hevc"})


class VideoReader:
    """Frames of one clip from `source_start` (seconds in the medium's own time) on, at `rate`.

    Output frame n shows the source frame on display at `source_start + n * speed / rate`: the last one whose
    time is not later. A quarter of a frame of grace keeps jittery or rounded timestamps from showing
    one frame twice and skipping the next. Beyond `source_end` or the end of the clip the last frame
    stays. Frame times count from the clip's first displayed frame.

    Raises AssetUnreadable, naming the file (`name`, else the file's own).
    """

    def __init__(
        self,
        path: Path,
        *,
        rate: Rate,
        source_start: Fraction = Fraction(0),
        source_end: Fraction | None = None,
        speed: Fraction = PLAIN_SPEED,
        name: str | None = None,
    ) -> None:
        self._path = path
        self._label = name or path.name
        self._rate = rate
        self._start = source_start
        self._end = source_end
        self._speed = speed
        self._stack = ExitStack()
        self._last_n = -1
        self._is_used = False  # whether anything was read since the file was opened
        self._shown: av.VideoFrame | None = None  # as decoded
        self._upright_shown: av.VideoFrame | None = None  # as handed out
        self._next: av.VideoFrame | None = None
        self._upright: Upright | None = None
        self._whole_from: Fraction | None = None  # before it, pictures may have been left out

    def __enter__(self) -> Self:
        self._found = sniff_file(self._path, self._label)
        self._open()
        self._origin = origin(self._container)
        self._source_rate = self._stream.average_rate or self._stream.guessed_rate or self._rate.fps
        self._grace = min(1 / self._source_rate, 1 / self._rate.fps) / 4
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._frames.close()
        self._stack.close()

    def frame(self, n: int) -> av.VideoFrame:
        """The upright picture at output frame n ≥ 0; n must never decrease between calls.

        The same object is returned while the same source frame is shown. Its pixels may belong to the
        decoder: copy before drawing on them. `pict_type` is cleared, `pts` is the source's.
        """
        if n < self._last_n:
            raise ValueError(f"frame {n} asked for after frame {self._last_n}")
        self._last_n = n
        with translated_errors(self._label, self._found):
            self._advance(self._source_time(n))
        return self._turned()

    def _open(self) -> None:
        """Open the file, anew where it is open already, at its first frame."""
        self._stack.close()
        self._container = self._stack.enter_context(open_media(self._path, self._label))
        stream = picture_stream(self._container)
        if stream is None:
            self._stack.close()
            raise AssetUnreadable(f"{self._label} has no picture")
        stream.thread_type = "FRAME"
        is_large = stream.width * stream.height > _ONE_THREAD_PIXELS
        stream.codec_context.thread_count = _DECODER_THREADS if is_large else 1
        self._stream, self._told = stream, ColourTags.of_file(stream)
        self._frames = self._decode()

    def _source_time(self, n: int) -> Fraction:
        """The latest frame time, in the medium's own time, that may be shown at output frame n."""
        time = self._start + self._rate.seconds(n) * self._speed + self._grace
        if self._end is not None:
            time = min(time, self._end - self._grace)
        return max(time, Fraction(0))

    def _advance(self, time: Fraction) -> None:
        """Decode until the frame on display at `time` is `_shown`."""
        if self._shown is None or self._is_far(time):
            self._whole_from = time - _WHOLE_S
            self._seek(time)
            self._pass_to(time)
            if self._shown is not None and self._time_of(self._shown) < self._whole_from:
                self._whole_from = None  # it stands for so long, or one that does was left out
                self._seek(time)
        self._pass_to(time)

    def _pass_to(self, time: Fraction) -> None:
        while self._next is not None and self._time_of(self._next) <= time:
            self._shown, self._upright_shown = self._next, None
            self._next = next(self._frames, None)

    def _is_far(self, time: Fraction) -> bool:
        """Whether much is to be decoded up to a time. A frame may stay for long, the last for ever."""
        return self._next is not None and time - self._time_of(self._next) > _FAR_S

    def _seek(self, time: Fraction) -> None:
        """Go to the keyframe at or before `time`, so that `_shown` is a frame not later than it."""
        if time > _NEAR_START_S and self._found.container not in _UNINDEXED:
            for back in _SEEK_BACK_S:
                if time > back and self._jump(time - back) and self._is_reached(time):
                    return
        if not self._jump(None):
            raise AssetUnreadable(f"{self._label} has no picture that can be decoded")

    def _is_reached(self, time: Fraction) -> bool:
        return self._shown is not None and self._time_of(self._shown) <= time

    def _jump(self, time: Fraction | None) -> bool:
        """Decode two frames from the keyframe before `time`, or from the very start for None."""
        if time is not None:
            self._move(time)
        elif self._is_used:
            self._open()
        self._is_used = True
        shown = next(self._frames, None)
        if shown is None:
            return False
        self._shown, self._upright_shown = shown, None
        self._next = next(self._frames, None)
        return True

    def _move(self, time: Fraction) -> None:
        assert self._stream.time_base is not None
        self._frames.close()
        try:
            self._container.seek(int((self._origin + time) / self._stream.time_base), stream=self._stream)
        except av.error.FFmpegError:  # no index, or nothing at that time
            self._open()
        self._frames = self._decode()

    def _decode(self) -> Generator[av.VideoFrame, None, None]:
        """Frames in display order, each with a time and the colours that it or the file says."""
        last: Fraction | None = None
        for frame in progressive(video_frames(self._container, self._stream, self._first_whole())):
            self._date(frame, last)
            last = self._time_of(frame)
            yield self._told.filled(frame)

    def _first_whole(self) -> int | None:
        """From which time of the stream on all pictures are wanted; None: from where it is read."""
        stream, base = self._stream, self._stream.time_base
        is_told = stream.start_time is not None and stream.codec_context.name in _TELLING
        if self._whole_from is None or base is None or not is_told:
            return None
        return floor((self._whole_from + self._origin) / base)

    def _date(self, frame: av.VideoFrame, last: Fraction | None) -> None:
        """Give a frame of a stream without timestamps the time that follows from the nominal rate."""
        if frame.pts is None or frame.time_base is None or self._stream.start_time is None:
            time = Fraction(0) if last is None else last + 1 / self._source_rate
            frame.time_base = Fraction(1, 90_000)
            frame.pts = round((time + self._origin) * 90_000)

    def _time_of(self, frame: av.VideoFrame) -> Fraction:
        """Seconds from the first displayed frame."""
        assert frame.pts is not None and frame.time_base is not None
        return frame.pts * frame.time_base - self._origin

    def _turned(self) -> av.VideoFrame:
        assert self._shown is not None
        if self._upright_shown is None:
            if self._upright is None:
                aspect = self._stream.sample_aspect_ratio
                self._upright = Upright(from_display_matrix(self._shown), aspect)
            self._upright_shown = self._upright(self._shown)
            self._upright_shown.pict_type = 0
        return self._upright_shown
