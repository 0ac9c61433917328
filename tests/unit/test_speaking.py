"""A voiceover that a speech service says: its tasks, and a service that misbehaves over real HTTP."""

import json
import threading
import wave
from fractions import Fraction

import numpy as np
import pytest

from farm.catalog import read_catalog
from farm.errors import BadRequest, FailureClass, FarmUnavailable, TaskFailure
from farm.settings import Settings
from tasks.media_render import KIND, Voiceover, timeline_of
from tasks.media_render.speaking import part_files, speaking
from tasks.media_render.voices import Filters, voice_of, voices_for
from tests.media import tone, write_sound
from tests.speech_service import PITCHES_HZ, SpeechService, spoken, spoken_s
from tests.unit.test_media_render_kind import price, render
from tests.unit.test_media_render_voiceover import script
from workers.context import Cancelled, TaskInput
from workers.cpu_render.narration import narrate
from workers.cpu_render.speaking import SAMPLE_RATE, perform

ALLOY, WREN = "svoice_alloy", "svoice_espeak_en-us_female"
KEY = "sk-0123456789"
PROVIDERS = """
[providers.tts]
pool = "cpu-render"
url = "{url}"
key_env = "TEST_SPEECH_KEY"
[routes.speech.tts-1]
offers = [{{ provider = "tts", price = "0.5", estimated_s = 5.0 }}]
"""
VOICES = """
[voices]
call_s = {call_s}
[voices.remote.alloy]
model = "tts-1"
code = "alloy"
name = "Alloy"
locale = "en-US"
also = ["de-DE"]
gender = "female"
accent = "American"
tags = ["narration", "natural"]
[voices.remote.onyx]
model = "tts-1"
code = "onyx"
name = "Onyx"
locale = "en-US"
gender = "male"
takes_speed = false
"""
LINES = ("The first line of three.", "And here is the second.", "The third one ends it.")


@pytest.fixture
def service():
    with SpeechService() as made:
        yield made


@pytest.fixture(autouse=True)
def configured(tmp_path, monkeypatch, service):
    configure(tmp_path, monkeypatch, service.url)


def configure(folder, monkeypatch, url, call_s=20.0):
    folder = folder / f"configs-{len(list(folder.iterdir()))}"  # configs are read once a process
    folder.mkdir()
    (folder / "providers.toml").write_text(PROVIDERS.format(url=url))
    (folder / "voices.toml").write_text(VOICES.format(call_s=call_s))
    monkeypatch.setenv("FARM_CONFIG_DIR", str(folder))
    monkeypatch.setenv("TEST_SPEECH_KEY", KEY)


class Attempt:
    """A context that remembers; `stop` is looked at as an engine looks at its worker's word."""

    def __init__(self, workdir):
        self.workdir = workdir
        self.said = []
        self.stop = threading.Event()

    def progress(self, fraction, stage=""):
        self.said.append(round(fraction, 2))
        self.checkpoint()

    def checkpoint(self):
        if self.stop.is_set():
            raise Cancelled


def tasks_of(*lines, voice=ALLOY, **changes):
    return speaking(render("1.png", voiceover=script(*lines, voice_id=voice, **changes)))


def performed(folder, task, attempt=None):
    given = TaskInput("media-render", task.step, task.params, provider="tts", model="tts-1")
    return perform(given, attempt or Attempt(folder))


def said(folder, *lines, **changes):
    """What one task brings: every line's samples."""
    (task,) = tasks_of(*lines, **changes)
    sound, lengths = performed(folder, task).outputs
    with wave.open(str(sound.path)) as file:
        assert (file.getframerate(), file.getnchannels()) == (SAMPLE_RATE, 1)
        samples = np.frombuffer(file.readframes(file.getnframes()), "<i2")
    return np.split(samples, np.cumsum(json.loads(lengths.path.read_text()))[:-1])


