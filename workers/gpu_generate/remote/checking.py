"""Looks at what a service sent before it counts: it decodes, is as long as was ordered, and is not black."""

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import numpy.typing as npt
from PIL import Image

from farm.errors import AssetUnreadable, FailureClass, TaskFailure
from farm.timeline import MediaKind
from workers.media.decode import video_frames
from workers.media.open import open_media, picture_stream
from workers.media.probe import MediaInfo, probe
from workers.media.sound import SoundReader
from workers.media.stills import open_transparent

Grey = npt.NDArray[np.uint8]
_NAME = "the provider's answer"
_OPAQUE = 255
_BLACK = 28  # of 255: nothing in the frame is lighter
_SILENT = 10 ** (-60 / 20)
_SAMPLE_RATE = 48_000
_LOOKS = 24  # frames of a film that are looked at for black
# Services round lengths: a film may be so much shorter or longer than what was ordered.
_SHORTEST, _LONGEST, _SLACK_S = Fraction(3, 4), Fraction(3, 2), Fraction(1)


def checked_picture(path: Path) -> Image.Image:
    """The picture, upright, of mode RGBA. Raises TaskFailure CORRUPT_OUTPUT."""
    try:
        picture = open_transparent(path, _NAME)
    except AssetUnreadable as error:
        raise corrupt(error.message) from error
    least, most = picture.getchannel("A").getextrema()
    if most == 0 or (least == _OPAQUE and _is_black(np.asarray(picture.convert("L")))):
        raise corrupt("nothing is seen on it")
    return picture


def checked_film(path: Path, ordered_s: Fraction) -> MediaInfo:
    """What is known of the film; all of it decodes. Raises TaskFailure CORRUPT_OUTPUT."""
    try:
        info = probe(path, _NAME)
        if info.kind is not MediaKind.VIDEO:
            raise corrupt(f"it is {info.kind.value}, not video")
        _check_frames(path)
    except AssetUnreadable as error:
        raise corrupt(error.message) from error
    length = info.duration or Fraction(0)
    if not ordered_s * _SHORTEST - _SLACK_S <= length <= ordered_s * _LONGEST + _SLACK_S or not length:
        raise corrupt(f"it lasts {float(length):.2f} s instead of {float(ordered_s):.2f} s")
    return info


def checked_sound(path: Path, ordered_s: Fraction) -> MediaInfo:
    """What is known of the sound; all of it decodes, and it is heard. Raises TaskFailure CORRUPT_OUTPUT."""
    try:
        info = probe(path, _NAME)
        if info.kind is not MediaKind.AUDIO:
            raise corrupt(f"it is {info.kind.value}, not sound")
        length = _heard_s(path)
    except AssetUnreadable as error:
        raise corrupt(error.message) from error
    if not ordered_s * _SHORTEST - _SLACK_S <= length <= ordered_s * _LONGEST + _SLACK_S:
        raise corrupt(f"it lasts {float(length):.2f} s instead of {float(ordered_s):.2f} s")
    return info


def _heard_s(path: Path) -> Fraction:
    """How long it is, by its samples."""
    samples, loudest = 0, 0.0
    with SoundReader(path, sample_rate=_SAMPLE_RATE, name=_NAME) as reader:
        while (piece := reader.read(_SAMPLE_RATE)).size:
            samples += piece.shape[1]
            loudest = max(loudest, float(np.abs(piece).max()))
    if loudest < _SILENT:
        raise corrupt("nothing is heard")
    return Fraction(samples, _SAMPLE_RATE)


def corrupt(why: str) -> TaskFailure:
    """What came is of no use."""
    return TaskFailure(
        f"What the provider sent is of no use: {why}.",
        FailureClass.CORRUPT_OUTPUT,
        code="provider_output_corrupt",
    )


def _check_frames(path: Path) -> None:
    frames, is_seen = 0, False
    with open_media(path, _NAME) as container:
        stream = picture_stream(container)
        assert stream is not None  # it has been probed
        every = max(1, (stream.frames or 1) // _LOOKS)
        for frame in video_frames(container, stream):
            frames += 1
            if not is_seen and (frames % every == 0 or frames == 1):
                is_seen = not _is_black(_grey(frame))
    if not is_seen:
        raise corrupt("it is black" if frames else "it has no frames")


def _grey(frame: av.VideoFrame) -> Grey:
    return np.asarray(frame.reformat(width=160, height=90, format="gray").to_ndarray(), np.uint8)


def _is_black(grey: Grey) -> bool:
    return int(grey.max()) <= _BLACK
