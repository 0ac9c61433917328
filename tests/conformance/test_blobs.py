"""Both blob stores keep one contract: a folder served by the API, and S3 with real signatures."""

import gc
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from farm.blobs import BlobInfo, Blobs, BlobsUnavailable, open_blobs
from farm.errors import BadRequest, FailureClass, FarmUnavailable, NotFound, TaskFailure
from farm.secrets import Secrets
from farm.settings import Settings
from tests import blob_server
from tests.s3 import S3Server

pytestmark = pytest.mark.slow

MB = 1 << 20
KEY = "acct_1/media-render/mrproj_9/asset_7/sea & é+%.png"


@dataclass(frozen=True, slots=True)
class Place:
    """One store and how callers reach it; `environment` opens the same store in another process."""

    blobs: Blobs
    base_url: str
    environment: dict[str, str]

    def upload_url(self, size_bytes: int, *, key: str = KEY, expires_s: int = 60) -> str:
        return self.blobs.upload_url(
            key, content_type="image/png", size_bytes=size_bytes, expires_s=expires_s, base_url=self.base_url
        )

    def download_url(self, *, key: str = KEY, file_name: str = "sea.png", expires_s: int = 60) -> str:
        return self.blobs.download_url(
            key,
            file_name=file_name,
            content_type="image/png",
            expires_s=expires_s,
            base_url=self.base_url,
        )


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, blob_server.BlobServer]]:
    root = tmp_path_factory.mktemp("blobs")
    with blob_server.serve(root) as server:
        yield root, server


