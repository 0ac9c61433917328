"""HTTP attacks, one test per row, sent to a running API: refused with a clear error, or exactly one outcome.

Whatever is refused makes nothing: no job, no row, no blob.
"""

import json
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from tasks.media_render.params import HOOK_CHARACTERS
from tests.api import MEDIA_RENDER, Api, api_under, png
from tests.integration.test_api_envelope import check_error
from tests.integration.test_api_native import asset, render

pytestmark = pytest.mark.slow

PHOTO = png()
KIND = {"Content-Type": "image/png"}
JOBS = "/farm/v1/jobs"
JSON_TYPE = {"Content-Type": "application/json"}
JSONL = {"Content-Type": "application/jsonl"}
LINES = 10_000
EMOJI = "\U0001f3ac"  # one code point, two UTF-16 units, four bytes


@pytest.fixture
def client(api: Api) -> Iterator[httpx.Client]:
    with api.client() as client:
        yield client


def declared(client: httpx.Client, content: bytes = PHOTO) -> dict[str, Any]:
    body = {"file_name": "photo.png", "content_type": "image/png", "size_bytes": len(content)}
    made = client.post("/farm/v1/assets", json=body)
    assert made.status_code == 201, made.text
    return dict(made.json())


def stored(api: Api, upload: dict[str, Any]) -> list[bytes]:
    """What lies under this upload's id now."""
    objects = api.app.state.desk.settings.root / "blobs" / "objects"
    return [path.read_bytes() for path in objects.rglob(upload["asset"]["id"])]


def raw(url: str, head: list[str], body: bytes) -> bytes:
    """Everything that is answered to exactly these lines and bytes; empty when the line was cut."""
    parts = urlsplit(url)
    lines = [*head, f"Host: {parts.netloc}", "", ""]
    assert parts.hostname is not None
    said = b""
    with socket.create_connection((parts.hostname, parts.port or 80), timeout=30) as line:
        try:
            line.sendall("\r\n".join(lines).encode() + body)
            line.shutdown(socket.SHUT_WR)
            while piece := line.recv(65_536):
                said += piece
        except TimeoutError:
            raise
        except OSError:  # cut or reset: an answer may be lost with the connection
            return said
    return said


def target(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.path}?{parts.query}" if parts.query else parts.path


def nothing_was_made(client: httpx.Client) -> None:
    assert client.get(JOBS).json()["data"] == []
    assert client.get("/readyz").status_code == 200


# --- the body's frame --------------------------------------------------------------------------------


@pytest.mark.parametrize("sent", [PHOTO[:-7], PHOTO + b"more"], ids=["short", "long"])
def test_content_length_is_not_the_body_put(api: Api, client: httpx.Client, sent: bytes) -> None:
    upload = declared(client)
    url = upload["upload_url"]
    head = [f"PUT {target(url)} HTTP/1.1", "Content-Type: image/png", f"Content-Length: {len(PHOTO)}"]
    said = raw(url, head, sent)
    if len(sent) < len(PHOTO):
        assert b"HTTP/1.1 200" not in said
        assert stored(api, upload) == []
    else:  # what follows is taken as the next request, which is none
        assert b"HTTP/1.1 400" in said or said == b""
        assert set(stored(api, upload)) <= {PHOTO}


@pytest.mark.parametrize("more", [-3, 5], ids=["short", "long"])
def test_content_length_is_not_the_body_json(api: Api, client: httpx.Client, more: int) -> None:
    body = json.dumps(render(asset(api))).encode()
    head = [f"POST {JOBS} HTTP/1.1", "Content-Type: application/json", f"Authorization: Bearer {api.key}"]
    said = raw(api.url + JOBS, [*head, f"Content-Length: {len(body) + more}"], body)
    assert b"HTTP/1.1 202" not in said
    nothing_was_made(client)


def test_two_lengths_or_a_length_and_chunks_are_no_request(api: Api, client: httpx.Client) -> None:
    """Request smuggling needs two readers who disagree: this one refuses what can be read in two ways."""
    body = json.dumps(render(asset(api))).encode()
    head = [f"POST {JOBS} HTTP/1.1", "Content-Type: application/json", f"Authorization: Bearer {api.key}"]
    length = f"Content-Length: {len(body)}"
    for lines in ([length, "Content-Length: 3"], ["Transfer-Encoding: chunked, identity"]):
        assert b"HTTP/1.1 202" not in raw(api.url + JOBS, [*head, *lines], body)
    nothing_was_made(client)


def test_chunked_to_a_presigned_url(api: Api, client: httpx.Client) -> None:
    upload = declared(client)
    chunks = iter([PHOTO])
    answer = httpx.put(upload["upload_url"], content=chunks, headers=KIND)
    assert (answer.status_code, answer.json()["code"]) == (411, "length_required")
    assert stored(api, upload) == []


