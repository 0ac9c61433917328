"""How the CLI reads words and says values."""

from pathlib import Path

import pytest
import typer

from farm.cli.console import bytes_text
from farm.cli.jobs import params_in
from farm.cli.main import GROUPS, Group, farm_app
from farm.cli.progress import Lines
from farm.cli.roles import labels_of
from farm.errors import BadRequest


@pytest.mark.parametrize("group", GROUPS, ids=lambda group: str(group.commands[0]))
def test_a_command_is_found_without_importing_the_others(group: Group) -> None:
    """A group without a help has the commands of its module, all of them."""
    if not group.help:
        assert set(typer.main.get_group(group.load()).commands) == {*group.commands}
    for word in group.commands:
        assert set(typer.main.get_group(farm_app(word)).commands) == {*group.commands}
        assert word in typer.main.get_group(farm_app()).commands


def test_labels_read_key_equals_value() -> None:
    assert labels_of(["gpu=a100", "rack=3=b"]) == {"gpu": "a100", "rack": "3=b"}
    with pytest.raises(BadRequest, match="key=value"):
        labels_of(["gpu"])


def test_parameters_are_json_or_the_json_of_a_file(tmp_path: Path) -> None:
    file = tmp_path / "params.json"
    file.write_text('{"sleep_s": 1}')
    assert params_in('{"sleep_s": 1}') == params_in(f"@{file}") == {"sleep_s": 1}


@pytest.mark.parametrize("text", ["{", "[1]", "@/no/such/file"])
def test_parameters_that_are_no_object_are_refused(text: str) -> None:
    with pytest.raises(BadRequest):
        params_in(text)


def test_sizes_are_told_in_decimal_units() -> None:
    assert [bytes_text(size) for size in (0, 999, 1000, 3_868_126, 2_000_000_000)] == [
        "0 B",
        "999 B",
        "1.0 kB",
        "3.9 MB",
        "2.0 GB",
    ]


def test_without_a_terminal_progress_is_a_few_lines_of_which_the_last_is_how_it_ended(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with Lines() as show:
        show.step("render")
        for done in range(100):
            show.at(done / 100, "render")
    assert capsys.readouterr().err.splitlines() == ["render", "render 0% render", "render 99% render"]
