"""What a sound is like, measured: speech is told from music, noise and silence, and where it pauses."""

import shutil
import subprocess
from collections.abc import Callable
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from farm.errors import FailureClass, TaskFailure
from farm.rules.senses import AlignRules
from tasks.media_render.planning.findings import Heard, Listened
from tasks.scene_timestamps.heard import Heard as Narration
from tasks.scene_timestamps.heard import Method, Word
from tests.media import real_clip, write_sound
from workers.asr_align import listen
from workers.asr_align.aligning import Wish
from workers.asr_align.listen import perform
from workers.asr_align.speech import SAMPLE_RATE, speech_in
from workers.context import InputFile, TaskInput
from workers.cpu_render.tunes import tune_sound
from workers.media.sound import SoundReader, resampled

pytestmark = pytest.mark.slow

WORDS = "This is where the launch starts. Then the product proves why it matters. By the end it feels simple."
Sound = npt.NDArray[np.float32]


class Ears:
    """A performer's context, and what it found."""

    def __init__(self, workdir: Path) -> None:
        self.workdir = workdir

    def progress(self, fraction: float, stage: str = "") -> None:
        """Nobody watches."""

    def checkpoint(self) -> None:
        """Nobody stops it."""

    def log(self, message: str) -> None:
        """Nobody reads."""

    def listen(self, *paths: Path) -> dict[str, Heard]:
        inputs = {path.stem: InputFile(path, path.name, "") for path in paths}
        given = TaskInput("media-render", "listen", {"sounds": list(inputs)}, inputs)
        done = perform(given, self)  # type: ignore[arg-type]  # a context as far as this performer needs one
        (found,) = done.outputs
        assert found.intermediate
        return {fact.asset_id: fact for fact in Listened.model_validate_json(found.path.read_bytes()).sounds}


def spoken(folder: Path, voice: str = "en-us") -> Sound:
    """The words, as espeak-ng says them."""
    program = shutil.which("espeak-ng")
    if program is None:
        pytest.skip("espeak-ng is not installed")
    path = folder / "words.wav"
    subprocess.run([program, "-v", voice, "-s", "160", "-w", str(path), WORDS], check=True)
    with SoundReader(path, sample_rate=SAMPLE_RATE) as reader:
        return reader.read(60 * SAMPLE_RATE)


@pytest.mark.parametrize("voice", ["en-us+f3", "en-us+m3", "de", "fr"])
def test_d065_speech_is_found_with_its_pauses(tmp_path: Path, voice: str) -> None:
    words = spoken(tmp_path, voice)
    silence = np.zeros((2, 2 * SAMPLE_RATE), np.float32)
    spans = speech_in([silence, words, silence])
    length_s = words.shape[1] / SAMPLE_RATE
    assert 2 <= len(spans) <= 6
    assert 1.9 < spans[0][0] < 2.4 and length_s + 1.2 < spans[-1][1] < length_s + 2.1
    assert all(end <= begin for (_, end), (begin, _) in pairwise(spans))
    assert sum(end - begin for begin, end in spans) > 0.7 * length_s


def test_speech_above_soft_music_is_still_found(tmp_path: Path) -> None:
    words = spoken(tmp_path)
    tune = resampled(tune_sound("lift-off")[:, : 48_000 * 12], 48_000, SAMPLE_RATE)[:, : words.shape[1]]
    words = words[:, : tune.shape[1]]
    below = float(np.sqrt((words**2).mean() / (tune**2).mean())) * 10 ** (-15 / 20)
    spans = speech_in([words + below * tune])
    assert sum(end - begin for begin, end in spans) > 0.6 * words.shape[1] / SAMPLE_RATE


def test_what_is_no_speech_is_hardly_ever_taken_for_it() -> None:
    seconds = np.arange(10 * SAMPLE_RATE) / SAMPLE_RATE
    noise = np.random.default_rng(7).standard_normal((2, seconds.size)).astype(np.float32) * 0.1
    tone = np.tile(0.3 * np.sin(2 * np.pi * 440 * seconds), (2, 1)).astype(np.float32)
    assert speech_in([noise]) == speech_in([tone]) == speech_in([np.zeros_like(tone)]) == speech_in([]) == ()
    tunes = ("steady-hand", "quiet-letter")  # a beat, and lone notes
    music = [resampled(tune_sound(name)[:, : 48_000 * 10], 48_000, SAMPLE_RATE) for name in tunes]
    assert sum(end - begin for tune in music for begin, end in speech_in([tune])) < 1.0


def test_d065_a_files_loudness_beat_and_speech_are_written_down(tmp_path: Path) -> None:
    (tmp_path / "work").mkdir()
    words = np.pad(spoken(tmp_path), ((0, 0), (SAMPLE_RATE, 0)))
    said = write_sound(tmp_path / "said.wav", words, SAMPLE_RATE)
    tune = write_sound(tmp_path / "tune.wav", tune_sound("neon-run")[:, : 48_000 * 15], 48_000)
    heard = Ears(tmp_path / "work").listen(said, tune, real_clip("bikes"), real_clip("bigbuckbunny"))
    assert heard["said"].duration_s == pytest.approx(float(Fraction(words.shape[1], SAMPLE_RATE)), abs=0.1)
    assert heard["said"].speech[0][0] == pytest.approx(1.0, abs=0.2)
    assert heard["tune"].bpm is not None and 60 < heard["tune"].bpm < 210
    assert heard["tune"].loudness_lufs is not None and -30 < heard["tune"].loudness_lufs < -5
    assert heard["bikes"] == Heard(asset_id="bikes", duration_s=heard["bikes"].duration_s)  # it is silent
    assert heard["bigbuckbunny"].loudness_lufs is not None and heard["bigbuckbunny"].speech == ()


RULES = AlignRules(model="a model of the test")


def test_d065_words_are_listened_for_where_a_recogniser_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only in what has speech; a worker that lacks the recogniser says so and goes on."""
    asked = []

    def heard(audio: Path, wish: Wish, report: Callable[[float], None]) -> Narration:
        asked.append((audio.stem, wish.recogniser, wish.narration))
        report(0.5)
        words = tuple(
            Word(text=text, start_s=at, end_s=at + 0.4, certainty=0.9, half_width_s=0.1)
            for at, text in enumerate(("Launch", "day."))
        )
        return Narration(
            words=words,
            speech=(),
            duration_s=5,
            language="en",
            method=Method.RECOGNISED,
            is_known_text=False,
            fit=1,
        )

    def missing(audio: Path, wish: Wish, report: Callable[[float], None]) -> Narration:
        raise TaskFailure("No such model.", FailureClass.INTERNAL, code="recogniser_missing")

    voice = write_sound(tmp_path / "voice.wav", spoken(tmp_path), SAMPLE_RATE)
    hush = write_sound(tmp_path / "hush.wav", np.zeros((2, SAMPLE_RATE), np.float32), SAMPLE_RATE)
    ears = Ears(tmp_path)
    assert ears.listen(voice)["voice"].said is None  # the operator names none
    monkeypatch.setattr(listen, "configured", lambda: RULES)
    monkeypatch.setattr(listen, "hear", heard)
    found = ears.listen(voice, hush)
    assert (found["voice"].said, found["hush"].said) == ("Launch day.", None)
    assert asked == [("voice", RULES, None)]
    monkeypatch.setattr(listen, "hear", missing)
    assert ears.listen(voice)["voice"].said is None
