"""Speech, charts, compositions and their webhooks on a whole farm: real workers, files and receivers."""

import json
import shutil
import subprocess
from base64 import b64encode
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import av
import httpx
import numpy as np
import openai
import pytest

from farm.doors.accounts import create_key, ensure_account
from farm.rules.running import OutboundRules
from schedulers.webhooks.deliverer import delivering
from tests.live_farm import LiveFarm, live_farm
from tests.media import real_photo, tone, write_sound
from tests.receiver import Heard, Receiver, receiving
from tests.unit.test_transcribe_audio import Listener
from tests.worker_farm import until
from workers.media.probe import probe
from workers.media.sound import SoundReader

pytestmark = pytest.mark.slow

TEXT = "Meet the travel mug built for commutes, workouts, and long desk days."
DATA = {
    "type": "line",
    "labels": ["Q1", "Q2", "Q3", "Q4"],
    "datasets": [{"label": "Revenue", "data": [1.2, 1.8, 2.4, 3.1]}],
}
# Seed 003's own verifier, word for word.
VERIFIER = """
import crypto from 'crypto';
import fs from 'fs';
function verifyCreativeAiWebhook(rawBody, signatureHeader, signingSecret) {
if (!signatureHeader?.startsWith('sha256=')) return false;
const expected = crypto
.createHmac('sha256', signingSecret)
.update(rawBody)
.digest('hex');
const provided = signatureHeader.slice('sha256='.length);
return crypto.timingSafeEqual(Buffer.from(expected), Buffer.from(provided));
}
const told = JSON.parse(fs.readFileSync(0, 'utf8'));
const [body, other] = [Buffer.from(told.body, 'base64'), Buffer.from(told.other, 'base64')];
console.log(JSON.stringify([
  verifyCreativeAiWebhook(body, told.signature, told.key),
  verifyCreativeAiWebhook(other, told.signature, told.key),
  verifyCreativeAiWebhook(body, undefined, told.key),
]));
"""


@dataclass
class Customer:
    """One account with its key, at a farm with every worker that these calls need."""

    farm: LiveFarm
    client: httpx.Client
    key: str
    receiver: Receiver
    listener: Listener
    folder: Path

    def asks(self, path: str, body: dict[str, Any]) -> str:
        made = self.client.post(path, json=body)
        assert made.status_code == 202, made.text
        assert made.json()["status"] in ("PENDING", "PROCESSING")
        return str(made.json()["id"])

    def gets(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """Submit, and poll the shared status until its end."""
        job_id = self.asks(path, body)
        self.farm.farm.ended(job_id)
        found: dict[str, Any] = self.client.get(f"/api/generate/status/{job_id}").json()
        assert found["status"] == "COMPLETED", found
        return found

    def downloads(self, found: dict[str, Any], name: str) -> Path:
        path = self.folder / name
        answer = httpx.get(found["output_url"], trust_env=False)
        assert answer.status_code == 200
        path.write_bytes(answer.content)
        return path

    def heard_of(self, job_id: str) -> Heard:
        until(lambda: self._letters(job_id), f"{job_id} was told")
        (letter,) = self._letters(job_id)
        return letter

    def _letters(self, job_id: str) -> list[Heard]:
        return [one for one in self.receiver.heard if one.headers["x-creativeai-delivery-id"] == job_id]


@pytest.fixture(scope="module")
def customer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Customer]:
    folder = tmp_path_factory.mktemp("sounds")
    with Listener() as listener, receiving() as receiver:
        rules = OutboundRules(allow_hosts=(f"127.0.0.1:{receiver.port}",))
        providers = f"""
[providers.ears-for-hire]
pool = "asr-align"
url = "http://127.0.0.1:{listener.port}/v1"
[routes.transcription.whisper-1]
offers = [{{ provider = "ears-for-hire", price = "0", estimated_s = 1.0 }}]
"""
        with live_farm(folder, rules, providers=providers) as farm:
            settings = farm.settings.model_copy(update={"public_url": farm.url})
            farm.farm.worker("drawer", pool="gpu-generate")
            farm.farm.worker("listener", pool="asr-align")
            account = ensure_account(farm.hall, "ada", "enterprise", balance_mc=1_000_000)
            key = create_key(farm.hall, account).text
            headers = {"Authorization": f"Bearer {key}"}
            with (
                delivering(settings, farm.hall),
                httpx.Client(base_url=farm.url, headers=headers, trust_env=False, timeout=60) as client,
            ):
                yield Customer(farm, client, key, receiver, listener, folder)


