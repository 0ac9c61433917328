"""The attack rows against the calls for pictures: every field that takes a URL, every file that may be sent.

What a URL shows of itself is refused before anything is called, and what a file shows of itself before
anything is kept. What only decoding shows is tests/unit/test_open_transparent.py's.
"""

import struct
import zlib
from collections.abc import Callable, Mapping

import httpx
import pytest

from tests.api import Api, png
from tests.integration.test_attack_rows_url import REFUSED

GENERATIONS, EDITS = "/v1/images/generations", "/v1/images/edits"
UTILITIES = ("remove-background", "upscale", "restore")


def said(client: httpx.Client, field: str, url: str) -> httpx.Response:
    value = [url] if field.startswith("character_references") else url
    name = field.partition("[")[0]
    return client.post(GENERATIONS, json={"prompt": "a fox", name: value})


def edited(client: httpx.Client, field: str, url: str) -> httpx.Response:
    sent = {} if field == "image_url" else {"image": ("a.png", png(), "image/png")}
    form = {**sent, "prompt": (None, "x"), field: (None, url)}
    return client.post(EDITS, files=form)  # type: ignore[arg-type]  # httpx takes texts so as well


FIELDS: Mapping[str, tuple[Callable[[httpx.Client, str, str], httpx.Response], str]] = {
    "a style": (said, "style_reference_url"),
    "a character": (said, "character_reference_url"),
    "one of several characters": (said, "character_references[0]"),
    "a webhook": (said, "webhook_url"),
    "an edit's picture": (edited, "image_url"),
    "an edit's style": (edited, "style_reference_url"),
    "an edit's webhook": (edited, "webhook_url"),
}


@pytest.mark.parametrize("field", FIELDS)
def test_no_url_leads_inside(api: Api, field: str) -> None:
    call, param = FIELDS[field]
    with api.client() as client:
        for row, url in REFUSED.items():
            refused = call(client, param, url)
            assert refused.status_code == 400, (row, refused.text)
            assert refused.json()["error"]["param"] == param, (row, refused.text)
        assert client.get("/farm/v1/jobs").json()["data"] == []


@pytest.mark.parametrize("utility", UTILITIES)
def test_no_utility_looks_inside(api: Api, utility: str) -> None:
    with api.client() as client:
        for row, url in REFUSED.items():
            refused = client.post(f"/api/generate/{utility}", json={"image_url": url})
            assert refused.status_code == 400, (row, refused.text)
            assert refused.json()["error"]["param"] == "image_url", (row, refused.text)
        assert client.get("/farm/v1/jobs").json()["data"] == []


def claims(width: int, height: int) -> bytes:
    """A PNG whose header says so, with nothing behind it."""
    chunk = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + chunk + struct.pack(">I", zlib.crc32(chunk))


FILES: Mapping[str, bytes] = {
    "zero byte": b"",
    "50k x 50k": claims(50_000, 50_000),
    "no pixels": claims(0, 0),
    "HLS": b"#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\nhttp://127.0.0.1/x.m3u8\n",
    "ffconcat": b"ffconcat version 1.0\nfile /etc/passwd\n",
    "SDP": b"v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\n",
    "gzip": b"\x1f\x8b" + bytes(100),
    "HTML": b"<html><script>alert(1)</script></html>",
    "a PDF": b"%PDF-1.7\n",
}


@pytest.mark.parametrize("row", FILES)
def test_what_is_no_picture_is_not_kept(api: Api, row: str) -> None:
    bad, good = ("a.png", FILES[row], "image/png"), ("a.png", png(), "image/png")
    with api.client() as client:
        calls = [
            ("image", client.post(EDITS, data={"prompt": "x"}, files={"image": bad})),
            ("mask", client.post(EDITS, data={"prompt": "x"}, files={"image": good, "mask": bad})),
            *(("image", client.post(f"/api/generate/{name}", files={"image": bad})) for name in UTILITIES),
        ]
        for field, refused in calls:
            assert refused.status_code == 400, refused.text
            assert field in (refused.json()["error"]["param"] or refused.json()["error"]["message"])
        assert client.get("/farm/v1/assets").json()["data"] == []


@pytest.mark.parametrize(
    "name", ["-i", "../../etc/passwd", "file:", "a\u202egnp.exe", "x" * 300 + ".png", ".."]
)
def test_a_files_name_is_never_a_path_or_an_option(api: Api, name: str) -> None:
    with api.client() as client:
        sent = {"image": (name, png(), "image/png")}
        made = client.post(EDITS, data={"prompt": "x"}, files=sent, headers={"Prefer": "respond-async"})
        assert made.status_code == 202, made.text
        (kept,) = client.get("/farm/v1/assets").json()["data"]
        assert "/" not in kept["file_name"] and "\u202e" not in kept["file_name"]
        assert 0 < len(kept["file_name"]) <= 255 and kept["file_name"] != ".."


def test_a_picture_larger_than_may_come_is_refused_while_it_comes(api: Api) -> None:
    large = png() + bytes(api.hall.catalog.limits.fetch_picture_bytes)
    with api.client() as client:
        refused = client.post(EDITS, data={"prompt": "x"}, files={"image": ("a.png", large, "image/png")})
    assert (refused.status_code, refused.json()["error"]["param"]) == (413, "image")


def test_nobody_elses_picture_can_be_named(api: Api) -> None:
    """The surface takes no asset ids; the kinds do, through the native API."""
    with api.client() as client:
        sent = {"image": ("a.png", png(), "image/png")}
        client.post(EDITS, data={"prompt": "x"}, files=sent, headers={"Prefer": "respond-async"})
        (mine,) = client.get("/farm/v1/assets").json()["data"]
    other = api.new_key(f"{api.account}-other")
    with api.client(other) as stranger:
        for kind, params in (
            ("edit-image", {"prompt": "x", "images": [mine["id"]]}),
            ("generate-image", {"prompt": "x", "style_image": mine["id"]}),
            ("remove-background", {"image": mine["id"]}),
        ):
            refused = stranger.post("/farm/v1/jobs", json={"kind": kind, "params": params})
            assert refused.status_code == 404, refused.text
