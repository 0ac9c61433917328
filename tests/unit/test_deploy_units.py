"""The systemd units of deploy/: systemd takes them; each starts a command that exists, with its options."""

import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import typer

from farm.cli.main import farm_app
from farm.settings import Settings

FOLDER = Path(__file__).parents[2] / "deploy" / "systemd"
UNITS = sorted(FOLDER.glob("*.service"))
FARM = "/opt/kinefarm/bin/farm"


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_a_unit_starts_a_command_with_options_that_it_has(unit: Path) -> None:
    (line,) = re.findall(r"^ExecStart=(.*)$", unit.read_text(), re.MULTILINE)
    program, name, *words = shlex.split(line)
    group: Any = typer.main.get_group(farm_app(name))
    known = {
        option
        for parameter in group.commands[name].params
        for option in [*parameter.opts, *parameter.secondary_opts]
    }
    assert program == FARM
    assert {word for word in words if word.startswith("-")} <= known


def test_the_environment_names_variables_that_are_read() -> None:
    named = set(re.findall(r"^#?(FARM_\w+)=", (FOLDER / "kinefarm.env").read_text(), re.MULTILINE))
    assert named
    assert named <= {f"FARM_{name.upper()}" for name in Settings.model_fields}


def test_systemd_takes_every_unit(tmp_path: Path) -> None:
    analyze = shutil.which("systemd-analyze")
    if analyze is None:
        pytest.skip("systemd-analyze is not installed: tests/install-tools.sh")
    for unit in UNITS:  # it looks whether the program is there
        (tmp_path / unit.name).write_text(unit.read_text().replace(FARM, sys.executable))
    units = sorted(str(path) for path in tmp_path.iterdir())
    done = subprocess.run([analyze, "verify", *units], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")
