"""The folder store's routes, spoken to in plain ASGI so that every message is in the test's hands."""

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote, urlsplit

import anyio
import pytest
from starlette.applications import Starlette
from starlette.types import Message

from farm.api import blobs as door
from farm.api.blobs import blob_routes
from farm.blobs import BlobInfo
from farm.blobs.folder import FolderBlobs
from farm.blobs.names import attachment
from farm.secrets import Secrets

KEY = "acct_1/asset_7/sea.png"
PICTURE = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x08\0\0\0\x08\x08\x02\0\0\0" + bytes(range(256)) * 40
PNG = {"content-type": "image/png", "content-length": str(len(PICTURE))}
DISCONNECT: Message = {"type": "http.disconnect"}


@dataclass
class SetClock:
    """A clock that stands where the test puts it."""

    at: float = 1_800_000_000.0

    def now(self) -> float:
        return self.at


@dataclass
class Answer:
    """What came back, and how often the body was asked for."""

    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    reads: int = 0

    @property
    def error(self) -> dict[str, str]:
        shape = json.loads(self.body)
        assert shape["code"] == shape["error"]["code"]
        assert set(shape["error"]) == {"code", "message", "param", "type"}
        return dict(shape["error"])


@dataclass
class Farm:
    """A folder store, its routes and its clock."""

    root: Path
    clock: SetClock = field(default_factory=SetClock)
    secrets: Secrets = field(default_factory=lambda: Secrets("a secret for tests that is long enough"))

    def __post_init__(self) -> None:
        self.blobs = FolderBlobs(self.root, self.secrets, self.clock)
        self.app = Starlette(routes=list(blob_routes(self.blobs, self.secrets, self.clock)))

    def upload_url(self, size_bytes: int = len(PICTURE), content_type: str = "image/png") -> str:
        return self.blobs.upload_url(
            KEY, content_type=content_type, size_bytes=size_bytes, expires_s=900, base_url="https://farm/"
        )

    def download_url(self, file_name: str = "sea.png", content_type: str = "image/png") -> str:
        return self.blobs.download_url(
            KEY, file_name=file_name, content_type=content_type, expires_s=900, base_url="https://farm"
        )

    def call(
        self,
        method: str,
        url: str,
        headers: dict[str, str] | None = None,
        body: Iterable[bytes | Message] = (),
    ) -> Answer:
        return anyio.run(self._call, method, url, headers or {}, list(body))

    async def _call(
        self, method: str, url: str, headers: dict[str, str], body: list[bytes | Message]
    ) -> Answer:
        answer, parts = Answer(), urlsplit(url)
        scope = {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.4"},
            "http_version": "1.1",
            "method": method,
            "path": unquote(parts.path),
            "query_string": parts.query.encode(),
            "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
        }
        waiting = iter(body)

        async def receive() -> Message:
            answer.reads += 1
            chunk = next(waiting, b"")
            if isinstance(chunk, bytes):
                return {"type": "http.request", "body": chunk, "more_body": bool(chunk)}
            return chunk

        async def send(message: Message) -> None:
            answer.status = message.get("status", answer.status)
            for name, value in message.get("headers", ()):
                answer.headers[name.decode()] = value.decode()
            answer.body += message.get("body", b"")

        await self.app(scope, receive, send)
        return answer

    def files(self) -> list[str]:
        return sorted(str(p.relative_to(self.root)) for p in self.root.rglob("*") if p.is_file())


@pytest.fixture
def farm(tmp_path: Path) -> Farm:
    return Farm(tmp_path / "blobs")


@pytest.fixture
def full_farm(farm: Farm) -> Farm:
    assert farm.call("PUT", farm.upload_url(), PNG, [PICTURE]).status == 200
    return farm


# --- uploads


def test_an_upload_in_small_pieces_arrives_whole(farm: Farm) -> None:
    pieces = [PICTURE[at : at + 100] for at in range(0, len(PICTURE), 100)]
    answer = farm.call("PUT", farm.upload_url(), PNG, pieces)
    assert (answer.status, answer.body) == (200, b"")
    assert farm.blobs.read(KEY, 0, 1 << 20) == PICTURE
    assert farm.blobs.stat(KEY) == BlobInfo(len(PICTURE), "image/png")
    assert farm.files() == [f"objects/{KEY}", f"types/{KEY}"]


def test_a_second_upload_replaces_the_first_while_the_url_is_valid(full_farm: Farm) -> None:
    other = PICTURE[:-1] + b"!"
    assert full_farm.call("PUT", full_farm.upload_url(), PNG, [other]).status == 200
    assert full_farm.blobs.read(KEY, 0, 1 << 20) == other


