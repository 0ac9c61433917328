"""Files and names made wrong or to hurt, against a running farm: each ends with one clear error.

No job stays half-alive, nobody is charged, and no file is left behind but what its owner uploaded whole.
"""

import socket
import struct
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import av
import httpx
import numpy as np
import pytest
from PIL import Image
from sqlalchemy import select

from farm.store.schema import accounts, jobs
from tests.api import MEDIA_RENDER, png, wav
from tests.invariants import violations
from tests.leftovers import leftovers, stored_keys
from tests.media import quadrants, tone, write_clip, write_heic, write_jpeg, write_sound
from tests.running import RunningFarm, eventually

pytestmark = pytest.mark.slow

CREDITS_MC = 100_000
HUGE = 50_000
SVG = '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" viewBox="0 0 4 3">'


@pytest.fixture
def customer(running_farm: RunningFarm, request: pytest.FixtureRequest) -> Iterator[RunningFarm]:
    """A metered customer, who in the end has no job under way and no file half there."""
    name = str(request.node.name)[:100]
    yield running_farm.customer(name, balance_mc=CREDITS_MC)
    eventually(lambda: violations(running_farm.store) == [], "every job has ended, every hold with it", 20)
    eventually(lambda: leftovers(running_farm) == [], "nothing is left over", 20)
    with running_farm.store.read() as connection:
        owner = connection.execute(select(accounts).where(accounts.c.name == name)).one()
        charged = connection.scalars(select(jobs.c.charged_mc).where(jobs.c.account_id == owner.id)).all()
    assert owner.balance_mc == CREDITS_MC - sum(charged)


def declare(customer: RunningFarm, name: str, content_type: str, size_bytes: int) -> dict[str, Any]:
    body = {"file_name": name, "content_type": content_type, "size_bytes": size_bytes}
    answer = customer.call("POST", "/farm/v1/assets", json=body)
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


def uploaded(customer: RunningFarm, name: str, content_type: str, content: bytes) -> str:
    """The id of a file that the farm took."""
    made = declare(customer, name, content_type, len(content))
    answer = httpx.put(made["upload_url"], content=content, headers=made["headers"])
    assert answer.status_code == 200, answer.text
    return str(made["asset"]["id"])


def render_of(asset_id: str, name: str, media_kind: str) -> dict[str, Any]:
    asset = {"asset_id": asset_id, "file_name": name, "media_kind": media_kind}
    return {"kind": "media-render", "params": {"assets": [asset], "aspect_ratio": "1:1"}}


def check_refused(answer: httpx.Response, status: int, code: str, param: str | None = None) -> str:
    """The refusal's message."""
    assert answer.status_code == status, answer.text
    body = answer.json()
    assert (body["code"], body["error"]["code"]) == (code, code)
    if param is not None:
        assert body["error"]["param"] == param
    return str(body["error"]["message"])


# --- refused while it is uploaded ------------------------------------------------------------------


def claimed_png() -> bytes:
    """A PNG whose header claims 50,000 pixels a side, with next to nothing behind it."""
    small = png(2, 2)
    header = struct.pack(">IIBBBBB", HUGE, HUGE, 8, 2, 0, 0, 0)
    return small[:16] + header + struct.pack(">I", zlib.crc32(b"IHDR" + header)) + small[33:]


