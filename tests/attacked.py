"""A farm under attack at its generation surfaces: every field of their calls, and an honest body for each.

The fields are those of the OpenAPI document. Nothing runs here: what is accepted stays where it is.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import httpx
import pytest

from farm.net.guard import Guard, own_places
from tests.api import Api, api_under, png
from tests.document_fields import FORM, JSON, Field, fields, planted
from tests.integration.test_attack_rows_url import Names
from tests.receiver import Receiver, answer, receiving

# Other surfaces have attack rows of their own.
ELSEWHERE = ("/farm/", "/api/v1/media-render", "/postproduction/")
_URL_WORDS = ("url", "uri", "link", "reference")
# How a form writes what lies within a field; the document knows it of JSON only.
UNTOLD = (Field("POST", "/v1/videos", FORM, "input_reference[image_url]", "string"),)
MP4 = b"\0\0\0\x18ftypmp42" + bytes(400)
CHART = {"type": "bar", "labels": ["a"], "datasets": [{"label": "x", "data": [1.0]}]}
CONFIG = """
[outbound]
ports = [80, 443, {inside}]
allow_hosts = ["127.0.0.1:{friend}", "127.0.0.1:{honest}"]
[limits]
fetch_picture_bytes = 20000
fetch_media_bytes = 20000
studio_image_bytes = 20000
fetch_s = 20.0
[api]
pictures_s = 0.0
audio_s = 0.0
max_keys = 10000
[rates]
"""
_OF_TIERS = ("generations", "video_create")
_OF_ALL = ("uploads", "status", "downloads", "models", "native", "native_status", "public")
_BUCKETS = (*_OF_ALL, "video_status", "generation_status", *_OF_TIERS)
LARGEST = 20_000
PROVIDERS = """
[providers.ears-for-hire]
pool = "asr-align"
url = "http://127.0.0.1:9/v1"
[routes.transcription.whisper-1]
offers = [{ provider = "ears-for-hire", price = "0", estimated_s = 1.0 }]
"""


def bodies(honest: str) -> Mapping[str, dict[str, Any]]:
    """An honest body for every call; `honest` is where its files lie."""
    fox = {"prompt": "a fox"}
    return {
        "/v1/audio/speech": {"input": "Hello there."},
        "/v1/audio/transcriptions": {},
        "/v1/chat/completions": {"messages": [{"role": "user", "content": "Hi"}]},
        "/v1/completions": {"prompt": "Hi"},
        "/v1/images/edits": fox,
        "/v1/images/generations": fox,
        "/v1/video/generate": fox,
        "/v1/video/generations": fox,
        "/v1/video/generations/batch": {"prompts": [fox]},
        "/v1/videos": fox,
        "/v1/videos/{video_id}/remix": fox,
        "/api/v1/model/calculate": {},
        "/api/v1/model/generateImage": fox,
        "/api/v1/model/generateVideo": fox,
        "/api/generate/chart-to-video": {"chart_data": CHART},
        "/api/generate/compose": {"video_url": f"{honest}/a.mp4", "audio_url": f"{honest}/b.mp4"},
        "/api/generate/remove-background": {"image_url": honest},
        "/api/generate/restore": {"image_url": honest},
        "/api/generate/upscale": {"image_url": honest},
        "/api/generate/voice": {"text": "Hello there."},
        "/api/generate": fox,
        "/api/generate-audio": fox,
        "/api/generate-image": fox,
        "/api/generate-v2v": {**fox, "video_filename": "x.mp4"},
        "/api/extend-video": {"video_filename": "x.mp4"},
        "/api/video/add-audio": {"video_filename": "x.mp4", "audio_filename": "x.mp3"},
        "/api/tts/add-to-video": {"video_filename": "x.mp4", "tts_filename": "x.mp3"},
        "/api/tts/generate": {"text": "Hello there.", "voice_id": "en_us_male"},
        "/api/cancel": {"job_id": "x"},
        "/api/keys": {"name": "x"},
        "/api/upload-image": {},
    }


# Other names of calls: the same code reads them.
ALIASES = ("/v1/video/generate", "/api/v1/model/generateImage", "/api/v1/model/generateVideo")
# Calls that need what no test here has made, or a service: their honest bodies end otherwise.
UNMADE = (
    "/v1/chat/completions",
    "/v1/completions",
    "/v1/videos/{video_id}/remix",
    "/api/v1/model/calculate",
    "/api/generate-v2v",
    "/api/extend-video",
    "/api/video/add-audio",
    "/api/tts/add-to-video",
    "/api/cancel",
    "/api/keys",
)


@dataclass
class Attacked:
    """A farm that may call `friend`, which behaves as a test says, and `honest`, which has what is wanted.

    `inside` is what an attacker would like it to call.
    """

    api: Api
    client: httpx.Client
    friend: Receiver
    honest: Receiver
    inside: Receiver
    names: Names
    fields: Sequence[Field]
    bodies: Mapping[str, dict[str, Any]] = field(default_factory=dict)

    def urls(self) -> list[Field]:
        """Every field that takes a URL."""
        return [one for one in self.fields if _takes_url(one)]

    def fetching(self) -> list[Field]:
        """Those whose URL is called before the call is answered; of calls with two names, under one."""
        return [one for one in self.urls() if one.leaf != "webhook_url" and one.path not in ALIASES]

    def files(self) -> list[Field]:
        return [one for one in self.fields if one.type == "binary"]

    def send(self, where: Field, value: object) -> httpx.Response:
        """An honest call but for this field."""
        self.honest.script = [answer(200, MP4 if "compose" in where.path else png())] * 2
        body = dict(self.bodies[where.path])
        if where.leaf == "chart_image_url":
            body.pop("chart_data")
        if where.media == JSON:
            return self.client.request(where.method, where.path, json=planted(body, where.name, value))
        body.pop("image_url", None)  # a form sends a file instead
        texts = {name: (None, str(text)) for name, text in body.items()}
        needed = {"image": ("a.png", png(), "image/png")} if _needs_file(where) else {}
        return self.client.post(where.path, files={**texts, **needed, where.name: (None, str(value))})

    def upload(self, where: Field, *sent: tuple[str, bytes, str]) -> httpx.Response:
        """A form with these files at the field, and whatever else it needs."""
        body = {name: text for name, text in self.bodies[where.path].items() if name != "image_url"}
        parts: list[tuple[str, Any]] = [(name, (None, text)) for name, text in body.items()]
        if where.name == "mask":
            parts.append(("image", ("a.png", png(), "image/png")))
        parts += [(where.name.removesuffix("[]"), one) for one in sent]
        return self.client.post(where.path, files=parts)

    def post_raw(self, where: Field, content: bytes, media: str) -> httpx.Response:
        return self.client.post(where.path, content=content, headers={"Content-Type": media})

    def nothing_was_made(self) -> None:
        """No job, no batch, no file, no credits on hold."""
        for path in ("jobs", "batches", "assets"):
            assert self.client.get(f"/farm/v1/{path}").json()["data"] == [], path
        assert self.client.get("/farm/v1/credits").json()["held"] == 0


def _takes_url(one: Field) -> bool:
    return one.type == "string" and any(word in one.leaf for word in _URL_WORDS)


def _needs_file(where: Field) -> bool:
    return where.leaf != "image_url" and where.path != "/v1/videos"


def refusal(said: httpx.Response) -> tuple[int, str, str | None]:
    """Status, code and field, in either surface's words."""
    body = said.json()
    error = body["error"]
    assert said.status_code < 500, said.text
    return (
        said.status_code,
        body["code"],
        error["param"] if isinstance(error, dict) else body.get("param"),
    )


