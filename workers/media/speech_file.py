"""Writes speech into a file of one channel at 24 kHz, as OpenAI's clients expect of each format."""

from collections.abc import Iterable, Mapping
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import numpy.typing as npt
from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream

from farm.errors import FailureClass, TaskFailure
from farm.noun import Noun

SAMPLE_RATE = 24_000
_CHUNK = 1 << 15

Pcm = npt.NDArray[np.int16]


class Form(Noun):
    """How a format is written: `container` and `codec` as FFmpeg calls them, both empty for bare samples."""

    suffix: str
    content_type: str
    container: str = ""
    codec: str = ""
    bit_rate: int | None = None


FORMS: Mapping[str, Form] = {
    "mp3": Form(
        suffix=".mp3", content_type="audio/mpeg", container="mp3", codec="libmp3lame", bit_rate=96_000
    ),
    "opus": Form(suffix=".opus", content_type="audio/ogg", container="ogg", codec="libopus", bit_rate=48_000),
    "aac": Form(suffix=".aac", content_type="audio/aac", container="adts", codec="aac", bit_rate=80_000),
    "flac": Form(suffix=".flac", content_type="audio/flac", container="flac", codec="flac"),
    "wav": Form(suffix=".wav", content_type="audio/wav", container="wav", codec="pcm_s16le"),
    "pcm": Form(suffix=".pcm", content_type="audio/pcm"),
}


def write_speech(samples: Pcm, sample_rate: int, path: Path, form: Form) -> float:
    """Write mono samples of shape (n,), brought to SAMPLE_RATE. Returns their length in seconds.

    Raises TaskFailure INTERNAL `encoder_missing` where this worker lacks the encoder.
    """
    sound = _resampled(samples, sample_rate)
    if not form.codec:
        path.write_bytes(sound.astype("<i2").tobytes())
    else:
        encode_speech((sound[at : at + _CHUNK] for at in range(0, sound.size, _CHUNK)), path, form)
    return sound.size / SAMPLE_RATE


def encode_speech(pieces: Iterable[Pcm], path: Path, form: Form) -> None:
    """Write pieces of mono samples at SAMPLE_RATE as they come. Raises as `write_speech`."""
    with av.open(str(path), "w", format=form.container) as container:
        try:
            stream = container.add_stream(form.codec, rate=SAMPLE_RATE, layout="mono")
        except av.codec.codec.UnknownCodecError:
            raise TaskFailure(
                f"This worker's FFmpeg has no encoder {form.codec}.",
                FailureClass.INTERNAL,
                code="encoder_missing",
            ) from None
        assert isinstance(stream, AudioStream)
        if form.bit_rate is not None:
            stream.bit_rate = form.bit_rate
        written = 0
        for piece in pieces:
            container.mux(stream.encode(_frame(piece, SAMPLE_RATE, written)))
            written += piece.size
        container.mux(stream.encode(None))


def _frame(piece: Pcm, sample_rate: int, at: int) -> AudioFrame:
    frame = AudioFrame.from_ndarray(np.ascontiguousarray(piece)[None], format="s16", layout="mono")
    frame.sample_rate = sample_rate
    frame.time_base = Fraction(1, sample_rate)
    frame.pts = at
    return frame


def _resampled(samples: Pcm, sample_rate: int) -> Pcm:
    if sample_rate == SAMPLE_RATE or samples.size == 0:
        return samples
    resampler = av.AudioResampler(format="s16", layout="mono", rate=SAMPLE_RATE)
    pieces = [*resampler.resample(_frame(samples, sample_rate, 0)), *resampler.resample(None)]
    return np.concatenate([piece.to_ndarray()[0] for piece in pieces]).astype(np.int16)
