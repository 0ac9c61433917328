"""espeak-ng as the program of that name: GPL-3, so it is run and never loaded."""

import shutil
import subprocess
import wave
from pathlib import Path

from workers.cpu_render.voice.contract import Engine, Utterance, from_pcm16, speech_failed

_PROGRAM = "espeak-ng"
_WORDS_PER_MINUTE = "160"  # its own 175 is hurried for a narrator
_TIMEOUT_S = 120  # it speaks 20,000 characters in a second or two


def _is_installed() -> bool:
    return shutil.which(_PROGRAM) is not None


def _speak(code: str, text: str, folder: Path) -> Utterance:
    """The text goes in by stdin: never an option, never a file name."""
    path = folder / "espeak-ng.wav"
    command = [_PROGRAM, "-v", code, "-s", _WORDS_PER_MINUTE, "-b", "1", "--stdin", "-w", str(path)]
    try:
        done = subprocess.run(
            command, input=_plain(text).encode(), capture_output=True, timeout=_TIMEOUT_S, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise speech_failed(_PROGRAM, f"no answer within {_TIMEOUT_S} s") from error
    if done.returncode != 0 or not path.is_file():
        raise speech_failed(_PROGRAM, done.stderr.decode(errors="replace").strip()[:200] or "no reason given")
    with wave.open(str(path)) as file:
        return from_pcm16(file.readframes(file.getnframes()), file.getframerate())


def _plain(text: str) -> str:
    """Double brackets would be read as phonemes."""
    return text.replace("[[", "[ [")


ENGINE = Engine(
    name="espeak-ng",
    install="install the program espeak-ng (on Debian and Ubuntu: apt install espeak-ng)",
    is_installed=_is_installed,
    speak=_speak,
)
