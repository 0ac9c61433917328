"""Loudness by somebody else's meter: libavfilter's ebur128, to hold ours and our mixes against."""

import math
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import numpy.typing as npt

Sound = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Reading:
    """LUFS of the whole and of its loudest 400 ms, and the true peak in dBTP."""

    integrated: float
    loudest: float
    true_peak: float


def read_meter(sound: Sound, rate: int = 48_000) -> Reading:
    """Measure sound of shape (2, n)."""
    graph = av.filter.Graph()
    source = graph.add_abuffer(format="fltp", sample_rate=rate, layout="stereo", time_base=Fraction(1, rate))
    meter = graph.add("ebur128", "peak=true:metadata=1")
    sink = graph.add("abuffersink")
    source.link_to(meter)
    meter.link_to(sink)
    graph.configure()
    frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(sound, np.float32), "fltp", "stereo")
    frame.sample_rate, frame.pts, frame.time_base = rate, 0, Fraction(1, rate)
    source.push(frame)
    source.push(None)
    last: dict[str, str] = {}
    loudest = -math.inf
    while True:
        try:
            found = dict(sink.pull().metadata)
        except (av.error.BlockingIOError, av.error.EOFError):
            break
        last = found or last  # a last frame of less than 100 ms has none
        loudest = max(loudest, float(last["lavfi.r128.M"]))
    peak = float(last["lavfi.r128.true_peak"])
    return Reading(float(last["lavfi.r128.I"]), loudest, 20 * math.log10(max(peak, 1e-9)))


def sound_of(film: Path) -> Sound:
    """The decoded sound of a file, shape (2, n)."""
    with av.open(str(film)) as container:
        return np.concatenate([frame.to_ndarray() for frame in container.decode(audio=0)], axis=1)