def test_content_type_swap(api: Api, client: httpx.Client) -> None:
    upload = declared(client)
    for other in ("text/html", "image/svg+xml", "image/png; charset=utf-8", "IMAGE/PNG", ""):
        answer = httpx.put(upload["upload_url"], content=PHOTO, headers={"Content-Type": other})
        assert (answer.status_code, answer.json()["code"]) == (400, "content_type_mismatch"), other
    page = b"<html><script>alert(1)</script></html>".ljust(len(PHOTO))
    answer = httpx.put(upload["upload_url"], content=page, headers=KIND)
    assert (answer.status_code, answer.json()["code"]) == (400, "asset_unreadable")
    assert stored(api, upload) == []


def test_put_twice_keeps_one_file(api: Api, client: httpx.Client) -> None:
    """While the URL works the later file takes the place of the first, whole; never a mixture."""
    upload, other = declared(client), png(colour=(1, 2, 3))
    assert len(other) == len(PHOTO)
    for content in (PHOTO, other):
        assert httpx.put(upload["upload_url"], content=content, headers=KIND).status_code == 200
    assert stored(api, upload) == [other]


def test_put_after_expiry(api: Api, client: httpx.Client) -> None:
    upload = declared(client)
    api.clock.ahead_s += upload["expires_in"] + 1
    answer = httpx.put(upload["upload_url"], content=PHOTO, headers=KIND)
    assert (answer.status_code, answer.json()["code"]) == (403, "url_expired")
    later = upload["upload_url"].replace("expires=", "expires=9")
    answer = httpx.put(later, content=PHOTO, headers=KIND)
    assert (answer.status_code, answer.json()["code"]) == (403, "url_not_signed")
    assert stored(api, upload) == []


@pytest.mark.parametrize(
    "path", [JOBS, f"{MEDIA_RENDER}/jobs", f"{MEDIA_RENDER}/uploads", "/farm/v1/batches"]
)
def test_10k_multipart_parts(client: httpx.Client, path: str) -> None:
    """No route of this farm parses multipart: refused by its type, before a part is looked at."""
    part = '--b\r\nContent-Disposition: form-data; name="f{0}"\r\n\r\n{0}\r\n'
    body = "".join(part.format(number) for number in range(LINES)) + "--b--\r\n"
    headers = {"Content-Type": "multipart/form-data; boundary=b"}
    check_error(client.post(path, content=body, headers=headers), 400, "invalid_request", "Content-Type")
    nothing_was_made(client)


def test_huge_part_headers(client: httpx.Client) -> None:
    body = b"--b\r\nX-Huge: " + b"h" * (8 << 20) + b"\r\n\r\nx\r\n--b--\r\n"
    headers = {"Content-Type": "multipart/form-data; boundary=b"}
    check_error(client.post(JOBS, content=body, headers=headers), 400, "invalid_request", "Content-Type")
    nothing_was_made(client)


def test_huge_headers_and_targets_of_the_request_itself(api: Api, client: httpx.Client) -> None:
    head = [f"GET {JOBS} HTTP/1.1", f"Authorization: Bearer {api.key}"]
    for lines in (
        [*head, "X-Huge: " + "h" * (8 << 20)],
        [*head, *(f"X-{number}: {number}" for number in range(LINES))],
        [f"GET {JOBS}?q={'q' * (8 << 20)} HTTP/1.1"],
    ):
        assert b"HTTP/1.1 2" not in raw(api.url + JOBS, lines, b"")
    nothing_was_made(client)


def test_2000_ranges(api: Api, tmp_path: Path) -> None:
    with api.client() as client:
        job_id = client.post(JOBS, json=render(asset(api))).json()["id"]
        api.finish_job(job_id, bytes(5000), tmp_path / "video.mp4")
        url = client.get(f"{JOBS}/{job_id}/artifacts/video").json()["download_url"]
    ranges = ",".join(f"{at}-{at + 1}" for at in range(2000))
    answer = httpx.get(url, headers={"Range": f"bytes={ranges}"})
    assert (answer.status_code, answer.json()["code"]) == (416, "range_not_satisfiable")
    for odd in ("bytes=-0", "bytes=5000-", "bytes=9-3", "bytes=a-b", "lines=1-2", f"bytes={'9' * 5000}-"):
        assert httpx.get(url, headers={"Range": odd}).status_code in (400, 416), odd
    assert httpx.get(url, headers={"Range": "bytes=1-2"}).content == bytes(2)


# --- what stands in it -------------------------------------------------------------------------------

