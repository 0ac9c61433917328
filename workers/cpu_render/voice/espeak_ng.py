"""espeak-ng as the program of that name: GPL-3, so it is run and never loaded."""

import re
import shutil
import subprocess
import wave
from pathlib import Path

from workers.cpu_render.voice.contract import Engine, Pcm, pcm_of, speech_failed

_PROGRAM = "espeak-ng"
_WORDS_PER_MINUTE = 160  # its own 175 is hurried for a narrator
_SAMPLE_RATE = 22_050
_TIMEOUT_S = 120  # it speaks 20,000 characters in a second or two


def _is_installed() -> bool:
    return shutil.which(_PROGRAM) is not None


def _speak(code: str, text: str, folder: Path, speed: float) -> Pcm:
    """The text goes in by stdin: never an option, never a file name."""
    path = folder / "espeak-ng.wav"
    pace = str(round(_WORDS_PER_MINUTE * speed))
    command = [_PROGRAM, "-v", code, "-s", pace, "-b", "1", "--stdin", "-w", str(path)]
    try:
        done = subprocess.run(
            command, input=plain(text).encode(), capture_output=True, timeout=_TIMEOUT_S, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise speech_failed(_PROGRAM, f"no answer within {_TIMEOUT_S} s") from error
    if done.returncode != 0 or not path.is_file():
        raise speech_failed(_PROGRAM, done.stderr.decode(errors="replace").strip()[:200] or "no reason given")
    return _read(path)


def _read(path: Path) -> Pcm:
    try:
        with wave.open(str(path)) as file:
            if (file.getframerate(), file.getnchannels()) == (_SAMPLE_RATE, 1):
                return pcm_of(file.readframes(file.getnframes()))
    except (wave.Error, EOFError) as error:
        raise speech_failed(_PROGRAM, "its file is broken; is the disk full?") from error
    raise speech_failed(_PROGRAM, f"its file is not mono of {_SAMPLE_RATE} samples a second")


def plain(text: str) -> str:
    """Double brackets would be read as phonemes."""
    return re.sub(r"\[(?=\[)", "[ ", text)


ENGINE = Engine(
    name="espeak-ng",
    install="install the program espeak-ng (on Debian and Ubuntu: apt install espeak-ng)",
    sample_rate=_SAMPLE_RATE,
    is_installed=_is_installed,
    speak=_speak,
)
