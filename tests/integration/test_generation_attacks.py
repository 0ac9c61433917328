"""The attack rows against every field of the generation surfaces that takes a URL, a file or a file's name.

The fields are read from the OpenAPI document: one that is new is attacked from its first day on, and a call
without an honest body in tests/attacked.py fails. Every attack ends in a 4xx, which names the field where one
is to blame, and nothing was made, held, kept or called. What only a webhook's delivery shows is in
test_attack_rows_url.py, what only decoding shows in tests/unit/test_media_hostile.py.
"""

import gzip
import socket
import time
from collections.abc import Mapping

import httpx
import pytest

from tests.api import png, wav
from tests.attacked import ALIASES, ELSEWHERE, LARGEST, MP4, UNMADE, Attacked, attacked, refusal, standing
from tests.document_fields import JSON
from tests.integration.test_attack_rows_http import VALUES
from tests.integration.test_attack_rows_http import raw as sent_raw
from tests.integration.test_attack_rows_pictures import FILES, claims
from tests.integration.test_attack_rows_url import HEAD, PUBLIC, REFUSED
from tests.receiver import Behave, Receiver, answer, endless, raw

__all__ = ["attacked", "standing"]  # fixtures
pytestmark = pytest.mark.slow

# What test_attack_rows_pictures.py sends all rows to. These and the ALIASES are asked whether they look at
# all, by one row of each family.
PICTURES = (
    "/v1/images/edits",
    "/v1/images/generations",
    "/api/generate/remove-background",
    "/api/generate/restore",
    "/api/generate/upscale",
)
FAMILIES = ("127.0.0.1", "mapped", "169.254.169.254", "user:p@", "file", "port 6379", "own API host")

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
        some = FAMILIES if where.path in (*ALIASES, *PICTURES) else rows
        for row in some:
            url = rows[row]
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


UNREACHABLE, UNREADABLE, TOO_LARGE = {"url_unreachable"}, {"asset_unreadable"}, {"file_too_large"}
PAGE = b"<html></html>"
TWICE = HEAD + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\nok"
TERABYTE = HEAD + b"Content-Length: 1099511627776\r\n\r\nok"
BOMB = gzip.compress(bytes(8 << 20))
ANSWERS: Mapping[str, tuple[Behave, set[str]]] = {
    "302 to internal": (answer(302, location="http://127.0.0.1/"), UNREACHABLE),
    "307 to internal": (answer(307, location="http://169.254.169.254/"), UNREACHABLE),
    "an endless body": (endless(HEAD + b"\r\n", b"x" * 4096), TOO_LARGE),
    "an endless head": (endless(HEAD, b"X: " + b"a" * 1000 + b"\r\n"), UNREACHABLE),
    "a lying Content-Length": (raw(HEAD + b"Content-Length: 99\r\n\r\nok"), UNREACHABLE),
    "a Content-Length of 1 TB": (raw(TERABYTE), TOO_LARGE | UNREACHABLE),
    "two Content-Lengths": (raw(TWICE), UNREACHABLE),
    "gzip bomb": (answer(200, BOMB, content_encoding="gzip"), UNREADABLE),
    "a page called a picture": (answer(200, PAGE, content_type="image/png"), UNREADABLE),
    "HLS in .mp4": (answer(200, FILES["HLS"], content_type="video/mp4"), UNREADABLE),
    "ffconcat in .mp4": (answer(200, FILES["ffconcat"], content_type="video/mp4"), UNREADABLE),
    "50k x 50k": (answer(200, claims(50_000, 50_000)), UNREADABLE),
    "zero byte": (answer(200, b""), UNREADABLE),
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

GIF_FRAME = b"!\xf9\x04\0\0\0\0\0,\0\0\0\0\x01\0\x01\0\0\x02\x01\0\0"
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
    "GIF of 500 frames": b"GIF89a\x10\0\x10\0\0\0\0" + GIF_FRAME * 500,
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


@pytest.mark.parametrize("more", [-30, 30], ids=["short", "long"])
def test_content_length_is_not_the_form(attacked: Attacked, more: int) -> None:
    for where in attacked.files():
        content, media = part(where.name.removesuffix("[]"), "a.png", png()) + b"--b--\r\n", B
        head = [
            f"POST {where.path} HTTP/1.1",
            f"Content-Type: {media}",
            f"Content-Length: {len(content) + more}",
        ]
        key = f"Authorization: {attacked.client.headers['authorization']}"
        assert b"HTTP/1.1 2" not in sent_raw(attacked.api.url + where.path, [*head, key], content), where
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
    paths = [path for path in found if "{" in path and not path.startswith(ELSEWHERE)]
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
        if where.path in ALIASES:
            continue
        for value in (True, -(10**30), 1e308):
            said = attacked.send(where, value)
            assert 400 <= said.status_code < 500, (where, value, said.text)
    attacked.nothing_was_made()
