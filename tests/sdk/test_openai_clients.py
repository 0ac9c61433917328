"""OpenAI's own clients for Python and Node, unmodified, with another base URL, against a farm of processes.

C-002 (base_url), C-004 … C-007, C-014 … C-022, C-027, C-043, C-193 … C-197, X-45.
"""

import io
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import av
import httpx
import openai
import pytest
from PIL import Image

from tests.api import png
from tests.generation_farm import SAID, GenerationFarm, generation_farm, sound
from tests.llm_service import WORDS

pytestmark = [
    pytest.mark.slow,
    # The client says that OpenAI gives its videos up: this farm does not.
    pytest.mark.filterwarnings("ignore:The Sora API:DeprecationWarning"),
]

NODE_MODULES = Path(sys.prefix) / "sdk" / "node_modules"
NODE_SCRIPT = Path(__file__).parent / "openai_node.cjs"
HELLO = [{"role": "user", "content": "Hello!"}]


@pytest.fixture(scope="module")
def generating(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GenerationFarm]:
    """One farm for all tests here."""
    with generation_farm(tmp_path_factory.mktemp("generating")) as running:
        yield running


@pytest.fixture
def client(generating: GenerationFarm) -> Iterator[openai.OpenAI]:
    """A new customer's, as the document says to make it."""
    key = generating.customer().key
    with openai.OpenAI(api_key=key, base_url=f"{generating.url}/v1", max_retries=0, timeout=120) as made:
        yield made


def picture_at(url: str | None) -> Image.Image:
    assert url is not None
    return Image.open(io.BytesIO(httpx.get(url, timeout=30).raise_for_status().content))


def test_c002_models_are_listed(client: openai.OpenAI) -> None:
    ids = {model.id for model in client.models.list()}
    assert {"auto", "dall-e-3", "kling-o3-pro", "gpt-*", "gemini-2.0-flash"} <= ids
    assert client.models.retrieve("dall-e-3").object == "model"


def test_c027_pictures_are_made_as_urls_and_as_base64(client: openai.OpenAI, generating: GenerationFarm):
    made = client.images.generate(model="dall-e-3", prompt="A lighthouse", size="1024x1024", n=2)
    assert made.created > 0 and made.data is not None and len(made.data) == 2
    assert picture_at(made.data[0].url).format == "PNG"
    inline = client.images.generate(model="dall-e-3", prompt="A lighthouse", response_format="b64_json")
    assert inline.data is not None and inline.data[0].b64_json
    assert generating.pictures.broken == []


def test_c043_pictures_are_edited(client: openai.OpenAI, generating: GenerationFarm) -> None:
    made = client.images.edit(
        model="gpt-image-1",
        image=("room.png", png(512, 512), "image/png"),
        mask=("mask.png", png(512, 512, (255, 255, 255)), "image/png"),
        prompt="A sunlit room",
        size="1024x1024",
    )
    assert made.data is not None and picture_at(made.data[0].url).size == (1024, 1024)
    assert generating.pictures.broken == []


def test_videos_are_made_polled_and_downloaded(
    client: openai.OpenAI, generating: GenerationFarm, tmp_path: Path
) -> None:
    made = client.videos.create(model="auto", prompt="A fox in the snow", seconds="5")
    assert made.status in ("queued", "in_progress", "completed")
    done = client.videos.poll(made.id, poll_interval_ms=100)
    assert (done.status, done.progress, done.error) == ("completed", 100, None)
    path = tmp_path / "film.mp4"
    client.videos.download_content(made.id).write_to_file(path)
    with av.open(str(path)) as film:
        assert float(film.duration or 0) / av.time_base == pytest.approx(5, abs=0.2)
    both = client.videos.create_and_poll(prompt="A fox in the snow", poll_interval_ms=100)
    assert both.status == "completed"
    assert generating.films.broken == []


def test_speech_is_spoken_and_written_down(client: openai.OpenAI, tmp_path: Path) -> None:
    path = tmp_path / "hello.mp3"
    with client.audio.speech.with_streaming_response.create(
        model="auto", voice="alloy", input="Hello from the farm."
    ) as spoken:
        spoken.stream_to_file(path)
    with av.open(str(path)) as heard:
        assert heard.streams.audio[0].codec_context.name.startswith("mp3")
        assert float(heard.duration or 0) / av.time_base > 0.5
    sent = ("hello.wav", sound(), "audio/wav")
    plain = client.audio.transcriptions.create(model="whisper-1", file=sent)
    assert plain.text == SAID
    told = client.audio.transcriptions.create(
        model="whisper-1",
        file=sent,
        response_format="verbose_json",
        timestamp_granularities=["word", "segment"],
    )
    assert told.segments and told.words and told.words[0].word == "Hello"


