"""The postproduction document's own blocks, run as they stand: only host and key are put in.

The block lies in `seed_000/`, its line breaks put back in front of what was a line's comment.
"""

import os
import subprocess
from fractions import Fraction
from pathlib import Path
from types import ModuleType

import httpx
import pytest

from farm.timeline import Rate
from tasks.compose_otio import compose
from tests.api import Api
from tests.examples.test_seed_004 import Served, _tool
from tests.manifests import EXAMPLE, example
from tests.running import RunningFarm

pytestmark = pytest.mark.slow

BLOCKS = Path(__file__).parent / "seed_000"
HOST = "https://api.creatornode.io"
SIZE = (320, 192)
FPS = 24


def test_x034_a_worker_makes_the_same_file(running_farm: Served, tmp_path: Path):
    headers = {"X-API-Key": running_farm.key}
    address = f"{running_farm.url}/postproduction/v1/compose-otio"
    taken = httpx.post(address, json=EXAMPLE, headers={**headers, "Prefer": "respond-async"}).json()
    url = running_farm.url + taken["data"]["statusUrl"]
    job = httpx.get(url, params={"wait": 60}, headers=headers, timeout=90).json()
    assert (job["state"], job["credits_charged"]) == ("completed", 4.0), job
    link = httpx.get(f"{url}/artifacts/otio", headers=headers).json()["download_url"]
    assert httpx.get(link).text == compose(EXAMPLE).otio


def test_a027_a030_the_documents_cut_becomes_a_film_of_uploads(running_farm: RunningFarm, tmp_path: Path):
    """Its three files, the walk twice as quick and with its own sound."""
    media = pytest.importorskip("tests.media", reason="PyAV is not installed")
    uploads = [
        (media.write_jpeg(tmp_path / "forest-opening.jpg", media.quadrants(*SIZE)), "image/jpeg"),
        (numbered_walk(media, tmp_path / "stream-walk.mp4"), "video/mp4"),
        (media.write_sound(tmp_path / "forest-piano.wav", media.tone(440, 6)), "audio/wav"),
    ]
    named = {
        f"folder__items__{number}__asset": running_farm.upload(path, content_type)["asset_id"]
        for number, (path, content_type) in enumerate(uploads)
    }
    width, height = SIZE
    manifest = example(
        project__resolution={"w": width, "h": height},
        intent__videoSequence__1__speed=2,
        intent__videoSequence__1__useAudio=True,
        render=True,
        **named,
    )
    answer = running_farm.call("POST", "/postproduction/v1/compose-otio", json=manifest)
    assert answer.status_code == 202, answer.text
    job = running_farm.ended(answer.json()["data"]["render"]["jobId"])
    assert job["state"] == "completed", job
    assert job["credits_charged"] == answer.json()["data"]["credits"] > 4
    otio = running_farm.download(job["id"], "otio", tmp_path / "cut.otio")
    assert otio.read_text(encoding="utf-8") == compose(manifest).otio
    check_film(media, running_farm.download(job["id"], "video", tmp_path / "cut.mp4"))


def numbered_walk(media: ModuleType, path: Path) -> Path:
    """Eight seconds of numbered frames with a beep at each full second."""
    frames, sound = 8 * FPS, media.beeps(1000, 8, range(8))
    return Path(media.write_clip(path, frames=frames, rate=Fraction(FPS), sound=sound))


def check_film(media: ModuleType, film: Path) -> None:
    """After the still every second frame of the walk, from its first second on, and its beeps."""
    from workers.media.sound import SoundReader
    from workers.media.video import VideoReader

    with VideoReader(film, rate=Rate(num=FPS)) as reader:
        shown = [media.read_code(reader.frame(number)) for number in range(2 * FPS, 4 * FPS)]
    assert shown == [FPS + 2 * number for number in range(2 * FPS)]
    with SoundReader(film, sample_rate=48_000) as sound:
        heard = sound.read(10 * 48_000)
    assert heard.shape[1] / 48_000 == pytest.approx(4, abs=0.05)
    for second in (2.5, 3.0, 3.5):
        beep, before = (media.level_at(heard, 48_000, 1000, at, at + 0.05) for at in (second, second - 0.15))
        assert beep > 5 * before


def test_a009_a039_compose_an_otio_timeline(api: Api, tmp_path: Path):
    text = (BLOCKS / "compose.mjs").read_text()
    assert HOST in text
    script = tmp_path / "compose.mjs"
    script.write_text(text.replace(HOST, api.url) + "\nprocess.stdout.write(otioArtifact);\n")
    done = subprocess.run(
        [_tool("node"), script.name],
        cwd=tmp_path,
        env={**os.environ, "CREATORNODE_KEY": api.key},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    disposition, _, artifact = done.stdout.partition("\n")
    assert disposition == 'attachment; filename="forest-morning-cut.otio"'
    assert artifact == compose(EXAMPLE).otio
