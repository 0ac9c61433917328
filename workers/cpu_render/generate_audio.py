"""Plays `generate-audio` on the farm's own instruments: a tune made over, or effects in a row."""

import secrets
from collections.abc import Iterator
from typing import Any

import numpy as np

from tasks.generate_audio import AUDIO, GenerateAudio
from tasks.generate_audio.choosing import Kind, effects_of, kind_of
from tasks.generate_audio.params import MOST_SEED
from workers.context import Context, Done, Output, TaskInput
from workers.cpu_render.effects_row import effects_row
from workers.cpu_render.tunes.made_over import Piece, piece_for
from workers.media.sound import Samples
from workers.media.sound_file import CONTENT_TYPE, SUFFIX, write_mp3

MODEL = "procedural"
SAMPLE_RATE = 48_000
_CHUNK = 2 * SAMPLE_RATE
_FADE_S = 3.0
_FADED_SHARE = 0.15  # of a short piece


def perform(task: TaskInput, context: Context) -> Done:
    """Play it into an MP3."""
    params = GenerateAudio.model_validate(dict(task.params))
    seed = secrets.randbelow(MOST_SEED) if params.seed is None else params.seed
    samples = round(params.length_s * SAMPLE_RATE)
    is_music = kind_of(params.words) is Kind.MUSIC
    context.progress(0.1, "play")
    sound, said = _music(params, seed, samples) if is_music else _effects(params, samples)
    path = context.workdir / f"audio{SUFFIX}"
    write_mp3(path, _told(sound, context), SAMPLE_RATE)
    said |= {"model": MODEL, "seed": seed, "duration_s": float(params.length_s)}
    return Done([Output(AUDIO, path, path.name, CONTENT_TYPE, meta=said)], result=said)


def _music(params: GenerateAudio, seed: int, samples: int) -> tuple[Samples, dict[str, Any]]:
    piece = piece_for(params.words, seed)
    return _as_long(piece, samples), {"kind": "music", "tune": piece.name, "bpm": piece.bpm, "key": piece.key}


def _effects(params: GenerateAudio, samples: int) -> tuple[Samples, dict[str, Any]]:
    names = effects_of(params.words)
    return effects_row(names, samples), {"kind": "effects", "effects": list(names)}


def _as_long(piece: Piece, samples: int) -> Samples:
    """Started over as often as it takes, and faded out at its end."""
    loop = piece.sound()
    times = -(-samples // loop.shape[1])
    sound: Samples = np.tile(loop, (1, times))[:, :samples].copy()
    fade = min(round(_FADE_S * SAMPLE_RATE), round(samples * _FADED_SHARE))
    sound[:, samples - fade :] *= np.cos(np.linspace(0, np.pi / 2, fade, dtype=np.float32)) ** 2
    return sound


def _told(sound: Samples, context: Context) -> Iterator[Samples]:
    for start in range(0, sound.shape[1], _CHUNK):
        context.progress(0.3 + 0.7 * start / sound.shape[1], "write")
        yield sound[:, start : start + _CHUNK]
