"""The postproduction document's block "Describe three storyboard scenes", run as it stands on a real farm."""

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

from tests.described_jobs import eyes
from tests.examples.test_seed_000 import BLOCKS, HOST
from tests.examples.test_seed_004 import _tool
from tests.media import real_photo
from tests.running import RunningFarm
from tests.unit.test_describe_cues import NARRATION

pytestmark = pytest.mark.slow

# The block is written for a module that has both `require` and `await`.
_BEFORE = "import { createRequire } from 'module'; const require = createRequire(import.meta.url);\n"
_AFTER = "\nconsole.log(JSON.stringify(result));\n"


@pytest.fixture(scope="module")
def farm_with_eyes(running_farm: RunningFarm) -> Iterator[RunningFarm]:
    with eyes(running_farm) as farm:
        yield farm


def test_a002_a046_a047_a048_a049_a050_a051_a052_describe_three_storyboard_scenes(
    farm_with_eyes: RunningFarm, tmp_path: Path
):
    text = (BLOCKS / "describe.mjs").read_text()
    assert HOST in text
    for number, name in enumerate(("coffee", "chelsea", "china"), 1):
        Image.open(real_photo(name)).save(tmp_path / f"scene-{number:02}.png")
    script = tmp_path / "describe.mjs"
    script.write_text(_BEFORE + text.replace(HOST, farm_with_eyes.url) + _AFTER)
    done = subprocess.run(
        [_tool("node"), script.name],
        cwd=tmp_path,
        env={**os.environ, "CREATORNODE_KEY": farm_with_eyes.key},
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
