"""The attack rows against every field of the generation surfaces that takes a URL, a file or a file's name.

The fields are read from the OpenAPI document: one that is new is attacked from its first day on, and one whose
call has no honest body below fails. Every attack ends in a 4xx that names its field, and nothing was made, held,
kept or called. What only a webhook's delivery shows is test_attack_rows_url.py's, what only decoding shows
tests/unit/test_media_hostile.py's, and what a fetch may take at most tests/unit/test_fetched.py's.
"""

import gzip
import socket
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import httpx
import pytest

from farm.doors.hall import own_places
from farm.net.guard import Guard
from tests.api import Api, api_under, png, wav
from tests.document_fields import FORM, JSON, Field, fields, planted
from tests.integration.test_attack_rows_http import VALUES
from tests.integration.test_attack_rows_pictures import FILES, claims
from tests.integration.test_attack_rows_url import HEAD, PUBLIC, REFUSED, Names
from tests.receiver import Behave, Receiver, answer, endless, raw, receiving

pytestmark = pytest.mark.slow

# Other surfaces have attack rows of their own.
_ELSEWHERE = ("/farm/", "/api/v1/media-render", "/postproduction/")
_URL_WORDS = ("url", "uri", "link", "reference")
# Where JSON has what the document only tells of the form.
UNTOLD = (
    Field("POST", "/v1/videos", JSON, "input_reference.image_url", "string"),
    Field("POST", "/v1/videos", FORM, "input_reference[image_url]", "string"),
)
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
_BUCKETS = [
    "uploads",
    "job_starts",
    "voices",
    "status",
    "downloads",
    "models",
    "native",
    "native_status",
    "generations",
    "video_create",
    "video_status",
    "generation_status",
    "public",
]
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
        """Those whose URL is called before the call is answered."""
        return [one for one in self.urls() if one.leaf != "webhook_url"]

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
        receiving() as inside,
        pytest.MonkeyPatch.context() as patch,
    ):
        for name in ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "ALL_PROXY", "all_proxy"):
            patch.setenv(name, inside.url)
        text = CONFIG.format(inside=inside.port, friend=friend.port, honest=honest.port)
        text += "".join(f'{name} = "1000000/minute"\n' for name in _BUCKETS)
        text += "".join(
            f'[tier_rates.{name}]\nenterprise = "1000000/minute"\n'
            for name in ("generations", "video_create")
        )
        (config / "farm.toml").write_text(text)
        (config / "providers.toml").write_text(PROVIDERS)
        with api_under(tmp_path_factory.mktemp("home"), config_dir=config) as api:
            names = Names({"localhost": [["127.0.0.1"]]})
            desk = api.app.state.desk
            guard = Guard(desk.hall.catalog.outbound, own=own_places(desk.settings), resolve=names)
            api.app.state.desk = replace(desk, hall=replace(desk.hall, guard=guard))
            found = httpx.get(f"{api.url}/openapi.json", trust_env=False).json()
            attacked = sorted({one for one in fields(found) if not one.path.startswith(_ELSEWHERE)})
            with api.client(trust_env=False) as client:
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
    with replace(api, key=api.new_key(name), account=name).client(trust_env=False) as client:
        yield replace(standing, client=client)
    assert standing.inside.connections == 0, "something inside was called"


# --- the table holds every field --------------------------------------------------------------------


def test_every_call_has_an_honest_body_and_every_kind_of_field_was_found(attacked: Attacked) -> None:
    paths = {one.path for one in attacked.fields if one.method == "POST"}
    assert paths == attacked.bodies.keys()
    assert len(attacked.urls()) >= 45 and len(attacked.files()) >= 8
    known = {one.leaf for one in attacked.urls()}
    assert known >= {
        "image_url", "keyframe_url", "video_url", "audio_url", "chart_image_url", "webhook_url",
        "character_reference_url", "character_references", "style_reference_url",
    }  # fmt: skip


def test_an_honest_call_is_taken(attacked: Attacked) -> None:
    """Else all that follows could be refused for another reason."""
    for path, body in attacked.bodies.items():
        if path in UNMADE or not body or path == "/v1/images/edits":
            continue
        attacked.honest.script = [answer(200, MP4 if "compose" in path else png())] * 2
        taken = attacked.client.post(path, json=body, headers={"Prefer": "respond-async"})
        assert taken.status_code in (200, 202, 504), (path, taken.text)  # 504: it is not waited for here
    for where in attacked.files():
        good = ("a.wav", wav(), "audio/wav") if where.name == "file" else ("a.png", png(), "image/png")
        taken = attacked.upload(where, good)
        assert taken.status_code in (200, 202, 504), (where, taken.text)


# --- URLs -------------------------------------------------------------------------------------------


