"""The farm's own synthesizer: no weights, no program, no package. English, and plainly a machine's voice.

A voice's code is its pitch in hertz and the size of its throat: `118/1`.
"""

from pathlib import Path

import numpy as np

from workers.cpu_render.voice.contract import Engine, Pcm, pcm_from
from workers.cpu_render.voice.formant.reading import line_of
from workers.cpu_render.voice.formant.wave import SAMPLE_RATE, spoken


def _speak(code: str, text: str, folder: Path, speed: float) -> Pcm:
    """Nothing is written."""
    pitch, _, size = code.partition("/")
    line = line_of(text, float(pitch), speed)
    if all(placed.phone.voice == placed.phone.hiss == 0 for placed in line):
        return np.zeros(0, np.int16)  # there was nothing that it can read
    return pcm_from(spoken(line, float(size)))


ENGINE = Engine(
    name="formant",
    install="it is there always",
    sample_rate=SAMPLE_RATE,
    is_installed=lambda: True,
    speak=_speak,
)