def real_huge_png() -> bytes:
    """A sound PNG of 50,000 black pixels a side, one bit each, in some hundred kilobytes."""
    squeezer, row = zlib.compressobj(1), bytes(1 + (HUGE + 7) // 8)
    block = row * 1000
    data = b"".join(squeezer.compress(block) for _ in range(HUGE // 1000)) + squeezer.flush()
    header = struct.pack(">IIBBBBB", HUGE, HUGE, 1, 0, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", data), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))
        for name, body in chunks
    )


@pytest.mark.parametrize(
    ("name", "content_type", "content", "words"),
    [
        ("notes.mp4", "video/mp4", lambda: b"Dear diary, nothing moved today.\n" * 9, "is plain text"),
        ("list.mp4", "video/mp4", lambda: b"#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n", "an HLS playlist"),
        ("concat.mp4", "video/mp4", lambda: b"ffconcat version 1.0\nfile '/etc/passwd'\n", "ffconcat list"),
        ("page.svg", "image/svg+xml", lambda: b"<html><svg></svg></html>", "an HTML page"),
        ("wide.png", "image/png", claimed_png, "50000 × 50000 pixels"),  # noqa: RUF001 a true times sign
        ("black.png", "image/png", real_huge_png, "50000 × 50000 pixels"),  # noqa: RUF001 the same
        ("sound.png", "image/png", wav, "is a WAV file, not image/png"),
        ("photo.mp3", "audio/mpeg", png, "is a PNG picture, not audio/mpeg"),
    ],
)
def test_a_file_that_is_not_what_it_says_is_refused_at_the_door(
    customer: RunningFarm, name: str, content_type: str, content: Callable[[], bytes], words: str
) -> None:
    before, data = stored_keys(customer), content()
    made = declare(customer, name, content_type, len(data))
    answer = httpx.put(made["upload_url"], content=data, headers=made["headers"])
    message = check_refused(answer, 400, "asset_unreadable")
    assert message.startswith(name), message
    assert words in message
    assert stored_keys(customer) == before
    job = customer.call("POST", "/farm/v1/jobs", json=render_of(made["asset"]["id"], name, "image"))
    assert "has not been uploaded" in check_refused(job, 400, "invalid_request", name)


def test_an_empty_picture_can_be_neither_declared_nor_sent(customer: RunningFarm) -> None:
    before = stored_keys(customer)
    body = {"file_name": "empty.png", "content_type": "image/png", "size_bytes": 0}
    check_refused(customer.call("POST", "/farm/v1/assets", json=body), 400, "invalid_request", "size_bytes")
    made = declare(customer, "empty.png", "image/png", 1)
    sent = httpx.put(made["upload_url"], content=b"", headers={"Content-Type": "image/png"})
    check_refused(sent, 400, "content_length_mismatch", "Content-Length")
    assert stored_keys(customer) == before


def test_d053_d054_the_put_takes_the_declared_type_and_size_and_nothing_else(customer: RunningFarm) -> None:
    before, photo = stored_keys(customer), png()
    made = declare(customer, "photo.png", "image/png", len(photo))
    url, kind = made["upload_url"], {"Content-Type": "image/png"}
    mismatch = "content_length_mismatch"
    for content in (photo + b"x", photo + bytes(5 << 20), photo[:-1]):
        check_refused(httpx.put(url, content=content, headers=kind), 400, mismatch, "Content-Length")
    chunks = iter([photo])
    check_refused(httpx.put(url, content=chunks, headers=kind), 411, "length_required", "Content-Length")
    for other in ("image/jpeg", "text/html", "image/png; charset=utf-8"):
        answer = httpx.put(url, content=photo, headers={"Content-Type": other})
        check_refused(answer, 400, "content_type_mismatch", "Content-Type")
    stretched = url.replace(f"size={len(photo)}", "size=9999")
    check_refused(httpx.put(stretched, content=bytes(9999), headers=kind), 403, "url_not_signed")
    assert stored_keys(customer) == before
    assert httpx.put(url, content=photo, headers=kind).status_code == 200


def test_a_body_that_goes_on_after_its_content_length_is_an_error_and_never_stored(
    customer: RunningFarm,
) -> None:
    """What follows is taken as the next request, which is none."""
    photo = png()
    made = declare(customer, "photo.png", "image/png", len(photo))
    said = raw_put(made["upload_url"], len(photo), photo + b"GET / nonsense\r\n" * 1000)
    assert b"HTTP/1.1 400" in said or said == b""  # an answer may be lost with the connection's reset
    objects = customer.settings.root / "blobs" / "objects"
    assert {path.read_bytes() for path in objects.rglob(made["asset"]["id"])} <= {photo}


def test_a_body_that_ends_before_its_content_length_is_not_kept(customer: RunningFarm) -> None:
    before, photo = stored_keys(customer), png()
    made = declare(customer, "photo.png", "image/png", len(photo))
    assert b"HTTP/1.1 200" not in raw_put(made["upload_url"], len(photo), photo[:-5])
    eventually(lambda: leftovers(customer) == [], "the half upload is gone", 20)
    assert stored_keys(customer) == before
    job = customer.call("POST", "/farm/v1/jobs", json=render_of(made["asset"]["id"], "photo.png", "image"))
    assert "not been uploaded" in check_refused(job, 400, "invalid_request", "photo.png")


def raw_put(url: str, content_length: int, body: bytes) -> bytes:
    """PUT with whatever length is claimed, and everything that is answered."""
    parts = urlsplit(url)
    head = (
        f"PUT {parts.path}?{parts.query} HTTP/1.1\r\nHost: {parts.netloc}\r\n"
        f"Content-Type: image/png\r\nContent-Length: {content_length}\r\n\r\n"
    )
    assert parts.hostname is not None
    said = b""
    with socket.create_connection((parts.hostname, parts.port or 80), timeout=30) as connection:
        connection.sendall(head.encode() + body)
        connection.shutdown(socket.SHUT_WR)
        while piece := connection.recv(65536):
            said += piece
    return said


# --- taken, and found broken by the worker ---------------------------------------------------------


def half_a_clip(folder: Path) -> bytes:
    whole = write_clip(folder / "whole.mp4", frames=60).read_bytes()
    return whole[: len(whole) // 2]


def half_a_jpeg(folder: Path) -> bytes:
    noise = np.random.default_rng(1).integers(0, 255, (300, 400, 3), dtype=np.uint8)
    whole = write_jpeg(folder / "whole.jpg", noise).read_bytes()
    return whole[: len(whole) // 2]


def half_a_png(folder: Path) -> bytes:
    Image.fromarray(np.random.default_rng(1).integers(0, 255, (99, 99, 3), dtype=np.uint8)).save(
        folder / "whole.png"
    )
    whole = (folder / "whole.png").read_bytes()
    return whole[: len(whole) // 2]


def only_sound(folder: Path) -> bytes:
    return write_sound(folder / "sound.mp4", tone(440, 2), codec="aac").read_bytes()


def svg(body: str, before: str = "") -> Callable[[Path], bytes]:
    return lambda _folder: f"{before}{SVG}{body}</svg>".encode()


LAUGHS = "<!DOCTYPE svg [<!ENTITY a0 'ha'>" + "".join(
    f"<!ENTITY a{n} '{f'&a{n - 1};' * 10}'>" for n in range(1, 10)
)


@pytest.mark.parametrize(
    ("name", "content_type", "media_kind", "content", "words"),
    [
        ("half.mp4", "video/mp4", "video", half_a_clip, "cannot be read as an MP4 file"),
        ("half.jpg", "image/jpeg", "image", half_a_jpeg, "truncated"),
        ("half.png", "image/png", "image", half_a_png, "cannot be read as a PNG picture"),
        ("tune.mp4", "video/mp4", "video", only_sound, "no picture"),
        ("wave.png", "audio/wav", "image", lambda _: wav(), "is a WAV file, not a picture"),
        ("clip.jpg", "video/mp4", "image", half_a_clip, "is an MP4 file, not a picture"),
        ("link.svg", "image/svg+xml", "image", svg('<image href="file:///etc/passwd"/>'), "outside itself"),
        ("web.svg", "image/svg+xml", "image", svg('<use xlink:href="http://x.test/a#b"/>'), "outside itself"),
        (
            "xxe.svg",
            "image/svg+xml",
            "image",
            svg("<text>&x;</text>", '<!DOCTYPE svg [<!ENTITY x SYSTEM "file:///etc/passwd">]>'),
            "document type definition",
        ),
        (
            "laughs.svg",
            "image/svg+xml",
            "image",
            svg("<text>&a9;</text>", LAUGHS + "]>"),
            "document type definition",
        ),
    ],
)
def test_a_file_that_breaks_when_it_is_opened_fails_its_job_once_and_for_nothing(
    customer: RunningFarm,
    tmp_path: Path,
    name: str,
    content_type: str,
    media_kind: str,
    content: Callable[[Path], bytes],
    words: str,
) -> None:
    asset_id = uploaded(customer, name, content_type, content(tmp_path))
    answer = customer.call("POST", "/farm/v1/jobs", json=render_of(asset_id, name, media_kind))
    assert answer.status_code == 202, answer.text
    assert answer.json()["credits_held"] > 0
    job = customer.ended(answer.json()["id"])
    assert (job["state"], job["credits_charged"]) == ("failed", 0)
    assert (job["failure"]["code"], job["failure"]["failure_class"]) == ("asset_unreadable", "invalid_input")
    assert job["failure"]["message"].startswith(name), job["failure"]["message"]
    assert words in job["failure"]["message"]
    assert "root:" not in job["failure"]["message"]
    assert customer.outcomes(job["id"]) == ["failed"]  # it would fail the same way again
    assert customer.artifacts(job["id"]) == []


@pytest.mark.parametrize("name", ["loop.gif", "phone.heic"])
def test_unusual_pictures_are_rendered(customer: RunningFarm, tmp_path: Path, name: str) -> None:
    path, picture = tmp_path / name, quadrants(160, 96)
    if name.endswith("gif"):
        frames = [Image.fromarray(picture), Image.fromarray(255 - picture)]
        frames[0].save(path, save_all=True, append_images=frames[1:], duration=100, loop=0)
    else:
        write_heic(path, picture)
    content_type = f"image/{path.suffix[1:]}"
    asset_id = uploaded(customer, name, content_type, path.read_bytes())
    answer = customer.call("POST", "/farm/v1/jobs", json=render_of(asset_id, name, "image"))
    job = customer.ended(answer.json()["id"])
    assert job["state"] == "completed", job["failure"]
    with av.open(str(customer.download(job["id"], "video", tmp_path / "out.mp4"))) as container:
        assert sum(1 for _ in container.decode(video=0)) == 90


# --- what is not one's own -------------------------------------------------------------------------


def test_another_accounts_files_projects_and_jobs_are_not_there(customer: RunningFarm) -> None:
    stranger = customer.customer("a stranger", balance_mc=CREDITS_MC)
    asset_id = uploaded(customer, "mine.png", "image/png", png())
    files = [{"fileName": "mine.png", "contentType": "image/png", "fileSize": len(png())}]
    project = customer.call("POST", f"{MEDIA_RENDER}/uploads", json={"files": files}).json()
    body = render_of(asset_id, "mine.png", "image")
    job_id = customer.call("POST", "/farm/v1/jobs", json=body).json()["id"]

    stolen = stranger.call("POST", "/farm/v1/jobs", json=body)
    assert asset_id in check_refused(stolen, 404, "not_found", "asset_id")
    for named in (
        {"projectId": project["projectId"]},
        {"sourceDirectoryPrefix": project["directoryPrefix"]},
    ):
        stolen = stranger.call("POST", f"{MEDIA_RENDER}/jobs", json=named)
        check_refused(stolen, 404, "not_found", next(iter(named)))
    for method, path in (
        ("GET", f"/farm/v1/assets/{asset_id}"),
        ("GET", f"{MEDIA_RENDER}/jobs/{project['projectId']}"),
        ("GET", f"/farm/v1/jobs/{job_id}"),
        ("GET", f"/farm/v1/jobs/{job_id}/events"),
        ("GET", f"/farm/v1/jobs/{job_id}/artifacts/video"),
        ("POST", f"/farm/v1/jobs/{job_id}/cancel"),
        ("POST", f"/farm/v1/jobs/{job_id}/retry"),
    ):
        check_refused(stranger.call(method, path), 404, "not_found")
    assert stranger.call("GET", "/farm/v1/jobs").json()["data"] == []
    assert customer.ended(job_id)["state"] == "completed"


@pytest.mark.parametrize(
    "prefix", ["../", "a/../../b/", "..", "/etc/", "a\\..\\b", "acct_x/media-render/../../acct_y/"]
)
def test_d058_a_prefix_that_climbs_out_is_refused(customer: RunningFarm, prefix: str) -> None:
    answer = customer.call("POST", f"{MEDIA_RENDER}/jobs", json={"sourceDirectoryPrefix": prefix})
    message = check_refused(answer, 400, "invalid_request", "sourceDirectoryPrefix")
    assert "sourceDirectoryPrefix" in message


# --- names -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name",
    [
        "gnp.\u202eexe.png",
        "a\0.png",
        "x" * 296 + ".png",
        "../../etc/x.png",
        "..",
        "a\nb.png",
        "c:\\x.png",
    ],
    ids=["turned round", "NUL", "300 characters", "climbing", "dots", "two lines", "backslash"],
)
def test_d010_a_name_that_is_no_plain_name_is_refused_on_both_roads(customer: RunningFarm, name: str) -> None:
    native = {"file_name": name, "content_type": "image/png", "size_bytes": 100}
    answer = customer.call("POST", "/farm/v1/assets", json=native)
    check_refused(answer, 400, "invalid_request", "file_name")
    file = {"fileName": name, "contentType": "image/png", "fileSize": 100}
    answer = customer.call("POST", f"{MEDIA_RENDER}/uploads", json={"files": [file]})
    check_refused(answer, 400, "invalid_request", "files[0].fileName")


def test_a_name_from_right_to_left_is_as_good_as_any(customer: RunningFarm, tmp_path: Path) -> None:
    """It is also what an error calls the file."""
    name = "صورة العائلة.jpg"
    asset_id = uploaded(customer, name, "image/jpeg", half_a_jpeg(tmp_path))
    answer = customer.call("POST", "/farm/v1/jobs", json=render_of(asset_id, name, "image"))
    job = customer.ended(answer.json()["id"])
    assert job["failure"]["message"].startswith(name)