@pytest.fixture(params=["folder", "s3"])
def place(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    base_url = ""
    if request.param == "folder":
        root, server = request.getfixturevalue("served")
        base_url, environment = server.base_url, {"FARM_BLOBS_URL": str(root)}
    else:
        environment = dict(request.getfixturevalue("s3_server").environment(prefix=tmp_path.name))
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    return Place(open_blobs(Settings(), Secrets(blob_server.SECRET)), base_url, environment)


def picture(size_bytes: int) -> bytes:
    """A PNG's head, 8 by 8 pixels, and noise."""
    head = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x08\0\0\0\x08\x08\x02\0\0\0"
    return head + os.urandom(size_bytes - len(head))


def stored(place: Place, path: Path, key: str = KEY, size_bytes: int = 5000) -> bytes:
    body = picture(size_bytes)
    path.write_bytes(body)
    place.blobs.put(key, path, "image/png")
    return body


# --- between the farm's own processes


def test_what_is_put_comes_back_whole_with_its_size_and_type(place: Place, tmp_path: Path) -> None:
    body = stored(place, tmp_path / "in")
    place.blobs.fetch(KEY, tmp_path / "out")
    assert (tmp_path / "out").read_bytes() == body
    assert place.blobs.stat(KEY) == BlobInfo(5000, "image/png")
    assert place.blobs.read(KEY, 0, 8) == body[:8]
    assert place.blobs.read(KEY, 4990, 100) == body[4990:]
    assert place.blobs.read(KEY, 5000, 100) == b""


def test_an_empty_file_is_a_blob_too(place: Place, tmp_path: Path) -> None:
    (tmp_path / "in").touch()
    place.blobs.put("empty", tmp_path / "in", "text/plain")
    assert place.blobs.stat("empty") == BlobInfo(0, "text/plain")
    assert place.blobs.read("empty", 0, 10) == b""


def test_a_second_put_replaces_bytes_and_type(place: Place, tmp_path: Path) -> None:
    stored(place, tmp_path / "in")
    (tmp_path / "in").write_bytes(b"new")
    place.blobs.put(KEY, tmp_path / "in", "text/plain")
    assert place.blobs.stat(KEY) == BlobInfo(3, "text/plain")
    assert place.blobs.read(KEY, 0, 100) == b"new"


def test_readers_beside_writers_see_one_whole_version(place: Place, tmp_path: Path) -> None:
    files = [tmp_path / f"{letter}" for letter in "ab"]
    for path in files:
        path.write_bytes(path.name.encode() * 300_000)
    place.blobs.put("both", files[0], "text/plain")

    def write(turn: int) -> None:
        place.blobs.put("both", files[turn % 2], "text/plain")

    def read(turn: int) -> set[int]:
        place.blobs.fetch("both", tmp_path / f"seen-{turn}")
        seen = (tmp_path / f"seen-{turn}").read_bytes()
        assert len(seen) == 300_000
        return set(seen)

    with ThreadPoolExecutor(4) as pool:
        writes, reads = pool.map(write, range(12)), pool.map(read, range(12))
        list(writes)
        assert {len(letters) for letters in reads} == {1}


def test_a_missing_key_is_none_or_not_found_and_leaves_no_file(place: Place, tmp_path: Path) -> None:
    assert place.blobs.stat("acct_1/nothing") is None
    with pytest.raises(NotFound):
        place.blobs.read("acct_1/nothing", 0, 10)
    with pytest.raises(NotFound):
        place.blobs.fetch("acct_1/nothing", tmp_path / "out")
    assert list(tmp_path.iterdir()) == []


def test_delete_is_idempotent(place: Place, tmp_path: Path) -> None:
    stored(place, tmp_path / "in")
    place.blobs.delete(KEY)
    place.blobs.delete(KEY)
    assert place.blobs.stat(KEY) is None


def test_delete_prefix_takes_a_folder_and_not_its_namesakes(place: Place, tmp_path: Path) -> None:
    for key in ("job_1/a.png", "job_1/deep/b.png", "job_12/a.png"):
        stored(place, tmp_path / "in", key)
    place.blobs.delete_prefix("job_1/")
    place.blobs.delete_prefix("job_1")
    assert place.blobs.stat("job_1/a.png") is None
    assert place.blobs.stat("job_1/deep/b.png") is None
    assert place.blobs.stat("job_12/a.png") is not None


@pytest.mark.parametrize(
    "key",
    [
        *("", "/etc/passwd", "../up", "a/../b", "a//b", "a/./b", "a/", "a\\b"),
        *("a\0b", "a\nb", "a\ud800", "x" * 201, "/".join(["x" * 100] * 8)),
    ],
)
def test_keys_that_could_lead_elsewhere_are_refused(place: Place, tmp_path: Path, key: str) -> None:
    (tmp_path / "in").touch()
    with pytest.raises(BadRequest):
        place.blobs.put(key, tmp_path / "in", "image/png")
    with pytest.raises(BadRequest):
        place.upload_url(10, key=key)
    with pytest.raises(BadRequest):
        place.blobs.delete_prefix(key + "/")


def test_check_passes_and_leaves_nothing_behind(place: Place) -> None:
    place.blobs.check()


def test_100_mb_go_through_without_being_held_in_memory(place: Place, tmp_path: Path) -> None:
    script = """
import os, sys
from pathlib import Path
from farm.blobs import open_blobs
from farm.secrets import Secrets
from farm.settings import Settings
from tests.blob_server import SECRET, peak_bytes
blobs, source, copy = open_blobs(Settings(), Secrets(SECRET)), Path(sys.argv[1]), Path(sys.argv[2])
source.write_bytes(b"warm")
blobs.put("large", source, "video/mp4")
blobs.fetch("large", copy)
before = peak_bytes()
with source.open("wb") as file:
    for _ in range(100):
        file.write(os.urandom(1 << 20))
blobs.put("large", source, "video/mp4")
blobs.fetch("large", copy)
print(peak_bytes() - before)
"""
    source, copy = tmp_path / "source", tmp_path / "copy"
    command = [sys.executable, "-c", script, str(source), str(copy)]
    grown = subprocess.run(command, env=os.environ | place.environment, check=True, capture_output=True)
    assert int(grown.stdout) < 50 * MB
    assert source.read_bytes() == copy.read_bytes()


# --- by URL, as callers do


def test_an_upload_by_url_comes_back_by_url(place: Place) -> None:  # D-042, D-052, D-149
    body = picture(70_000)
    headers = {"Content-Type": "image/png"}
    assert httpx.put(place.upload_url(70_000), content=body, headers=headers).status_code == 200
    assert place.blobs.stat(KEY) == BlobInfo(70_000, "image/png")
    answer = httpx.get(place.download_url(file_name='sea "\n/ü.png'))
    assert answer.content == body
    assert answer.headers["content-type"] == "image/png"
    disposition = answer.headers["content-disposition"]
    assert disposition == "attachment; filename=\"sea ___.png\"; filename*=UTF-8''sea%20%22_%C3%BC.png"
    assert answer.headers["etag"]


def test_an_upload_of_another_type_is_refused(place: Place) -> None:  # D-053
    for headers in ({"Content-Type": "image/jpeg"}, {}):
        answer = httpx.put(place.upload_url(100), content=picture(100), headers=headers)
        assert answer.status_code in {400, 403}
    assert place.blobs.stat(KEY) is None


@pytest.fixture(autouse=True)
def _clean(request: pytest.FixtureRequest) -> Iterator[None]:
    """The folder is shared by the module's tests: begin each without the key they share."""
    if "place" in request.fixturenames:
        request.getfixturevalue("place").blobs.delete(KEY)
    yield


@pytest.mark.parametrize("size", [99, 101])
def test_an_upload_of_another_length_is_refused(place: Place, size: int) -> None:  # D-054
    headers = {"Content-Type": "image/png"}
    answer = httpx.put(place.upload_url(100), content=picture(size), headers=headers)
    assert answer.status_code in {400, 403}
    assert place.blobs.stat(KEY) is None


def test_a_chunked_upload_is_refused(place: Place) -> None:
    headers = {"Content-Type": "image/png"}
    answer = httpx.put(place.upload_url(100), content=iter([picture(100)]), headers=headers)
    assert answer.status_code in {403, 411}
    assert place.blobs.stat(KEY) is None


def test_urls_stop_working_when_they_expire(place: Place, tmp_path: Path) -> None:
    stored(place, tmp_path / "in")
    put, get = place.upload_url(100, expires_s=1), place.download_url(expires_s=1)
    until = time.monotonic() + 30
    while httpx.get(get).status_code != 403 and time.monotonic() < until:
        time.sleep(0.1)
    assert httpx.get(get).status_code == 403
    headers = {"Content-Type": "image/png"}
    assert httpx.put(put, content=picture(100), headers=headers).status_code == 403
    assert place.blobs.stat(KEY) == BlobInfo(5000, "image/png")


def test_a_url_serves_its_own_method_key_and_signature_only(place: Place, tmp_path: Path) -> None:
    stored(place, tmp_path / "in")
    stored(place, tmp_path / "in", "acct_2/other.png")
    url = place.download_url()
    other = place.download_url(key="acct_2/other.png")
    swapped = httpx.URL(other).copy_with(query=httpx.URL(url).query)
    for wrong in (url + "x", place.upload_url(100), url.partition("?")[0], str(swapped)):
        assert httpx.get(wrong).status_code == 403
    headers = {"Content-Type": "image/png"}
    assert httpx.put(url, content=picture(100), headers=headers).status_code == 403
    assert httpx.delete(url).status_code in {403, 405}
    assert place.blobs.stat(KEY) == BlobInfo(5000, "image/png")


def test_ranges_allow_seeking_and_resuming(place: Place, tmp_path: Path) -> None:
    body = stored(place, tmp_path / "in")
    url = place.download_url()
    for wanted, expected in (("10-19", body[10:20]), ("4990-", body[4990:]), ("-7", body[-7:])):
        answer = httpx.get(url, headers={"Range": f"bytes={wanted}"})
        assert answer.status_code == 206
        assert answer.content == expected
    assert answer.headers["content-range"] == "bytes 4993-4999/5000"
    assert httpx.get(url, headers={"Range": "bytes=5000-"}).status_code == 416


def test_a_download_of_nothing_is_404(place: Place) -> None:
    assert httpx.get(place.download_url(key="acct_1/nothing.png")).status_code == 404


def test_putting_twice_while_the_url_is_valid_keeps_the_last(place: Place) -> None:
    url, headers = place.upload_url(100), {"Content-Type": "image/png"}
    first, second = picture(100), picture(100)
    for body in (first, second):
        assert httpx.put(url, content=body, headers=headers).status_code == 200
    assert place.blobs.read(KEY, 0, 200) == second


# --- where the stores differ


def _tiny_disk(folder: Path) -> Iterator[Path]:
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(folder)], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("mounting a tiny tmpfs needs root")
    try:
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True)


