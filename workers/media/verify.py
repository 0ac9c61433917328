"""Reads a written file back: every packet is there, evenly timed; every keyframe and all sound decodes."""

from fractions import Fraction
from math import ceil
from pathlib import Path

import av
from av.container import InputContainer

from farm.encoders import STANDARD, FileFormat
from farm.errors import FailureClass, TaskFailure
from workers.media.shape import Shape

_DEMUXERS = {"webm": "matroska"}
_TICKS = {"webm": 1000, "gif": 100}  # per second, in formats that round times
# Samples that an encoder may add at the end: AAC's and Opus's frames.
_PADDING = {"aac": 2 * 1024, "libopus": 2 * 960, "pcm_s16le": 1}


def verify(path: Path, shape: Shape, form: FileFormat = STANDARD.format) -> None:
    """Raise TaskFailure CORRUPT_OUTPUT, saying what is wrong, unless the file is what `shape` says."""
    demuxer = _DEMUXERS.get(form.container, form.container)
    try:
        with av.open(str(path), "r", format=demuxer) as container:
            _verify_pictures(container, shape, form)
        if shape.samples:
            with av.open(str(path), "r", format=demuxer) as container:
                _verify_sound(container, shape, form)
    except (av.error.FFmpegError, IndexError) as error:
        raise _corrupt(f"it cannot be read back: {error}") from error


def _verify_pictures(container: InputContainer, shape: Shape, form: FileFormat) -> None:
    stream = container.streams.video[0]
    stream.codec_context.skip_frame = "NONKEY"
    times: list[Fraction] = []
    keyframes = decoded = 0
    for packet in container.demux(stream):
        if packet.pts is not None:
            times.append(packet.pts * packet.time_base)
            keyframes += packet.is_keyframe
        decoded += len(packet.decode())
    if not _is_even(sorted(times), shape, form):
        raise _corrupt(f"it has {len(times)} frames for {shape.frames}, or their times are uneven")
    # Some decoders do not skip, and give all frames.
    if not keyframes <= decoded <= shape.frames or (stream.width, stream.height) != (
        shape.width,
        shape.height,
    ):
        raise _corrupt(f"{keyframes - decoded} of {keyframes} keyframes are missing, or the size is wrong")


def _is_even(times: list[Fraction], shape: Shape, form: FileFormat) -> bool:
    """Whether there is a time for every frame, exact to what the format can say."""
    if len(times) != shape.frames:
        return False
    wanted = [shape.rate.seconds(frame) for frame in range(shape.frames)]
    ticks = _TICKS.get(form.container)
    if ticks is None:
        return times == wanted
    return all(abs(time - right) <= Fraction(1, ticks) for time, right in zip(times, wanted, strict=True))


def _verify_sound(container: InputContainer, shape: Shape, form: FileFormat) -> None:
    stream = container.streams.audio[0]
    samples = sum(frame.samples for frame in container.decode(stream))
    wanted = ceil(Fraction(shape.samples * stream.rate, shape.sample_rate))
    if not 0 <= samples - wanted < _PADDING[form.sound or "aac"]:
        raise _corrupt(f"it has {samples} samples of sound for {wanted}")


def _corrupt(reason: str) -> TaskFailure:
    return TaskFailure(f"The rendered file is not what was asked for: {reason}.", FailureClass.CORRUPT_OUTPUT)
