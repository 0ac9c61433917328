"""One farm per FARM_HOME, and how others find it."""

import json
from contextlib import ExitStack
from pathlib import Path

import pytest

from farm.cli import running
from farm.cli.running import RunningFarm
from farm.errors import Conflict
from farm.settings import Settings

FARM = RunningFarm("http://127.0.0.1:8000", "redis://127.0.0.1:6379/0", 4711, 1_000_000.0)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path)


def test_a_farm_is_found_while_it_runs(settings: Settings) -> None:
    with running.ownership(settings):
        assert running.running_farm(settings) is None  # it serves nothing yet
        running.write_note(settings, FARM)
        assert running.running_farm(settings) == FARM
        running.forget_note(settings)
        assert running.running_farm(settings) is None


def test_a_note_that_a_killed_farm_left_does_not_count(settings: Settings) -> None:
    running.write_note(settings, FARM)
    assert running.running_farm(settings) is None


def test_half_a_note_does_not_count_either(settings: Settings) -> None:
    with running.ownership(settings):
        settings.run_dir.joinpath("farm.json").write_text(json.dumps({"url": "http://127.0.0.1:8000"}))
        assert running.running_farm(settings) is None


def test_the_second_owner_is_told_of_the_first(settings: Settings) -> None:
    with running.ownership(settings):
        running.write_note(settings, FARM)
        with (
            pytest.raises(Conflict, match=r"http://127\.0\.0\.1:8000 \(pid 4711\)"),
            running.ownership(settings),
        ):
            pass
    with running.ownership(settings):  # free again
        pass


def test_a_farm_waits_for_its_guests(settings: Settings) -> None:
    told: list[str] = []
    with running.without_guests(settings, lambda: told.append("waiting")):
        assert told == []  # nobody was there
    guests = ExitStack()
    guests.enter_context(running.guest(settings))
    guests.enter_context(running.guest(settings))

    def go() -> None:
        told.append("waiting")
        guests.close()

    with running.without_guests(settings, go):
        assert told == ["waiting"]


def test_key_and_note_are_for_this_user_alone(settings: Settings) -> None:
    assert running.local_key(settings) is None
    running.write_key(settings, "farm_live_x_y")
    running.write_note(settings, FARM)
    assert running.local_key(settings) == "farm_live_x_y"
    assert {path.stat().st_mode & 0o777 for path in settings.run_dir.iterdir()} == {0o600}
