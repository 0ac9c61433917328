"""Who speaks the narrations of the align benchmark: four speech engines, their voices parted into two halves.

A voice of one half is not heard in the other. Where an engine has one voice of a language, the other half has
it made deeper by a sixth, as a longer throat would; its words come as fast as before.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import wave
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import numpy.typing as npt

from tests.benchmarks.align_texts import Half
from tests.benchmarks.align_weights import kokoro_folder
from tests.benchmarks.report import FOLDER
from workers.cpu_render.voice import engines
from workers.cpu_render.voice.contract import Pcm, pcm_of
from workers.media.sound import resampled

SAMPLE_RATE = 24_000
_DEEPER = 7 / 6
_FRAME = SAMPLE_RATE // 200  # 5 ms
_SPEECH_DB = -42.0  # below a sentence's loudest frame: what is softer at its ends is no speech

Speech = npt.NDArray[np.float32]  # mono, of shape (n,)


@dataclass(frozen=True, slots=True)
class Speaker:
    """A voice: what its engine calls it, and how fast and how deep it speaks (1 is as it comes)."""

    engine: str
    code: str
    language: str
    half: Half
    speed: float = 1.0
    depth: float = 1.0

    @property
    def name(self) -> str:
        """As tables call it: `flite slt`; who speaks at another speed is the same voice."""
        return f"{self.engine} {self.code}" + (" deep" if self.depth != 1 else "")


# A voice that stands twice speaks two narrations.
_SPEAKERS = (
    Speaker("flite", "rms", "en", Half.TUNING),
    Speaker("ttspico", "en-US", "en", Half.TUNING),
    Speaker("kokoro", "am_michael", "en", Half.TUNING),
    Speaker("kokoro", "bf_emma", "en", Half.TUNING),
    Speaker("espeak-ng", "en-us", "en", Half.TUNING),
    Speaker("flite", "slt", "en", Half.HELD_OUT),
    Speaker("ttspico", "en-GB", "en", Half.HELD_OUT),
    Speaker("kokoro", "af_heart", "en", Half.HELD_OUT),
    Speaker("kokoro", "bm_george", "en", Half.HELD_OUT, 1.1),
    Speaker("espeak-ng", "en-gb+f3", "en", Half.HELD_OUT),
    Speaker("ttspico", "de-DE", "de", Half.TUNING, depth=_DEEPER),
    Speaker("ttspico", "de-DE", "de", Half.TUNING, 0.9, _DEEPER),
    Speaker("ttspico", "de-DE", "de", Half.TUNING, 1.15, _DEEPER),
    Speaker("espeak-ng", "de", "de", Half.TUNING),
    Speaker("ttspico", "de-DE", "de", Half.HELD_OUT),
    Speaker("ttspico", "de-DE", "de", Half.HELD_OUT, 0.9),
    Speaker("ttspico", "de-DE", "de", Half.HELD_OUT, 1.15),
    Speaker("espeak-ng", "de+f3", "de", Half.HELD_OUT),
    Speaker("ttspico", "fr-FR", "fr", Half.TUNING, depth=_DEEPER),
    Speaker("ttspico", "fr-FR", "fr", Half.TUNING, 0.9, _DEEPER),
    Speaker("ttspico", "fr-FR", "fr", Half.TUNING, 1.15, _DEEPER),
    Speaker("espeak-ng", "fr", "fr", Half.TUNING),
    Speaker("ttspico", "fr-FR", "fr", Half.HELD_OUT),
    Speaker("ttspico", "fr-FR", "fr", Half.HELD_OUT, 0.9),
    Speaker("kokoro", "ff_siwis", "fr", Half.HELD_OUT),
    Speaker("espeak-ng", "fr+f3", "fr", Half.HELD_OUT),
    Speaker("ttspico", "es-ES", "es", Half.TUNING, depth=_DEEPER),
    Speaker("ttspico", "es-ES", "es", Half.TUNING, 1.1, _DEEPER),
    Speaker("kokoro", "em_alex", "es", Half.TUNING),
    Speaker("espeak-ng", "es", "es", Half.TUNING),
    Speaker("ttspico", "es-ES", "es", Half.HELD_OUT),
    Speaker("ttspico", "es-ES", "es", Half.HELD_OUT, 1.1),
    Speaker("kokoro", "ef_dora", "es", Half.HELD_OUT),
    Speaker("espeak-ng", "es+f3", "es", Half.HELD_OUT),
)


def speakers(half: Half) -> Sequence[Speaker]:
    """Who speaks in a half, whether its engine is here or not."""
    return tuple(speaker for speaker in _SPEAKERS if speaker.half is half)


def can_speak(speaker: Speaker) -> bool:
    """Whether its engine is installed; what is missing is told once on stderr."""
    return _is_here(speaker.engine)


@cache
def _is_here(engine: str) -> bool:
    if engine == "kokoro":
        _name_kokoro()
    is_here = shutil.which("flite") is not None if engine == "flite" else engines()[engine].is_installed()
    if not is_here:
        print(f"{engine} is not installed: its voices are left out", file=sys.stderr)
    return is_here


def _name_kokoro() -> None:
    """Tell the farm's engine in this process where the model is."""
    configs = FOLDER / "align" / "configs"
    configs.mkdir(parents=True, exist_ok=True)
    (configs / "voices.toml").write_text(f'[voices]\nkokoro = "{kokoro_folder() or ""}"\n')
    os.environ["FARM_CONFIG_DIR"] = str(configs.absolute())


def say(speaker: Speaker, sentence: str) -> Speech:
    """A sentence as spoken, from the first sample of its first sound to the last of its last."""
    with tempfile.TemporaryDirectory() as folder:
        if speaker.engine == "flite":
            said, rate = _flite(speaker, sentence, Path(folder))
        else:
            engine = engines()[speaker.engine]
            # Made deeper it becomes slower, so it speaks faster first.
            said = engine.speak(speaker.code, sentence, Path(folder), speaker.speed * speaker.depth)
            rate = engine.sample_rate
    sound = said.astype(np.float32) / np.float32(32_768)
    return _trimmed(at_rate(sound, round(rate / speaker.depth)))


def at_rate(sound: Speech, sample_rate: int) -> Speech:
    """A mono sound at the narrations' sample rate."""
    mono: Speech = resampled(np.stack([sound, sound]), sample_rate, SAMPLE_RATE)[0]
    return mono


def _trimmed(sound: Speech) -> Speech:
    """Without the silence around it, in steps of 5 ms."""
    frames = sound[: sound.size // _FRAME * _FRAME].reshape(-1, _FRAME)
    power = (frames**2).mean(axis=1)
    loud = np.flatnonzero(power > power.max() * 10 ** (_SPEECH_DB / 10))
    return sound[loud[0] * _FRAME : (loud[-1] + 1) * _FRAME]


def _flite(speaker: Speaker, sentence: str, folder: Path) -> tuple[Pcm, int]:
    path = folder / "flite.wav"
    stretch = f"duration_stretch={1 / speaker.speed:.3f}"
    command = ["flite", "-voice", speaker.code, "--setf", stretch, "-t", sentence, "-o", str(path)]
    subprocess.run(command, check=True, capture_output=True)
    with wave.open(str(path)) as file:
        return pcm_of(file.readframes(file.getnframes())), file.getframerate()
