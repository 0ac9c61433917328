"""How loud sound is, by ITU-R BS.1770: K-weighted, in blocks of 400 ms, gated. No files, no decisions.

The K-weighting is applied in the frequency domain: its impulse response dies away within a tenth of a
second, so that a finite filter of that length is exact to 100 dB.
"""

from functools import lru_cache

import numpy as np
import numpy.typing as npt

from workers.media.sound import Samples

Energies = npt.NDArray[np.float64]

SILENT_LUFS = float("-inf")
HOPS_PER_S = 200  # energies are kept per hop of 5 ms
_BLOCK = 80  # hops: 400 ms
_STEP = 20  # hops: blocks overlap by three quarters
_OFFSET_DB = -0.691
_ABSOLUTE_GATE_LUFS = -70.0
_RELATIVE_GATE_LU = -10.0
_TAPS_S = 0.085

# The two filters of the recommendation as analogue prototypes, so that they hold at any sample rate.
_SHELF_HZ, _SHELF_Q, _SHELF_DB = 1681.974450955533, 0.7071752369554196, 3.999843853973347
_HIGH_PASS_HZ, _HIGH_PASS_Q = 38.13547087602444, 0.5003270373238773


def hop_of(sample_rate: int) -> int:
    """Samples in a hop."""
    return sample_rate // HOPS_PER_S