VALUES = {
    "JSON depth 10k": ("[" * LINES + "]" * LINES, 413, "payload_too_large"),
    "duplicate keys": ('{"a": 1, "a": 2}', 400, "invalid_request"),
    "NaN": ("NaN", 400, "invalid_request"),
    "Infinity": ("Infinity", 400, "invalid_request"),
    "-Infinity": ("-Infinity", 400, "invalid_request"),
    "1e400": ("1e400", 400, "invalid_request"),
    "lone surrogate": ('"\\udc00"', 400, "invalid_request"),
    "lone surrogate as a key": ('{"\\udc00": 1}', 400, "invalid_request"),
    "NUL": ('"a\\u0000b"', 400, "invalid_request"),
    "NUL as a key": ('{"\\u0000": 1}', 400, "invalid_request"),
    "5000 digits": ("1" * 5000, 400, "invalid_request"),
}


@pytest.mark.parametrize("row", VALUES)
def test_json_that_is_no_honest_json(api: Api, row: str) -> None:
    """In a job, deep within its params, where no model looks: `echo` takes any JSON there is."""
    value, status, code = VALUES[row]
    with api.client(api.new_key(api.account, is_operator=True)) as operator:
        body = f'{{"kind": "probe", "params": {{"echo": {value}}}}}'
        check_error(operator.post(JOBS, content=body, headers=JSON_TYPE), status, code)
    with api.client() as client:
        nothing_was_made(client)


@pytest.mark.parametrize("row", VALUES)
def test_the_same_in_a_batchs_row_is_that_rows_alone(api: Api, row: str) -> None:
    with api.client(api.new_key(api.account, is_operator=True)) as client:
        batch = client.post("/farm/v1/batches", json={"kind": "probe"}).json()["id"]
        bad = f'{{"custom_id": "bad", "params": {{"echo": {VALUES[row][0]}}}}}'
        lines = ['{"custom_id": "one", "params": {}}', bad, '{"custom_id": "two", "params": {}}']
        taken = client.post(f"/farm/v1/batches/{batch}/rows", content="\n".join(lines), headers=JSONL)
        assert taken.status_code == 200, taken.text
        assert (taken.json()["accepted"], taken.json()["rejected"]) == (2, 1)
        client.post(f"/farm/v1/batches/{batch}/cancel")


def test_unknown_top_level_field(api: Api, client: httpx.Client) -> None:
    for path, body in (
        (JOBS, render("asset_x")),
        ("/farm/v1/batches", {"kind": "media-render"}),
        ("/farm/v1/assets", {"file_name": "a.png", "content_type": "image/png", "size_bytes": 1}),
        ("/farm/v1/webhooks/endpoints", {"url": "https://93.184.216.34/"}),
        (f"{MEDIA_RENDER}/jobs", {"projectId": "mrproj_x"}),
    ):
        answer = client.post(path, json={**body, "is_operator": True})
        check_error(answer, 400, "invalid_request", "is_operator")
    nothing_was_made(client)


def test_bool_as_int(api: Api, client: httpx.Client) -> None:
    for path, body, param in (
        (JOBS, {**render(asset(api)), "priority": True}, "priority"),
        (JOBS, render(asset(api), fps=True), "params.fps"),
        (JOBS, render(asset(api), bgm_volume=False), "params.bgm_volume"),
        ("/farm/v1/batches", {"kind": "media-render", "max_running": True}, "max_running"),
        (
            "/farm/v1/assets",
            {"file_name": "a.png", "content_type": "image/png", "size_bytes": True},
            "size_bytes",
        ),
        (f"{MEDIA_RENDER}/jobs", {"projectId": "mrproj_x", "bgmVolume": True}, "bgmVolume"),
    ):
        check_error(client.post(path, json=body), 400, "invalid_request", param)
    nothing_was_made(client)


def test_a_text_of_so_many_code_points_and_one_more(api: Api, client: httpx.Client) -> None:
    """Counted in code points, whatever they weigh in bytes. (A prompt's 2000 come with its kind.)"""
    asset_id = asset(api)
    for text in ("a" * HOOK_CHARACTERS, EMOJI * HOOK_CHARACTERS):
        taken = client.post(JOBS, json=render(asset_id, hook_text=text))
        assert taken.status_code == 202, taken.text
        too_long = client.post(JOBS, json=render(asset_id, hook_text=text + text[0]))
        check_error(too_long, 400, "invalid_request", "params.hook_text")
    assert len(client.get(JOBS).json()["data"]) == 2


def test_many_bad_calls_leave_an_api_that_serves(tmp_path: Path) -> None:
    """The body is bounded before it is parsed, and its depth before it is walked: none of it sticks."""
    with api_under(tmp_path / "farm") as api, api.client() as client:
        for value, status, _ in VALUES.values():
            body = f'{{"projectId": {value}}}'
            assert client.post(f"{MEDIA_RENDER}/jobs", content=body, headers=JSON_TYPE).status_code in (
                status,
                429,
            )
        nothing_was_made(client)
