"""SVOX Pico by the package ttspico, with the voices inside it."""

import importlib
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Protocol

import numpy as np

from workers.cpu_render.voice.contract import Engine, Pcm, pcm_from, pcm_of, speech_failed
from workers.media.tempo import at_tempo

_SAMPLE_RATE = 16_000
# Pico reads tags and backslashes as commands.
_COMMANDS = str.maketrans(dict.fromkeys("<>\\", " "))


class _Pico(Protocol):
    """What is used of the package, which tells nothing of its types."""

    def speak(self, text: str) -> bytes | None: ...


def _is_installed() -> bool:
    return find_spec("ttspico") is not None


@cache
def _pico(language: str) -> _Pico:
    """Opened once per language, and kept."""
    try:
        engine: _Pico = importlib.import_module("ttspico").TtsEngine(language)
    except RuntimeError as error:
        raise speech_failed("ttspico", f"it has no voice for {language}") from error
    return engine


def _speak(code: str, text: str, folder: Path, speed: float) -> Pcm:
    """At another `rate` than its own Pico holds sound back and begins the next text with it."""
    said = pcm_of(_pico(code).speak(text.translate(_COMMANDS)) or b"")
    if speed == 1:
        return said
    sound = said.astype(np.float32) / np.float32(32_768)
    return pcm_from(np.concatenate([*at_tempo([sound], _SAMPLE_RATE, speed), sound[:0]]))


ENGINE = Engine(
    name="ttspico",
    install="pip install ttspico (built from source: it needs a C compiler)",
    sample_rate=_SAMPLE_RATE,
    is_installed=_is_installed,
    speak=_speak,
)