def test_no_url_leads_inside_whatever_its_field(attacked: Attacked) -> None:
    rows = {**REFUSED, "own API host": f"{attacked.api.url}/farm/v1/workers"}
    before = attacked.friend.connections
    for where in attacked.urls():
        for row, url in rows.items():
            assert refusal(attacked.send(where, url)) == (400, "url_refused", where.shown), (where, row)
    attacked.nothing_was_made()
    assert attacked.friend.connections == before


def test_a_url_that_is_no_text_or_has_no_end_is_refused(attacked: Attacked) -> None:
    for where in attacked.urls():
        assert refusal(attacked.send(where, "https://x.test/" + "a" * 2_000))[::2] == (400, where.shown), (
            where
        )
        assert refusal(attacked.send(where, "https://x.test/" + "a" * 2_000_000))[0] == 413, where
        for other in (7, True, {"url": "https://x.test"}, "") if where.media == JSON else ():
            status, _, param = refusal(attacked.send(where, other))
            assert (status, str(param).startswith(where.shown)) == (400, True), (where, other, param)
    attacked.nothing_was_made()


def test_a_name_that_is_rebound_or_lies_partly_inside_is_not_called(attacked: Attacked) -> None:
    url = f"http://rebound.test:{attacked.inside.port}/a.png"
    for where in attacked.fetching():
        attacked.names.answers["rebound.test"] = [[PUBLIC], ["127.0.0.1"]]
        assert refusal(attacked.send(where, url))[::2] == (400, where.shown), where
    for where in attacked.urls():
        attacked.names.answers["rebound.test"] = [[PUBLIC, "127.0.0.1"]]
        assert refusal(attacked.send(where, url)) == (400, "url_refused", where.shown), where
    attacked.nothing_was_made()


