"""The postproduction document's three calls, one after the other and as one batch: pictures and a narration
become descriptions with cues, cues become times, times a cut and a film (seed 000, seed 001).
"""

import json
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import httpx
import opentimelineio as otio
import pytest

from tests.api import png
from tests.command import farm as run_farm
from tests.narrated import Narrated, narrated, needs_espeak
from tests.running import RunningFarm, embedded_farm

pytestmark = [pytest.mark.slow, needs_espeak]

POOLS = ("cpu-render", "asr-align", "vision-describe")
COLOURS = ((30, 60, 160), (200, 160, 40), (60, 60, 60), (220, 90, 30))
NEAR_MS = 250
TIMESTAMPS = "/postproduction/v1/scene-timestamps"


@pytest.fixture(scope="module")
def farm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningFarm]:
    with embedded_farm(tmp_path_factory.mktemp("narrated"), pools=POOLS) as running:
        yield running


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Narrated:
    return narrated(tmp_path_factory.mktemp("told"))


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("pictures")
    paths = [folder / f"scene-{number}.png" for number in range(1, 5)]
    for path, colour in zip(paths, COLOURS, strict=True):
        path.write_bytes(png(640, 360, colour))
    return paths


def check_starts(scenes: list[dict[str, Any]], told: Narrated) -> None:
    assert [scene["status"] for scene in scenes] == ["matched"] * len(told.starts_ms)
    for scene, truth in zip(scenes, told.starts_ms, strict=True):
        assert abs(scene["startMs"] - truth) <= NEAR_MS, (scene, truth)
        assert scene["interval"]["fromMs"] <= scene["startMs"] <= scene["interval"]["toMs"]


def test_a067_a076_a077_one_call_times_a_real_narration(farm: RunningFarm, told: Narrated) -> None:
    said = {"scenes": told.cues, "narrationText": told.text, "languageCode": "en", "fps": 25}
    said |= {"formats": ["srt", "vtt", "markers", "words"], "startOffsetMs": 2000}
    answer = httpx.post(
        farm.url + TIMESTAMPS,
        data={"metadata": json.dumps(said)},
        files={"audio": ("narration.wav", told.path.read_bytes())},
        headers={"X-API-Key": farm.key},
        timeout=60,
    )
    assert answer.status_code == 200, answer.text
    data, meta = answer.json()["data"], answer.json()["meta"]
    moved = [{**scene, "startMs": scene["startMs"] - 2000} for scene in data["scenes"]]
    for scene, truth in zip(moved, told.starts_ms, strict=True):
        assert abs(scene["startMs"] - truth) <= NEAR_MS and scene["status"] == "matched"
    assert [scene["sceneId"] for scene in data["scenes"]] == [cue["sceneId"] for cue in told.cues]
    assert meta["credits"] == 9.0 and meta["warnings"] == [] and meta["language"] == "en"
    assert [" ".join(word["text"] for word in data["words"])] == [told.text]
    assert data["srt"].count("-->") == data["vtt"].count("-->") >= 4
    assert [marker["atSec"] for marker in data["markers"]] == [s["startMs"] / 1000 for s in data["scenes"]]
    assert data["scenes"][3]["transition"]["type"] in ("dissolve", "dip")  # after more than a second


def test_the_command_times_them_too(farm: RunningFarm, told: Narrated, tmp_path: Path) -> None:
    scenes, text = tmp_path / "scenes.json", tmp_path / "text.txt"
    scenes.write_text(json.dumps({"scenes": told.cues}))
    text.write_text(told.text)
    variables = {"FARM_URL": farm.url, "FARM_API_KEY": farm.key}
    words = ["align", str(told.path), str(scenes), "--narration", str(text), "--fps", "24"]
    output, srt = tmp_path / "timestamps.json", tmp_path / "said.srt"
    done = run_farm(tmp_path, *words, "-o", str(output), "--srt", str(srt), **variables)
    assert done.returncode == 0, done.stderr
    table = [line.split() for line in done.stdout.splitlines()]
    assert table[0][:5] == ["Scene", "Start", "Frame", "Found", "Sure"]
    assert [row[0] for row in table[1:5]] == [cue["sceneId"] for cue in told.cues]
    assert all(row[3] == "matched" for row in table[1:5])
    check_starts(json.loads(output.read_text())["scenes"], told)
    assert srt.read_text().startswith("1\n00:00:00,")


def test_the_three_together_are_one_batch(
    farm: RunningFarm, told: Narrated, pictures: list[Path], tmp_path: Path
) -> None:
    images = [farm.upload(path, "image/png") for path in pictures]
    sound = farm.upload(told.path, "audio/wav")
    named = [{"asset_id": image["asset_id"], "file_name": image["file_name"]} for image in images]
    jobs = [
        {
            "custom_id": "seen",
            "kind": "describe-scenes",
            "params": {
                "images": [
                    {**image, "size_bytes": path.stat().st_size}
                    for image, path in zip(named, pictures, strict=True)
                ],
                "metadata": {"narrationText": told.text, "sceneIds": [cue["sceneId"] for cue in told.cues]},
            },
        },
        {
            "custom_id": "timed",
            "kind": "scene-timestamps",
            "params": {
                "audio": sound["asset_id"],
                "scenes_from": {"$artifact": "seen.scenes"},
                "narration_text": told.text,
                "max_duration_s": 60,
            },
        },
        {
            "custom_id": "film",
            "kind": "scene-film",
            "params": {
                "images": named,
                "narration": {"asset_id": sound["asset_id"], "file_name": sound["file_name"]},
                "timestamps": {"$artifact": "timed.timestamps"},
                "name": "Harbour day",
                "fps": 24,
                "width": 640,
                "height": 360,
                "max_duration_s": 60,
            },
        },
    ]
    answer = farm.call("POST", "/farm/v1/batches", json={"name": "narrated film", "jobs": jobs})
    assert answer.status_code in (201, 202), answer.text
    rows = farm.call("GET", f"/farm/v1/batches/{answer.json()['id']}/jobs").json()["data"]
    ended = {row["custom_id"]: farm.ended(row["id"]) for row in rows}
    assert {name: job["state"] for name, job in ended.items()} == dict.fromkeys(
        ("seen", "timed", "film"), "completed"
    ), ended
    times = json.loads(farm.download(ended["timed"]["id"], "timestamps", tmp_path / "t.json").read_text())
    starts = [scene["startMs"] for scene in times["scenes"]]
    assert starts == sorted(starts) and len(starts) == 4
    film = farm.download(ended["film"]["id"], "video", tmp_path / "film.mp4")
    with av.open(str(film)) as made:
        length = Fraction(made.duration, av.time_base)
        assert abs(length - Fraction(times["durationMs"], 1000)) < Fraction(1, 10)
        assert (made.streams.video[0].width, made.streams.video[0].height) == (640, 360)
        assert len(made.streams.audio) == 1
    cut = otio.adapters.read_from_file(str(farm.download(ended["film"]["id"], "otio", tmp_path / "cut.otio")))
    assert [clip.name for clip in cut.video_tracks()[0].find_clips()] == [cue["sceneId"] for cue in told.cues]
