"""generate-voice: who speaks, in which file, and what becomes of a service's answers."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from pydantic import ValidationError

from farm.catalog import read_catalog
from farm.errors import BadRequest, TaskFailure
from farm.settings import Settings
from tasks.generate_voice import KIND, GenerateVoice
from tasks.generate_voice.scripts import likely_language
from tasks.generate_voice.speakers import PROMISED, SPEAKERS, code_of
from tasks.tts import Tts
from tests.speech_service import SpeechService, spoken_s
from tests.unit.test_compose_video import Bench
from workers.context import Output, TaskInput
from workers.cpu_render.generate_voice import perform
from workers.media.sound import SoundReader
from workers.media.speech_file import FORMS, SAMPLE_RATE

TEXT = "Welcome to the farm. Your product video is ready."
GREETINGS = {
    "zh": "今天天气很好。新的产品已经准备好了。",
    "ja": "今日はとても天気が良いので、公園へ散歩に行きましょう。",
    "ko": "안녕하세요.",
    "ru": "Привет, мир.",
    "ar": "مرحبا",
}


@pytest.fixture
def configs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of an operator's configs."""
    folder = tmp_path / "config"
    folder.mkdir()
    monkeypatch.setenv("FARM_CONFIG_DIR", str(folder))
    return folder


@pytest.fixture
def bare(configs: Path) -> None:
    """A farm whose workers have nothing but what pip installs."""
    (configs / "voices.toml").write_text('[voices]\nspeakers = ["formant"]\n')


@pytest.fixture
def service(configs: Path) -> Iterator[SpeechService]:
    with SpeechService() as found:
        (configs / "providers.toml").write_text(f"""
[providers.my-speech]
pool = "cpu-render"
url = "{found.url}"
[routes.speech.tts-1]
offers = [{{ provider = "my-speech", price = "1", estimated_s = 1.0 }}]
""")
        yield found


def said(folder: Path, provider: str = "voices", **params: Any) -> Output:
    asked = GenerateVoice.model_validate({"text": TEXT, **params})
    (folder / "work").mkdir(exist_ok=True)
    model = "tts-1" if provider == "my-speech" else "creative-voice"
    task = TaskInput(asked.kind, "speak", asked.model_dump(mode="json"), provider=provider, model=model)
    (output,) = perform(task, Bench(folder / "work")).outputs
    return output


def test_a_bare_farm_speaks_english(bare: None, tmp_path: Path) -> None:
    output = said(tmp_path)
    assert (output.name, output.file_name, output.content_type) == ("voice", "voice.mp3", "audio/mpeg")
    assert output.meta["engine"] == "formant"
    assert 2.5 < output.meta["duration_s"] < 6
    with pytest.raises(TaskFailure, match="speaks 'de'") as missing:
        said(tmp_path, language="de")
    assert missing.value.public_code == "voice_engine_missing"
    assert "routes.speech" in missing.value.message


@pytest.mark.parametrize("name", list(FORMS))
def test_every_format_holds_the_same_speech(bare: None, tmp_path: Path, name: str) -> None:
    output = said(tmp_path, format=name)
    assert output.content_type == FORMS[name].content_type
    if name == "pcm":
        samples = np.frombuffer(output.path.read_bytes(), "<i2")
        heard_s, loudest = samples.size / SAMPLE_RATE, np.abs(samples.astype(int)).max() / 32_768
    else:
        with av.open(str(output.path)) as container:
            frames = [frame.to_ndarray() for frame in container.decode(audio=0)]
            assert container.streams.audio[0].codec_context.layout.nb_channels == 1
            rate = container.streams.audio[0].codec_context.sample_rate
        heard_s, loudest = sum(frame.shape[-1] for frame in frames) / rate, 0.5
    assert heard_s == pytest.approx(output.meta["duration_s"], abs=0.15)
    assert loudest > 0.05


