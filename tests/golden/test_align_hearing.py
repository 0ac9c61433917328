"""Narrations heard: real files, spoken sentence by sentence, so that it is known when each begins."""

import shutil
import subprocess
import wave
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from farm.errors import AssetUnreadable, BadRequest, TaskFailure
from farm.rules.senses import AlignRules
from tasks.scene_timestamps.heard import Method
from tests.benchmarks.align_weights import whisper_folder
from tests.media import real_clip
from workers.asr_align.aligning import Wish, heard, reading
from workers.cpu_render.tunes import tune_sound
from workers.media.models import KEEPER
from workers.media.sound import SoundReader, resampled

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(shutil.which("espeak-ng") is None, reason="espeak-ng is not installed"),
]

RATE = 16_000
EN = (
    "Long before dawn the keeper climbs 85 steps to the lamp.",
    "Dr. Marsh counts the seals, and the seals count her.",
    "In 1984 a storm took the old pier; nobody was hurt.",
    "The lamp turns, and the ships pass by.",
)
DE = (
    "Der Hafen erwacht vor Sonnenaufgang.",
    "Um 7 Uhr öffnet der Markt, und alle kommen.",
    "Dann wird es still.",
)
OTHER = "My sister's bicycle needs new tyres. We painted the kitchen yellow. Please bring 12 eggs and flour."

Sound = npt.NDArray[np.float32]


def said(sentence: str, folder: Path, voice: str) -> Sound:
    """As espeak-ng says it, without the silence around it."""
    path = folder / "said.wav"
    subprocess.run(["espeak-ng", "-v", voice, "-s", "150", "-w", str(path), sentence], check=True)
    with SoundReader(path, sample_rate=RATE) as reader:
        sound = reader.read(60 * RATE)[0]
    loud = np.flatnonzero(np.abs(sound) > 0.01 * np.abs(sound).max())
    return sound[loud[0] : loud[-1] + 1]


