"""What the sound effects are made of: sines, noise, filters, envelopes, a room. All at SAMPLE_RATE."""

import numpy as np

from workers.cpu_render.sfx.contract import SAMPLE_RATE, Wave


def times(seconds: float) -> Wave:
    """The seconds of each sample."""
    return np.arange(round(seconds * SAMPLE_RATE)) / SAMPLE_RATE


def noise(seconds: float, seed: int) -> Wave:
    """White noise, the same for the same seed."""
    return np.random.default_rng(seed).standard_normal(round(seconds * SAMPLE_RATE))


def sine(hz: Wave | float, seconds: float) -> Wave:
    """A sine of a fixed or moving pitch, from phase 0."""
    t = times(seconds)
    steady = 2 * np.pi * np.cumsum(np.broadcast_to(hz, t.shape)) / SAMPLE_RATE
    return np.asarray(np.sin(steady - steady[0]))


def ring(hz: float, seconds: float, decay_s: float, *overtones: tuple[float, float, float]) -> Wave:
    """A struck body: a sine that falls to 1/e in `decay_s`; overtones are (ratio, level, share of decay)."""
    t = times(seconds)
    sound = np.exp(-t / decay_s) * np.sin(2 * np.pi * hz * t)
    for ratio, level, share in overtones:
        sound += level * np.exp(-t / (decay_s * share)) * np.sin(2 * np.pi * hz * ratio * t)
    return sound


def strike(seconds: float, rise_s: float, decay_s: float) -> Wave:
    """An envelope: up along a smooth curve in `rise_s`, then down to 1/e in `decay_s`."""
    t = times(seconds)
    up = np.sin(np.clip(t / rise_s, 0, 1) * np.pi / 2) ** 2
    return np.asarray(up * np.exp(-np.maximum(t - rise_s, 0) / decay_s))


def band(sound: Wave, low_hz: float, high_hz: float, slope: float = 2.0) -> Wave:
    """The sound between two frequencies, with edges of 6 dB x `slope` an octave."""
    size = 2 * sound.shape[-1]
    hz = np.maximum(np.fft.rfftfreq(size, 1 / SAMPLE_RATE), 1.0)
    gain = 1 / np.sqrt((1 + (low_hz / hz) ** (2 * slope)) * (1 + (hz / high_hz) ** (2 * slope)))
    return np.asarray(np.fft.irfft(np.fft.rfft(sound, size) * gain, size)[..., : sound.shape[-1]])


def swept(sound: Wave, centre_hz: Wave, octaves: float) -> Wave:
    """The sound through a band that moves: a bell around `centre_hz`, which has a value for each sample."""
    frame, step = 1024, 256
    window = np.hanning(frame + 1)[:-1]
    padded = np.pad(sound, (frame, frame))
    out = np.zeros_like(padded)
    hz = np.maximum(np.fft.rfftfreq(frame, 1 / SAMPLE_RATE), 10.0)
    for start in range(0, padded.size - frame + 1, step):
        at = min(max(start - frame // 2, 0), centre_hz.size - 1)
        bell = np.exp(-0.5 * (np.log2(hz / centre_hz[at]) / octaves) ** 2)
        piece = np.fft.irfft(np.fft.rfft(padded[start : start + frame] * window) * bell)
        out[start : start + frame] += piece * window
    return np.asarray(out[frame : frame + sound.size] / 1.5)


def panned(sound: Wave, place: Wave | float) -> Wave:
    """A mono sound in the stereo picture: -1 left … 1 right, at equal power."""
    angle = (np.broadcast_to(place, sound.shape) + 1) * np.pi / 4
    return np.asarray(np.stack([sound * np.cos(angle), sound * np.sin(angle)]) * np.sqrt(2))


def laid(seconds: float, *pieces: tuple[float, Wave]) -> Wave:
    """Stereo sounds, each at its time in seconds; what reaches beyond the end is cut."""
    out = np.zeros((2, round(seconds * SAMPLE_RATE)))
    for at_s, piece in pieces:
        start = round(at_s * SAMPLE_RATE)
        part = np.broadcast_to(piece, (2, piece.shape[-1]))[:, : out.shape[1] - start]
        out[:, start : start + part.shape[1]] += part
    return out


def room(sound: Wave, seconds: float, level: float, seed: int) -> Wave:
    """The sound in a small room: decaying noise, different on both sides, darker as it dies."""
    dry = np.broadcast_to(sound, (2, sound.shape[-1]))
    t = times(seconds)
    tail = np.stack([band(noise(seconds, seed + side), 180, 5200, 1.0) for side in (0, 1)])
    tail *= np.exp(-6.9 * t / seconds) * np.clip(t / 0.004, 0, 1)
    tail *= level / np.sqrt((tail**2).sum(axis=1, keepdims=True))
    size = dry.shape[1] + t.size
    wet = np.fft.irfft(np.fft.rfft(dry, size) * np.fft.rfft(tail, size), size)
    return np.asarray(dry + wet[:, : dry.shape[1]])