def test_speed_is_half_or_four_times_as_quick(bare: None, tmp_path: Path) -> None:
    plain = said(tmp_path).meta["duration_s"]
    assert said(tmp_path, speed=0.5).meta["duration_s"] == pytest.approx(2 * plain, rel=0.12)
    assert said(tmp_path, speed=4.0).meta["duration_s"] == pytest.approx(plain / 4, rel=0.2)


@pytest.mark.skipif(shutil.which("espeak-ng") is None, reason="espeak-ng is not installed")
@pytest.mark.parametrize("language", ["en", "zh", "ja", "ko", "es", "fr", "de", "pt", "ru", "ar"])
def test_c147_every_promised_language_is_spoken(tmp_path: Path, language: str) -> None:
    text = GREETINGS.get(language, "Hallo Paris, Madrid, 1984.")
    output = said(tmp_path, language=language, text=text)
    assert output.meta["engine"] == "espeak-ng"
    # B-125: what is held for it by the minute covers all of it
    assert 0.4 < output.meta["duration_s"] < Tts(text=text, language=language).longest_s


def test_c152_to_c157_the_six_speakers_are_told_apart_at_each_engine_that_has_them_all() -> None:
    assert set(PROMISED) <= set(SPEAKERS)
    for engine in ("formant", "espeak-ng", "kokoro"):
        codes = [code_of(engine, name, "en") for name in PROMISED]
        assert len(set(codes)) == len(PROMISED) and None not in codes


def test_a_service_says_whole_paragraphs_and_its_voice_is_asked_by_name(
    service: SpeechService, tmp_path: Path
) -> None:
    told = {"text": f"{TEXT}\n\nA new paragraph.", "voice": "onyx", "speed": 2.0}
    output = said(tmp_path, "my-speech", **told, instructions="Speak as a pirate.")
    assert [call["input"] for call in service.asked] == [TEXT, "A new paragraph."]
    asked = {(call["voice"], call["model"], call["speed"], call["instructions"]) for call in service.asked}
    assert asked == {("onyx", "tts-1", 2.0, "Speak as a pirate.")}
    longest = spoken_s(TEXT, 2.0) + spoken_s("A new paragraph.", 2.0)
    assert longest < output.meta["duration_s"] < longest + 1
    with SoundReader(output.path, sample_rate=SAMPLE_RATE) as reader:
        sound = reader.read(SAMPLE_RATE)
    assert np.argmax(np.abs(np.fft.rfft(sound[0]))) == pytest.approx(220, abs=5)  # its tone for onyx


def test_a_sentence_without_an_end_is_said_in_several_calls(service: SpeechService, tmp_path: Path) -> None:
    endless = "and then " * 400
    said(tmp_path, "my-speech", text=endless, speed=4.0)
    assert [len(call["input"]) <= 1_500 for call in service.asked] == [True] * 3
    assert " ".join(call["input"] for call in service.asked) == endless.strip()


def test_a_service_that_sends_no_speech_fails_as_it_should(service: SpeechService, tmp_path: Path) -> None:
    service.next("silent", "page")
    for _ in range(2):
        with pytest.raises(TaskFailure) as failed:
            said(tmp_path, "my-speech")
        assert failed.value.failure == "corrupt_output"


def test_x06_speech_costs_eight_credits_and_a_service_on_top_what_it_asks(service: SpeechService) -> None:
    catalog = read_catalog(Settings())
    assert KIND.price_mc(GenerateVoice(text=TEXT), catalog) == 8_000
    asked = GenerateVoice(text="x" * 2_000, model="tts-1")
    assert KIND.price_mc(asked, catalog) == 8_000 + 2_000


def test_a_voice_that_is_not_there_is_refused_by_name() -> None:
    with pytest.raises(BadRequest, match="Known: alloy"):
        KIND.plan(GenerateVoice(text=TEXT, voice="darth"))
    with pytest.raises(ValidationError, match="nothing to say"):
        GenerateVoice(text="… !")


def test_the_letters_of_a_text_tell_its_language() -> None:
    texts = {"en": "Hello", **GREETINGS}
    assert [likely_language(text) for text in texts.values()] == list(texts)