def narrated(sentences, folder, voice="en-gb+f3", pauses=(0.7, 0.3, 1.1, 0.5)) -> tuple[Sound, list[float]]:
    """The sentences after pauses of so many seconds, and when each begins."""
    pieces, starts, at = [], [], 0
    for sentence, pause_s in zip(sentences, pauses, strict=False):
        silence, sound = np.zeros(round(pause_s * RATE), np.float32), said(sentence, folder, voice)
        starts.append((at + silence.size) / RATE)
        pieces += [silence, sound]
        at += silence.size + sound.size
    return np.concatenate([*pieces, np.zeros(RATE // 2, np.float32)]), starts


def written(path: Path, sound: Sound, rate: int = RATE, channels: int = 1) -> Path:
    with wave.open(str(path), "wb") as file:
        file.setparams((channels, 2, rate, 0, "NONE", ""))
        file.writeframes((np.repeat(sound, channels) * 20_000).clip(-32_768, 32_767).astype("<i2").tobytes())
    return path


def told(path: Path, sentences, language="en", **more):
    return heard(path, Wish(narration=" ".join(sentences), language=language, **more), lambda _done: None)


def starts_of(found, sentences) -> list[float]:
    """When the first word of each sentence was heard."""
    text, at, starts = " ".join(sentences), 0, []
    for sentence in sentences:
        starts.append(next(word.start_s for word in found.words if word.text_start == at))
        at += len(sentence) + 1
    assert all(text[word.text_start : word.text_end_exclusive] == word.text for word in found.words)
    return starts


@pytest.fixture(scope="module")
def english(tmp_path_factory):
    folder = tmp_path_factory.mktemp("english")
    sound, starts = narrated(EN, folder)
    return written(folder / "narration.wav", sound), sound, starts


def test_sentences_of_a_clean_narration_are_placed_to_some_milliseconds(english):
    """A-074: with the narration's text, no weights are needed."""
    path, sound, starts = english
    done: list[float] = []
    found = heard(path, Wish(narration=" ".join(EN), language="en-GB"), done.append)
    assert np.abs(np.array(starts_of(found, EN)) - starts).max() < 0.06
    assert found.method is Method.ALIGNED and found.is_known_text and found.language == "en"
    assert found.fit > 0.6
    assert found.duration_s == pytest.approx(sound.size / RATE, abs=0.01)
    assert len(found.words) == len(" ".join(EN).split())
    assert all(word.start_s <= word.end_s <= found.duration_s for word in found.words)
    assert all(0 < word.half_width_s < 1 for word in found.words)
    assert done == sorted(done) and done[0] >= 0 and done[-1] <= 1


def test_numbers_and_titles_are_found_as_they_are_spoken(english):
    """`85`, `1984` and `Dr.` last as long as their words do, so that what follows them is not early."""
    path, _, _ = english
    found = told(path, EN)
    lasting = {word.text: word.end_s - word.start_s for word in found.words}
    assert lasting["1984"] > 0.6 and lasting["85"] > 0.3 and lasting["Dr."] > 0.2


def test_german_is_placed_with_the_sounds_of_english(tmp_path):
    sound, starts = narrated(DE, tmp_path, "de+f3")
    found = told(written(tmp_path / "de.wav", sound), DE, "de")
    assert np.abs(np.array(starts_of(found, DE)) - starts).max() < 0.1


def test_two_channels_of_a_telephone_are_heard_as_well(english, tmp_path):
    _, sound, starts = english
    small = resampled(np.stack([sound, sound]), RATE, 8_000)[0]
    found = told(written(tmp_path / "phone.wav", small, 8_000, channels=2), EN)
    assert np.abs(np.array(starts_of(found, EN)) - starts).max() < 0.1
    assert found.fit > 0.5


def test_what_does_not_say_the_text_fits_it_badly(english, tmp_path):
    """Silence, music alone, and another narration: every word is placed somewhere, and none is believed."""
    path, sound, _ = english
    music = resampled(tune_sound("first-light")[:, : 48_000 * 15], 48_000, RATE)[0]
    for name, instead in (("silence", np.zeros_like(sound)), ("music", music)):
        found = told(written(tmp_path / f"{name}.wav", instead), EN)
        assert found.fit < 0.2 and max(word.certainty for word in found.words) < 0.2, name
    other = heard(path, Wish(narration=OTHER, language="en"), lambda _done: None)
    assert other.fit < 0.3


@pytest.mark.parametrize("lasts_ms", [5, 50, 300, 900, 1_500])
def test_a_sound_too_short_for_its_text_is_not_believed_to_say_it(lasts_ms, tmp_path):
    """Shorter than a few frames nothing can be compared; in a moment of noise nobody says four sentences."""
    noise = 0.2 * np.random.default_rng(5).standard_normal(RATE * lasts_ms // 1000).astype(np.float32)
    found = told(written(tmp_path / "short.wav", noise), EN)
    assert found.method is Method.PROPORTIONAL and found.is_known_text and found.fit == 0
    assert max(word.certainty for word in found.words) <= 0.1


def test_cues_alone_are_not_found_without_weights(english):
    """A-070, A-071: only where somebody speaks is said, by a method that promises nothing."""
    path, _, _ = english
    found = heard(path, Wish(cues=("Long before dawn", "The lamp turns")), lambda _done: None)
    assert found.words == () and found.method is Method.PROPORTIONAL and not found.is_known_text
    assert found.speech and found.language == "en"


def test_where_nothing_reads_aloud_words_are_laid_down_by_their_length(english, monkeypatch):
    path, _, starts = english
    monkeypatch.setattr(reading, "_espeak", lambda: None)
    monkeypatch.setattr(reading, "_has_pico", lambda _language: False)
    found = told(path, EN)
    assert found.method is Method.PROPORTIONAL and found.is_known_text and found.fit == 0
    assert all(word.half_width_s >= 1 and word.certainty <= 0.1 for word in found.words)
    assert np.abs(np.array(starts_of(found, EN)) - starts).max() < 3


def test_a_sound_of_no_length_and_a_film_without_sound_are_named(tmp_path):
    empty = written(tmp_path / "empty.wav", np.zeros(0, np.float32))
    wish = Wish(narration="Hello.", file_name="my-narration.wav")
    with pytest.raises(AssetUnreadable, match=r"my-narration\.wav"):
        heard(empty, wish, lambda _done: None)
    with pytest.raises(AssetUnreadable, match=r"my-narration\.wav has no sound"):
        heard(real_clip("bikes"), wish, lambda _done: None)


def test_a_sound_that_goes_on_for_too_long_is_refused_before_it_is_heard(english):
    """A-068: by what is decoded, for headers lie."""
    path, _, _ = english
    done: list[float] = []
    with pytest.raises(BadRequest, match="more than 9 s") as refused:
        heard(path, Wish(narration=" ".join(EN), longest_s=9.0), done.append)
    assert refused.value.public_code == "audio_too_long" and refused.value.param == "audio"
    assert max(done) <= 0.1, "nothing was done but decoding"


def test_it_stops_when_it_is_told_to(english):
    """The performer's progress raises Cancelled; nothing is left of the sound afterwards."""

    class Stop(Exception):
        """Somebody has had enough."""

    def report(done: float) -> None:
        if done > 0.3:
            raise Stop

    path, _, _ = english
    with pytest.raises(Stop):
        heard(path, Wish(narration=" ".join(EN), language="en"), report)


@pytest.fixture
def recogniser():
    """A folder of Whisper in CTranslate2's format; the benchmark's, where one was fetched for it."""
    folder = whisper_folder("tiny.en")
    if folder is None:
        pytest.skip("no weights of whisper tiny.en: FARM_TEST_WHISPER names a folder that has tiny.en in it")
    return AlignRules(model=str(folder))


@pytest.mark.weights
def test_a_recogniser_hears_a_text_that_nobody_told_it(english, recogniser):
    path, _, starts = english
    found = heard(path, Wish(language="en", recogniser=recogniser), lambda _done: None)
    assert found.method is Method.RECOGNISED and not found.is_known_text and found.fit == 1
    said_words = {word.text.strip(".,;").lower() for word in found.words}
    clues = {"dawn", "keeper", "counts", "seals", "storm", "nobody", "turns", "ships"}
    assert len(said_words & clues) >= 5, "a small model and a synthetic voice"
    begins = [word.start_s for word in found.words]
    assert all(min(abs(begin - start) for begin in begins) < 0.4 for start in starts)
    assert KEEPER.names == (recogniser.model,) and KEEPER.size_bytes(recogniser.model) > 0


@pytest.mark.weights
def test_a_recognised_text_that_is_known_is_sharpened(english, recogniser):
    """The model stays loaded from job to job."""
    path, _, starts = english
    found = told(path, EN, recogniser=recogniser)
    assert found.method is Method.SHARPENED and found.is_known_text and found.fit > 0.8
    assert np.abs(np.array(starts_of(found, EN)) - starts).max() < 0.06
    loads = [name for name in KEEPER.names if name == recogniser.model]
    assert told(path, EN, recogniser=recogniser) == found and loads == [recogniser.model]


@pytest.mark.weights
def test_a_recogniser_does_not_believe_a_text_that_it_does_not_hear(english, recogniser):
    path, sound, _ = english
    other = heard(path, Wish(narration=OTHER, language="en", recogniser=recogniser), lambda _done: None)
    assert not other.is_known_text and other.method is Method.RECOGNISED
    silence = written(path.with_name("silence.wav"), np.zeros_like(sound))
    nothing = told(silence, EN, recogniser=recogniser)
    assert nothing.words == () and nothing.speech == ()


def test_a_recogniser_that_is_not_there_is_named(english):
    """A mistake of the operator's, not of the caller's."""
    path, _, _ = english
    with pytest.raises(TaskFailure, match="cannot recognise words") as failed:
        told(path, EN, recogniser=AlignRules(model="/nowhere/at-all"))
    assert failed.value.public_code == "recogniser_missing"
