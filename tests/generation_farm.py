"""A farm that generates, of real processes; behind it its providers' services, around it a world with files.

Film models named in seed 003 are sold by a Replicate, its picture models by an OpenAI, language models by two
services of their own. What has no service here is drawn by the farm itself.
"""

import json
from base64 import b64encode
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from http.server import BaseHTTPRequestHandler
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from PIL import Image, ImageDraw

from tests.api import png
from tests.llm_service import KEY as LLM_KEY
from tests.llm_service import LlmServices
from tests.loopback import Loopback
from tests.media import tone, write_sound
from tests.provider_protocols import replicate
from tests.provider_protocols.goods import film
from tests.provider_protocols.openai import OpenAiServer
from tests.provider_protocols.replicate import ReplicateServer
from tests.provider_protocols.server import Answer, ProtocolServer, Request
from tests.running import RunningFarm, embedded_farm

POOLS = ("cpu-render", "gpu-generate", "asr-align")
SAID = "Hello from the other side."
PROVIDERS = """
[providers.film-house]
pool = "gpu-generate"
resource = "io"
remote = true
engine = "replicate"
url = "{films}"
key_env = "TEST_PROVIDER_KEY"
[providers.film-house.models]
kling-o3-pro-t2v = {{ name = "{model}", lengths_s = [5, 10], fields = {{ {fields} }} }}
kling-o3-pro-i2v = {{ name = "{model}", lengths_s = [5, 10], fields = {{ {fields} }} }}
kling-v3-t2v = {{ name = "{model}", lengths_s = [5, 10], fields = {{ {fields} }} }}
kling-v3-i2v = {{ name = "{model}", lengths_s = [5, 10], fields = {{ {fields} }} }}
[providers.picture-house]
pool = "gpu-generate"
resource = "io"
remote = true
engine = "openai"
url = "{pictures}"
key_env = "TEST_PROVIDER_KEY"
[providers.first-talker]
pool = "cpu-render"
url = "{first}"
key_env = "TEST_LLM_KEY"
[providers.second-talker]
pool = "cpu-render"
url = "{second}"
[providers.stenographer]
pool = "asr-align"
url = "{outside}/v1"

[routes.text-to-video.kling-o3-pro-t2v]
offers = [{{ provider = "film-house", price = "1", estimated_s = 1.0 }}]
[routes.image-to-video.kling-o3-pro-i2v]
offers = [{{ provider = "film-house", price = "1", estimated_s = 1.0 }}]
[routes.text-to-video.kling-v3-t2v]
offers = [{{ provider = "film-house", price = "1", estimated_s = 1.0 }}]
[routes.image-to-video.kling-v3-i2v]
offers = [{{ provider = "film-house", price = "1", estimated_s = 1.0 }}]
[routes.text-to-image.dall-e-3]
offers = [{{ provider = "picture-house", price = "1", estimated_s = 1.0 }}]
[routes.text-to-image.gpt-image-1]
offers = [{{ provider = "picture-house", price = "1", estimated_s = 1.0 }}]
[routes.image-edit.gpt-image-1]
offers = [{{ provider = "picture-house", price = "1", estimated_s = 1.0 }}]
[routes.image-edit."seedream-v4.5-edit"]
offers = [{{ provider = "picture-house", price = "1", estimated_s = 1.0 }}]
[routes.transcription.whisper-1]
offers = [{{ provider = "stenographer", price = "0", estimated_s = 1.0 }}]
[routes.chat.gpt-4o-mini]
fallbacks = ["gemini-2.0-flash"]
offers = [{{ provider = "first-talker", price = "1", estimated_s = 1.0 }}]
[routes.chat."gemini-2.0-flash"]
offers = [{{ provider = "second-talker", price = "1", estimated_s = 1.0 }}]
[auto]
text-to-video = "kling-o3-pro-t2v"
image-to-video = "kling-o3-pro-i2v"
chat = "gemini-2.0-flash"
"""
# A film model that looks at pictures of characters and of a style, as seed 003 has them; what its inputs are.
KLING = "kwaivgi/kling-with-references"
KLING_FIELDS = 'image = "start_image", images = "reference_images", style_image = "style_reference"'
KLING_INPUTS = {
    "prompt": str,
    "duration": int,
    "aspect_ratio": str,
    "start_image": str,
    "reference_images": list,
    "style_reference": str,
    "seed": int,
}
# Receivers and files of the tests lie on this machine; waiting for a service takes no processor.
RULES = """
[outbound]
allow_hosts = ["127.0.0.1:{port}"]
[pools.gpu-generate]
io_slots = 4
"""


