"""`farm describe *.png --narration text.txt`, as its users run it on a farm: a table, JSON, a file."""

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

from tests.command import FARM, farm
from tests.described_jobs import eyes
from tests.running import RunningFarm
from tests.unit.test_describe_cues import NARRATION

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def farm_with_eyes(running_farm: RunningFarm) -> Iterator[RunningFarm]:
    with eyes(running_farm) as farm:
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
    variables = {"FARM_URL": farm.url, "FARM_API_KEY": farm.key, "COLUMNS": "200"}
    environment = {**os.environ, **variables}
    return subprocess.run([*FARM, *words], env=environment, capture_output=True, text=True, timeout=120)


def test_pictures_and_a_narration_become_a_table(
    farm_with_eyes: RunningFarm, storyboard: list[str], tmp_path: Path
) -> None:
    written = tmp_path / "scenes.json"
    words = ["--narration", str(tmp_path / "text.txt"), "-o", str(written), "--detail", "2"]
    done = asked(farm_with_eyes, "describe", *storyboard, *words)
    assert done.returncode == 0, done.stderr
    rows = done.stdout.splitlines()
    assert rows[0].split("  ")[0] == "Scene" and "First words" in rows[0]
    (row,) = [row for row in rows if "scene green.png" in row]
    assert "all green" in row and "then enters a crowded market" in row and "measured" in row
    scenes = json.loads(written.read_text())["scenes"]
    assert scenes[0]["startCueText"] == "A cyclist crosses the bridge"
    assert ["pixels" in scene["description"] for scene in scenes] == [False, True, False]


def test_the_same_as_json_with_ids_of_ones_own(farm_with_eyes: RunningFarm, storyboard: list[str]) -> None:
    ids = [word for name in ("a", "b", "c") for word in ("--scene-id", name)]
    done = asked(
        running_farm, "describe", *storyboard, *ids, "--style", "short", "--language", "de", "--json"
    )
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert [scene["scene_id"] for scene in said["scenes"]] == ["a", "b", "c"]
    assert said["credits"] == 5.0
    assert [warning["code"] for warning in said["warnings"]] == ["language_not_supported"]


def test_what_cannot_be_is_told_before_anything_is_sent(storyboard: list[str], tmp_path: Path) -> None:
    for words, told in (
        ([str(tmp_path / "text.txt")], "of no known type"),
        ([str(tmp_path / "none.png")], "There is no file"),
        ([*storyboard, "--narration", str(tmp_path / "none.txt")], "There is no narration"),
        ([*storyboard, "--scene-id", "a"], "Has 1 ids for 3 pictures."),
        ([*storyboard, "--detail", "4"], "There is no picture at this place."),
        ([*storyboard, "--model", ""], "model"),
    ):
        done = farm(tmp_path, "describe", *words)
        assert (done.returncode, told in done.stderr) == (2, True), done.stderr


def test_its_help_says_what_it_takes(tmp_path: Path) -> None:
    done = farm(tmp_path, "describe", "--help")
    assert done.returncode == 0
    for option in ("--narration", "--style", "--scene-id", "--detail", "--output", "--json", "--model"):
        assert option in done.stdout
