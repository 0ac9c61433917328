"""Speaks the script of a voiceover: one file of all its lines, one after the other, at one loudness."""

import wave
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import numpy as np

from tasks.media_render import Voiceover
from tasks.media_render.voiceover import Speech
from tasks.media_render.voices import voice_of
from workers.cpu_render.voice import engine_named
from workers.cpu_render.voice.contract import Mono, Utterance, speech_failed
from workers.media.loudness import SILENT_LUFS, integrated_of
from workers.media.sound import resampled

SAMPLE_RATE = 48_000
# The whole script. Music at seed 004's volume (0.18) that gives way to it is 20 dB softer.
LOUDNESS_LUFS = -18.0
_PEAK = 0.98
_SILENT = 10 ** (-50 / 20)  # of the loudest sample
_EDGE_S = 0.03  # what is kept of the silence around a line


def narrate(voiceover: Voiceover, path: Path, checkpoint: Callable[[], None]) -> Speech:
    """Write the lines into `path` as 16-bit mono WAV; how long each is comes back.

    `checkpoint` is called before each line and may raise. Raises BadRequest for a voice that this farm no
    longer offers, and TaskFailure INTERNAL `voice_engine_missing` or `speech_failed`.
    """
    voice = voice_of(voiceover.voice_id)
    engine = engine_named(voice.engine)
    lines = []
    for line in voiceover.lines:
        checkpoint()
        spoken = engine.speak(voice.code, line.text, path.parent)
        if not spoken.samples.any():
            raise speech_failed(voice.engine, f"nothing is heard of {line.text[:60]!r}")
        lines.append(_trimmed(_at_rate(spoken)))
    _write(_levelled(np.concatenate(lines)), path)
    return Speech(lengths=tuple(Fraction(line.size, SAMPLE_RATE) for line in lines))


def _at_rate(spoken: Utterance) -> Mono:
    stereo = np.stack([spoken.samples, spoken.samples])
    mono: Mono = resampled(stereo, spoken.sample_rate, SAMPLE_RATE)[0]
    return mono


def _trimmed(line: Mono) -> Mono:
    """Without the silence at its ends, so that pauses are ours."""
    heard = np.flatnonzero(np.abs(line) > _SILENT * np.abs(line).max())
    edge = round(_EDGE_S * SAMPLE_RATE)
    return line[max(0, heard[0] - edge) : heard[-1] + 1 + edge]


def _levelled(speech: Mono) -> Mono:
    """At LOUDNESS_LUFS, or as loud as 16 bits take it."""
    loudness = integrated_of(np.stack([speech, speech]), SAMPLE_RATE)
    most = _PEAK / float(np.abs(speech).max())
    gain = most if loudness == SILENT_LUFS else min(most, 10 ** ((LOUDNESS_LUFS - loudness) / 20))
    return speech * np.float32(gain)


def _write(speech: Mono, path: Path) -> None:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(SAMPLE_RATE)
        file.writeframes(np.rint(speech * 32767).astype("<i2").tobytes())
