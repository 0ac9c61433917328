"""The studio document's own calls against a real farm: only host, key, ids and file names are put in.

It shows bodies, no programs: they lie in `seed_002/bodies.json` as they stand, and its three calls (submit,
poll, download) in `seed_002/three_calls.sh`, as a shell makes them.
"""

import json
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import av
import httpx
import numpy as np
import pytest
from PIL import Image

from farm.api.app import create_app
from farm.broker.valkey import EmbeddedValkey
from farm.doors.accounts import create_key, ensure_account
from tests.api import POLL_S, serving
from tests.worker_farm import WorkerFarm

pytestmark = pytest.mark.slow

BLOCKS = Path(__file__).parent / "seed_002"
BODIES: dict[str, Any] = json.loads((BLOCKS / "bodies.json").read_text())
PATIENCE_S = 90.0
SMALL = {"width": 320, "height": 192, "frames": 12}
BALANCE_MC = 1_000_000


@dataclass
class Reader:
    """Somebody who makes the document's calls."""

    client: httpx.Client
    url: str
    key: str
    farm: WorkerFarm

    def asked(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        answer = self.client.post(path, json=body)
        assert answer.status_code == 200, answer.text
        said: dict[str, Any] = answer.json()
        return said

    def ended(self, job_id: str) -> dict[str, Any]:
        """Poll until completed or error."""
        deadline = time.monotonic() + PATIENCE_S
        while True:
            said: dict[str, Any] = self.client.get("/api/status", params={"job_id": job_id}).json()
            if said["status"] in ("completed", "error"):
                return said
            assert time.monotonic() < deadline, said
            time.sleep(POLL_S)

    def gets(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """Submit, and the status once it has ended well."""
        said = self.ended(self.asked(path, body)["job_id"])
        assert said["status"] == "completed", said
        return said

    def downloads(self, said: dict[str, Any], into: Path) -> Path:
        answer = self.client.get(said["url"])
        assert answer.status_code == 200, answer.text
        path = into / str(said["filename"])
        path.write_bytes(answer.content)
        return path


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reader]:
    folder = tmp_path_factory.mktemp("studio")
    valkey = EmbeddedValkey(folder / "valkey")
    valkey.start()
    try:
        with WorkerFarm(folder, valkey.url) as farm, serving(create_app(farm.settings, farm.hall)) as url:
            farm.worker("draws", pool="gpu-generate")
            farm.worker("renders", pool="cpu-render")
            account = ensure_account(farm.hall, "ada", "creator", balance_mc=BALANCE_MC)
            key = create_key(farm.hall, account).text
            headers = {"Authorization": f"Bearer {key}"}
            with httpx.Client(base_url=url, headers=headers, trust_env=False, timeout=60) as client:
                yield Reader(client, url, key, farm)
    finally:
        valkey.stop()


@pytest.fixture(scope="module")
def first(reader: Reader, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """A video that is there: its status."""
    return reader.gets("/api/generate", {"prompt": "A fox at sunset, zoom in", "seed": 5, **SMALL})


def decoded(path: Path) -> list[np.ndarray]:
    with av.open(str(path)) as container:
        return [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]


def sound_of(path: Path) -> float:
    """Seconds of sound, none of them silent as a whole."""
    with av.open(str(path)) as container:
        pieces = [frame.to_ndarray().astype(np.float64) for frame in container.decode(audio=0)]
        rate = container.streams.audio[0].rate
    assert max(float(np.abs(piece).max()) for piece in pieces) > 0.01
    return float(sum(piece.shape[-1] for piece in pieces) / rate)


def test_b013_submit_poll_download_in_three_calls(reader: Reader, tmp_path: Path) -> None:
    for tool in ("bash", "curl", "jq"):
        if shutil.which(tool) is None:
            pytest.skip(f"{tool} is not installed: tests/install-tools.sh")
    body = json.dumps({"prompt": "A lighthouse in a storm", **SMALL})
    environment = {**os.environ, "HOST": reader.url, "KEY": reader.key, "BODY": body}
    script = ["bash", "-euo", "pipefail", str(BLOCKS / "three_calls.sh")]
    done = subprocess.run(script, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert len(decoded(tmp_path / "video.mp4")) == SMALL["frames"]
    status = json.loads((tmp_path / "status.json").read_text())
    assert (status["progress"], status["model_actual"], status["credits"]) == (100, "animatic", 0)


def test_b072_b033_a_video_goes_on_from_its_last_frame(
    reader: Reader, first: dict[str, Any], tmp_path: Path
) -> None:
    body = BODIES["POST /api/extend-video"]
    body |= {"video_filename": first["filename"], "generation_id": first["generation_id"]}
    said = reader.asked("/api/extend-video", body)
    assert (said["status"], said["credits"]) == ("completed", 1)
    picture = reader.downloads(said, tmp_path)
    last = decoded(reader.downloads(first, tmp_path))[-1]
    with Image.open(picture, formats=("PNG",)) as image:
        taken = np.asarray(image)
    assert np.abs(taken.astype(int) - last).mean() < 1
    wanted = {"prompt": "pan right", "image_filename": said["image_filename"], **SMALL}
    onward = decoded(reader.downloads(reader.gets("/api/generate", wanted), tmp_path))
    assert np.median(np.abs(onward[0].astype(int) - taken)) <= 10


def test_b080_b091_a_picture_is_made_and_downloaded(reader: Reader, tmp_path: Path) -> None:
    body = {"prompt": "mountains at dawn", "width": 320, "height": 200}
    (job_id,) = reader.asked("/api/generate-image", body)["job_ids"]
    with Image.open(reader.downloads(reader.ended(job_id), tmp_path), formats=("PNG",)) as image:
        assert image.size == (320, 200)


def test_b095_b121_b103_b127_sounds_are_made_and_put_onto_a_video(
    reader: Reader, first: dict[str, Any], tmp_path: Path
) -> None:
    music = reader.gets("/api/generate-audio", {"prompt": "calm piano", "duration_seconds": 3})
    assert sound_of(reader.downloads(music, tmp_path)) == pytest.approx(3, abs=0.1)
    text = "This is the story of a fox, told in a few quiet words before the night falls."
    held = reader.asked("/api/tts/generate", {"text": text, "voice_id": "en_gb_female", "speed": 1.2})
    spoken = reader.ended(held["job_id"])
    assert spoken["status"] == "completed", spoken
    length_s = sound_of(reader.downloads(spoken, tmp_path))
    assert 2 < length_s < 10 and spoken["credits"] == 1 <= held["credits"]  # B-125: its true length
    video = {"video_filename": first["filename"]}
    scored = reader.gets("/api/video/add-audio", {**video, "audio_filename": music["filename"]})
    told = {**video, "tts_filename": spoken["filename"], "offset_seconds": 0.1, "volume": 0.9}
    both = reader.gets("/api/tts/add-to-video", told)
    for said in (scored, both):
        path = reader.downloads(said, tmp_path)
        assert len(decoded(path)) == SMALL["frames"] and sound_of(path) > 0.4


def test_the_documents_other_bodies_are_taken_as_they_stand(reader: Reader, first: dict[str, Any]) -> None:
    assert reader.asked("/api/keys", BODIES["POST /api/keys"])["name"] == "My App"  # B-015
    quote = reader.client.get(f"/api/generation-cost{BODIES['GET /api/generation-cost']}").json()
    assert quote["credits"] == 21  # B-068
    poll = BODIES["GET /api/status"].replace("{id}", first["job_id"])
    assert reader.client.get(f"/api/status{poll}").json()["status"] == "completed"
    cancel = {**BODIES["POST /api/cancel"], "job_id": first["job_id"]}
    assert reader.asked("/api/cancel", cancel)["status"] == "completed"  # B-061: too late
    restyle = {**BODIES["POST /api/generate-v2v"], "video_filename": first["filename"]}
    refused = reader.client.post("/api/generate-v2v", json=restyle)  # B-075: nobody has the model here
    assert refused.status_code == 503 and "routes.video-to-video.v2v" in refused.json()["error"]
    assert reader.client.get("/api/comfyui/status").json()["online"] is True  # B-067
    assert reader.client.get("/api/queue").json()["jobs"] == []
