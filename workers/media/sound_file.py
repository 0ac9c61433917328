"""Writes sound into a file of its own: MP3, the same bytes for the same samples."""

from collections.abc import Iterable
from pathlib import Path

import av
import numpy as np
from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream

from workers.media.sound import Samples

SUFFIX, CONTENT_TYPE = ".mp3", "audio/mpeg"
_BIT_RATE = 192_000


def write_mp3(path: Path, chunks: Iterable[Samples], sample_rate: int) -> int:
    """Write stereo chunks of shape (2, n), full scale ±1. Returns how many samples that were."""
    written = 0
    with av.open(str(path), "w", format="mp3") as container:
        stream = container.add_stream("libmp3lame", rate=sample_rate)
        assert isinstance(stream, AudioStream)
        stream.codec_context.layout = "stereo"
        stream.codec_context.bit_rate = _BIT_RATE
        for chunk in chunks:
            frame = AudioFrame.from_ndarray(np.ascontiguousarray(chunk), format="fltp", layout="stereo")
            frame.sample_rate = sample_rate
            frame.pts = written
            written += chunk.shape[1]
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return written
