"""Kokoro as an engine: what its model is given; real weights where FARM_TEST_KOKORO names their folder."""

import json
import os
import shutil
from types import SimpleNamespace

import numpy as np
import pytest

from farm.errors import TaskFailure
from tasks.media_render import Voiceover
from tasks.media_render.voices import BUNDLED
from workers.cpu_render.narration import narrate
from workers.cpu_render.voice import engine_named, kokoro

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(shutil.which("espeak-ng") is None, reason="espeak-ng is not installed"),
]

HEART = "af_heart"
WEIGHTS = os.environ.get("FARM_TEST_KOKORO", "")
LETTERS = " ,.?ˈˌɑəɛɹIOAWYʤʧTabdefhiklmnopstuwzðŋ\u026a"  # noqa: RUF001 letters of the IPA


def configured(folder, monkeypatch, model):
    configs = folder / "configs"
    configs.mkdir()
    (configs / "voices.toml").write_text(f'[voices]\nengines = ["kokoro"]\nkokoro = "{model}"\n')
    monkeypatch.setenv("FARM_CONFIG_DIR", str(configs))


@pytest.fixture
def given(tmp_path, monkeypatch):
    """What a model in the place of the real one is given; it answers with a sample for each token."""
    folder = tmp_path / "kokoro"
    (folder / "voices").mkdir(parents=True)
    (folder / "model.onnx").touch()
    vocabulary = {letter: number for number, letter in enumerate(LETTERS, 1)}
    (folder / "tokenizer.json").write_text(json.dumps({"model": {"vocab": vocabulary}}))
    styles = np.repeat(np.arange(510, dtype="<f4")[:, None], 256, axis=1)
    styles.tofile(folder / "voices" / f"{HEART}.bin")
    configured(tmp_path, monkeypatch, folder)
    asked = []

    def run(_outputs, inputs):
        asked.append(inputs)
        return [np.full((1, inputs["input_ids"].size * 100), 0.5, np.float32)]

    model = SimpleNamespace(run=run, get_inputs=lambda: [SimpleNamespace(name="input_ids")])
    monkeypatch.setattr(kokoro, "_session", lambda path: model)
    return asked


def letters_of(inputs):
    tokens = inputs["input_ids"][0]
    assert tokens[0] == tokens[-1] == 0
    return "".join(LETTERS[token - 1] for token in tokens[1:-1])


def test_a_sentence_is_a_run_of_phonemes_with_its_punctuation(tmp_path, given):
    kokoro.ENGINE.speak(HEART, "Charge it, Dr. Jay. [[My]] boat?", tmp_path, 1.25)
    first, second = given
    assert letters_of(first).startswith("ʧˈɑɹʤ ") and letters_of(first).count(",") == 1
    assert letters_of(first).endswith("ʤˈA."), "the full stop of Dr."  # noqa: RUF001 letters of the IPA
    assert letters_of(second) == "mI bˈOt?"  # noqa: RUF001 letters of the IPA
    assert first["speed"].tolist() == [1.25]
    assert first["style"].shape == (1, 256) and first["style"][0, 0] == len(letters_of(first))


def test_hindi_ends_its_sentences_with_a_mark_of_its_own(tmp_path, given):
    voices = tmp_path / "kokoro" / "voices"
    shutil.copyfile(voices / f"{HEART}.bin", voices / "hf_alpha.bin")
    kokoro.ENGINE.speak("hf_alpha", "नमस्ते। अच्छा।", tmp_path, 1.0)
    assert [letters_of(inputs)[-1] for inputs in given] == [".", "."]


def test_what_is_too_long_for_the_model_is_read_in_runs_between_words(tmp_path, given):
    sound = kokoro.ENGINE.speak(HEART, "many more words " * 60, tmp_path, 1.0)
    runs = [letters_of(inputs) for inputs in given]
    assert len(runs) > 1 and all(len(run) <= 510 for run in runs)
    assert all(run.startswith(" ") for run in runs[1:])
    assert sound.size == sum(len(run) + 2 for run in runs) * 100
    assert np.abs(sound).max() < 32_767 * 0.7


def test_a_voice_that_the_folder_lacks_is_named(tmp_path, given):
    with pytest.raises(TaskFailure, match=r"no voices/am_puck\.bin"):
        kokoro.ENGINE.speak("am_puck", "Hello.", tmp_path, 1.0)


def test_a_worker_without_the_model_says_what_to_install(tmp_path, monkeypatch):
    configured(tmp_path, monkeypatch, tmp_path / "nothing")
    with pytest.raises(TaskFailure, match="no speech engine kokoro; pip install onnxruntime") as caught:
        engine_named("kokoro")
    assert caught.value.public_code == "voice_engine_missing"


@pytest.mark.weights
@pytest.mark.skipif(not WEIGHTS, reason="FARM_TEST_KOKORO names no folder with Kokoro's model")
def test_the_real_voices_speak_and_none_is_another(tmp_path, monkeypatch):
    pytest.importorskip("onnxruntime")
    configured(tmp_path, monkeypatch, WEIGHTS)
    engine = engine_named("kokoro")
    heard = set()
    voices = [voice for voice in BUNDLED if voice.engine == "kokoro"]
    for voice in voices:
        said = engine.speak(voice.code, "Audio 12, taxi.", tmp_path, 1.0)
        assert 0.8 < said.size / engine.sample_rate < 6
        assert 2_000 < np.abs(said.astype(int)).max() < 32_767
        heard.add(said.tobytes())
    assert len(heard) == len(voices)
    lines = [{"text": "This is where the launch starts."}]
    plain, quick = (
        float(sum(narrate(asked, tmp_path / "out.wav", lambda: None).lengths))
        for speed in (1.0, 1.5)
        for asked in [Voiceover.model_validate({"voice_id": voices[0].id, "lines": lines, "speed": speed})]
    )
    assert quick / plain == pytest.approx(1 / 1.5, rel=0.15)