def pitch(samples):
    """Where its spectrum is highest, in Hz."""
    return float(np.abs(np.fft.rfft(samples)).argmax() * SAMPLE_RATE / samples.size)


# --- voices and tasks --------------------------------------------------------------------------------


def test_d155_d158_voices_of_a_service_are_listed_with_the_farms_own():
    alloy = voice_of(ALLOY)
    assert (alloy.engine, alloy.accent, alloy.tags) == ("tts-1", "American", ("narration", "natural"))
    assert alloy in voices_for(Filters(language="de", gender="female"))
    assert [voice.name for voice in voices_for(Filters(engine="tts-1"))] == ["Alloy", "Onyx"]
    timeline_of(render("1.png", voiceover=script("Hallo.", voice_id=ALLOY, language="de-AT")))
    with pytest.raises(BadRequest, match="speaks en-US, not fr"):
        timeline_of(render("1.png", voiceover=script("Salut.", voice_id=ALLOY, language="fr")))


def test_a_script_is_said_by_tasks_of_some_lines_that_the_render_needs():
    lines = [f"Line {n} " + "x" * 290 for n in range(12)]
    params = render("1.png", voiceover=script(*lines, voice_id=ALLOY))
    *speech, last = KIND.plan(params)
    assert [task.name for task in speech] == [f"speak-{n:03}" for n in (1, 2, 3)]
    assert [line for task in speech for line in task.params["lines"]] == lines
    assert all(sum(map(len, task.params["lines"])) <= 1500 for task in speech)
    assert (speech[0].route.capability, speech[0].route.model) == ("speech", "tts-1")
    assert last.needs == ("speak-001", "speak-002", "speak-003")
    assert speaking(render("1.png", voiceover=script("One."))) == ()  # espeak-ng speaks where it is rendered
    assert len(tasks_of(*["x"] * 41)) == 3


def test_a_long_film_is_laid_out_once_all_was_said():
    shown = [{"asset_id": "1.png", "duration_s": 600}]
    params = render("1.png", voiceover=script("One.", voice_id=ALLOY), placements=shown)
    speech, first = KIND.plan(params)
    assert (speech.name, first.name, first.needs) == ("speak-001", "timeline", ("speak-001",))


def test_what_a_service_costs_is_in_the_price():
    lines = ["x" * 999 + ".", "y" * 999 + "."]
    own, served = (price(render("1.png", voiceover=script(*lines, voice_id=v))) for v in (WREN, ALLOY))
    assert served - own == 1000  # two thousand characters at half a credit each thousand


@pytest.mark.parametrize(
    ("voices", "says"),
    [
        ('[voices.remote.x]\nmodel = "nobody"', "voices.remote.x.model names 'nobody'"),
        ('[voices.remote."A b"]\nmodel = "tts-1"', "voices.remote.A b"),
    ],
)
def test_a_voice_that_leads_nowhere_is_told_to_the_operator(tmp_path, monkeypatch, voices, says):
    folder = tmp_path / "wrong"
    folder.mkdir()
    (folder / "providers.toml").write_text(PROVIDERS.format(url="http://127.0.0.1:1"))
    rest = 'code = "x"\nname = "X"\nlocale = "en-US"\ngender = "male"\n'
    (folder / "voices.toml").write_text(f"{voices}\n{rest}")
    monkeypatch.setenv("FARM_CONFIG_DIR", str(folder))
    with pytest.raises(FarmUnavailable, match=says):
        read_catalog(Settings())


# --- a service that does well ------------------------------------------------------------------------


