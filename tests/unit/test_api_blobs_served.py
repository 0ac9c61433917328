"""The folder store's routes behind a real server: real clients, lost connections, bounded memory."""

import json
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from farm.blobs.folder import FolderBlobs
from farm.clock import SystemClock
from farm.secrets import Secrets
from tests import blob_server

pytestmark = pytest.mark.slow

MB = 1 << 20
KEY = "acct_1/asset_7/clip.mp4"
HEAD = b"\0\0\0\x18ftypisom\0\0\0\0isomiso2"


@dataclass(frozen=True, slots=True)
class Served:
    """A running server and the same folder seen from here."""

    root: Path
    blobs: FolderBlobs
    server: blob_server.BlobServer

    def upload_url(self, size_bytes: int) -> str:
        base = self.server.base_url
        return self.blobs.upload_url(
            KEY, content_type="video/mp4", size_bytes=size_bytes, expires_s=900, base_url=base
        )

    def download_url(self) -> str:
        base = self.server.base_url
        return self.blobs.download_url(
            KEY, file_name="clip.mp4", content_type="video/mp4", expires_s=900, base_url=base
        )

    def partial(self) -> list[Path]:
        return list((self.root / "partial").iterdir())


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    root = tmp_path / "blobs"
    blobs = FolderBlobs(root, Secrets(blob_server.SECRET), SystemClock())
    with blob_server.serve(root) as server:
        yield Served(root, blobs, server)


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    """A file of 5 MB and a bit."""
    path = tmp_path / "clip.mp4"
    path.write_bytes(HEAD + os.urandom(5 * MB))
    return path


def test_curl_uploads_and_downloads_as_the_document_says(served: Served, clip: Path, tmp_path: Path) -> None:
    if shutil.which("curl") is None:
        pytest.skip("curl is not installed")
    size = clip.stat().st_size
    upload = ["curl", "-sS", "-X", "PUT", served.upload_url(size), "-H", "Content-Type: video/mp4"]
    upload += ["-H", f"Content-Length: {size}", "--data-binary", f"@{clip}", "-w", "%{http_code}"]
    assert subprocess.run(upload, check=True, capture_output=True).stdout == b"200"
    copy = tmp_path / "copy.mp4"
    subprocess.run(["curl", "-sSf", "-L", served.download_url(), "-o", str(copy)], check=True)
    assert copy.read_bytes() == clip.read_bytes()


def test_node_streams_an_upload_as_the_document_says(served: Served, clip: Path) -> None:  # D-055
    if shutil.which("node") is None:
        pytest.skip("node is not installed")
    script = """
import { createReadStream, statSync } from "node:fs";
const [, uploadUrl, path] = process.argv;
const stats = statSync(path);
const answer = await fetch(uploadUrl, {
  method: "PUT",
  headers: { "Content-Type": "video/mp4", "Content-Length": String(stats.size) },
  body: createReadStream(path),
  duplex: "half",
});
console.log(answer.status);
"""
    command = ["node", "--input-type=module", "-e", script, "--"]
    command += [served.upload_url(clip.stat().st_size), str(clip)]
    assert subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip() == "200"
    assert served.blobs.read(KEY, 0, 6 * MB) == clip.read_bytes()


def test_a_connection_lost_in_mid_upload_leaves_no_file(served: Served) -> None:
    with _begun(served, size=20 * MB) as connection:
        connection.sendall(HEAD + bytes(MB))
        _until(lambda: [path for path in served.partial() if path.stat().st_size > MB // 2])
    _until(lambda: not served.partial())
    assert served.blobs.stat(KEY) is None


def test_a_refused_large_upload_is_answered_and_not_read_to_its_end(served: Served) -> None:
    with _begun(served, size=1 << 40, url=served.upload_url(100)) as connection:
        connection.settimeout(60)
        answer = b""
        while not answer.endswith(b"}"):
            answer += connection.recv(65536)
        assert answer.startswith(b"HTTP/1.1 400")
        assert b"content_length_mismatch" in answer
        with pytest.raises(OSError, match=r"reset|Broken pipe"):
            for _ in range(1000):
                connection.sendall(bytes(MB))


def test_a_small_refused_upload_leaves_the_connection_usable(served: Served, clip: Path) -> None:
    size = clip.stat().st_size
    headers = {"Content-Type": "video/mp4"}
    with httpx.Client() as client:
        assert client.put(served.upload_url(100), content=bytes(10), headers=headers).status_code == 400
        assert (
            client.put(served.upload_url(size), content=clip.read_bytes(), headers=headers).status_code == 200
        )


def test_50_mb_go_in_and_out_without_being_held_in_memory(served: Served) -> None:
    size = 50 * MB
    headers = {"Content-Type": "video/mp4", "Content-Length": str(size)}
    small = {"Content-Type": "video/mp4"}
    assert httpx.put(served.upload_url(100), content=HEAD + bytes(76), headers=small).status_code == 200
    assert httpx.get(served.download_url()).status_code == 200
    before = served.server.peak_bytes()
    chunks = (HEAD.ljust(MB, b"\0") if at == 0 else bytes(MB) for at in range(50))
    assert httpx.put(served.upload_url(size), content=chunks, headers=headers).status_code == 200
    with httpx.stream("GET", served.download_url()) as answer:
        assert sum(map(len, answer.iter_raw())) == size
    assert served.server.peak_bytes() - before < 16 * MB


def test_errors_read_as_json(served: Served) -> None:
    answer = httpx.put(served.upload_url(10), content=b"x" * 10, headers={"Content-Type": "text/html"})
    assert answer.status_code == 400
    assert json.loads(answer.content)["error"]["param"] == "Content-Type"


def _begun(served: Served, size: int, url: str | None = None) -> socket.socket:
    """A connection with the head of a PUT sent."""
    parts = urlsplit(url or served.upload_url(size))
    connection = socket.create_connection((parts.hostname or "", parts.port or 0))
    head = f"PUT {parts.path}?{parts.query} HTTP/1.1\r\nHost: {parts.netloc}\r\n"
    connection.sendall(f"{head}Content-Type: video/mp4\r\nContent-Length: {size}\r\n\r\n".encode())
    return connection


def _until(condition: Callable[[], object]) -> None:
    until = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < until, "it did not come about in 30 seconds"
        time.sleep(0.05)
