"""`farm doctor`: what it finds, and the exit code that scripts go by. Other commands without a farm."""

import json
from pathlib import Path
from typing import Any

import pytest

from farm import __version__
from tests.command import farm, farm_json

pytestmark = pytest.mark.slow

# Nothing listens on the discard port.
NO_SERVER = "127.0.0.1:9"


def checks(home: Path, **variables: str) -> tuple[int, dict[str, dict[str, Any]]]:
    done = farm(home, "doctor", "--json", **variables)
    return done.returncode, {check["name"]: check for check in json.loads(done.stdout)}


def test_a_new_machine_is_well_and_stays_untouched(tmp_path: Path) -> None:
    code, found = checks(tmp_path / "home")
    assert code == 0
    assert {check["state"] for check in found.values()} <= {"ok", "note"}
    assert found["farm"] == {"name": "farm", "state": "note", "found": "none runs here", "mend": "farm up"}
    assert not (tmp_path / "home").exists()


def test_a_farm_that_has_run_has_its_store_and_blobs_checked(tmp_path: Path) -> None:
    assert farm(tmp_path, "migrate").returncode == 0
    code, found = checks(tmp_path)
    assert code == 0
    assert {found[name]["state"] for name in ("secret key", "store", "blobs", "redis")} == {"ok"}


@pytest.mark.parametrize(
    ("check", "variables"),
    [
        ("redis", {"FARM_REDIS_URL": f"redis://{NO_SERVER}/0"}),
        ("store", {"FARM_DATABASE_URL": f"postgresql://farm@{NO_SERVER}/farm"}),
        ("blobs", {"FARM_BLOBS_URL": "ftp://nowhere"}),
        ("secret key", {"FARM_SECRET_KEY": "short"}),
        ("farm", {"FARM_URL": f"http://{NO_SERVER}", "FARM_API_KEY": "k"}),
        ("farm", {"FARM_URL": f"http://{NO_SERVER}"}),
    ],
)
def test_what_is_broken_is_named_with_its_mend(tmp_path: Path, check: str, variables: dict[str, str]) -> None:
    code, found = checks(tmp_path, **variables)
    assert code == 1
    assert found[check]["state"] == "broken"
    assert found[check]["found"]


def test_a_configuration_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    (tmp_path / "farm.toml").write_text("[scheduling]\nlease_s = -1\n")
    code, found = checks(tmp_path, FARM_CONFIG_DIR=str(tmp_path))
    assert code == 1
    assert "scheduling.lease_s" in found["configuration"]["found"]


def test_the_table_reads_like_one(tmp_path: Path) -> None:
    table = farm(tmp_path / "home", "doctor").stdout
    assert table.splitlines()[0].split() == ["Check", "State", "Found", "Mend"]
    assert "\x1b" not in table  # no colours in a pipe


def test_help_is_grouped_and_the_version_is_told(tmp_path: Path) -> None:
    shown = farm(tmp_path, "--help").stdout
    for word in ("Use the farm", "Look after the farm", "Run one part", "render", "doctor", "scheduler"):
        assert word in shown
    assert farm(tmp_path, "--version").stdout.strip() == f"kinefarm {__version__}"


def test_wrong_usage_exits_2_and_a_missing_farm_1(tmp_path: Path) -> None:
    assert farm(tmp_path, "worker").returncode == 2
    assert farm(tmp_path, "worker", "no-such-pool").returncode == 2
    missing = farm(tmp_path, "jobs", "ls")
    assert missing.returncode == 1
    assert "farm up" in missing.stderr
    assert farm(tmp_path, "keys", "create", "--account", "a", "--tier", "none").returncode == 1


def test_migrate_is_repeatable(tmp_path: Path) -> None:
    first, second = farm(tmp_path, "migrate"), farm(tmp_path, "migrate")
    assert first.returncode == second.returncode == 0
    assert first.stdout == second.stdout
    assert farm_json(tmp_path, "keys", "ls") == []
