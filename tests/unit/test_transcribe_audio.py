"""transcribe-audio: what a service hears becomes a transcript; without one, or weights, it says so."""

import json
from collections.abc import Iterator
from email import message_from_bytes
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest

from farm.catalog import read_catalog
from farm.errors import AssetUnreadable, BadRequest, ModelNotOffered, TaskFailure
from farm.settings import Settings
from farm.timeline import MediaKind
from tasks.scene_timestamps.heard import Word
from tasks.transcribe_audio import KIND, TranscribeAudio, Transcript
from tests.loopback import Loopback
from tests.media import tone, write_clip, write_sound
from tests.unit.test_compose_video import Bench
from workers.asr_align import transcribe
from workers.asr_align.transcribe import perform
from workers.context import Done, InputFile, TaskInput
from workers.media.probe import probe

ANSWER: dict[str, Any] = {
    "text": " Welcome to the farm. It is ready.",
    "language": "english",
    "duration": 3.5,
    "segments": [
        {"id": 0, "start": 0.0, "end": 1.5, "text": " Welcome to the farm."},
        {"id": 1, "start": 1.7, "end": 3.2, "text": " It is ready."},
    ],
    "words": [{"word": "Welcome", "start": 0.1, "end": 0.5}],
}


class Listener(Loopback):
    """A service with OpenAI's POST /audio/transcriptions; `answers` are used up call by call."""

    def __init__(self) -> None:
        self.answers: list[tuple[int, bytes]] = []
        self.forms: list[dict[str, list[bytes]]] = []
        super().__init__(_handler(self))


def _handler(listener: Listener) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            head = f"Content-Type: {self.headers['Content-Type']}\r\n\r\n".encode()
            form: dict[str, list[bytes]] = {"path": [self.path.encode()]}
            for part in message_from_bytes(head + body).get_payload():
                name = str(part.get_param("name", header="content-disposition"))
                form.setdefault(name, []).append(part.get_payload(decode=True))
            listener.forms.append(form)
            status, said = listener.answers.pop(0) if listener.answers else (200, json.dumps(ANSWER).encode())
            self.send_response(status)
            self.send_header("Content-Length", str(len(said)))
            self.end_headers()
            self.wfile.write(said)

        def log_message(self, format: str, *args: object) -> None:
            return

    return Handler


@pytest.fixture
def listener(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Listener]:
    folder = tmp_path / "config"
    folder.mkdir()
    with Listener() as found:
        (folder / "providers.toml").write_text(f"""
[providers.ears-for-hire]
pool = "asr-align"
url = "http://127.0.0.1:{found.port}/v1"
[routes.transcription.whisper-1]
offers = [{{ provider = "ears-for-hire", price = "0.5", estimated_s = 1.0 }}]
""")
        monkeypatch.setenv("FARM_CONFIG_DIR", str(folder))
        yield found


def written_down(folder: Path, sound: Path, provider: str = "ears-for-hire", **params: Any) -> Done:
    asked = TranscribeAudio(audio="a", **params)
    (folder / "work").mkdir(exist_ok=True)
    files = {"a": InputFile(sound, sound.name, "audio/mpeg")}
    values = asked.model_dump(mode="json")
    task = TaskInput(asked.kind, "transcribe", values, files, provider=provider, model="whisper-1")
    return perform(task, Bench(folder / "work"))


def speech(folder: Path, seconds: float = 3.5) -> Path:
    return write_sound(folder / "speech.mp3", tone(300, seconds))


def test_a_service_is_sent_the_file_and_asked_for_times(listener: Listener, tmp_path: Path) -> None:
    sound = speech(tmp_path)
    done = written_down(tmp_path, sound, language="en", prompt="Kinefarm")
    (form,) = listener.forms
    assert form["path"] == [b"/v1/audio/transcriptions"]
    assert form["file"] == [sound.read_bytes()]
    assert (form["model"], form["response_format"]) == ([b"whisper-1"], [b"verbose_json"])
    assert (form["language"], form["prompt"]) == ([b"en"], [b"Kinefarm"])
    assert form["timestamp_granularities[]"] == [b"word", b"segment"]
    transcript = Transcript.model_validate_json(done.outputs[0].path.read_bytes())
    assert transcript.text == "Welcome to the farm. It is ready."
    assert (transcript.language, transcript.duration_s) == ("english", 3.5)
    lossless = write_sound(tmp_path / "speech.flac", tone(300, 1.0))
    written_down(tmp_path, lossless)
    assert listener.forms[-1]["file"] == [lossless.read_bytes()]
    assert [segment.text for segment in transcript.segments] == ["Welcome to the farm.", "It is ready."]
    assert [word.word for word in transcript.words] == ["Welcome"]


