"""Brings the lines of a voiceover into one file, one after the other: spoken here, or by a service before."""

import json
import wave
from collections.abc import Callable, Iterator, Mapping
from fractions import Fraction
from itertools import accumulate
from pathlib import Path
from types import MappingProxyType

import numpy as np

from farm.errors import FailureClass, TaskFailure
from tasks.media_render import Voiceover
from tasks.media_render.speaking import part_files
from tasks.media_render.voiceover import Speech
from tasks.media_render.voices import voice_of
from workers.cpu_render.voice import engine_named
from workers.cpu_render.voice.contract import Pcm, is_heard, pcm_of, speech_failed
from workers.media.loudness import SILENT_LUFS, Meter, integrated

# The whole script. Music at seed 004's volume (0.18) that gives way to it is 20 dB softer.
LOUDNESS_LUFS = -18.0
_SILENT = 10 ** (-50 / 20)  # of the loudest sample
_EDGE_S = 0.03  # what is kept of the silence around a line
_FADE_S = 0.005  # at both ends of a line, so that none begins or ends with a click
_NOTHING: Mapping[str, Path] = MappingProxyType({})


def narrate(
    voiceover: Voiceover,
    path: Path,
    checkpoint: Callable[[], None],
    *,
    files: Mapping[str, Path] = _NOTHING,
    progress: Callable[[float], None] = lambda done: None,
) -> Speech:
    """Write the lines into `path` as 16-bit mono WAV; their lengths and gain come back.

    `files` are the task's inputs: what `speak` tasks brought is taken from there (see
    tasks.media_render.speaking), all else is said by the engines of this worker. `checkpoint` is called
    before each line and may raise; `progress` then hears how much has been said, 0 to 1. Raises BadRequest
    for a voice that this farm no longer offers, and TaskFailure INTERNAL `voice_engine_missing` or
    `speech_failed`.
    """
    sample_rate, spoken = _brought(files) if part_files(files) else _said_here(voiceover, path.parent)
    said = list(accumulate((len(line.text) for line in voiceover.lines), initial=0))
    lengths = []
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, sample_rate, 0, "NONE", ""))
        meter = Meter(sample_rate)
        for line, before in zip(voiceover.lines, said, strict=False):
            checkpoint()
            progress(before / said[-1])
            samples = next(spoken, None)
            if samples is None or not is_heard(samples):
                raise speech_failed("The voice", f"nothing is heard of {line.text[:60]!r}")
            samples = faded(trimmed(samples, sample_rate), sample_rate)
            measure(samples, sample_rate, meter)
            file.writeframes(samples.tobytes())
            lengths.append(Fraction(samples.size, sample_rate))
    meter.finish()
    return Speech(lengths=tuple(lengths), gain=gain_of(integrated(meter.energies)))


def _said_here(voiceover: Voiceover, folder: Path) -> tuple[int, Iterator[Pcm]]:
    """The lines as an engine of this worker says them, each when it is asked for, and their sample rate."""
    voice = voice_of(voiceover.voice_id)
    if voice.model is not None:
        raise TaskFailure(
            f"Nobody had {voice.name} speak before.", FailureClass.INTERNAL, code="speech_failed"
        )
    engine = engine_named(voice.engine)
    lines = (engine.speak(voice.code, line.text, folder, voiceover.speed) for line in voiceover.lines)
    return engine.sample_rate, lines


def _brought(files: Mapping[str, Path]) -> tuple[int, Iterator[Pcm]]:
    """The lines as services said them, each read when it is asked for, and their sample rate."""
    parts = [(files[sound], files[lengths]) for sound, lengths in part_files(files)]
    with wave.open(str(parts[0][0])) as first:
        sample_rate = first.getframerate()
    return sample_rate, (line for sound, lengths in parts for line in _lines_of(sound, lengths))


def _lines_of(sound: Path, lengths: Path) -> Iterator[Pcm]:
    with wave.open(str(sound)) as file:
        for length in json.loads(lengths.read_text()):
            yield pcm_of(file.readframes(length))


def trimmed(line: Pcm, sample_rate: int) -> Pcm:
    """Without the silence at its ends, so that pauses are ours."""
    level = np.abs(line.astype(np.int32))
    heard = np.flatnonzero(level > _SILENT * level.max())
    edge = round(_EDGE_S * sample_rate)
    return line[max(0, heard[0] - edge) : heard[-1] + 1 + edge]


def faded(line: Pcm, sample_rate: int) -> Pcm:
    """With half cosines at both ends."""
    count = min(round(_FADE_S * sample_rate), line.size // 2)
    rise = np.sin((np.arange(count, dtype=np.float32) + 0.5) * (np.pi / 2 / max(count, 1))) ** 2
    faded = line.copy()
    faded[:count] = (line[:count] * rise).astype(np.int16)
    faded[line.size - count :] = (line[line.size - count :] * rise[::-1]).astype(np.int16)
    return faded


def measure(line: Pcm, sample_rate: int, meter: Meter) -> None:
    """In pieces of a second: the meter transforms each as a whole."""
    for at in range(0, line.size, sample_rate):
        piece = line[at : at + sample_rate].astype(np.float32) / np.float32(32_768)
        meter.push(np.stack([piece, piece]))


def gain_of(loudness: float) -> float:
    """What brings all of it to LOUDNESS_LUFS, as far as a clip may be raised; 1 where there is too little."""
    return 1.0 if loudness == SILENT_LUFS else min(4.0, float(10 ** ((LOUDNESS_LUFS - loudness) / 20)))
