"""Makes a film in which clips are taken over as they are, and sees that it shows what it should."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from contextlib import contextmanager
from fractions import Fraction
from functools import reduce
from itertools import chain
from pathlib import Path

import numpy as np
from av.video.frame import VideoFrame

from farm.encoders import EncoderProfile
from farm.errors import AssetUnreadable, FailureClass, TaskFailure
from farm.timeline import Timeline
from workers.cpu_render.compose import Composed, compose
from workers.cpu_render.plan import Plan
from workers.cpu_render.smart_cut.find import Copying, Taken
from workers.cpu_render.smart_cut.numbers import Numbers, numbered
from workers.media.ahead import Ahead
from workers.media.coding import Coding, Unfit, coded_pictures
from workers.media.encode import Chapter, Samples
from workers.media.h264.sets import Limits
from workers.media.h264.slices import pps_number, renumbered
from workers.media.h264.units import SEI, BadUnits, needed, packed, unit_type
from workers.media.shape import Shape
from workers.media.splice import Coded, Copied, Drawn, NotSpliced, Sets, splice
from workers.media.verify import verify
from workers.media.video import VideoReader

_FRAMES_AHEAD = 4
_LOOKED_AT = 2  # frames on each side of a join
_WRITTEN = 0.9  # of its progress: then it is read back


def cut(
    copying: Copying,
    timeline: Timeline,
    files: Mapping[str, Path],
    sound: Iterable[Samples],
    out: Path,
    shape: Shape,
    profile: EncoderProfile,
    on_frame: Callable[[int], None],
    chapters: Sequence[Chapter] = (),
) -> None:
    """Write the film and read it back: times, keyframes, sound, every join, the ends of what was copied.

    `on_frame` gets how many of the film's frames are done, reading back included, and may raise. Raises
    NotSpliced when that cannot be done in this way, or is not as it should be; the film can be encoded whole
    then. Else raises as `encode` does. No file is left unless it is whole.
    """
    part = out.with_name(out.name + ".part")
    try:
        with _named():
            numbers = numbered(copying.codings)
            sets = _sets(copying, numbers)
            pieces = list(_pieces(copying, timeline, files, numbers))
            splice(pieces, sets, sound, part, shape, profile, lambda n: on_frame(int(_WRITTEN * n)), chapters)
            verify(part, shape, profile.format, untouched=_untouched(copying, numbers))
            for number, taken in enumerate(copying.taken, 1):
                is_rewritten = numbers.rewrites(taken.media)
                _check(part, taken, timeline, files[taken.media], is_rewritten=is_rewritten)
                share = _WRITTEN + (1 - _WRITTEN) * number / len(copying.taken)
                on_frame(round(share * shape.frames))
        part.replace(out)
    finally:
        part.unlink(missing_ok=True)


@contextmanager
def _named() -> Iterator[None]:
    """Tell what encoding all of it can mend from all other trouble."""
    try:
        yield
    except (Unfit, BadUnits, AssetUnreadable) as error:
        raise NotSpliced(str(error)) from error
    except TaskFailure as error:
        if error.failure is not FailureClass.CORRUPT_OUTPUT:
            raise
        raise NotSpliced(error.message.removesuffix(".")) from error


def _sets(copying: Copying, numbers: Numbers) -> Sets:
    """What the film says of what is copied."""
    delay = max(taken.run.delay for taken in copying.taken)
    limits = reduce(Limits.both, (coding.sps.limits(delay) for coding in copying.codings.values()))
    return Sets(numbers.sps, numbers.pps, numbers.free, limits, delay)


def _pieces(
    copying: Copying, timeline: Timeline, files: Mapping[str, Path], numbers: Numbers
) -> Iterator[Drawn | Copied]:
    """What is copied, and between it what is not."""
    at = 0
    for taken in copying.taken:
        frames = taken.run.frames
        if at < frames.start:
            yield _drawn(range(at, frames.start), copying.plan, timeline, files)
        yield _copied(taken, timeline, files[taken.media], copying.codings[taken.media], numbers)
        at = frames.stop
    if at < copying.plan.frames:
        yield _drawn(range(at, copying.plan.frames), copying.plan, timeline, files)


def _drawn(frames: range, plan: Plan, timeline: Timeline, files: Mapping[str, Path]) -> Drawn:
    part = Plan(tuple(span for span in plan.spans if span.start_frame in frames))

    def pictures() -> Iterator[Composed]:
        composing = compose(part, timeline, files, buffers=_FRAMES_AHEAD + 2)
        with Ahead(composing, depth=_FRAMES_AHEAD, name="compose") as ahead:
            yield from ahead

    return Drawn(frames, pictures)


def _copied(taken: Taken, timeline: Timeline, path: Path, coding: Coding, numbers: Numbers) -> Copied:
    """The clip's packets, their slices under the film's numbers where these are not its own."""
    name, run, footage = timeline.medium(taken.media).name, taken.run, taken.footage
    given = numbers.pps_of[taken.media]
    changed = {pps.number: pps for pps in coding.pps if given[pps.number] != pps.number}

    def in_film(unit: bytes) -> bytes:
        if not changed or unit_type(unit) == SEI or (pps := changed.get(pps_number(unit))) is None:
            return unit
        return renumbered(unit, pps, coding.sps, given[pps.number])

    def coded() -> Iterator[Coded]:
        pictures = coded_pictures(path, name, coding, footage, run.start, run.end)
        for picture, frame in zip(pictures, run.shown, strict=True):
            try:
                units = needed(picture.units, is_key=picture.is_key)
                yield Coded(packed([in_film(unit) for unit in units]), frame, picture.is_key)
            except ValueError as error:
                raise Unfit(f"{name} has slices that cannot be read") from error

    return Copied(run.frames, coded)


def _untouched(copying: Copying, numbers: Numbers) -> Set[int]:
    """The frames that are the clips' own bytes."""
    kept = (taken.run.frames for taken in copying.taken if not numbers.rewrites(taken.media))
    return frozenset(chain.from_iterable(kept))


def _check(film: Path, taken: Taken, timeline: Timeline, path: Path, *, is_rewritten: bool) -> None:
    """Play the film over both ends of a run: no frame is missing, and the first are those of the clip.

    So must be the last where slices were rewritten; else they are the clip's own bytes.
    """
    clip, name, rate = taken.clip, timeline.medium(taken.media).name, timeline.rate
    frames, end = taken.run.frames, timeline.end_frame_exclusive
    held = frames if is_rewritten else frames[:_LOOKED_AT]
    original = VideoReader(
        path, rate=rate, source_start=clip.source_start, source_end=clip.source_end, name=name
    )
    with original, VideoReader(film, rate=rate, name="The film") as made:
        for frame in _around(frames, end):
            shown = made.frame(frame)
            if _time_of(shown) != rate.seconds(frame):
                raise NotSpliced(f"frame {frame} of the film is missing")
            if frame in held and not _are_equal(shown, original.frame(frame - clip.start_frame)):
                raise NotSpliced(f"{name} looks different at frame {frame} of the film")


def _around(frames: range, end: int) -> list[int]:
    """Both ends of a run and what lies beyond them, within the film."""
    edges = (frames.start, frames.stop)
    return sorted({n for edge in edges for n in range(edge - _LOOKED_AT, edge + _LOOKED_AT) if 0 <= n < end})


def _time_of(frame: VideoFrame) -> Fraction | None:
    return None if frame.pts is None or frame.time_base is None else frame.pts * frame.time_base


def _are_equal(one: VideoFrame, other: VideoFrame) -> bool:
    return np.array_equal(one.to_ndarray(), other.to_ndarray())
