"""SVOX Pico by the package ttspico, with the voices inside it."""

import importlib
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Protocol

from workers.cpu_render.voice.contract import Engine, Pcm, pcm_of, speech_failed

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


def _speak(code: str, text: str, folder: Path) -> Pcm:
    return pcm_of(_pico(code).speak(text.translate(_COMMANDS)) or b"")


ENGINE = Engine(
    name="ttspico",
    install="pip install ttspico (built from source: it needs a C compiler)",
    sample_rate=_SAMPLE_RATE,
    is_installed=_is_installed,
    speak=_speak,
)