@dataclass(frozen=True)
class Told:
    """A webhook as it came. Header names are in lower case."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def said(self) -> dict[str, Any]:
        return dict(json.loads(self.body))


class PictureHouse(OpenAiServer):
    """Its pictures have no ground where that is asked for."""

    def _pictures(self, request: Request, order: dict[str, Any]) -> Answer:
        answer = super()._pictures(request, order)
        if order.get("background") == "transparent":
            answer.body["data"] = [{"b64_json": b64encode(_cut_out()).decode()} for _ in answer.body["data"]]
        return answer


class Outside(Loopback):
    """The internet: any file that is asked for, by its ending; a receiver; one that writes down sounds."""

    def __init__(self) -> None:
        self.told: list[Told] = []
        outer = self

        class Handler(_Handler):
            outside = outer

        super().__init__(Handler, daemon_threads=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


class _Handler(BaseHTTPRequestHandler):
    outside: Outside

    def do_GET(self) -> None:
        found = _files().get(Path(self.path).suffix)
        self._send(404 if found is None else 200, found or b"")

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.path == "/v1/audio/transcriptions":
            self._send(200, json.dumps(_WRITTEN).encode(), "application/json")
            return
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.outside.told.append(Told(self.path, headers, body))
        self._send(200, b"")

    def _send(self, status: int, body: bytes, kind: str = "application/octet-stream") -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


_WRITTEN = {
    "task": "transcribe",
    "language": "english",
    "duration": 2.0,
    "text": SAID,
    "segments": [{"id": 0, "start": 0.0, "end": 2.0, "text": SAID}],
    "words": [
        {"word": word, "start": 0.4 * number, "end": 0.4 * number + 0.3}
        for number, word in enumerate(SAID.split())
    ],
}


@cache
def _files() -> dict[str, bytes]:
    picture = png(512, 512)
    return {".png": picture, ".jpg": picture, ".mp4": film(3), ".mp3": sound(".mp3")}


@cache
def _cut_out() -> bytes:
    """A disc on nothing."""
    picture = Image.new("RGBA", (256, 256))
    ImageDraw.Draw(picture).ellipse((64, 64, 192, 192), fill=(200, 60, 40, 255))
    into = BytesIO()
    picture.save(into, "PNG")
    return into.getvalue()


@cache
def sound(ending: str = ".wav") -> bytes:
    """Two seconds of a tone."""
    with TemporaryDirectory() as folder:
        return write_sound(Path(folder) / f"sound{ending}", tone(440, 2.0)).read_bytes()


@dataclass
class GenerationFarm:
    """The farm, the services behind it, and the world around it."""

    farm: RunningFarm
    films: ReplicateServer
    pictures: OpenAiServer
    talkers: LlmServices
    outside: Outside
    customers: int = field(default=0)

    @property
    def url(self) -> str:
        return self.farm.url

    @property
    def key(self) -> str:
        return self.farm.key

    def customer(self, tier: str = "enterprise", balance_mc: int | None = None) -> "RunningFarm":
        """A new customer of the farm."""
        self.customers += 1
        return self.farm.customer(f"customer-{self.customers}", tier, balance_mc=balance_mc)


@contextmanager
def generation_farm(folder: Path, *, pools: Sequence[str] = POOLS) -> Iterator[GenerationFarm]:
    """All of it, for as long as the block."""
    with (
        ReplicateServer() as films,
        PictureHouse() as pictures,
        LlmServices() as talkers,
        Outside() as outside,
        pytest.MonkeyPatch.context() as environment,
    ):
        environment.setenv("TEST_PROVIDER_KEY", ProtocolServer.key)
        environment.setenv("TEST_LLM_KEY", LLM_KEY)
        environment.setitem(replicate._INPUTS, KLING, KLING_INPUTS)
        providers = PROVIDERS.format(
            model=f"{KLING}:v1",
            fields=KLING_FIELDS,
            films=films.url,
            pictures=pictures.url,
            first=talkers.url("first"),
            second=talkers.url("second"),
            outside=outside.url,
        )
        rules = RULES.format(port=outside.port)
        with embedded_farm(folder, pools=pools, config=rules, providers=providers) as farm:
            yield GenerationFarm(farm, films, pictures, talkers, outside)