def test_every_line_is_one_call_and_comes_back_as_it_was_spoken(tmp_path, service):
    attempt = Attempt(tmp_path)
    (task,) = tasks_of(*LINES)
    sound, lengths = performed(tmp_path, task, attempt).outputs
    assert (sound.name, lengths.name) == ("sound", "lengths")
    assert sound.intermediate and lengths.intermediate
    assert [asked["input"] for asked in service.asked] == list(LINES)
    assert service.asked[0] == {
        "path": "/v1/audio/speech",
        "model": "tts-1",
        "input": LINES[0],
        "voice": "alloy",
        "response_format": "wav",
    }
    assert set(service.keys) == {f"Bearer {KEY}"}
    seconds = [count / SAMPLE_RATE for count in json.loads(lengths.path.read_text())]
    assert seconds == pytest.approx([spoken_s(line) for line in LINES], abs=0.002)
    assert attempt.said[0] == 0 and attempt.said == sorted(attempt.said) and len(attempt.said) == 3


def test_speed_is_asked_of_a_service_that_heeds_it_and_made_here_where_not(tmp_path, service):
    (quick,) = said(tmp_path, LINES[0], speed=1.6)
    assert service.asked[-1]["speed"] == 1.6
    (stretched,) = said(tmp_path, LINES[0], speed=1.6, voice="svoice_onyx")
    assert "speed" not in service.asked[-1]
    for samples, voice in ((quick, "alloy"), (stretched, "onyx")):
        assert samples.size / SAMPLE_RATE == pytest.approx(spoken_s(LINES[0], 1.6), rel=0.05)
        assert pitch(samples) == pytest.approx(PITCHES_HZ[voice], rel=0.02)


def test_narration_takes_its_lines_from_what_the_tasks_brought(tmp_path, service):
    voiceover = Voiceover.model_validate(script(*LINES * 8, voice_id=ALLOY))
    files = {}
    for task in tasks_of(*LINES * 8):
        folder = tmp_path / task.name
        folder.mkdir()
        for output in performed(folder, task).outputs:
            files[f"{task.name}.{output.name}"] = output.path
    assert len(part_files(files)) == 2
    heard = []
    speech = narrate(voiceover, tmp_path / "all.wav", lambda: None, files=files, progress=heard.append)
    assert len(speech.lengths) == 24 and heard == sorted(heard)
    with wave.open(str(tmp_path / "all.wav")) as file:
        assert Fraction(file.getnframes(), file.getframerate()) == sum(speech.lengths)
    for line, length in zip(voiceover.lines, speech.lengths, strict=True):
        assert float(length) == pytest.approx(spoken_s(line.text), abs=0.01)


def test_a_render_that_nobody_spoke_for_says_so(tmp_path):
    with pytest.raises(TaskFailure, match="Nobody had Alloy speak"):
        narrate(Voiceover.model_validate(script("One.", voice_id=ALLOY)), tmp_path / "a.wav", lambda: None)


# --- one that does not -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("plan", "failure", "code", "says"),
    [
        ("busy", FailureClass.CAPACITY, "provider_429", "slow down"),
        ("broken", FailureClass.TRANSIENT, "provider_500", "oops"),
        ("refuse", FailureClass.PROVIDER_AUTH, "provider_401", "Incorrect API key: Bearer …"),
        ("missing", FailureClass.INTERNAL, "provider_404", "no such model"),
        ("policy", FailureClass.INVALID_INPUT, "provider_400", "one of alloy"),
        ("redirect", FailureClass.INTERNAL, "provider_302", "302"),
        ("drop", FailureClass.TRANSIENT, "connection", "cannot be reached"),
        ("cut", FailureClass.TRANSIENT, "connection", "broke off"),
        ("slow", FailureClass.TIMEOUT, "provider_timeout", "too slow"),
        ("drip", FailureClass.TIMEOUT, "provider_timeout", "too slow"),
        ("endless", FailureClass.CORRUPT_OUTPUT, "answer_too_long", "longer"),
        ("page", FailureClass.CORRUPT_OUTPUT, "speech_failed", "HTML page"),
        ("empty", FailureClass.CORRUPT_OUTPUT, "speech_failed", "no speech"),
        ("short_file", FailureClass.CORRUPT_OUTPUT, "speech_failed", "cut short"),
        ("silent", FailureClass.CORRUPT_OUTPUT, "speech_failed", "nothing is heard"),
        ("brief", FailureClass.CORRUPT_OUTPUT, "speech_failed", "too little"),
    ],
)
def test_what_goes_wrong_has_a_class_that_says_what_may_follow(
    tmp_path, monkeypatch, service, plan, failure, code, says
):
    """One call and no more: what follows is the scheduler's to decide."""
    if plan in ("slow", "drip"):
        configure(tmp_path, monkeypatch, service.url, call_s=0.5)
    service.next(plan)
    (task,) = tasks_of(LINES[0])
    with pytest.raises(TaskFailure, match=says) as caught:
        performed(tmp_path, task)
    assert (caught.value.failure, caught.value.public_code) == (failure, code)
    assert caught.value.retry_after_s == (1.0 if plan == "busy" else None)
    assert KEY not in caught.value.message
    assert len(service.asked) == 1