def test_c194_chat_plain_and_streamed(client: openai.OpenAI) -> None:
    raw = client.chat.completions.with_raw_response.create(model="gpt-4o-mini", messages=HELLO)  # type: ignore[arg-type]  # plain dicts
    assert raw.headers["x-model-actual"] == "gpt-4o-mini"  # C-195
    assert raw.headers["x-failover-used"] == "false"  # C-196
    assert raw.parse().choices[0].message.content == "".join(WORDS)
    pieces = client.chat.completions.create(model="gpt-4o-mini", messages=HELLO, stream=True)  # type: ignore[arg-type]  # plain dicts
    assert "".join(piece.choices[0].delta.content or "" for piece in pieces) == "".join(WORDS)


def test_c196_failover_is_told(client: openai.OpenAI, generating: GenerationFarm) -> None:
    generating.talkers.at("first").next("broken")
    raw = client.chat.completions.with_raw_response.create(model="gpt-4o-mini", messages=HELLO)  # type: ignore[arg-type]  # plain dicts
    assert raw.headers["x-model-actual"] == "gemini-2.0-flash"
    assert raw.headers["x-failover-used"] == "true"


def test_c014_to_c020_errors_have_their_code_and_request(
    client: openai.OpenAI, generating: GenerationFarm
) -> None:
    with pytest.raises(openai.BadRequestError) as bad:
        client.images.generate(model="dall-e-3", prompt="x", n=9)
    assert (bad.value.code, bad.value.param, bad.value.type) == (
        "invalid_request_error",
        "n",
        "invalid_request_error",
    )
    assert bad.value.request_id and bad.value.request_id.startswith("req_")
    with pytest.raises(openai.BadRequestError) as refused:
        client.images.generate(model="dall-e-3", prompt="hardcore porn")
    assert (refused.value.code, refused.value.param) == ("content_policy_violation", "prompt")
    with pytest.raises(openai.InternalServerError) as away:
        client.images.generate(model="flux-pro", prompt="x")
    assert away.value.status_code == 503 and away.value.code == "provider_unavailable"
    assert "routes.text-to-image.flux-pro" in away.value.message
    with pytest.raises(openai.AuthenticationError) as stranger:
        client.with_options(api_key="farm_live_nobody").models.list()
    assert stranger.value.code == "authentication_error" and stranger.value.request_id
    poor = generating.customer(balance_mc=0).key
    with pytest.raises(openai.APIStatusError) as broke:
        client.with_options(api_key=poor).images.generate(model="dall-e-3", prompt="x")
    assert (broke.value.status_code, broke.value.code) == (402, "insufficient_credits")


def test_c007_c008_c019_free_keys_are_held_to_ten_a_minute(
    client: openai.OpenAI, generating: GenerationFarm
) -> None:
    free = client.with_options(api_key=generating.customer("free").key)
    said = [
        free.chat.completions.with_raw_response.create(model="gpt-4o-mini", messages=HELLO)  # type: ignore[arg-type]  # plain dicts
        for _ in range(10)
    ]
    assert [answer.headers["x-ratelimit-remaining"] for answer in said] == [str(9 - i) for i in range(10)]
    assert {answer.headers["x-ratelimit-limit"] for answer in said} == {"10"}  # C-004
    assert all(int(answer.headers["x-ratelimit-reset"]) > 1e9 for answer in said)  # C-006, X-11
    with pytest.raises(openai.RateLimitError) as refused:
        free.chat.completions.create(model="gpt-4o-mini", messages=HELLO)  # type: ignore[arg-type]  # plain dicts
    assert refused.value.code == "rate_limit_exceeded"
    assert 0 < int(refused.value.response.headers["retry-after"]) <= 61


def test_x45_a_retry_of_the_client_is_made_once(client: openai.OpenAI, generating: GenerationFarm) -> None:
    """The answer is lost on its way; the client's own retry is led to the same picture and pays nothing."""
    lost: list[int] = []

    class Lossy(httpx.HTTPTransport):
        def handle_request(self, request: httpx.Request) -> httpx.Response:
            answer = super().handle_request(request)
            if not lost:
                answer.read()
                lost.append(answer.status_code)
                raise httpx.ReadError("the line went dead", request=request)
            return answer

    customer = generating.customer(balance_mc=100_000)
    sold = len(generating.pictures.sold)
    with httpx.Client(transport=Lossy(), timeout=120) as line:
        retrying = client.with_options(api_key=customer.key, http_client=line, max_retries=2)
        made = retrying.images.generate(model="dall-e-3", prompt="A lighthouse at noon")
    assert lost == [200] and made.data is not None and made.data[0].url
    assert len(generating.pictures.sold) == sold + 1
    assert customer.call("GET", "/farm/v1/credits").json()["balance"] == 96.0


