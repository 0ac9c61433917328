"""The demo's tune: half a minute of one of the catalog, as a file that ends."""

import wave
from pathlib import Path

import numpy as np

from workers.cpu_render.tunes import tune_sound
from workers.cpu_render.tunes.voices import SAMPLE_RATE

NAME = "first-light"
SECONDS = 30  # twelve of its bars
_FADE_S = 1.6


def write_tune(path: Path) -> None:
    """Write the tune as 16-bit stereo WAV."""
    sound = tune_sound(NAME)[:, : SECONDS * SAMPLE_RATE].copy()
    fade = np.linspace(np.pi / 2, 0, round(_FADE_S * SAMPLE_RATE), dtype=np.float32)
    sound[:, -fade.size :] *= np.sin(fade) ** 2
    with wave.open(str(path), "wb") as file:
        file.setnchannels(2)
        file.setsampwidth(2)
        file.setframerate(SAMPLE_RATE)
        file.writeframes((sound * 32_767).round().T.astype("<i2").tobytes())
