"""Finds where somebody seems to speak, by how the sound's loudness moves. No words, no models. Plain numpy.

Speech comes in syllables: in its band the loudness rises and falls some four times a second, and deeper than
that of music or noise. What only sounds like that (a lone drum, a barking dog) is taken for speech.
"""

from collections.abc import Iterable, Iterator

import numpy as np
import numpy.typing as npt

from workers.media.sound import Samples

SAMPLE_RATE = 16_000
HOP = 160  # 10 ms

_WINDOW = 400
_LOWEST_HZ, _HIGHEST_HZ = 250, 3_800
_FRAME_S = HOP / SAMPLE_RATE
_SILENT_DB = -60.0  # of full scale, in the band
_ABOVE_FLOOR_DB, _BELOW_TOP_DB = 9.0, 26.0
_SYLLABLES_HZ = (2.0, 8.0)
_LOOK_S, _EVERY_S = 2.0, 0.25  # syllables are looked for in so much sound, so often
_LEAST_SHARE = 0.36  # of the loudness's movement that syllables make
_LEAST_DEPTH_DB, _DEEPEST_DB = 6.5, 35.0  # by which it moves: speech by 8 to 12, most music by 2 to 5
_PAUSE_S, _LEAST_S = 0.35, 0.3

Curve = npt.NDArray[np.float64]
Span = tuple[float, float]


def speech_in(chunks: Iterable[Samples]) -> tuple[Span, ...]:
    """The spans in which somebody seems to speak, in seconds. Chunks are 16 kHz, shape (2, n)."""
    levels = _levels(chunks)
    if levels.size * _FRAME_S < _LEAST_S:
        return ()
    floor, top = np.percentile(levels, 10), np.percentile(levels, 97)
    threshold = max(_SILENT_DB, min(floor + _ABOVE_FLOOR_DB, top - 6), top - _BELOW_TOP_DB)
    spoken = (levels > threshold) & _syllabic(levels)
    return tuple(
        (round(begin * _FRAME_S, 2), round(end * _FRAME_S, 2))
        for begin, end in _spans(spoken)
        if (end - begin) * _FRAME_S >= _LEAST_S
    )


def _levels(chunks: Iterable[Samples]) -> Curve:
    """Loudness in speech's band every 10 ms, in decibels of full scale."""
    hz = np.fft.rfftfreq(512, 1 / SAMPLE_RATE)
    band = (hz >= _LOWEST_HZ) & (hz <= _HIGHEST_HZ)
    window = np.hanning(_WINDOW).astype(np.float32)
    scale = float((window**2).sum()) * 512 / 4
    rows = []
    for piece in _framed(chunks):
        frames = np.lib.stride_tricks.sliding_window_view(piece, _WINDOW)[::HOP]
        power = (np.abs(np.fft.rfft(frames * window, 512, axis=1)) ** 2)[:, band].sum(axis=1)
        rows.append(10 * np.log10(power / scale + 1e-12))
    return np.concatenate(rows) if rows else np.zeros(0)


def _framed(chunks: Iterable[Samples]) -> Iterator[npt.NDArray[np.float32]]:
    """The sound in mono, in pieces that overlap by a window less a hop."""
    left = np.zeros(0, np.float32)
    for chunk in chunks:
        left = np.concatenate([left, chunk.mean(axis=0)])
        whole = (left.size - _WINDOW) // HOP + 1
        if whole > 0:
            yield left[: (whole - 1) * HOP + _WINDOW]
            left = left[whole * HOP :]


def _spans(is_loud: npt.NDArray[np.bool_]) -> list[tuple[int, int]]:
    """Where it is loud, over pauses between words."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], is_loud.astype(np.int8), [0]])))
    spans: list[tuple[int, int]] = []
    for begin, end in edges.reshape(-1, 2):
        if spans and (begin - spans[-1][1]) * _FRAME_S <= _PAUSE_S:
            spans[-1] = (spans[-1][0], int(end))
        else:
            spans.append((int(begin), int(end)))
    return spans


def _syllabic(levels: Curve) -> npt.NDArray[np.bool_]:
    """Where most of what is looked at around a moment moves as syllables do."""
    look, every = round(_LOOK_S / _FRAME_S), round(_EVERY_S / _FRAME_S)
    votes = np.zeros(levels.size + 1)
    seen = np.zeros(levels.size + 1)
    for begin in range(0, max(1, levels.size - look + every), every):
        end = min(levels.size, begin + look)
        seen[begin] += 1
        seen[end] -= 1
        if _moves_as_speech(levels[begin:end]):
            votes[begin] += 1
            votes[end] -= 1
    return np.asarray(2 * np.cumsum(votes)[:-1] >= np.maximum(1, np.cumsum(seen)[:-1]))


def _moves_as_speech(levels: Curve) -> bool:
    top = float(levels.max())
    if top < _SILENT_DB:
        return False
    depth = float(np.maximum(levels, top - _DEEPEST_DB).std())
    return depth >= _LEAST_DEPTH_DB and _share(np.power(10, levels / 20)) >= _LEAST_SHARE


def _share(curve: Curve) -> float:
    """How much of the movement has the rhythm of syllables."""
    power = np.abs(np.fft.rfft((curve - curve.mean()) * np.hanning(curve.size))) ** 2
    hz = np.fft.rfftfreq(curve.size, _FRAME_S)
    moving = (hz >= 0.5) & (hz <= 25)
    syllables = (hz >= _SYLLABLES_HZ[0]) & (hz <= _SYLLABLES_HZ[1])
    return float(power[syllables].sum() / max(power[moving].sum(), 1e-12))