def test_x45_the_client_waits_as_our_headers_say(client: openai.OpenAI, generating: GenerationFarm) -> None:
    """A 409 says that a retry is useless, a 503 that it may help: the client heeds both."""
    customer = generating.customer(balance_mc=1_000_000)
    calls: list[str] = []

    class Counting(httpx.HTTPTransport):
        def handle_request(self, request: httpx.Request) -> httpx.Response:
            calls.append(request.headers["x-stainless-retry-count"])
            answer = super().handle_request(request)
            answer.headers["retry-after-ms"] = "1" if "retry-after" in answer.headers else ""
            return answer

    generating.talkers.at("first").next("broken")
    generating.talkers.at("second").next("broken")
    with httpx.Client(transport=Counting(), timeout=120) as line:
        retrying = client.with_options(api_key=customer.key, http_client=line, max_retries=1)
        said = retrying.chat.completions.create(model="gpt-4o-mini", messages=HELLO)  # type: ignore[arg-type]  # plain dicts
        assert said.choices[0].message.content == "".join(WORDS)
        assert calls == ["0", "1"]
        code = f"{generating.url}/farm/v1/credits/promos", {"code": "GEMINI2026"}
        retrying.post(code[0], body=code[1], cast_to=object)
        with pytest.raises(openai.ConflictError):
            retrying.post(code[0], body=code[1], cast_to=object)
        assert calls[2:] == ["0", "0"]


@pytest.fixture(scope="module")
def in_node(generating: GenerationFarm, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What came of every call of the script, by its name; `folder` is where it ran."""
    node = shutil.which("node")
    if node is None or not (NODE_MODULES / "openai").is_dir():
        pytest.skip("OpenAI's client for Node is not installed: tests/install-tools.sh")
    folder = tmp_path_factory.mktemp("node")
    (folder / "room.png").write_bytes(png(512, 512))
    (folder / "hello.wav").write_bytes(sound())
    environment = {"HOST": generating.url, "KEY": generating.customer().key, "NODE_PATH": str(NODE_MODULES)}
    done = subprocess.run(
        [node, str(NODE_SCRIPT)],
        cwd=folder,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return {"folder": folder, **dict(json.loads(line) for line in done.stdout.splitlines())}


def test_node_c002_models_pictures_and_edits(in_node: dict[str, Any]) -> None:
    assert {"auto", "dall-e-3", "kling-o3-pro"} <= set(in_node["models"])
    for name in ("image", "edit"):
        assert httpx.get(in_node[name]["url"], timeout=30).content.startswith(b"\x89PNG")


def test_node_videos_are_made_polled_and_downloaded(in_node: dict[str, Any]) -> None:
    assert in_node["video"]["status"] == "completed" and in_node["video"]["seconds"] == "5"
    with av.open(str(in_node["folder"] / "film.mp4")) as film:
        assert film.streams.video
    assert in_node["native"]["id"].startswith("vgen_") and in_node["native"]["status"] == "processing"


def test_node_speech_and_transcription(in_node: dict[str, Any]) -> None:
    assert in_node["speech"] > 1000
    assert in_node["transcription"] == {"text": SAID, "words": len(SAID.split())}


def test_node_c194_c195_chat_plain_and_streamed(in_node: dict[str, Any]) -> None:
    assert in_node["chat"] == {"said": "".join(WORDS), "actual": "gpt-4o-mini"}
    assert in_node["stream"] == "".join(WORDS)


@pytest.mark.parametrize(
    ("call", "kind", "status", "code"),
    [
        ("bad", "BadRequestError", 400, "invalid_request_error"),
        ("policy", "BadRequestError", 400, "content_policy_violation"),
        ("away", "InternalServerError", 503, "provider_unavailable"),
        ("stranger", "AuthenticationError", 401, "authentication_error"),
    ],
)
def test_node_c014_to_c020_errors_have_their_code_and_request(
    in_node: dict[str, Any], call: str, kind: str, status: int, code: str
) -> None:
    said = in_node[call]
    assert (said["kind"], said["status"], said["code"]) == (kind, status, code)
    assert said["requestID"].startswith("req_")
