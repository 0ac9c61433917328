"""Speaks the script of a voiceover: one file of all its lines, one after the other."""

import wave
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import numpy as np

from tasks.media_render import Voiceover
from tasks.media_render.voiceover import Speech
from tasks.media_render.voices import voice_of
from workers.cpu_render.voice import engine_named
from workers.cpu_render.voice.contract import Pcm, speech_failed
from workers.media.loudness import SILENT_LUFS, Meter, integrated

# The whole script. Music at seed 004's volume (0.18) that gives way to it is 20 dB softer.
LOUDNESS_LUFS = -18.0
_SILENT = 10 ** (-50 / 20)  # of the loudest sample
_EDGE_S = 0.03  # what is kept of the silence around a line


def narrate(voiceover: Voiceover, path: Path, checkpoint: Callable[[], None]) -> Speech:
    """Write the lines into `path` as 16-bit mono WAV at the engine's rate; their lengths and gain come back.

    `checkpoint` is called before each line and may raise. Raises BadRequest for a voice that this farm no
    longer offers, and TaskFailure INTERNAL `voice_engine_missing` or `speech_failed`.
    """
    voice = voice_of(voiceover.voice_id)
    engine = engine_named(voice.engine)
    lengths = []
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, engine.sample_rate, 0, "NONE", ""))
        meter = Meter(engine.sample_rate)
        for line in voiceover.lines:
            checkpoint()
            samples = engine.speak(voice.code, line.text, path.parent)
            if not samples.any():
                raise speech_failed(voice.engine, f"nothing is heard of {line.text[:60]!r}")
            samples = _trimmed(samples, engine.sample_rate)
            _measure(samples, engine.sample_rate, meter)
            file.writeframes(samples.tobytes())
            lengths.append(Fraction(samples.size, engine.sample_rate))
    meter.finish()
    return Speech(lengths=tuple(lengths), gain=_gain(integrated(meter.energies)))


def _trimmed(line: Pcm, sample_rate: int) -> Pcm:
    """Without the silence at its ends, so that pauses are ours."""
    level = np.abs(line.astype(np.int32))
    heard = np.flatnonzero(level > _SILENT * level.max())
    edge = round(_EDGE_S * sample_rate)
    return line[max(0, heard[0] - edge) : heard[-1] + 1 + edge]


def _measure(line: Pcm, sample_rate: int, meter: Meter) -> None:
    """In pieces of a second: the meter transforms each as a whole."""
    for at in range(0, line.size, sample_rate):
        piece = line[at : at + sample_rate].astype(np.float32) / np.float32(32_768)
        meter.push(np.stack([piece, piece]))


def _gain(loudness: float) -> float:
    """What brings all of it to LOUDNESS_LUFS, as far as a clip may be raised; 1 where there is too little."""
    return 1.0 if loudness == SILENT_LUFS else min(4.0, float(10 ** ((LOUDNESS_LUFS - loudness) / 20)))
