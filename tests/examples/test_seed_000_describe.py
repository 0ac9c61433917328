"""Describing scenes on a real farm: the document's own block as it stands, and `farm describe`.

The block lies in `seed_000/describe.mjs`; only host and key are put in.
"""

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

from tests.command import FARM
from tests.examples.test_seed_000 import BLOCKS, HOST
from tests.examples.test_seed_004 import _tool
from tests.media import real_photo
from tests.running import RunningFarm, embedded_farm
from tests.unit.test_describe_cues import NARRATION
from tests.vision_service import VisionService

pytestmark = pytest.mark.slow

# The block is written for a module that has both `require` and `await`.
_BEFORE = "import { createRequire } from 'module'; const require = createRequire(import.meta.url);\n"
_AFTER = "\nconsole.log(JSON.stringify(result));\n"


# Beside the measured description, which stays the farm's own choice.
SEER = """
[providers.seer]
pool = "vision-describe"
url = "{url}"
[routes.scene-description.seer-1]
fallbacks = ["measured"]
offers = [{{ provider = "seer", price = "0.5", estimated_s = 1.0 }}]
"""


@pytest.fixture(scope="module")
def service() -> Iterator[VisionService]:
    with VisionService() as service:
        yield service


@pytest.fixture(scope="module")
def farm(tmp_path_factory: pytest.TempPathFactory, service: VisionService) -> Iterator[RunningFarm]:
    """A farm that describes and does nothing else."""
    folder, providers = tmp_path_factory.mktemp("describing"), SEER.format(url=service.url)
    with embedded_farm(folder, pools=("vision-describe",), providers=providers) as farm:
        yield farm


@pytest.fixture
def storyboard(tmp_path: Path) -> list[str]:
    """Three pictures, and the narration beside them."""
    (tmp_path / "text.txt").write_text(NARRATION + "\n", encoding="utf-8-sig")
    paths = [tmp_path / f"scene {name}.png" for name in ("red", "green", "blue")]
    for path, colour in zip(paths, ((200, 40, 30), (30, 150, 60), (30, 60, 200)), strict=True):
        Image.new("RGB", (320, 180), colour).save(path)
    return [str(path) for path in paths]


def asked(farm: RunningFarm, *words: str) -> "subprocess.CompletedProcess[str]":
    """Run a `farm` command as a customer of that farm."""
    variables = {"FARM_URL": farm.url, "FARM_API_KEY": farm.key, "COLUMNS": "200"}
    environment = {**os.environ, **variables}
    return subprocess.run([*FARM, *words], env=environment, capture_output=True, text=True, timeout=120)


def test_a002_a046_a047_a048_a049_a050_a051_a052_describe_three_storyboard_scenes(
    farm: RunningFarm, tmp_path: Path
):
    text = (BLOCKS / "describe.mjs").read_text()
    assert HOST in text
    for number, name in enumerate(("coffee", "chelsea", "china"), 1):
        Image.open(real_photo(name)).save(tmp_path / f"scene-{number:02}.png")
    script = tmp_path / "describe.mjs"
    script.write_text(_BEFORE + text.replace(HOST, farm.url) + _AFTER)
    done = subprocess.run(
        [_tool("node"), script.name],
        cwd=tmp_path,
        env={**os.environ, "CREATORNODE_KEY": farm.key},
        capture_output=True,
        text=True,
        timeout=90,
    )
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout.strip().splitlines()[-1])
    scenes = result["data"]["scenes"]
    assert [scene["sceneId"] for scene in scenes] == ["scene-1", "scene-2", "scene-3"]
    assert all(0 < len(scene["description"]) <= 500 for scene in scenes)
    assert [scene["startCueText"] for scene in scenes] == [
        "A cyclist crosses the bridge",
        "then enters a crowded market",
        "and ends on a sunset skyline",
    ]
    assert all(scene["anchorText"] in NARRATION for scene in scenes)
    assert result["meta"]["credits"] == 5.0 and result["meta"]["requestId"]


def test_pictures_and_a_narration_become_a_table(
    farm: RunningFarm, storyboard: list[str], tmp_path: Path
) -> None:
    written = tmp_path / "scenes.json"
    words = ["--narration", str(tmp_path / "text.txt"), "-o", str(written), "--detail", "2"]
    done = asked(farm, "describe", *storyboard, *words)
    assert done.returncode == 0, done.stderr
    rows = done.stdout.splitlines()
    assert rows[0].split("  ")[0] == "Scene" and "First words" in rows[0]
    (row,) = [row for row in rows if "scene green.png" in row]
    assert "all green" in row and "then enters a crowded market" in row and "measured" in row
    scenes = json.loads(written.read_text())["scenes"]
    assert scenes[0]["startCueText"] == "A cyclist crosses the bridge"
    assert ["pixels" in scene["description"] for scene in scenes] == [False, True, False]


def test_the_same_as_json_with_ids_of_ones_own(farm: RunningFarm, storyboard: list[str]) -> None:
    ids = [word for name in ("a", "b", "c") for word in ("--scene-id", name)]
    done = asked(farm, "describe", *storyboard, *ids, "--style", "short", "--language", "de", "--json")
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert [scene["scene_id"] for scene in said["scenes"]] == ["a", "b", "c"]
    assert said["credits"] == 5.0
    assert [warning["code"] for warning in said["warnings"]] == ["language_not_supported"]


def test_a_model_is_asked_by_name_and_stood_in_for_when_it_fails(
    farm: RunningFarm, service: VisionService, storyboard: list[str]
) -> None:
    images = [{"asset_id": farm.upload(Path(path), "image/png")["asset_id"]} for path in storyboard]
    good = farm.ended(farm.submit("describe-scenes", images=images, model="seer-1"))
    scenes = good["result"]["describe"]["scenes"]
    assert [(scene["description"], scene["description_source"]) for scene in scenes] == [
        (f"A good {colour} picture.", "model") for colour in ("red", "green", "blue")
    ]
    assert good["credits_charged"] == 5.0 + 3 * 0.5
    service.next(*["chatter"] * 50)
    instead = farm.ended(farm.submit("describe-scenes", images=images, model="seer-1"))
    scenes = instead["result"]["describe"]["scenes"]
    assert {scene["description_source"] for scene in scenes} == {"measured"}
    assert instead["tasks"][0]["model"] == "measured"
    assert instead["credits_charged"] == 5.0  # what stood in is cheaper
