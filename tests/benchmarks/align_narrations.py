"""Narrations with exactly known times, made once and kept in `.bench`.

Every sentence is spoken alone, trimmed to its sound and laid down between known pauses, so a scene begins at
a known sample: the first of its first sentence. Then noise or music is added, which moves nothing. The same
seed makes the same narrations.
"""

import hashlib
import json
import random
import wave
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np
import numpy.typing as npt

from tests.benchmarks.align_facts import Narration, Spoken, read, write
from tests.benchmarks.align_mixing import BEDS, CLEAN, LEVELS_DB, Condition, mixed
from tests.benchmarks.align_texts import Half, Scene, scenes
from tests.benchmarks.align_voices import SAMPLE_RATE, Speaker, Speech, can_speak, say, speakers
from tests.benchmarks.report import FOLDER

EDITION = 2  # count it up when narrations change otherwise than by their texts, voices or conditions
_SEED = 5
_SCENES = 7  # of the nine
_LEVEL = 0.08  # root mean square of every sentence
_PEAK = 0.9
_PAUSES_S = ((0.12, 0.25), (0.35, 0.7), (0.9, 1.8))  # between scenes: short, middling, long
_BREATH_S = (0.15, 0.55)  # between sentences


def narrations(half: Half) -> Sequence[Narration]:
    """All of a half, from `.bench` where they lie there already; without voices that are not installed."""
    return [
        narration
        for number, speaker in enumerate(speakers(half))
        if can_speak(speaker)
        for narration in _kept(number, speaker)
    ]


def _kept(number: int, speaker: Speaker) -> Sequence[Narration]:
    """What one speaker narrates, in each of its conditions."""
    chosen = _conditions(number, speaker)
    facts = (EDITION, _SEED, number, asdict(speaker), chosen, scenes(speaker.language, speaker.half))
    mark = hashlib.sha256(json.dumps(facts, default=str).encode()).hexdigest()[:12]
    folder = FOLDER / "align" / mark
    index = folder / "narrations.json"
    if not index.is_file():
        folder.mkdir(parents=True, exist_ok=True)
        made = list(_made(number, speaker, chosen, folder))
        write(index, made)
    return read(index)


def _conditions(number: int, speaker: Speaker) -> Sequence[Condition]:
    """Clean, and at every level one of two beds, the other one for the next speaker."""
    noisy = [Condition(BEDS[(number + step) % 2], snr_db) for step, snr_db in enumerate(LEVELS_DB)]
    return (CLEAN, *(noisy[1:2] if speaker.engine == "espeak-ng" else noisy))


def _made(number: int, speaker: Speaker, chosen: Sequence[Condition], folder: Path) -> Iterator[Narration]:
    rng = random.Random(f"{_SEED} {speaker.half} {number}")
    told = scenes(speaker.language, speaker.half)
    sound, spoken = narrate(speaker, rng.sample(told, _SCENES), rng)
    for condition in chosen:
        name = f"{speaker.half}-{number:02d} {speaker.language} {speaker.name}, {condition.name}"
        path = folder / f"{condition.name.replace(' ', '-')}.wav"
        write_sound(path, mixed(sound, condition, speaker.half, number))
        yield Narration(
            name=name,
            path=str(path),
            language=speaker.language,
            half=speaker.half,
            voice=speaker.name,
            engine=speaker.engine,
            condition=condition.name,
            duration_s=sound.size / SAMPLE_RATE,
            scenes=tuple(spoken),
        )


def narrate(speaker: Speaker, told: Sequence[Scene], rng: random.Random) -> tuple[Speech, list[Spoken]]:
    """The clean sound of some scenes one after the other, with where each begins and ends."""
    pieces = [_silence(rng.uniform(0, 1.5))]
    spoken = []
    for number, scene in enumerate(told):
        if number:
            pieces.append(_silence(rng.uniform(*rng.choice(_PAUSES_S))))
        begins: list[tuple[int, float]] = []
        for sentence in scene:
            if begins:
                pieces.append(_silence(rng.uniform(*_BREATH_S)))
            place = len(" ".join(scene[: len(begins)])) + bool(begins)
            begins.append((place, _length(pieces) / SAMPLE_RATE))
            pieces.append(_levelled(say(speaker, sentence)))
        spoken.append(
            Spoken(
                text=" ".join(scene),
                start_cue=_words(scene[0], 0, rng.randint(4, 6)),
                anchor=_words(scene[-1], rng.randint(0, 2), 5),
                start_s=begins[0][1],
                end_s=_length(pieces) / SAMPLE_RATE,
                sentences=tuple(begins),
            )
        )
    pieces.append(_silence(rng.uniform(0.2, 1.2)))
    return np.concatenate(pieces), spoken


def _words(sentence: str, first: int, count: int) -> str:
    return " ".join(sentence.split()[first : first + count]).strip(".,;:!?")


def _length(pieces: Sequence[npt.NDArray[np.float32]]) -> int:
    return sum(piece.size for piece in pieces)


def _silence(duration_s: float) -> Speech:
    return np.zeros(round(duration_s * SAMPLE_RATE), np.float32)


def _levelled(sound: Speech) -> Speech:
    return sound * np.float32(_LEVEL / np.sqrt((sound**2).mean()))


def write_sound(path: Path, sound: Speech) -> None:
    """A mono file of 16 bits, at its loudest just below full scale."""
    loudest = max(1e-9, float(np.abs(sound).max()))
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, SAMPLE_RATE, 0, "NONE", ""))
        file.writeframes((sound * (_PEAK / loudest * 32_767)).round().astype("<i2").tobytes())