def test_what_a_service_does_not_take_is_sent_as_sound_alone(
    listener: Listener, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A film in a container that OpenAI refuses, and a sound that is larger than it takes."""
    film = write_clip(tmp_path / "talk.mkv", frames=60, sound=tone(300, 2.0))
    written_down(tmp_path, film)
    monkeypatch.setattr(transcribe, "_MOST_BYTES", 1_000)
    written_down(tmp_path, speech(tmp_path))
    for form, length_s in zip(listener.forms, (2.0, 3.5), strict=True):
        sent = tmp_path / "sent.ogg"
        sent.write_bytes(form["file"][0])
        info = probe(sent)
        assert (info.kind, info.has_audio) == (MediaKind.AUDIO, True)
        assert float(info.duration or 0) == pytest.approx(length_s, abs=0.1)
        assert sent.stat().st_size < 6_000 * length_s


def test_what_is_held_covers_the_longest_and_what_is_charged_the_true_length(
    listener: Listener, tmp_path: Path
) -> None:
    catalog = read_catalog(Settings())
    assert KIND.price_mc(TranscribeAudio(audio="a", max_duration_s=125), catalog) == 3 * 1_500
    assert written_down(tmp_path, speech(tmp_path), max_duration_s=125).result["cost_mc"] == 1_500


@pytest.mark.parametrize(
    ("status", "body", "failure"),
    [
        (413, b'{"error": {"message": "too large"}}', "invalid_input"),
        (429, b"", "capacity"),
        (401, b"", "provider_auth"),
        (500, b"oops", "transient"),
        (200, b"<html>welcome</html>", "corrupt_output"),
        (200, b'{"text": "x", "duration": NaN}', "corrupt_output"),
    ],
)
def test_what_a_service_answers_means_what_it_means(
    listener: Listener, tmp_path: Path, status: int, body: bytes, failure: str
) -> None:
    listener.answers.append((status, body))
    with pytest.raises(TaskFailure) as failed:
        written_down(tmp_path, speech(tmp_path))
    assert failed.value.failure == failure


def test_no_sound_and_too_much_of_it_are_never_sent(listener: Listener, tmp_path: Path) -> None:
    silent = write_clip(tmp_path / "silent.mp4", frames=5)
    with pytest.raises(BadRequest, match=r"silent\.mp4 has no sound"):
        written_down(tmp_path, silent)
    with pytest.raises(BadRequest, match="at most 5 s are taken"):
        written_down(tmp_path, speech(tmp_path, 12.0), max_duration_s=5)
    (tmp_path / "page.mp3").write_bytes(b"<html>hello</html>" * 100)
    with pytest.raises(AssetUnreadable):
        written_down(tmp_path, tmp_path / "page.mp3")
    assert listener.forms == []


def test_a_farm_without_weights_names_both_settings() -> None:
    with pytest.raises(ModelNotOffered) as refused:
        KIND.price_mc(TranscribeAudio(audio="a"), read_catalog(Settings()))
    assert "align.model" in refused.value.message
    assert "routes.transcription.whisper-1" in refused.value.message


def test_a_worker_without_weights_says_so_by_code(tmp_path: Path) -> None:
    with pytest.raises(TaskFailure) as missing:
        written_down(tmp_path, speech(tmp_path), provider="listener")
    assert missing.value.public_code == "recogniser_missing"


def test_recognised_words_become_segments_and_subtitles() -> None:
    texts = ["Welcome", "to", "the", "farm.", "It", "is", "ready."]
    words = [
        Word(text=text, start_s=0.5 * at, end_s=0.5 * at + 0.4, certainty=0.9, half_width_s=0.1)
        for at, text in enumerate(texts)
    ]
    transcript = Transcript.of(words, "en", 3.4)
    assert transcript.text == "Welcome to the farm. It is ready."
    assert transcript.srt().startswith("1\n00:00:00,000 --> ")
    assert transcript.vtt().startswith("WEBVTT\n\n00:00:00.000 --> ")
    assert "farm." in transcript.vtt()
    assert (transcript.words[0].word, transcript.words[0].certainty) == ("Welcome", 0.9)
    nothing = Transcript.of([], "en", 2.0)
    assert (nothing.text, nothing.srt()) == ("", "")