@pytest.mark.parametrize(
    ("signed", "altered"),
    [
        ("acct_1", "acct_2"),
        ("image%2Fpng", "text%2Fhtml"),
        (f"size={len(PICTURE)}", f"size={len(PICTURE) + 1}"),
        ("expires=1", "expires=2"),
        ("signature=", "signature=x"),
        ("signature=", "unsigned="),
        ("?", "?name=sea.png&"),
        ("?", "#"),
    ],
)
def test_an_altered_url_is_refused_before_the_body_is_read(farm: Farm, signed: str, altered: str) -> None:
    url = farm.upload_url()
    assert signed in url
    answer = farm.call("PUT", url.replace(signed, altered, 1), PNG, [PICTURE])
    assert (answer.status, answer.reads) == (403, 0)
    assert answer.error["code"] == "url_not_signed"
    assert farm.files() == []


def test_an_upload_url_does_not_download_nor_the_other_way_round(full_farm: Farm) -> None:
    assert full_farm.call("GET", full_farm.upload_url()).status == 403
    assert full_farm.call("PUT", full_farm.download_url(), PNG, [PICTURE]).status == 403


def test_another_farms_url_is_refused(farm: Farm, tmp_path: Path) -> None:
    stranger = Farm(tmp_path / "other", secrets=Secrets("another secret that is long enough too"))
    assert farm.call("PUT", stranger.upload_url(), PNG, [PICTURE]).status == 403


def test_an_expired_url_is_refused_before_the_body_is_read(farm: Farm) -> None:
    url = farm.upload_url()
    farm.clock.at += 900
    answer = farm.call("PUT", url, PNG, [PICTURE])
    assert (answer.status, answer.reads) == (403, 0)
    assert answer.error["code"] == "url_expired"


@pytest.mark.parametrize("sent", ["image/jpeg", "image/png; charset=utf-8", "", None])
def test_the_content_type_is_the_signed_one(farm: Farm, sent: str | None) -> None:  # D-053
    headers = PNG | {"content-type": sent} if sent is not None else {"content-length": PNG["content-length"]}
    answer = farm.call("PUT", farm.upload_url(), headers, [PICTURE])
    assert (answer.status, answer.reads) == (400, 0)
    assert answer.error["code"] == "content_type_mismatch"
    assert "image/png" in answer.error["message"]


@pytest.mark.parametrize("sent", ["0", "10266", "1" * 5000])
def test_the_content_length_is_the_signed_one(farm: Farm, sent: str) -> None:  # D-054
    answer = farm.call("PUT", farm.upload_url(), PNG | {"content-length": sent}, [PICTURE])
    assert (answer.status, answer.reads) == (400, 0)
    assert answer.error["code"] == "content_length_mismatch"


@pytest.mark.parametrize("headers", [{"transfer-encoding": "chunked"}, {"content-length": "-1"}, {}])
def test_a_body_without_a_length_is_411(farm: Farm, headers: dict[str, str]) -> None:
    answer = farm.call("PUT", farm.upload_url(), {"content-type": "image/png"} | headers, [PICTURE])
    assert (answer.status, answer.reads) == (411, 0)
    assert answer.error["param"] == "Content-Length"


def test_a_chunked_body_with_a_length_is_411(farm: Farm) -> None:
    answer = farm.call("PUT", farm.upload_url(), PNG | {"transfer-encoding": "chunked"}, [PICTURE])
    assert (answer.status, answer.reads) == (411, 0)


def test_more_bytes_than_declared_are_413(farm: Farm) -> None:
    answer = farm.call("PUT", farm.upload_url(), PNG, [PICTURE, b"and more"])
    assert answer.status == 413
    assert farm.files() == []


def test_fewer_bytes_than_declared_are_400(farm: Farm) -> None:
    answer = farm.call("PUT", farm.upload_url(), PNG, [PICTURE[:-1]])
    assert answer.status == 400
    assert answer.error["code"] == "body_incomplete"
    assert farm.files() == []


@pytest.mark.parametrize("sent", [0, 100, len(PICTURE) - 1])
def test_a_dropped_connection_leaves_no_file(farm: Farm, sent: int) -> None:
    farm.call("PUT", farm.upload_url(), PNG, [PICTURE[:sent] or DISCONNECT, DISCONNECT])
    assert farm.files() == []


def test_a_dropped_second_upload_leaves_the_first(full_farm: Farm) -> None:
    full_farm.call("PUT", full_farm.upload_url(), PNG, [PICTURE[:5000], DISCONNECT])
    assert full_farm.blobs.read(KEY, 0, 1 << 20) == PICTURE


@pytest.mark.parametrize("first", [1, 5000])
def test_what_is_no_picture_is_refused_by_its_head(farm: Farm, first: int) -> None:
    text = b"#EXTM3U\n" + b"# not a picture\n" * 640
    headers, pieces = PNG | {"content-length": str(len(text))}, [text[:first], text[first:]]
    answer = farm.call("PUT", farm.upload_url(len(text)), headers, pieces)
    assert answer.status == 400
    assert answer.error["code"] == "asset_unreadable"
    assert "sea.png" in answer.error["message"]
    assert farm.files() == []


def test_an_empty_upload_is_refused(farm: Farm) -> None:
    answer = farm.call("PUT", farm.upload_url(0), PNG | {"content-length": "0"}, [])
    assert answer.status == 400
    assert farm.files() == []