@pytest.fixture
def tiny_disk(tmp_path: Path) -> Iterator[Path]:
    yield from _tiny_disk(tmp_path / "tiny")


def test_a_full_disk_fails_the_put_by_name_and_keeps_nothing(tiny_disk: Path, tmp_path: Path) -> None:
    blobs = open_blobs(Settings(blobs_url=str(tiny_disk)), Secrets(blob_server.SECRET))
    (tmp_path / "in").write_bytes(bytes(2 * MB))
    with pytest.raises(TaskFailure) as failure:
        blobs.put("a/large", tmp_path / "in", "video/mp4")
    assert failure.value.failure is FailureClass.DISK_FULL
    assert [path for path in tiny_disk.rglob("*") if path.is_file()] == []


@pytest.mark.filterwarnings(
    "ignore:unclosed <socket:ResourceWarning"
)  # s3transfer drops what it cannot write
def test_a_fetch_onto_a_full_disk_fails_by_name(place: Place, tiny_disk: Path, tmp_path: Path) -> None:
    stored(place, tmp_path / "in", "acct_1/large", 2 * MB)
    with pytest.raises(TaskFailure) as failure:
        place.blobs.fetch("acct_1/large", tiny_disk / "out")
    assert failure.value.failure is FailureClass.DISK_FULL
    assert list(tiny_disk.iterdir()) == []
    del failure
    gc.collect()


