"""Brings a mix to one loudness, -14 LUFS, with peaks that stay below -1 dBTP once it is encoded.

The mix is made once. It is measured on its way into a file without a name, the gain is decided from the
measurements, and it is read back under that gain and the limiter's. Measurements take a megabyte a minute.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO

import numpy as np

from workers.media.limiter import MARGIN, Gains, applied, curve, true_peaks
from workers.media.loudness import SILENT_LUFS, Energies, Meter, hop_of, integrated
from workers.media.sound import Samples

TARGET_LUFS = -14.0
# Encoding lets peaks grow: by up to 0.8 dB of what was measured with AAC at 192 kbit/s and Opus.
CEILING_DBTP = -2.0
CEILING = 10 ** (CEILING_DBTP / 20)
# A mix that would need more than this is hardly meant to be loud. One that needs 1 dB more gets 1 dB less, so
# that the noise of a quiet room stays quiet, and there is no edge at which a mix would jump.
MOST_BOOST_DB = 30.0
# How much more the limiter may be driven to make up for what it takes away. Some seconds of a man's voice,
# its peaks 16 dB above its loudness, and as many of music at seed 004's volume need 8.
MOST_PUSH_DB = 9.0
_ROUNDS = 8
_CLOSE_LU = 0.02
# Between two samples the wave may be 4 dB higher than both, and the final gain 1 dB above the first guess; no
# look between them is needed where samples are lower than that.
_BETWEEN_SAMPLES = 10 ** (-5 / 20)
_CHUNK_HOPS = 100
_FRAME_BYTES = 8


def mastered(mix: Iterable[Samples], sample_rate: int, folder: Path) -> Iterator[Samples]:
    """The mix at TARGET_LUFS, sample for sample as long as it was.

    `folder` takes the mix meanwhile: 8 bytes a sample, gone when this ends. Raises OSError when it is full,
    and whatever the mix raises.
    """
    hop = hop_of(sample_rate)
    with TemporaryFile(dir=folder) as spool:
        meter = Meter(sample_rate)
        for chunk in mix:
            spool.write(np.ascontiguousarray(chunk.T).data)
            meter.push(chunk)
        samples = spool.tell() // _FRAME_BYTES
        meter.finish()
        energies, peaks = meter.energies, meter.peaks
        peaks = _wave_peaks(spool, samples, peaks, gain_for(energies, peaks), hop)
        gain = gain_for(energies, peaks)
        edges = curve(_borne(peaks * gain)) * gain
        step = _CHUNK_HOPS * hop
        for start in range(0, samples, step):
            sound = _read(spool, start, min(start + step, samples))
            first = start // hop
            yield applied(sound, edges[first : first - (-sound.shape[1] // hop) + 1], hop, CEILING)


def gain_for(energies: Energies, peaks: Samples) -> float:
    """The gain (linear) under which a mix, once limited, has the loudness it shall have.

    Silence is left alone. The limiter's share is found by trying: it takes more, the more it is given. What
    came nearest counts: where speech is held down, soft music comes through the meter's gate, and more gain
    may make the whole softer.
    """
    loudness = integrated(energies)
    if loudness == SILENT_LUFS:
        return 1.0
    boost = _boost_db(loudness)
    target, gain_db = loudness + boost, boost
    nearest = float("inf"), boost
    for _ in range(_ROUNDS):
        gain = 10 ** (gain_db / 20)
        limited = integrated(energies * (gain * curve(_borne(peaks * gain))[:-1]) ** 2)
        missing = target - limited
        nearest = min(nearest, (abs(missing), gain_db))
        if abs(missing) < _CLOSE_LU:
            break
        gain_db = min(gain_db + missing, boost + MOST_PUSH_DB)
    return float(10 ** (nearest[1] / 20))


def _boost_db(loudness: float) -> float:
    wanted = TARGET_LUFS - loudness
    return wanted if wanted <= MOST_BOOST_DB else max(0.0, 2 * MOST_BOOST_DB - wanted)


def _borne(peaks: Samples) -> Gains:
    """The gain each hop bears."""
    return np.minimum(1.0, CEILING / np.maximum(peaks.astype(np.float64), 1e-9))


def _wave_peaks(spool: IO[bytes], samples: int, peaks: Samples, gain: float, hop: int) -> Samples:
    """The peaks with those between samples, where these matter."""
    found = peaks.copy()
    high = peaks * gain > CEILING * _BETWEEN_SAMPLES
    for first in range(0, peaks.size, _CHUNK_HOPS):
        hops = np.flatnonzero(high[first : first + _CHUNK_HOPS])
        if hops.size:
            start, end = first * hop, min(first + _CHUNK_HOPS, peaks.size) * hop
            sound = _read_around(spool, start, end, samples)
            found[first + hops] = true_peaks(sound, hops, hop)
    return found


def _read(spool: IO[bytes], start: int, end: int) -> Samples:
    spool.seek(start * _FRAME_BYTES)
    data = spool.read((end - start) * _FRAME_BYTES)
    return np.frombuffer(data, np.float32).reshape(-1, 2).T


def _read_around(spool: IO[bytes], start: int, end: int, samples: int) -> Samples:
    """Samples `[start, end)` with MARGIN on both sides; silence where there are none."""
    early, late = max(0, start - MARGIN), min(samples, end + MARGIN)
    before, behind = early - (start - MARGIN), end + MARGIN - late
    return np.pad(_read(spool, early, late), ((0, 0), (before, behind)))
