"""What an aligner should not believe, and an hour that it should bear; kept in `.bench`.

In most of these sounds the scenes are nowhere: what counts is how sure a method says it is.
"""

import random
import wave
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from tests.benchmarks.align_facts import TELEPHONE, Narration, Spoken, read, write
from tests.benchmarks.align_mixing import music
from tests.benchmarks.align_narrations import EDITION, narrate, write_sound
from tests.benchmarks.align_texts import Half, scenes
from tests.benchmarks.align_voices import SAMPLE_RATE, Speaker, Speech, can_speak
from tests.benchmarks.report import FOLDER
from workers.media.sound import resampled

_TELEPHONE_RATE = 8_000
_TELLER = Speaker("ttspico", "en-GB", "en", Half.HELD_OUT)
_GERMAN = Speaker("ttspico", "de-DE", "de", Half.HELD_OUT)
_HOUR_S = 3_600
_HOUR_SCENES, _HOUR_SENTENCES = 89, 7
_WORDS = """
    carpenter gardener pilot teacher sailor painter doctor farmer baker singer miller driver
    painted carried counted found mended lost bought sold washed drew hid followed
    boats lamps chairs apples letters bridges horses clocks windows baskets ropes stones
    Leeds Bristol Dover Oxford London Lincoln Norwich Carlisle Swansea Perth York Bath
"""


def hostile() -> Sequence[Narration]:
    """An English text, with sounds that do not say it, and with its own sound by telephone."""
    if not (can_speak(_TELLER) and can_speak(_GERMAN)):
        return []
    folder = FOLDER / "align" / f"hostile-{EDITION}"
    if not (folder / "narrations.json").is_file():
        folder.mkdir(parents=True, exist_ok=True)
        write(folder / "narrations.json", _made_hostile(folder))
    return read(folder / "narrations.json")


def hour() -> Sequence[Narration]:
    """One narration of an hour, of sentences that are all different, in ninety scenes."""
    if not can_speak(_TELLER):
        return []
    folder = FOLDER / "align" / f"hour-{EDITION}"
    if not (folder / "narrations.json").is_file():
        folder.mkdir(parents=True, exist_ok=True)
        write(folder / "narrations.json", [_made_hour(folder)])
    return read(folder / "narrations.json")


def _made_hostile(folder: Path) -> Sequence[Narration]:
    told = scenes("en", Half.HELD_OUT)
    sound, spoken = narrate(_TELLER, told, random.Random(1))
    other, _ = narrate(_TELLER, scenes("en", Half.TUNING), random.Random(2))
    german, _ = narrate(_GERMAN, scenes("de", Half.TUNING), random.Random(3))
    sounds = {
        "silence": np.zeros(sound.size, np.float32),
        "music only": music(sound.size, Half.HELD_OUT, 1),
        "another narration": other,
        "another language": german,
    }
    for case, instead in sounds.items():
        write_sound(folder / f"{case}.wav", instead)
    _write_telephone(folder / f"{TELEPHONE}.wav", sound)
    lengths_s = {case: instead.size / SAMPLE_RATE for case, instead in sounds.items()}
    lengths_s[TELEPHONE] = sound.size / SAMPLE_RATE
    return [_narration(case, folder, length_s, spoken) for case, length_s in lengths_s.items()]


def _made_hour(folder: Path) -> Narration:
    rng = random.Random(4)
    told = [tuple(_sentence(number, rng) for _ in range(_HOUR_SENTENCES)) for number in range(_HOUR_SCENES)]
    sound, spoken = narrate(_TELLER, told, rng)
    missing = _HOUR_S * SAMPLE_RATE - sound.size
    assert 0 <= missing < 200 * SAMPLE_RATE, f"an hour lacks {missing / SAMPLE_RATE:.0f} s"
    write_sound(folder / "hour.wav", np.pad(sound, (0, missing)))
    return _narration("hour", folder, _HOUR_S, spoken)


def _sentence(number: int, rng: random.Random) -> str:
    who, did, what, where = (rng.choice(line.split()) for line in _WORDS.strip().splitlines())
    return f"In {rng.randint(1850, 1990)} the {who} of {where} {did} {number + 2} {what}, and nobody knew."


def _narration(case: str, folder: Path, duration_s: float, spoken: Sequence[Spoken]) -> Narration:
    return Narration(
        name=case,
        path=str(folder / f"{case}.wav"),
        language=_TELLER.language,
        half=Half.HELD_OUT,
        voice=_TELLER.name,
        engine=_TELLER.engine,
        condition=case,
        duration_s=duration_s,
        scenes=tuple(spoken),
    )


def _write_telephone(path: Path, sound: Speech) -> None:
    """Two channels, the second a little softer."""
    both = resampled(np.stack([sound, sound * np.float32(0.7)]), SAMPLE_RATE, _TELEPHONE_RATE)
    loudest = float(np.abs(both).max())
    with wave.open(str(path), "wb") as file:
        file.setparams((2, 2, _TELEPHONE_RATE, 0, "NONE", ""))
        file.writeframes((both.T * (0.9 * 32_767 / loudest)).round().astype("<i2").tobytes())