def level(path: Path) -> float:
    """Root mean square of its sound."""
    with SoundReader(path, sample_rate=24_000) as reader:
        return float(np.sqrt(np.mean(reader.read(60 * 24_000) ** 2)))


def test_seed_003_a_chart_and_a_voice_become_a_narrated_film(customer: Customer) -> None:
    """C-144, C-158 to C-164, C-172 to C-186: the document's workflow, by what its answers give alone."""
    voice = customer.gets("/api/generate/voice", {"text": TEXT, "voice": "alloy", "speed": 1.0})
    assert (voice["type"], voice["model"], voice["credits"]) == ("VOICE", "creative-voice", 8)
    assert voice["parameters"] == {"voice": "alloy", "language": "en", "speed": 1.0}
    assert voice["completed_at"] > voice["created_at"]
    mp3 = customer.downloads(voice, "voice.mp3")
    assert 2 < float(probe(mp3).duration or 0) < 9 and level(mp3) > 0.02

    asked = {"chart_data": DATA, "animation_style": "build_up", "title": "Revenue Trajectory", "duration": 3}
    chart = customer.gets("/api/generate/chart-to-video", asked)
    assert (chart["type"], chart["credits"], chart["parameters"]["duration"]) == ("CHART", 15, 3)
    film = customer.downloads(chart, "chart.mp4")
    assert probe(film).has_audio is False

    composition = {"video_url": chart["output_url"], "audio_url": voice["output_url"], "replace_audio": True}
    composed = customer.gets("/api/generate/compose", composition)
    assert (composed["type"], composed["credits"]) == ("COMPOSE", 5)
    found = probe(customer.downloads(composed, "story.mp4"))
    assert found.has_audio and (found.width, found.height) == (1280, 720)
    assert float(found.duration or 0) == pytest.approx(3, abs=0.1)
    with av.open(str(film)) as before, av.open(str(customer.folder / "story.mp4")) as after:
        kept = [[bytes(packet) for packet in one.demux(video=0) if packet.size] for one in (before, after)]
    assert kept[0] == kept[1]
    assert level(customer.folder / "story.mp4") > 0.02


def test_c165_a_chart_from_a_picture_of_the_caller_is_shown(customer: Customer) -> None:
    """The URL is fetched: here it leads to a file of the farm's own, which is copied."""
    picture = customer.client.post("/v1/images/generations", json={"prompt": "a chart", "size": "512x512"})
    assert picture.status_code == 200, picture.text
    asked = {"chart_image_url": picture.json()["data"][0]["url"], "title": "Q4 Revenue Growth", "duration": 2}
    found = customer.gets("/api/generate/chart-to-video", asked)
    assert found["parameters"]["animation_style"] == "ken_burns"
    assert float(probe(customer.downloads(found, "shown.mp4")).duration or 0) == pytest.approx(2, abs=0.1)


@pytest.mark.skipif(shutil.which("node") is None, reason="node is not installed: tests/install-tools.sh")
def test_c270_the_documents_own_verifier_takes_our_delivery(customer: Customer) -> None:
    """C-211 to C-214, C-219, C-260 to C-272: one flat POST with URLs, as n8n and Make take it."""
    job_id = customer.asks("/api/generate/voice", {"text": TEXT, "webhook_url": customer.receiver.url})
    letter = customer.heard_of(job_id)
    assert letter.headers["x-creativeai-event"] == "voice.generation.completed"
    assert letter.headers["content-type"] == "application/json"
    assert {"webhook-id", "webhook-timestamp", "webhook-signature"} <= letter.headers.keys()
    body = json.loads(letter.body)
    assert (body["id"], body["object"], body["status"]) == (job_id, "voice.generation", "completed")
    assert (body["text"], body["voice"], body["language"], body["credits"]) == (TEXT, "alloy", "en", 8)
    assert httpx.get(body["output_url"], trust_env=False).headers["content-type"] == "audio/mpeg"
    assert body["duration_seconds"] > 2
    told = {
        "body": b64encode(letter.body).decode(),
        "other": b64encode(letter.body.replace(b"alloy", b"onyx ")).decode(),
        "signature": letter.headers["x-creativeai-signature"],
        "key": customer.key,
    }
    script = ["node", "--input-type=module", "-e", VERIFIER]
    done = subprocess.run(
        script, input=json.dumps(told), capture_output=True, text=True, check=True, timeout=60
    )
    assert json.loads(done.stdout) == [True, False, False]
    status = customer.client.get(f"/api/generate/status/{job_id}").json()  # C-226
    assert status["completed_at"] == body["completed_at"]


