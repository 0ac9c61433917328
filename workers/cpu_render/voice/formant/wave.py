"""Makes sound of a line of phones: a buzz through resonances, and hiss, both by adding up waves. Pure.

The buzz is a sum of the pitch's multiples, each as loud as the throat lets it through at that moment; so
nothing rings on and nothing clicks. Hiss is noise whose spectrum is shaped piece by piece.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from workers.cpu_render.voice.formant.phones import Phone

SAMPLE_RATE = 22_050
_FRAME_S = 0.005
_HIGHEST_HZ = 5_200.0  # of the buzz
_WIDTHS = (70.0, 100.0, 150.0, 240.0, 320.0)  # of the resonances, in hertz
_FOURTH_HZ, _FIFTH_HZ = 3_500.0, 4_500.0
_GLIDE_S = 0.068  # in which a throat gets from one sound to the next
_LOUDNESS_GLIDE_S = 0.014
_SLOPE = 1.15  # of the source: each multiple is softer than the one before by its number to this power
_BLOCK = 256
_BREATH, _HISS = 0.10, 0.23

Track = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Placed:
    """A phone in its place, in seconds, with the pitch at its start and end in hertz."""

    phone: Phone
    start_s: float
    end_s: float
    first_hz: float
    last_hz: float


def spoken(line: Sequence[Placed], size: float, seed: int = 7) -> npt.NDArray[np.float32]:
    """The sound of a line, full scale ±1. `size` is the throat's length against a grown man's."""
    frames = max(4, round(line[-1].end_s / _FRAME_S))
    tracks = _tracks(line, frames, size)
    count = int(frames * _FRAME_S * SAMPLE_RATE)
    sound = _buzz(tracks, count, size) + _noise(tracks, count, size, seed)
    peak = float(np.abs(sound).max()) or 1.0
    return (0.6 / peak * sound).astype(np.float32)


@dataclass(frozen=True, slots=True)
class _Tracks:
    """Everything that moves, by frame. `formants` has shape (3, frames)."""

    pitch: Track
    formants: Track
    voice: Track
    breath: Track
    hiss: Track
    hiss_hz: Track
    hiss_width: Track
    damp: Track


def _tracks(line: Sequence[Placed], frames: int, size: float) -> _Tracks:
    times: Track = (np.arange(frames, dtype=np.float64) + 0.5) * _FRAME_S
    at = np.searchsorted([placed.end_s for placed in line[:-1]], times, side="right")
    phones = [line[index].phone for index in at]

    def track(values: Sequence[float], glide_s: float) -> Track:
        return _smooth(np.array(values), glide_s)

    knots = [(placed.start_s, placed.first_hz) for placed in line] + [(line[-1].end_s, line[-1].last_hz)]
    formants = [
        [phone.f1 for phone in phones],
        [phone.f2 for phone in phones],
        [phone.f3 for phone in phones],
    ]
    return _Tracks(
        pitch=np.interp(times, [time for time, _ in knots], [hz for _, hz in knots]) * _wobble(times),
        formants=np.stack([track(values, _GLIDE_S) for values in formants]) / size,
        voice=track([phone.voice for phone in phones], _LOUDNESS_GLIDE_S),
        breath=track([phone.breath for phone in phones], _LOUDNESS_GLIDE_S),
        hiss=track([phone.hiss for phone in phones], _LOUDNESS_GLIDE_S),
        hiss_hz=track([phone.hiss_hz for phone in phones], _LOUDNESS_GLIDE_S),
        hiss_width=track([phone.hiss_width_hz for phone in phones], _LOUDNESS_GLIDE_S),
        damp=track([phone.damp for phone in phones], _LOUDNESS_GLIDE_S),
    )


def _wobble(times: Track) -> Track:
    """No voice holds a tone quite still."""
    return 1 + 0.008 * np.sin(2 * np.pi * 5.1 * times) + 0.006 * np.sin(2 * np.pi * 2.3 * times + 1)


def _smooth(values: Track, glide_s: float) -> Track:
    """Under a raised cosine that is `glide_s` wide."""
    half = max(1, round(glide_s / _FRAME_S / 2))
    window = np.hanning(2 * half + 3)[1:-1]
    padded = np.concatenate([np.full(half, values[0]), values, np.full(half, values[-1])])
    return np.convolve(padded, window / window.sum(), "valid")


def _through(hz: Track, formants: Track, damp: Track, size: float) -> npt.NDArray[np.complex128]:
    """What the throat lets through at each frequency: resonances one after the other, 1 at 0 Hz.

    `hz` has shape (n, frames); so has the answer.
    """
    fixed = np.full((2, formants.shape[1]), [[_FOURTH_HZ], [_FIFTH_HZ]]) / size
    let: npt.NDArray[np.complex128] = np.ones(hz.shape, np.complex128)
    s = 1j * hz
    for centre, width in zip((*formants, *fixed), _WIDTHS, strict=True):
        poles = (width * damp / 2) ** 2 + centre**2
        let *= poles / (s**2 + s * width * damp + poles)
    return let


def _buzz(tracks: _Tracks, count: int, size: float) -> Track:
    """All multiples of the pitch."""
    frames = tracks.pitch.size
    middle = (np.arange(frames) + 0.5) * _FRAME_S * SAMPLE_RATE
    samples = np.arange(count)
    pitch = np.interp(samples, middle, tracks.pitch)
    phase = 2 * np.pi * np.cumsum(pitch) / SAMPLE_RATE
    most = int(_HIGHEST_HZ / tracks.pitch.min())
    numbers = np.arange(1, most + 1)[:, None]
    let = _through(numbers * tracks.pitch, tracks.formants, tracks.damp, size)
    loud = tracks.voice * (numbers * tracks.pitch < _HIGHEST_HZ) * numbers**-_SLOPE
    sound = np.zeros(count)
    for number, gains in enumerate(let * loud, 1):
        turning = np.interp(samples, middle, gains.real), np.interp(samples, middle, gains.imag)
        sound += turning[0] * np.cos(number * phase) - turning[1] * np.sin(number * phase)
    return sound


def _noise(tracks: _Tracks, count: int, size: float, seed: int) -> Track:
    """Breath through the throat, and hiss where the tongue makes it: noise, shaped block by block."""
    step = _BLOCK // 2
    blocks = count // step + 2
    noise = np.random.default_rng(seed).standard_normal((blocks, _BLOCK))
    hz = np.fft.rfftfreq(_BLOCK, 1 / SAMPLE_RATE)[:, None]
    frame = np.minimum((np.arange(blocks) * step / SAMPLE_RATE / _FRAME_S).astype(int), tracks.pitch.size - 1)
    hiss = np.exp(-(((hz - tracks.hiss_hz[frame]) / tracks.hiss_width[frame]) ** 2)) * tracks.hiss[frame]
    breath = np.abs(_through(np.tile(hz, (1, blocks)), tracks.formants[:, frame], tracks.damp[frame], size))
    spectrum = _HISS * hiss + _BREATH * breath * (tracks.breath[frame] + 0.03 * tracks.voice[frame])
    shaped = np.fft.irfft(np.fft.rfft(noise) * spectrum.T, _BLOCK) * np.hanning(_BLOCK)
    sound = np.zeros((blocks + 1) * step)
    for number, block in enumerate(shaped):
        sound[number * step : number * step + _BLOCK] += block
    return sound[step : step + count]