def test_an_upload_onto_a_full_disk_is_507(tiny_disk: Path) -> None:
    blobs = open_blobs(Settings(blobs_url=str(tiny_disk)), Secrets(blob_server.SECRET))
    with blob_server.serve(tiny_disk) as server:
        url = Place(blobs, server.base_url, {}).upload_url(2 * MB)
        answer = httpx.put(url, content=picture(2 * MB), headers={"Content-Type": "image/png"})
    assert answer.status_code == 507
    assert answer.json()["code"] == "disk_full"
    assert [path for path in tiny_disk.rglob("*") if path.is_file()] == []


def test_s3_presigns_for_the_public_endpoint(s3_server: S3Server, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in s3_server.environment().items():
        monkeypatch.setenv(name, value)
    settings = Settings(blobs_public_url="https://media.example.org")
    url = Place(open_blobs(settings, Secrets(blob_server.SECRET)), "", {}).upload_url(10)
    assert url.startswith("https://media.example.org/farm-tests/acct_1/")
    assert "content-length%3Bcontent-type%3Bhost" in url


def test_s3_without_its_bucket_says_how_to_make_it(
    s3_server: S3Server, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name, value in s3_server.environment().items():
        monkeypatch.setenv(name, value)
    settings = Settings(blobs_url=f"s3://missing?endpoint={s3_server.url}")
    blobs = open_blobs(settings, Secrets(blob_server.SECRET))
    with pytest.raises(FarmUnavailable, match="aws s3 mb s3://missing --endpoint-url"):
        blobs.check()
    (tmp_path / "in").write_bytes(b"a")
    with pytest.raises(BlobsUnavailable, match="does not exist"):
        blobs.put("a", tmp_path / "in", "text/plain")


def test_s3_with_a_wrong_secret_says_so(s3_server: S3Server, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in ({**s3_server.environment(), "AWS_SECRET_ACCESS_KEY": "another"}).items():
        monkeypatch.setenv(name, value)
    with pytest.raises(FarmUnavailable, match="refuses the farm's credentials"):
        open_blobs(Settings(), Secrets(blob_server.SECRET)).check()


def test_s3_away_is_transient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "any")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "any")
    settings = Settings(blobs_url="s3://bucket?endpoint=http://127.0.0.1:9")
    blobs = open_blobs(settings, Secrets(blob_server.SECRET))
    with pytest.raises(BlobsUnavailable, match="not reachable") as failure:
        blobs.check()
    assert failure.value.failure_class is FailureClass.TRANSIENT


@pytest.mark.parametrize(
    "url", ["s3://", "s3:///prefix", "s3://bucket?endpint=http://x", "gs://bucket/prefix"]
)
def test_a_location_that_cannot_be_meant_is_refused(url: str) -> None:
    with pytest.raises(FarmUnavailable) as failure:
        open_blobs(Settings(blobs_url=url), Secrets(blob_server.SECRET))
    assert failure.value.param == "FARM_BLOBS_URL"


def test_a_folder_that_cannot_be_made_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(FarmUnavailable, match="point FARM_BLOBS_URL elsewhere"):
        open_blobs(Settings(blobs_url=str(tmp_path / "file" / "blobs")), Secrets(blob_server.SECRET))


def test_a_folder_refuses_a_key_under_another_key(tmp_path: Path) -> None:
    blobs = open_blobs(Settings(blobs_url=str(tmp_path / "blobs")), Secrets(blob_server.SECRET))
    (tmp_path / "in").write_bytes(b"a")
    blobs.put("a/b", tmp_path / "in", "text/plain")
    for key in ("a", "a/b/c"):
        with pytest.raises(BadRequest):
            blobs.put(key, tmp_path / "in", "text/plain")
    assert blobs.read("a/b", 0, 10) == b"a"
    assert blobs.stat("a") is None


def test_a_folder_sweeps_what_was_abandoned_a_day_ago(tmp_path: Path) -> None:
    settings, secrets = Settings(blobs_url=str(tmp_path / "blobs")), Secrets(blob_server.SECRET)
    open_blobs(settings, secrets)
    old, new = (tmp_path / "blobs" / "partial" / name for name in ("old", "new"))
    for path in (old, new):
        path.touch()
    os.utime(old, (0, 0))
    open_blobs(settings, secrets)
    assert not old.exists()
    assert new.exists()


def test_a_folder_left_empty_is_removed(tmp_path: Path) -> None:
    blobs = open_blobs(Settings(blobs_url=str(tmp_path / "blobs")), Secrets(blob_server.SECRET))
    (tmp_path / "in").write_bytes(b"a")
    blobs.put("a/b/c", tmp_path / "in", "text/plain")
    blobs.delete("a/b/c")
    assert list((tmp_path / "blobs" / "objects").iterdir()) == []
    assert list((tmp_path / "blobs" / "types").iterdir()) == []