def test_x13_a_composition_that_fails_says_so_and_gives_its_credits_back(customer: Customer) -> None:
    still = customer.client.post("/v1/images/generations", json={"prompt": "a mug", "size": "512x512"}).json()
    voice = customer.gets("/api/generate/voice", {"text": "Hello there."})
    chart = customer.gets("/api/generate/chart-to-video", {"chart_data": DATA, "duration": 1})
    refused = customer.client.post(
        "/api/generate/compose",
        json={"video_url": still["data"][0]["url"], "audio_url": voice["output_url"]},
    )
    assert (refused.status_code, refused.json()["error"]["param"]) == (400, "video_url"), refused.text
    body = {
        "video_url": chart["output_url"],
        "audio_url": chart["output_url"],
        "webhook_url": customer.receiver.url,
    }
    job_id = customer.asks("/api/generate/compose", body)
    letter = customer.heard_of(job_id)
    told = json.loads(letter.body)
    assert letter.headers["x-creativeai-event"] == "compose.generation.failed"
    assert "has no sound" in told["error_message"]
    assert told["error"]["code"] == "generation_failed"
    assert (told["credits"], told["credits_refunded"]) == (0, 5)
    found = customer.client.get(f"/api/generate/status/{job_id}").json()
    assert (found["status"], found["credits"], found["credits_refunded"]) == ("FAILED", 0, 5)
    assert found["error"] == told["error"]


def test_openais_sdk_speaks_and_listens(customer: Customer) -> None:
    """audio.speech and audio.transcriptions, unmodified, in every response format."""
    sdk = openai.OpenAI(api_key=customer.key, base_url=f"{customer.farm.url}/v1", max_retries=0)
    with sdk:
        said = sdk.audio.speech.create(
            model="creative-voice", voice="nova", input=TEXT, response_format="wav"
        )
        path = customer.folder / "said.wav"
        path.write_bytes(said.content)
        assert said.response.headers["content-type"] == "audio/wav"
        assert level(path) > 0.02
        pieces = []
        with sdk.audio.speech.with_streaming_response.create(
            model="auto", voice="onyx", input="Hello there.", stream_format="sse"
        ) as events:
            pieces = [json.loads(line[6:]) for line in events.iter_lines() if line.startswith("data: ")]
        assert [piece["type"] for piece in pieces][-1] == "speech.audio.done"
        assert len(pieces) > 1
        with pytest.raises(openai.BadRequestError) as refused:
            sdk.audio.speech.create(model="creative-voice", voice="darth", input=TEXT)
        assert refused.value.param == "voice" and refused.value.request_id

        sound = write_sound(customer.folder / "heard.mp3", tone(300, 3.5))
        plain = sdk.audio.transcriptions.create(model="whisper-1", file=sound)
        assert plain.text == "Welcome to the farm. It is ready."
        told = sdk.audio.transcriptions.create(
            model="whisper-1",
            file=sound,
            language="en",
            response_format="verbose_json",
            timestamp_granularities=["word", "segment"],
        )
        assert (told.language, told.duration) == ("english", 3.5)
        assert told.words is not None and told.words[0].word == "Welcome"
        assert told.segments is not None and told.segments[1].text == "It is ready."
        for form, begins in (
            ("text", "Welcome to"),
            ("srt", "1\n00:00:00,000"),
            ("vtt", "WEBVTT\n\n00:00:00"),
        ):
            answer = sdk.audio.transcriptions.create(model="whisper-1", file=sound, response_format=form)
            assert str(answer).startswith(begins)
        streamed = list(sdk.audio.transcriptions.create(model="whisper-1", file=sound, stream=True))
        assert [event.type for event in streamed] == ["transcript.text.delta", "transcript.text.done"]
        with pytest.raises(openai.BadRequestError) as refused:
            sdk.audio.transcriptions.create(model="whisper-1", file=real_photo("coffee"))
        assert refused.value.param == "file"
    assert customer.listener.forms[-1]["model"] == [b"whisper-1"]
