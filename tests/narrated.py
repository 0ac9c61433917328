"""Narrations with sound, spoken by espeak-ng: each scene begins at a sample that is known."""

import shutil
import subprocess
import wave
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

needs_espeak = pytest.mark.skipif(shutil.which("espeak-ng") is None, reason="espeak-ng is not installed")
SCENES = (
    "The harbour wakes long before sunrise.",
    "By seven o'clock the market is open to everybody.",
    "In 1984 a storm destroyed the old lighthouse.",
    "And so the day ends where it began, gently.",
)
PAUSES_S = (0.4, 0.25, 0.6, 1.2)
_RATE = 22_050
_AUDIBLE = 0.02  # of the loudest sample


@dataclass(frozen=True, slots=True)
class Narrated:
    """A narration's file, and when each of its scenes begins."""

    path: Path
    scenes: Sequence[str]
    starts_ms: Sequence[int]

    @property
    def text(self) -> str:
        return " ".join(self.scenes)

    @property
    def cues(self) -> list[dict[str, str]]:
        """As callers of scene-timestamps write them."""
        return [
            {
                "sceneId": f"scene-{number}",
                "startCueText": " ".join(scene.split()[:5]),
                "anchorText": " ".join(scene.split()[-5:]),
            }
            for number, scene in enumerate(self.scenes, 1)
        ]


def narrated(folder: Path, scenes: Sequence[str] = SCENES, pauses_s: Sequence[float] = PAUSES_S) -> Narrated:
    """Speak the scenes, each after its pause."""
    pieces, starts, at = [], [], 0
    for number, (scene, pause_s) in enumerate(zip(scenes, pauses_s, strict=True)):
        silence = np.zeros(round(pause_s * _RATE), np.int16)
        said = _said(scene, folder / f"{number}.wav")
        starts.append(round((at + silence.size) * 1000 / _RATE))
        pieces += [silence, said]
        at += silence.size + said.size
    path = folder / "narration.wav"
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, _RATE, 0, "NONE", ""))
        file.writeframes(np.concatenate([*pieces, np.zeros(_RATE // 2, np.int16)]).tobytes())
    return Narrated(path, scenes, starts)


def _said(text: str, path: Path) -> npt.NDArray[np.int16]:
    command = ["espeak-ng", "-v", "en-gb", "-s", "150", "-w", str(path), text]
    subprocess.run(command, check=True, capture_output=True, timeout=60)
    with wave.open(str(path)) as file:
        assert (file.getframerate(), file.getnchannels()) == (_RATE, 1)
        samples = np.frombuffer(file.readframes(file.getnframes()), np.int16)
    loud = np.flatnonzero(
        np.abs(samples.astype(np.int32)) > _AUDIBLE * np.abs(samples.astype(np.int32)).max()
    )
    return samples[loud[0] : loud[-1] + 1]
