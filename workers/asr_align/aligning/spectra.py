"""How sound looks to the comparison of a narration with a reading of it: cepstra of loudness above the noise.

A recording has noise, music, a microphone and another voice; a reading has none of these. So both are said
as how far each band rises above the recording's own floor, and the reading is first given the recording's
balance of bands. What is below the floor counts for nothing in either, as one cannot hear it.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

import numpy as np
import numpy.typing as npt

from workers.asr_align.aligning.sound import SAMPLE_RATE, Floats

HOP = 160
HOP_S = HOP / SAMPLE_RATE
CEPSTRA = 13  # features from this one on say how those before it move

_WINDOW = 400
_SIZE = 512
_BANDS = 26
_LOWEST_HZ, _HIGHEST_HZ = 80.0, 7_400.0
_SMOOTH = 7  # frames, before the floor is looked for
_FLOOR_S = 2.5  # speech pauses somewhere within so much to each side
_FLOOR_BIAS = 1.6  # the least of a noise lies below its mean
_RANGE_DB = 38.0  # what is further below a band's loud moments than this is not looked at
_BALANCE_DB = 25.0
_DELTA_REACH = 2


@dataclass(frozen=True, slots=True)
class Powers:
    """Power of each band and frame, shape (frames, bands), and of the floor under it (or one row for all)."""

    power: Floats
    floor: Floats

    def rise(self) -> Floats:
        """How far each band is above its floor, in nepers of power, from 0."""
        rise: Floats = np.log(np.maximum(self.power, self.floor) / self.floor)
        return rise


def band_powers(samples: Floats) -> Floats:
    """Power in mel bands every 10 ms; one frame at least."""
    if samples.size < _WINDOW:
        samples = np.pad(samples, (0, _WINDOW - samples.size))
    frames = np.lib.stride_tricks.sliding_window_view(samples, _WINDOW)[::HOP]
    spectrum = np.fft.rfft(frames * np.hamming(_WINDOW).astype(np.float32), _SIZE, axis=1)
    powers: Floats = (np.abs(spectrum) ** 2).astype(np.float32) @ _bank() + np.float32(1e-8)
    return powers


def all_powers(pieces: Iterator[Floats]) -> Floats:
    """The same over sound that comes in pieces, as if it were one."""
    left = np.zeros(0, np.float32)
    rows = []
    for piece in pieces:
        left = np.concatenate([left, piece])
        whole = (left.size - _WINDOW) // HOP + 1
        if whole > 0:
            rows.append(band_powers(left[: (whole - 1) * HOP + _WINDOW]))
            left = left[whole * HOP :]
    return np.concatenate(rows) if rows else band_powers(left)


def above_floor(power: Floats) -> Powers:
    """The floor of each band: the least it falls to around each moment."""
    reach = round(_FLOOR_S / HOP_S)
    loud = np.array([np.percentile(power[:, band], 97) for band in range(_BANDS)])
    least = np.maximum(loud * 10 ** (-_RANGE_DB / 10), float(loud.max()) * 10 ** (-_RANGE_DB / 10 - 2))
    floor = np.empty_like(power)
    for band in range(_BANDS):  # one after the other, for an hour has a third of a million frames
        column = running_mean(power[:, band : band + 1], _SMOOTH)
        column = _running_least(column, reach) * _FLOOR_BIAS
        floor[:, band] = np.maximum(column[:, 0], max(float(least[band]), 1e-8))
    return Powers(power, floor)


def balance(reading: Floats, narration: Powers) -> Floats:
    """How much louder the narration is in each band, over all that is loud in either; for a first look."""
    excess = np.maximum(narration.power - narration.floor, 0)
    rise = narration.rise().mean(axis=1)
    theirs = excess[rise >= np.percentile(rise, 60)].mean(axis=0) + 1e-8
    level = reading.mean(axis=1)
    ours = reading[level >= np.percentile(level, 40)].mean(axis=0) + 1e-8
    return _sane(np.log(theirs / ours).astype(np.float64))


def balance_along(reading: Floats, narration: Powers) -> Floats:
    """The same for frames laid side by side."""
    theirs = np.maximum(narration.power - narration.floor, 0).mean(axis=0) + 1e-8
    return _sane(np.log(theirs / (reading.mean(axis=0) + 1e-8)).astype(np.float64))


def _sane(gain: npt.NDArray[np.float64]) -> Floats:
    """No band further from the middle than a microphone could put it."""
    middle = float(np.median(gain))
    limit = _BALANCE_DB / 10 * np.log(10)
    return np.exp(np.clip(gain, middle - limit, middle + limit)).astype(np.float32)


def heard_as(reading: Floats, gain: Floats, narration: Powers) -> Powers:
    """A reading's powers with the narration's balance of bands, over its floor."""
    floor = np.exp(np.log(narration.floor).mean(axis=0, keepdims=True))
    return Powers((reading * gain).astype(np.float32), floor)


def with_throat(power: Floats, longer: float) -> Floats:
    """Powers as a throat longer by that factor would sound: every band lower by it."""
    centres = _hz(np.linspace(_mel(_LOWEST_HZ), _mel(_HIGHEST_HZ), _BANDS + 2))[1:-1]
    places = np.interp(centres * longer, centres, np.arange(_BANDS))
    low = np.floor(places).astype(np.int64)
    high = np.minimum(low + 1, _BANDS - 1)
    part = (places - low).astype(np.float32)
    logs = np.log(power)
    warped: Floats = np.exp(logs[:, low] * (1 - part) + logs[:, high] * part)
    return warped


def cepstra(rise: Floats) -> Floats:
    """Cepstra and how they change, shape (frames, 26), of what rises above the floor."""
    still = rise @ _dct()
    moving = _slopes(still)
    features: Floats = np.concatenate([still, moving], axis=1).astype(np.float32)
    return features


def _slopes(still: Floats) -> Floats:
    """How each value moves, by a line through five frames."""
    padded = np.pad(still, ((_DELTA_REACH, _DELTA_REACH), (0, 0)), mode="edge")
    frames = len(still)
    moved = np.zeros_like(still)
    for step in range(1, _DELTA_REACH + 1):
        later = padded[_DELTA_REACH + step : _DELTA_REACH + step + frames]
        earlier = padded[_DELTA_REACH - step : _DELTA_REACH - step + frames]
        moved += step * (later - earlier)
    return moved / np.float32(10.0)


@cache
def _bank() -> Floats:
    """Triangles, evenly spaced in mels: shape (bins, bands)."""
    hz = np.fft.rfftfreq(_SIZE, 1 / SAMPLE_RATE)
    edges = _hz(np.linspace(_mel(_LOWEST_HZ), _mel(_HIGHEST_HZ), _BANDS + 2))
    low, middle, high = edges[:-2], edges[1:-1], edges[2:]
    rising = (hz[:, None] - low) / (middle - low)
    falling = (high - hz[:, None]) / (high - middle)
    bank: Floats = np.maximum(0, np.minimum(rising, falling)).astype(np.float32)
    return bank


def _mel(hz: float) -> float:
    return float(2595 * np.log10(1 + hz / 700))


def _hz(mel: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    return np.asarray(700 * (10 ** (mel / 2595) - 1))


@cache
def _dct() -> Floats:
    """Orthonormal cosines: shape (bands, cepstra)."""
    band = (np.arange(_BANDS) + 0.5)[:, None]
    table = np.cos(np.pi / _BANDS * band * np.arange(CEPSTRA)) * np.sqrt(2 / _BANDS)
    table[:, 0] /= np.sqrt(2)
    return np.asarray(table, np.float32)


def running_mean(values: Floats, width: int) -> Floats:
    """The mean of so many frames around each."""
    padded = np.pad(values, ((width // 2, width - 1 - width // 2), (0, 0)), mode="edge")
    sums = np.cumsum(np.concatenate([np.zeros_like(padded[:1]), padded]), axis=0, dtype=np.float64)
    mean: Floats = ((sums[width:] - sums[:-width]) / width).astype(np.float32)
    return mean


def _running_least(values: Floats, reach: int) -> Floats:
    """The least within `reach` frames to each side, by doubling: no window is ever laid out."""
    width = 2 * reach + 1
    least = np.pad(values, ((reach, reach), (0, 0)), mode="edge")
    span = 1
    while span * 2 <= width:
        least = np.minimum(least[:-span], least[span:])
        span *= 2
    rest = width - span
    smallest: Floats = np.minimum(least[: len(least) - rest], least[rest:]) if rest else least
    return smallest