BOMB = gzip.compress(bytes(8 << 20))
ANSWERS: Mapping[str, tuple[Behave, set[str]]] = {
    "302 to internal": (answer(302, location="http://127.0.0.1/"), {"url_unreachable"}),
    "307 to internal": (answer(307, location="http://169.254.169.254/"), {"url_unreachable"}),
    "an endless body": (endless(HEAD + b"\r\n", b"x" * 4096), {"file_too_large"}),
    "an endless head": (endless(HEAD, b"X: " + b"a" * 1000 + b"\r\n"), {"url_unreachable"}),
    "a lying Content-Length": (raw(HEAD + b"Content-Length: 99\r\n\r\nok"), {"url_unreachable"}),
    "a Content-Length of 1 TB": (raw(HEAD + b"Content-Length: 1099511627776\r\n\r\nok"), {"file_too_large", "url_unreachable"}),
    "two Content-Lengths": (raw(HEAD + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\nok"), {"url_unreachable"}),
    "gzip bomb": (answer(200, BOMB, content_encoding="gzip"), {"asset_unreadable"}),
    "a page called a picture": (answer(200, b"<html></html>", content_type="image/png"), {"asset_unreadable"}),
    "HLS in .mp4": (answer(200, FILES["HLS"], content_type="video/mp4"), {"asset_unreadable"}),
    "ffconcat in .mp4": (answer(200, FILES["ffconcat"], content_type="video/mp4"), {"asset_unreadable"}),
    "50k x 50k": (answer(200, claims(50_000, 50_000)), {"asset_unreadable"}),
    "zero byte": (answer(200, b""), {"asset_unreadable"}),
}  # fmt: skip


@pytest.mark.parametrize("row", ANSWERS)
def test_an_answer_that_is_no_file_is_refused_at_its_field(attacked: Attacked, row: str) -> None:
    behave, codes = ANSWERS[row]
    for where in attacked.fetching():
        attacked.friend.script = [behave] * 2
        status, code, param = refusal(attacked.send(where, f"{attacked.friend.url}/x.mp4"))
        assert (status, param) == (400, where.shown) and code in codes, (where, code, param)
    attacked.nothing_was_made()


def after(other: Receiver, behave: Behave) -> Behave:
    """So, once the other has been asked."""

    def patient(connection: socket.socket) -> None:
        deadline = time.monotonic() + 10
        while not other.heard and time.monotonic() < deadline:
            time.sleep(0.01)
        behave(connection)

    return patient


def test_what_came_with_a_file_that_did_not_is_not_kept(attacked: Attacked) -> None:
    """One good picture and, once that has come, a bad one in the same call: nothing of it stays."""
    good, bad = f"{attacked.honest.url}/good", f"{attacked.friend.url}/bad"
    body = {"prompt": "a fox", "character_reference_url": good, "style_reference_url": bad}
    for path in ("/v1/images/generations", "/v1/video/generations", "/api/v1/model/generateVideo"):
        attacked.honest.script = [answer(200, png())]
        attacked.honest.heard.clear()
        attacked.friend.script = [after(attacked.honest, answer(404))]
        refused = attacked.client.post(path, json=body)
        assert refusal(refused)[::2] == (400, "style_reference_url"), path
    attacked.nothing_was_made()


# --- files ------------------------------------------------------------------------------------------

MORE_FILES: Mapping[str, bytes] = {
    **FILES,
    "DASH": b'<?xml version="1.0"?><MPD><BaseURL>http://127.0.0.1/</BaseURL></MPD>',
    "a program": b"\x7fELF" + bytes(100),
    "FITS": b"SIMPLE  =                    T",
    "a picture behind a page": b"<html>" + png(),
    "too large": png() + bytes(LARGEST),
}
# What is a picture by its first bytes, and shows itself to the worker's decoder: kept, never run.
HARMLESS: Mapping[str, bytes] = {
    "truncated": png()[:40],
    "PNG/HTML polyglot": png() + b"<script>alert(1)</script>",
    "zTXt bomb": png()[:33] + b"\0\0\x10\0zTXtx\0\0" + bytes(64),
    "GIF of a million frames": b"GIF89a\x10\0\x10\0\0\0\0" + b"!\xf9\x04\0\0\0\0\0,\0\0\0\0\x01\0\x01\0\0\x02\x01\0\0" * 500,
    "XXE": b'<?xml version="1.0"?><!DOCTYPE svg [<!ENTITY x SYSTEM "file:///etc/passwd">]><svg>&x;</svg>',
    "SVG with a file in it": b'<svg xmlns="http://www.w3.org/2000/svg"><image href="file:///etc/passwd"/></svg>',
    "a JPEG without end": b"\xff\xd8\xff\xe1" + b"\0\0" * 500,
    "EXIF that leads nowhere": b"\xff\xd8\xff\xe1\0\x20Exif\0\0MM\0*\xff\xff\xff\xff" + bytes(64),
    "lying WAV": wav()[:40] + b"\xff\xff\xff\xff" + bytes(100),
    "WAV of no rate": wav()[:24] + bytes(12) + wav()[36:100],
    "truncated mp4": MP4[:24] + b"\xff\xff\xff\xffmoov",
    "an Ogg without pages": b"OggS" + bytes(100),
    "an MP3 of nothing": b"ID3\x04\0\0\x7f\x7f\x7f\x7f" + bytes(100),
}  # fmt: skip
NAMES = (
    "-i",
    "../../etc/passwd",
    "..\\..\\boot.ini",
    "file:",
    "a\u202egnp.exe",
    "x" * 300 + ".png",
    "..",
    "a\0.png",
)


@pytest.mark.parametrize("row", MORE_FILES)
def test_what_is_no_file_of_its_kind_is_not_kept(attacked: Attacked, row: str) -> None:
    for where in attacked.files():
        status, _, param = refusal(attacked.upload(where, ("a.png", MORE_FILES[row], "image/png")))
        assert status == (413 if row == "too large" else 400), (where, status)
        assert (param or "").startswith(where.shown.removesuffix("[]")), (where, param)
    attacked.nothing_was_made()


def test_what_only_a_decoder_sees_through_is_kept_as_what_it_is_or_refused(attacked: Attacked) -> None:
    for where in attacked.files():
        for row, content in HARMLESS.items():
            said = attacked.upload(where, ("x.html", content, "text/html"))
            assert said.status_code in (200, 202, 400, 504), (where, row, said.text)
    kept = attacked.client.get("/farm/v1/assets", params={"limit": "100"}).json()["data"]
    assert kept and all(one["content_type"].partition("/")[0] in ("image", "audio", "video") for one in kept)


def test_a_files_name_is_never_a_path_or_an_option(attacked: Attacked) -> None:
    for where in attacked.files():
        good = wav() if where.name == "file" else png()
        for name in NAMES:
            said = attacked.upload(where, (name, good, "application/octet-stream"))
            assert said.status_code in (200, 202, 400, 504), (where, name, said.text)
    kept = attacked.client.get("/farm/v1/assets", params={"limit": "100"}).json()["data"]
    assert len(kept) >= 5 * len(attacked.files())
    for one in kept:
        assert not set("/\\\0\u202e") & set(one["file_name"]), one
        assert 0 < len(one["file_name"]) <= 255 and one["file_name"].strip("."), one


def part(name: str, file_name: str | None, content: bytes, more: str = "") -> bytes:
    named = "" if file_name is None else f'; filename="{file_name}"'
    head = f'--b\r\nContent-Disposition: form-data; name="{name}"{named}\r\n{more}\r\n'
    return head.encode() + content + b"\r\n"


B = "multipart/form-data; boundary=b"


def broken_forms(name: str) -> Mapping[str, tuple[bytes, str]]:
    """The row, what is sent, and its Content-Type."""
    good, end = part(name, "a.png", png()), b"--b--\r\n"
    return {
        "no end": (good, B),
        "broken off in a file": (good[: len(good) // 2], B),
        "no boundary": (good + end, "multipart/form-data"),
        "a boundary of 5000": (good + end, f"multipart/form-data; boundary={'b' * 5000}"),
        "another boundary": (good + end, "multipart/form-data; boundary=c"),
        "not a form": (b"hello", B),
        "nothing": (b"", B),
        "10k parts": (b"".join(part(f"f{number}", None, b"x") for number in range(10_000)) + end, B),
        "10k files": (good * 10_000 + end, B),
        "huge part headers": (part(name, "a.png", png(), f"X-Huge: {'h' * 100_000}\r\n") + end, B),
        "many part headers": (part(name, "a.png", png(), "X-More: 1\r\n" * 5_000) + end, B),
        "NUL in a text": (part("model", None, b"a\0b") + good + end, B),
        "NUL in a name": (part("a\0b", None, b"x") + good + end, B),
        "a text that is not UTF-8": (part("model", None, b"\xff\xfe") + good + end, B),
        "a text without end": (part("prompt", None, b"x" * 300_000) + good + end, B),
        "a file under another name": (good + part("evil", "a.png", png()) + end, B),
        "a text in place of a file": (part(name, None, png()) + end, B),
        "base64": (part(name, "a.png", b"iVBORw0KGgo=", "Content-Transfer-Encoding: base64\r\n") + end, B),
        "JSON in a form": (b'{"image": "x"}', "multipart/form-data; boundary=x; charset=json"),
        "plain text": (good + end, "text/plain"),
        "no Content-Disposition": (b"--b\r\nX: y\r\n\r\n" + png() + b"\r\n" + end, B),
    }


@pytest.mark.parametrize("row", broken_forms(""))
def test_a_form_that_is_no_honest_form_is_refused(attacked: Attacked, row: str) -> None:
    for where in attacked.files():
        content, media = broken_forms(where.name.removesuffix("[]"))[row]
        assert refusal(attacked.post_raw(where, content, media))[0] in (400, 413), where
    attacked.nothing_was_made()


# --- names of files ---------------------------------------------------------------------------------


def test_a_name_of_a_file_never_leads_out_of_the_account(attacked: Attacked) -> None:
    """In bodies, where a call names what was made or sent before."""
    named = [one for one in attacked.fields if one.leaf.endswith("filename") and one.type == "string"]
    assert len(named) >= 9
    odd = (
        "../../etc/passwd",
        "/etc/passwd",
        "file:///etc/passwd",
        "-i",
        "a%00.png",
        "asset_" + "0" * 22,
        "\u202e",
    )
    for where in named:
        for name in (*odd, "x" * 301):
            status, _, param = refusal(attacked.send(where, name))
            assert status in (400, 404) and str(param).endswith("filename"), (where, name, status, param)
    attacked.nothing_was_made()


def test_a_name_in_a_path_never_leads_anywhere(attacked: Attacked) -> None:
    found = httpx.get(f"{attacked.api.url}/openapi.json", trust_env=False).json()["paths"]
    paths = [path for path in found if "{" in path and not path.startswith(_ELSEWHERE)]
    assert len(paths) >= 20
    odd = (
        "..%2f..%2fetc%2fpasswd",
        "%2e%2e",
        "%00",
        "a%00.mp4",
        "%ff",
        "x" * 3000,
        "%E2%80%AE",
        "a%0d%0aX-Evil:%201",
        "9" * 400,
    )
    for path in paths:
        before, _, rest = path.partition("{")
        after = rest.partition("}")[2]
        for method in found[path]:
            for name in odd:
                said = attacked.client.request(
                    method, f"{before}{name}{after}", json={"prompt": "x"} if method == "post" else None
                )
                assert 400 <= said.status_code < 500, (method, path, name, said.status_code)
                assert "x-evil" not in said.headers


# --- JSON -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("row", VALUES)
def test_json_that_is_no_honest_json_is_refused_by_every_call(attacked: Attacked, row: str) -> None:
    value, status, _ = VALUES[row]
    calls = sorted({(one.path) for one in attacked.fields if one.media == JSON})
    assert len(calls) >= 28
    for path in calls:
        content = f'{{"prompt": {value}}}'
        said = attacked.client.post(
            path.replace("{video_id}", "x"), content=content, headers={"Content-Type": JSON}
        )
        assert refusal(said)[0] == status, (path, said.text)
    attacked.nothing_was_made()


def test_no_number_is_so_odd_that_a_call_breaks(attacked: Attacked) -> None:
    numbers = [one for one in attacked.fields if one.type in ("integer", "number") and one.media == JSON]
    assert len(numbers) >= 40
    for where in numbers:
        for value in (True, 10**30, -(10**30), 1e308, 10**400):
            said = attacked.send(where, value)
            assert 400 <= said.status_code < 500, (where, value, said.text)
    attacked.nothing_was_made()