def test_a_sender_that_falls_silent_is_let_go(farm: Farm, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(door, "_SILENCE_S", 0.0)

    async def never() -> Message:
        await anyio.sleep_forever()
        raise AssertionError

    async def put() -> list[Message]:
        sent: list[Message] = []

        async def send(message: Message) -> None:
            sent.append(message)

        parts = urlsplit(farm.upload_url())
        scope = {"type": "http", "method": "PUT", "path": parts.path, "query_string": parts.query.encode()}
        headers = [(name.encode(), value.encode()) for name, value in PNG.items()]
        await farm.app({**scope, "headers": headers}, never, send)
        return sent

    start, _ = anyio.run(put)
    assert start["status"] == 408
    assert (b"connection", b"close") in start["headers"]
    assert farm.files() == []


def test_a_large_refused_body_closes_the_connection_and_a_small_one_does_not(farm: Farm) -> None:
    small = farm.call("PUT", farm.upload_url() + "x", PNG)
    large = farm.call("PUT", farm.upload_url() + "x", PNG | {"content-length": str(50 << 20)})
    assert "connection" not in small.headers
    assert large.headers["connection"] == "close"


# --- downloads


def test_a_download_is_an_attachment_that_no_browser_shows_inline(full_farm: Farm) -> None:
    answer = full_farm.call("GET", full_farm.download_url("sea.svg", "image/svg+xml"))
    assert (answer.status, answer.body) == (200, PICTURE)
    assert answer.headers["content-disposition"].startswith('attachment; filename="sea.svg"')
    assert answer.headers["content-type"] == "image/svg+xml"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["content-security-policy"] == "default-src 'none'; sandbox"
    assert answer.headers["etag"]


def test_head_tells_all_but_the_bytes(full_farm: Farm) -> None:
    answer = full_farm.call("HEAD", full_farm.download_url())
    assert (answer.status, answer.body) == (200, b"")
    assert answer.headers["content-length"] == str(len(PICTURE))
    assert answer.headers["accept-ranges"] == "bytes"


def test_a_download_of_what_was_deleted_is_404(full_farm: Farm) -> None:
    url = full_farm.download_url()
    full_farm.blobs.delete(KEY)
    answer = full_farm.call("GET", url)
    assert answer.status == 404
    assert answer.error["code"] == "not_found"


@pytest.mark.parametrize(
    ("wanted", "first", "end"),
    [
        ("bytes=0-0", 0, 1),
        ("bytes=100-199", 100, 200),
        ("bytes=10000-99999", 10000, None),
        ("bytes=-5", -5, None),
    ],
)
def test_one_range_is_served(full_farm: Farm, wanted: str, first: int, end: int | None) -> None:
    answer = full_farm.call("GET", full_farm.download_url(), {"range": wanted})
    assert answer.status == 206
    assert answer.body == PICTURE[first:end]


@pytest.mark.parametrize(
    "wanted", [f"bytes={len(PICTURE)}-", "bytes=-0", "bytes=0-1,5-6", "bytes=" + "0-," * 2000 + "0-"]
)
def test_ranges_that_cannot_be_served_are_416(full_farm: Farm, wanted: str) -> None:
    answer = full_farm.call("GET", full_farm.download_url(), {"range": wanted})
    assert answer.status == 416
    assert answer.headers["content-range"] == f"bytes */{len(PICTURE)}"
    assert answer.error["code"] == "range_not_satisfiable"


@pytest.mark.parametrize(
    "wanted", ["", "bytes", "lines=1-2", "bytes=-", "bytes=5-4", "bytes=٣-", "bytes=" + "9" * 30]
)
def test_ranges_that_mean_nothing_are_400(full_farm: Farm, wanted: str) -> None:
    answer = full_farm.call("GET", full_farm.download_url(), {"range": wanted})
    assert answer.status == 400
    assert answer.error["code"] == "invalid_range"


@pytest.mark.parametrize(
    ("file_name", "plain"),
    [
        ("rendered.mp4", "rendered.mp4"),
        ('a"b;c%.mp4', "a_b_c_.mp4"),
        ("../../etc/passwd", "_.._etc_passwd"),
        ("x\r\nSet-Cookie: a=b.mp4", "xSet-Cookie: a=b.mp4"),
        ("gpj\u202e.exe", "gpj.exe"),
        ("mer ø.mp4", "mer _.mp4"),
        ("\0", "download"),
        ("..", "download"),
    ],
)
def test_file_names_are_made_harmless(file_name: str, plain: str) -> None:
    assert attachment(file_name).startswith(f'attachment; filename="{plain}"; filename*=UTF-8')
    assert attachment(file_name).isascii()


def test_a_long_file_name_keeps_its_extension() -> None:
    assert 'b.mp4"' in attachment("b" * 300 + ".mp4")
    assert len(attachment("b" * 300 + ".mp4")) < 400
