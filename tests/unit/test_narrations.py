"""The narrations of `make bench ONLY=align`: what is said of them is true; their halves share nothing."""

import random
import re
from itertools import combinations

import numpy as np
import pytest

from tests.benchmarks.align_mixing import BEDS, Condition, mixed
from tests.benchmarks.align_narrations import narrate
from tests.benchmarks.align_scores import Placed, Tally
from tests.benchmarks.align_texts import Half, Scene, languages, scenes
from tests.benchmarks.align_voices import SAMPLE_RATE, Speaker, Speech, can_speak, speakers

pytestmark = pytest.mark.slow

SLT = Speaker("flite", "slt", "en", Half.HELD_OUT)
SPOKEN_HERE = (
    SLT,
    Speaker("espeak-ng", "de+f3", "de", Half.HELD_OUT, 1.2),
    Speaker("ttspico", "fr-FR", "fr", Half.TUNING, depth=7 / 6),
)
MS = SAMPLE_RATE // 1000


def told(language: str = "en") -> list[Scene]:
    return list(scenes(language, Half.HELD_OUT)[3:6])


def narrated(speaker: Speaker) -> tuple[Speech, list[float]]:
    if not can_speak(speaker):
        pytest.skip(f"{speaker.engine} is not installed")
    sound, spoken = narrate(speaker, told(speaker.language), random.Random(7))
    assert all(
        text.startswith(sentence)
        for scene, sentences in zip(spoken, told(speaker.language), strict=True)
        for (place, _), sentence in zip(scene.sentences, sentences, strict=True)
        for text in [scene.text[place:]]
    )
    return sound, [start_s for scene in spoken for _, start_s in scene.sentences]


@pytest.mark.parametrize("speaker", SPOKEN_HERE, ids=lambda speaker: speaker.engine)
def test_a_scene_starts_where_its_sound_does(speaker: Speaker):
    sound, starts = narrated(speaker)
    assert len(starts) == 6 and starts == sorted(starts)
    loud = float(np.sqrt((sound[sound != 0] ** 2).mean()))
    for start_s in starts:
        first = round(start_s * SAMPLE_RATE)
        assert not sound[max(0, first - 100 * MS) : first].any(), "a pause ends here, to the sample"
        begins = np.abs(sound[first : first + 30 * MS])
        assert begins[: 10 * MS].max() > loud * 0.004, "and within 10 ms something is heard"
        assert np.abs(sound[first : first + 300 * MS]).max() > loud


def test_the_same_seed_says_the_same():
    assert np.array_equal(narrated(SLT)[0], narrated(SLT)[0])


def test_a_deeper_voice_is_another_voice_at_the_same_pace():
    plain, deep = (
        narrated(Speaker("ttspico", "fr-FR", "fr", Half.TUNING, depth=depth))[0] for depth in (1, 7 / 6)
    )
    assert deep.size == pytest.approx(plain.size, rel=0.06)

    def tilt(sound: Speech) -> float:
        """The middle of its spectrum, in Hz."""
        power = np.abs(np.fft.rfft(sound)) ** 2
        return float(np.searchsorted(np.cumsum(power), power.sum() / 2)) * SAMPLE_RATE / sound.size

    assert tilt(plain) / tilt(deep) == pytest.approx(7 / 6, rel=0.1)


@pytest.mark.parametrize("bed", BEDS)
def test_what_lies_under_speech_is_as_much_softer_as_is_said(bed: str):
    rng = np.random.default_rng(1)
    speech = np.zeros(4 * SAMPLE_RATE, np.float32)
    speech[SAMPLE_RATE : 3 * SAMPLE_RATE] = rng.standard_normal(2 * SAMPLE_RATE) * 0.1
    both = mixed(speech, Condition(bed, 8), Half.HELD_OUT, 3)
    under = both - speech
    spoken = float((speech[speech != 0] ** 2).mean())
    assert 10 * np.log10(spoken / float((under**2).mean())) == pytest.approx(8, abs=0.05)
    assert np.array_equal(both, mixed(speech, Condition(bed, 8), Half.HELD_OUT, 3))


def test_the_held_out_half_shares_no_text_and_no_voice_with_the_other():
    for language in languages():
        said = [{sentence for scene in scenes(language, half) for sentence in scene} for half in Half]
        assert not said[0] & said[1]
        voices = [
            {speaker.name for speaker in speakers(half) if speaker.language == language} for half in Half
        ]
        assert all(voices) and not voices[0] & voices[1]
        assert all(any("espeak" not in voice for voice in some) for some in voices)


@pytest.mark.parametrize("half", Half)
@pytest.mark.parametrize("language", ["en", "de", "fr", "es"])
def test_every_half_has_numbers_abbreviations_and_phrases_that_come_again(language: str, half: Half):
    known = scenes(language, half)
    text = " ".join(sentence for scene in known for sentence in scene)
    assert len(re.findall(r"\d+", text)) >= 4
    assert re.search(r"\b(Dr|Mrs|ca|M|Mme|Sr|Sra)\b", text)
    starts = [" ".join(scene[0].split()[:3]) for scene in known]
    assert any(one == other for one, other in combinations(starts, 2)), "two scenes begin alike"
    ends = [scene[-1].rstrip(".") for scene in known]
    assert any(one == other for one, other in combinations(ends, 2)), "and two end alike"


def test_a_tally_counts_errors_and_what_intervals_cover():
    tally = Tally()
    for error_ms, half_width_ms in ((10, 40), (-20, 40), (300, 200), (30, 50)):
        said_ms = 1_000 + error_ms
        tally.add(Placed(1_000, said_ms, said_ms - half_width_ms, said_ms + half_width_ms, "matched", 0.9))
    tally.add(Placed(1_000, None, 0, 0, "missing", 0))
    assert tally.count == 5
    assert tally.median_ms == 30, "a scene that has no start is as wrong as can be"
    assert tally.within(250) == pytest.approx(60)
    assert tally.covered == pytest.approx(75), "of the four that state an interval"
    assert tally.half_width_ms == 45