def test_a_service_that_is_away_is_unreachable(tmp_path, monkeypatch):
    configure(tmp_path, monkeypatch, "http://127.0.0.1:1/v1")
    with pytest.raises(TaskFailure) as caught:
        performed(tmp_path, tasks_of("One.")[0])
    assert (caught.value.failure, caught.value.public_code) == (FailureClass.TRANSIENT, "connection")


@pytest.mark.parametrize("key", [None, " ", "sk-\n1"])
def test_a_worker_without_the_key_names_the_variable_and_calls_nobody(tmp_path, monkeypatch, service, key):
    monkeypatch.delenv("TEST_SPEECH_KEY")
    if key is not None:
        monkeypatch.setenv("TEST_SPEECH_KEY", key)
    with pytest.raises(TaskFailure, match="no TEST_SPEECH_KEY") as caught:
        performed(tmp_path, tasks_of("One.")[0])
    assert caught.value.failure is FailureClass.PROVIDER_AUTH
    assert service.asked == []


def test_an_url_that_is_none_is_the_operators_fault_and_not_the_customers(tmp_path, monkeypatch):
    configure(tmp_path, monkeypatch, "ftp://speech.example")
    with pytest.raises(TaskFailure, match="must begin with https") as caught:
        performed(tmp_path, tasks_of("One.")[0])
    assert caught.value.failure is FailureClass.INTERNAL


def test_a_cancel_ends_the_call_that_is_under_way(tmp_path, service):
    service.next("slow")
    attempt = Attempt(tmp_path)

    def cancel():
        service.in_call.wait()
        attempt.stop.set()

    threading.Thread(target=cancel).start()
    with pytest.raises(Cancelled):
        performed(tmp_path, tasks_of(*LINES)[0], attempt)
    assert len(service.asked) == 1


def test_a_wav_of_which_a_streaming_server_did_not_know_the_length_is_taken(tmp_path, monkeypatch):
    good = bytearray(spoken(LINES[0], "alloy"))
    good[4:8] = good[40:44] = b"\xff\xff\xff\xff"
    monkeypatch.setattr("tests.speech_service.spoken", lambda *_, **__: bytes(good))
    (samples,) = said(tmp_path, LINES[0])
    assert samples.size / SAMPLE_RATE == pytest.approx(spoken_s(LINES[0]), abs=0.002)


@pytest.mark.parametrize("suffix", ["mp3", "ogg", "aac", "m4a"])
def test_sound_is_taken_for_what_it_is_whatever_was_asked(tmp_path, monkeypatch, suffix):
    length_s = spoken_s(LINES[0])
    made = write_sound(tmp_path / f"said.{suffix}", tone(440, length_s)).read_bytes()
    monkeypatch.setattr("tests.speech_service.spoken", lambda *_, **__: made)
    (samples,) = said(tmp_path, LINES[0])
    assert samples.size / SAMPLE_RATE == pytest.approx(length_s, abs=0.1)
    assert pitch(samples) == pytest.approx(440, rel=0.01)
    assert np.abs(samples).max() == pytest.approx(0.5 * 32_767, rel=0.1)
