"""README.md's own blocks, run word for word against a farm; only the farm's address is put in.

Its other `farm …` commands are looked up: each exists, with the options that are named.
"""

import csv
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import typer

from farm.cli.main import farm_app
from tests.running import RunningFarm

README = (Path(__file__).parents[2] / "README.md").read_text()
ADDRESS = "http://127.0.0.1:8000"
BLOCKS = re.findall(r"^```bash\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)
TOOLS = ("bash", "curl", "jq")
MP4 = b"ftyp"


def block(marker: str) -> str:
    """The one block that has the marker."""
    (found,) = [text for text in BLOCKS if marker in text]
    return str(found)


class Newcomer:
    """Somebody who pastes the blocks into a shell, in a folder with the pictures they name."""

    def __init__(self, farm: RunningFarm, folder: Path) -> None:
        from tests.media import quadrants, write_jpeg  # the look-up of commands needs no media library

        self._farm = farm
        self.folder = folder
        (folder / "photos").mkdir()
        for name in ("01.jpg", "photos/chair.jpg", "photos/lamp.jpg"):
            write_jpeg(folder / name, quadrants(640, 480))

    def paste(self, marker: str) -> subprocess.CompletedProcess[str]:
        """Run the block to its end; it must succeed."""
        scripts = Path(sys.executable).parent
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", block(marker).replace(ADDRESS, self._farm.url)],
            cwd=self.folder,
            env={**self._farm.environment, "PATH": f"{scripts}{os.pathsep}{os.environ['PATH']}"},
            capture_output=True,
            text=True,
            timeout=240,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done


@pytest.fixture
def newcomer(running_farm: RunningFarm, tmp_path: Path) -> Newcomer:
    missing = [tool for tool in TOOLS if shutil.which(tool) is None]
    if missing:
        pytest.skip(f"{', '.join(missing)} not installed")
    pytest.importorskip("tests.media", reason="PyAV is not installed")
    return Newcomer(running_farm, tmp_path)


@pytest.mark.slow
def test_a_key_an_upload_a_job_and_its_film(newcomer: Newcomer) -> None:
    newcomer.paste("farm keys create")
    assert MP4 in (newcomer.folder / "film.mp4").read_bytes()[:12]


@pytest.mark.slow
def test_a_catalog_with_its_pictures(newcomer: Newcomer) -> None:
    done = newcomer.paste("farm batch submit")
    assert "completed: 2 of 2 rows completed" in done.stderr
    with (newcomer.folder / "results.csv").open(newline="") as file:
        rows = {row["custom_id"]: row for row in csv.DictReader(file)}
    assert {name: row["state"] for name, row in rows.items()} == {"A-1": "completed", "A-2": "completed"}
    assert MP4 in httpx.get(rows["A-2"]["url"]).content[:12]


@pytest.mark.slow
def test_a_price_and_a_job_of_any_kind(newcomer: Newcomer) -> None:
    done = newcomer.paste("farm quote")
    assert "in all" in done.stdout
    assert done.stdout.splitlines()[-1].startswith("job_")
    assert "completed in" in done.stderr.splitlines()[-1]


def test_every_block_is_run_here() -> None:
    run = [block(marker) for marker in ("farm keys create", "farm batch submit", "farm quote")]
    assert sorted(run) == sorted(BLOCKS)


def commands() -> Iterator[str]:
    """Every `farm …` of the text: between backticks, and in blocks."""
    joined = README.replace("\\\n", " ")
    yield from re.findall(r"`(farm [a-z][^`\n]*)`", joined)
    yield from re.findall(r"^    (farm [^\n]+)$", joined, re.MULTILINE)
    yield from re.findall(r"(?:^|\()(farm [^\n|)]+)", "\n".join(BLOCKS).replace("\\\n", " "), re.MULTILINE)


@pytest.mark.parametrize("text", sorted(set(commands())))
def test_every_command_exists_with_its_options(text: str) -> None:
    command: Any = typer.main.get_command(farm_app())
    _, *words = shlex.split(text.partition(" #")[0])
    while words and hasattr(command, "commands"):
        name = words.pop(0)
        assert name in command.commands, text
        command = command.commands[name]
    known = {option for parameter in command.params for option in parameter.opts}
    asked = {word for word in words if word.startswith("-")} - {"--help"}
    assert asked <= known, text
