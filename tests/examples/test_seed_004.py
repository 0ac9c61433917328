"""The media render document's own blocks, run as they stand: only host, key and project id are put in.

The blocks lie in `seed_004/`. Their files have exactly the sizes the document declares.
"""

import json
import os
import shutil
import struct
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

import pytest

from tests.api import POLL_S, Api, png

pytestmark = pytest.mark.slow

BLOCKS = Path(__file__).parent / "seed_004"
INTRO_BYTES = 52_428_800
PRODUCT_BYTES = 2_048_000
PATIENCE_S = 180
PUT_OF_PRODUCT = {"video/mp4": "image/png", str(INTRO_BYTES): str(PRODUCT_BYTES), "intro.mp4": "product.png"}


class Served(Protocol):
    """A farm that answers at `url` for whoever has `key`."""

    @property
    def url(self) -> str: ...

    @property
    def key(self) -> str: ...


class Reader:
    """Somebody who copies the document's blocks into a shell, in a folder with the two files."""

    def __init__(self, farm: Served, folder: Path) -> None:
        self._farm = farm
        self.folder = folder

    def curl(self, block: str, put_in: dict[str, str] | None = None, **variables: str) -> str:
        """Run a block; `put_in` replaces what the document leaves open."""
        text = (BLOCKS / f"{block}.sh").read_text()
        for open_part, value in (put_in or {}).items():
            assert open_part in text
            text = text.replace(open_part, value)
        return self._run([_tool("bash"), "-euo", "pipefail", "-c", text], **variables)

    def node(self, block: str, before: str, after: str) -> str:
        """Run a block of JavaScript between two lines that give it its variables and show what it made."""
        text = (BLOCKS / f"{block}.mjs").read_text().replace("$HOST", self._farm.url)
        script = self.folder / f"{block}.mjs"
        script.write_text(f"{before}\n{text}\n{after}\n")
        return self._run([_tool("node"), script.name])

    def upload_both(self, uploads: dict[str, Any]) -> None:
        intro, product, _music = uploads["uploads"]
        self.curl("put", UPLOAD_URL=intro["uploadUrl"])
        self.curl("put", PUT_OF_PRODUCT, UPLOAD_URL=product["uploadUrl"])

    def _run(self, command: list[str], **variables: str) -> str:
        environment = {**os.environ, "HOST": self._farm.url, "KEY": self._farm.key, **variables}
        done = subprocess.run(
            command, cwd=self.folder, env=environment, capture_output=True, text=True, timeout=120
        )
        assert done.returncode == 0, done.stderr
        return done.stdout


def test_d002_the_blocks_run_as_they_stand_up_to_the_worker(api: Api, tmp_path: Path):
    reader = Reader(api, tmp_path)
    padded_mp4(tmp_path / "intro.mp4")
    padded_png(tmp_path / "product.png")
    uploads = json.loads(reader.curl("uploads"))
    project = {"mrproj_...": uploads["projectId"]}
    assert uploads["mediaCounts"] == {"image": 1, "video": 1, "audio": 1}
    reader.upload_both(uploads)
    started = json.loads(reader.curl("smallest", project))
    assert (started["projectId"], started["status"]) == (uploads["projectId"], "queued")
    status = json.loads(reader.curl("status", project))
    assert set(status) == {
        "projectId",
        "status",
        "progress",
        "outputReady",
        "creditsUsed",
        "errorMessage",
    }
    api.finish(uploads["projectId"], b"an MP4, let us say", tmp_path / "made")
    _tool("jq")
    reader.curl("download", project)
    assert (tmp_path / "rendered.mp4").read_bytes() == b"an MP4, let us say"


def test_d152_the_voices_block_lists_what_the_document_shows(api: Api, tmp_path: Path):
    voices = json.loads(Reader(api, tmp_path).curl("voices"))["voices"]
    shown = {"id", "name", "voiceoverVoiceId", "language", "source", "gender", "accent", "tags"}
    assert voices and all(shown <= set(voice) for voice in voices)
    assert {(voice["language"], voice["gender"]) for voice in voices} == {("en", "female")}


def test_d055_nodes_streamed_put_and_its_uploads_request(api: Api, tmp_path: Path):
    reader = Reader(api, tmp_path)
    padded_mp4(tmp_path / "intro.mp4")
    padded_png(tmp_path / "product.png")
    uploads = json.loads(
        reader.node("uploads", "const apiKey = process.env.KEY;", "console.log(JSON.stringify(uploads));")
    )
    intro, product = uploads["uploads"]
    reader.node("put", f'const uploadUrl = "{intro["uploadUrl"]}";', "")
    reader.curl("put", PUT_OF_PRODUCT, UPLOAD_URL=product["uploadUrl"])
    started = json.loads(reader.curl("smallest", {"mrproj_...": uploads["projectId"]}))
    assert started["status"] == "queued"  # so both files arrived whole


def test_d130_from_upload_to_a_finished_mp4(running_farm: Served, tmp_path: Path):
    """The whole road, with a worker: two visuals of three seconds each are an MP4 of six."""
    media = pytest.importorskip("tests.media", reason="PyAV is not installed")
    reader = Reader(running_farm, tmp_path)
    clip = media.write_clip(tmp_path / "short.mp4", frames=120)
    padded_mp4(tmp_path / "intro.mp4", clip.read_bytes())
    padded_png(tmp_path / "product.png")
    uploads = json.loads(reader.curl("uploads"))
    project = {"mrproj_...": uploads["projectId"]}
    reader.upload_both(uploads)
    reader.curl("smallest", project)
    status = until_ended(lambda: json.loads(reader.curl("status", project)))
    assert (status["status"], status["outputReady"]) == ("completed", True), status["errorMessage"]
    assert (status["progress"], status["creditsUsed"]) == (100, 2)
    _tool("jq")
    reader.curl("download", project)
    check_mp4(tmp_path / "rendered.mp4")


def until_ended(look: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """Poll, with patience, until the render is completed or failed."""
    deadline = time.monotonic() + PATIENCE_S
    while (status := look())["status"] not in ("completed", "failed"):
        assert time.monotonic() < deadline, status
        time.sleep(POLL_S)
    return status


def check_mp4(path: Path) -> None:
    """H.264 and AAC, 1080x1920, exactly 180 frames of 30 a second."""
    import av  # the API's tests need no media library; this one does

    with av.open(path) as container:
        video, audio = container.streams.video[0], container.streams.audio[0]
        assert (video.codec_context.name, audio.codec_context.name) == ("h264", "aac")
        assert (video.width, video.height, video.average_rate) == (1080, 1920, 30)
        assert sum(1 for _ in container.decode(video)) == 180


def padded_mp4(path: Path, content: bytes = b"\0\0\0\x18ftypisom\0\0\2\0isomiso2mp41") -> None:
    """An MP4 of the document's size: a `free` box fills it up."""
    free = INTRO_BYTES - len(content)
    with path.open("wb") as file:
        file.write(content + struct.pack(">I", free) + b"free")
        file.truncate(INTRO_BYTES)


def padded_png(path: Path) -> None:
    """A PNG of the document's size: zeros after its end."""
    path.write_bytes(png(1600, 1200).ljust(PRODUCT_BYTES, b"\0"))


def _tool(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        pytest.skip(f"{name} is not installed")
    return found