@pytest.fixture(scope="module")
def standing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Attacked]:
    """Everything is called under HTTP_PROXY and its like, which lead inside."""
    config = tmp_path_factory.mktemp("config")
    with (
        receiving() as friend,
        receiving() as honest,
        receiving(apart=True) as inside,
        pytest.MonkeyPatch.context() as patch,
    ):
        for name in ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "ALL_PROXY", "all_proxy"):
            patch.setenv(name, inside.url)
        text = CONFIG.format(inside=inside.port, friend=friend.port, honest=honest.port)
        text += "".join(f'{name} = "1000000/minute"\n' for name in _BUCKETS)
        text += "".join(f'[tier_rates.{name}]\nenterprise = "1000000/minute"\n' for name in _OF_TIERS)
        (config / "farm.toml").write_text(text)
        (config / "providers.toml").write_text(PROVIDERS)
        with api_under(tmp_path_factory.mktemp("home"), config_dir=config) as api:
            names = Names({"localhost": [["127.0.0.1"]]})
            desk = api.app.state.desk
            guard = Guard(desk.hall.catalog.outbound, own=own_places(desk.settings), resolve=names)
            api.app.state.desk = replace(desk, hall=replace(desk.hall, guard=guard))
            found = httpx.get(f"{api.url}/openapi.json", trust_env=False, timeout=60).json()
            attacked = sorted({one for one in fields(found) if not one.path.startswith(ELSEWHERE)})
            with api.client(trust_env=False, verify=False) as client:
                yield Attacked(
                    api, client, friend, honest, inside, names, [*attacked, *UNTOLD], bodies(honest.url)
                )


@pytest.fixture
def attacked(standing: Attacked) -> Iterator[Attacked]:
    """With a customer of this test's own. In the end nothing inside was called."""
    api = standing.api
    name = api.hall.ids.public("customer")
    standing.friend.script.clear()
    standing.friend.heard.clear()
    with replace(api, key=api.new_key(name), account=name).client(trust_env=False, verify=False) as client:
        yield replace(standing, client=client)
    assert standing.inside.connections == 0, f"something inside was called: {standing.inside.heard}"