class Meter:
    """Feed chunks of any length with `push`; `finish` closes the last hop.

    `energies` are then the K-weighted mean squares of each hop, summed over both sides, and `peaks` the
    greatest sample of each hop.
    """

    def __init__(self, sample_rate: int) -> None:
        self._hop = hop_of(sample_rate)
        self._taps = round(_TAPS_S * sample_rate)
        self._rate = sample_rate
        self._past: Samples = np.zeros((2, self._taps - 1), np.float32)
        self._left: Samples = np.empty((2, 0), np.float32)
        self._raw_left: Samples = np.empty((2, 0), np.float32)
        self._energies: list[Energies] = []
        self._peaks: list[Samples] = []

    @property
    def energies(self) -> Energies:
        return np.concatenate([*self._energies, np.empty(0)])

    @property
    def peaks(self) -> Samples:
        return np.concatenate([*self._peaks, np.empty(0, np.float32)])

    def push(self, chunk: Samples) -> None:
        self._left = np.concatenate([self._left, self._weighted(chunk)], axis=1)
        self._raw_left = np.concatenate([self._raw_left, chunk], axis=1)
        self._measure(self._left.shape[1] // self._hop * self._hop)

    def finish(self) -> None:
        """Take what is left as one hop of its own, filled up with silence."""
        if count := self._left.shape[1]:
            fill = ((0, 0), (0, self._hop - count))
            self._left, self._raw_left = np.pad(self._left, fill), np.pad(self._raw_left, fill)
            self._measure(self._hop)

    def _measure(self, count: int) -> None:
        if count:
            squares = np.square(self._left[:, :count], dtype=np.float64).sum(axis=0)
            self._energies.append(squares.reshape(-1, self._hop).mean(axis=1))
            peaks = np.abs(self._raw_left[:, :count]).max(axis=0)
            self._peaks.append(peaks.reshape(-1, self._hop).max(axis=1))
            self._left, self._raw_left = self._left[:, count:], self._raw_left[:, count:]

    def _weighted(self, chunk: Samples) -> Samples:
        """The chunk as the K-weighting leaves it, given all that came before."""
        whole = np.concatenate([self._past, chunk], axis=1)
        self._past = whole[:, whole.shape[1] - self._taps + 1 :]
        if not whole.any():
            return chunk
        size = -(-whole.shape[1] // 4096) * 4096
        spectrum = np.fft.rfft(whole, size) * _response(self._rate, self._taps, size)
        return np.fft.irfft(spectrum, size)[:, self._taps - 1 : whole.shape[1]].astype(np.float32, copy=False)


def integrated(energies: Energies) -> float:
    """The loudness of the whole, in LUFS: of the blocks above -70 LUFS, those at most 10 LU below their mean.

    -inf when there are none. What is shorter than a block is one block.
    """
    blocks = _blocks(energies)
    for gate in (_ABSOLUTE_GATE_LUFS, None):
        floor = lufs(float(blocks.mean())) + _RELATIVE_GATE_LU if gate is None else gate
        blocks = blocks[_OFFSET_DB + 10 * np.log10(np.maximum(blocks, 1e-20)) > floor]
        if blocks.size == 0:
            return SILENT_LUFS
    return lufs(float(blocks.mean()))


def loudest(energies: Energies) -> float:
    """The greatest momentary loudness (400 ms) in LUFS, silence before and after counted in."""
    fill = np.zeros(_BLOCK)
    totals = np.cumsum(np.concatenate([fill, energies, fill]))
    return lufs(float((totals[_BLOCK:] - totals[:-_BLOCK]).max()) / _BLOCK)


def lufs(energy: float) -> float:
    """The loudness of a K-weighted mean square."""
    return _OFFSET_DB + 10 * float(np.log10(energy)) if energy > 1e-15 else SILENT_LUFS


def loudest_of(sound: Samples, sample_rate: int) -> float:
    """The greatest momentary loudness of a sound held in memory, in LUFS."""
    return loudest(_energies_of(sound, sample_rate))


def integrated_of(sound: Samples, sample_rate: int) -> float:
    """The integrated loudness of a sound held in memory, in LUFS."""
    return integrated(_energies_of(sound, sample_rate))


def _energies_of(sound: Samples, sample_rate: int) -> Energies:
    meter = Meter(sample_rate)
    for at in range(0, sound.shape[1], sample_rate):
        meter.push(sound[:, at : at + sample_rate])
    meter.finish()
    return meter.energies


def _blocks(energies: Energies) -> Energies:
    """The mean energy of each block of 400 ms, one every 100 ms."""
    if energies.size <= _BLOCK:
        return energies.mean(keepdims=True) if energies.size else energies
    totals = np.concatenate([[0.0], np.cumsum(energies)])
    starts = np.arange(0, energies.size - _BLOCK + 1, _STEP)
    means: Energies = (totals[starts + _BLOCK] - totals[starts]) / _BLOCK
    return np.maximum(means, 0.0)  # differences of sums may fall a hair below


@lru_cache(maxsize=8)
def _response(sample_rate: int, taps: int, size: int) -> npt.NDArray[np.complex64]:
    """The spectrum of the K-weighting's first `taps` samples, for transforms of `size`."""
    fine = 4 * (1 << (taps - 1).bit_length())
    turns = np.exp(-2j * np.pi * np.arange(fine // 2 + 1) / fine)
    impulse = np.fft.irfft(_shelf(turns, sample_rate) * _high_pass(turns, sample_rate), fine)
    return np.fft.rfft(impulse[:taps], size).astype(np.complex64)


def _shelf(turns: npt.NDArray[np.complex128], sample_rate: int) -> npt.NDArray[np.complex128]:
    k = np.tan(np.pi * _SHELF_HZ / sample_rate)
    high = 10 ** (_SHELF_DB / 20)
    middle = high**0.4996667741545416
    b = (high + middle * k / _SHELF_Q + k * k, 2 * (k * k - high), high - middle * k / _SHELF_Q + k * k)
    return _biquad(turns, b, k, _SHELF_Q)


def _high_pass(turns: npt.NDArray[np.complex128], sample_rate: int) -> npt.NDArray[np.complex128]:
    """As the recommendation has it: its numerator is not scaled by the denominator's first term."""
    k = np.tan(np.pi * _HIGH_PASS_HZ / sample_rate)
    first = 1 + k / _HIGH_PASS_Q + k * k
    return _biquad(turns, (first, -2 * first, first), k, _HIGH_PASS_Q)


def _biquad(
    turns: npt.NDArray[np.complex128], b: tuple[float, float, float], k: float, q: float
) -> npt.NDArray[np.complex128]:
    a = (1 + k / q + k * k, 2 * (k * k - 1), 1 - k / q + k * k)
    above = b[0] + b[1] * turns + b[2] * turns**2
    below = a[0] + a[1] * turns + a[2] * turns**2
    return np.asarray(above / below)
