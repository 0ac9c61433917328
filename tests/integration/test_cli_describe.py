"""`farm describe`, where it needs no farm: its help, and what is wrong before anything is sent."""

from pathlib import Path

import pytest
from PIL import Image

from tests.command import farm

pytestmark = pytest.mark.slow


@pytest.fixture
def storyboard(tmp_path: Path) -> list[str]:
    """Three pictures, and a narration beside them."""
    (tmp_path / "text.txt").write_text("A narration.")
    paths = [tmp_path / f"scene {number}.png" for number in range(3)]
    for path in paths:
        Image.new("RGB", (32, 18), (200, 40, 30)).save(path)
    return [str(path) for path in paths]


def test_what_cannot_be_is_told_before_anything_is_sent(storyboard: list[str], tmp_path: Path) -> None:
    for words, told in (
        ([str(tmp_path / "text.txt")], "of no known type"),
        ([*storyboard, "--narration", str(tmp_path / "none.txt")], "There is no narration"),
        ([*storyboard, "--scene-id", "a"], "Has 1 ids for 3 pictures."),
        ([*storyboard, "--detail", "4"], "There is no picture at this place."),
    ):
        done = farm(tmp_path, "describe", *words)
        assert (done.returncode, told in done.stderr) == (2, True), done.stderr


def test_its_help_says_what_it_takes(tmp_path: Path) -> None:
    done = farm(tmp_path, "describe", "--help")
    assert done.returncode == 0
    for option in ("--narration", "--style", "--scene-id", "--detail", "--output", "--json", "--model"):
        assert option in done.stdout
