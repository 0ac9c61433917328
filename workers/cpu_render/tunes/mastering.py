"""From the parts to a finished tune: a hall, an even tone and loudness, no sharp peaks.

All of it on a circle of samples, so that a tune's end rings on in its beginning; in blocks, so that it
stays in the processor's caches.
"""

from collections.abc import Iterator

import numpy as np

from workers.cpu_render.tunes.score import Sound
from workers.cpu_render.tunes.voices import SAMPLE_RATE
from workers.media.loudness import integrated_of

LOUDNESS_LUFS = -14.0  # as music is that one buys or streams
_CEILING = 0.84  # -1.5 dBFS: what lies between two samples stays below -1
_KNEE = 0.45
_ROOM_GAIN = 0.8
_LOWEST_HZ = 30.0
_TAPS = 8192  # of the filter that sets the tone
_BLOCK = 2**17


def mastered(dry: Sound, wet: Sound, room_s: float, rng: np.random.Generator) -> Sound:
    """The mix of both, `wet` through a hall, at LOUDNESS_LUFS and below -1 dBFS. Shapes are (2, n)."""
    made = np.zeros_like(dry)
    tone = _tone_filter()
    for side in (0, 1):
        _filter(made[side], dry[side], wet[side], tone, _tail(room_s, rng))
    made *= np.float32(10 ** ((LOUDNESS_LUFS - integrated_of(made, SAMPLE_RATE)) / 20))
    return _softened(made)


def _blocks(samples: int) -> Iterator[slice]:
    for start in range(0, samples, _BLOCK):
        yield slice(start, min(start + _BLOCK, samples))


def _filter(out: Sound, dry: Sound, wet: Sound, tone: Sound, tail: Sound) -> None:
    """Fill one side: `dry` and what the hall makes of `wet`, both in the same tone, round the circle."""
    size = _fast_size(_BLOCK + _TAPS + tail.size)
    plain = np.fft.rfft(tone, size)
    room = plain * np.fft.rfft(tail, size)
    for block in _blocks(out.size):
        both = np.fft.rfft(dry[block], size) * plain + np.fft.rfft(wet[block], size) * room
        lay(out, np.fft.irfft(both, size).astype(np.float32, copy=False), block.start - _TAPS // 2)


def lay(circle: Sound, sound: Sound, at: int) -> None:
    """Add a sound to a circle of samples, round the end as often as it takes."""
    while sound.size:
        at %= circle.size
        count = min(sound.size, circle.size - at)
        circle[at : at + count] += sound[:count]
        sound, at = sound[count:], at + count


def _fast_size(least: int) -> int:
    """The next length that is a power of two, or one and a half of one."""
    power = 1 << (least - 1).bit_length()
    return power * 3 // 4 if power * 3 // 4 >= least else power


def _tail(room_s: float, rng: np.random.Generator) -> Sound:
    """What a hall answers to a click: after 18 ms noise that falls by 60 dB in `room_s`, treble sooner."""
    t = np.arange(round(room_s * SAMPLE_RATE)) / SAMPLE_RATE
    fall = 6.9 / room_s
    noise = rng.standard_normal(t.size)
    hz = np.fft.rfftfreq(t.size, 1 / SAMPLE_RATE)
    spectrum = np.fft.rfft(noise) * (hz > 150)
    low = np.fft.irfft(spectrum / (1 + (hz / 1800) ** 2), t.size)
    high = np.fft.irfft(spectrum / (1 + (hz / 6000) ** 2), t.size) - low
    made = (low * np.exp(-fall * t) + high * np.exp(-2.2 * fall * t)) * np.clip((t - 0.018) / 0.02, 0, 1)
    return np.asarray(_ROOM_GAIN * made / np.sqrt((made**2).sum()), np.float32)


def _tone_filter() -> Sound:
    """No rumble below the bass, a little less mud, a little more air: as taps, the middle one at no delay."""
    hz = np.maximum(np.fft.rfftfreq(_TAPS, 1 / SAMPLE_RATE), 1)
    rumble = 1 / np.sqrt(1 + (_LOWEST_HZ / hz) ** 6)
    mud = 10 ** (-1.5 / 20 * np.exp(-((np.log2(hz / 320) / 0.8) ** 2)))
    air = 10 ** (1.5 / 20 / (1 + (7000 / hz) ** 2))
    taps = np.roll(np.fft.irfft(rumble * mud * air, _TAPS), _TAPS // 2)
    return np.asarray(taps * np.hanning(_TAPS), np.float32)


def _softened(sound: Sound) -> Sound:
    """Peaks above the knee are rounded off towards the ceiling, in place; all below it stays as it is."""
    size = np.abs(sound)
    over = size > _KNEE
    room = _CEILING - _KNEE
    sound[over] = np.sign(sound[over]) * (_KNEE + room * np.tanh((size[over] - _KNEE) / room))
    return sound
