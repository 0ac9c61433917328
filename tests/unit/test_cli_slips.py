"""What was mistyped, forgotten or is taken is named, with what would do; never a traceback, never silence."""

import socket
from pathlib import Path

import pytest

from farm.catalog import read_catalog
from farm.cli import main as command
from farm.cli.client import named_farm
from farm.cli.host import opened_hall
from farm.cli.jobs import params_in
from farm.cli.ports import free_port, require_free
from farm.cli.running import ownership
from farm.cli.unread import unread
from farm.errors import BadRequest, FarmUnavailable
from farm.settings import Settings


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("FARM_LOG_FORMAT", "xml", "'json' or 'text'"),
        ("FARM_REDIS_URL", "localhost:6379", "must begin with redis://"),
        ("FARM_DATABASE_URL", "localhost/farm", "must begin with sqlite:///"),
        ("FARM_PUBLIC_URL", "farm.example.com", "must begin with http://"),
    ],
)
def test_a_variable_that_makes_no_sense_is_named(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, says: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(BadRequest, match=f"^{name}: .*{says}") as refused:
        Settings()
    assert value not in refused.value.message.replace("'json' or 'text'", "")  # it may hold a password
    monkeypatch.setenv(name, "")  # as a compose file passes on what is not set
    assert getattr(Settings(), name.removeprefix("FARM_").lower()) is None


def test_the_address_of_another_farm_is_a_url(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FARM_URL", "127.0.0.1:8000")
    monkeypatch.setenv("FARM_API_KEY", "farm_live_x")
    with pytest.raises(BadRequest, match="FARM_URL must begin with http://"):
        named_farm()
    monkeypatch.setenv("FARM_URL", "")
    assert named_farm() is None


@pytest.mark.parametrize(
    ("file", "text", "says"),
    [
        (
            "farm.toml",
            "[scheduling]\nlease = 3",
            r"scheduling\.lease: there is no such key; perhaps lease_s\.",
        ),
        ("farm.toml", "[sheduling]\nlease_s = 3", r"sheduling: there is no such key; perhaps scheduling\."),
        ("farm.toml", '[scheduling]\nlease_s = "x"', r"scheduling\.lease_s: Input should be a valid number"),
        ("tiers.toml", "[tiers.gold]\norder = 1", r"tiers\.gold\.weight: Field required\."),
        ("pools.toml", "[scheduling]\nlease = 3", r"scheduling\.lease: there is no such key"),
        (
            "providers.toml",
            '[providers.x]\npool = "p"\nkey = "k"',
            r"providers\.x\.key: there is no such key\.",
        ),
        ("providers.toml", "[failover]\npatience = 1", r"failover\.patience: .*; perhaps patience_s\."),
    ],
)
def test_a_wrong_config_names_its_file_the_key_and_what_was_meant(
    tmp_path: Path, file: str, text: str, says: str
) -> None:
    (tmp_path / file).write_text(text)
    with pytest.raises(FarmUnavailable, match=f"/{file}: {says}"):
        read_catalog(Settings(config_dir=tmp_path))


def test_a_folder_of_configs_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(FarmUnavailable, match="FARM_CONFIG_DIR: there is no folder"):
        read_catalog(Settings(config_dir=tmp_path / "config"))


def test_what_nothing_reads_is_told_where_a_slip_is_likely(tmp_path: Path) -> None:
    for name in ("tier.toml", "tiers.toml", "notes.toml"):
        (tmp_path / name).touch()
    environment = {"FARM_DATABSE_URL": "x", "FARM_HOME": "y", "FARM_URL": "z", "FARM_SOMETHING_ELSE": ""}
    assert list(unread(Settings(config_dir=tmp_path), environment)) == [
        "FARM_DATABSE_URL is not read; perhaps FARM_DATABASE_URL",
        "FARM_CONFIG_DIR/notes.toml is not read",
        "FARM_CONFIG_DIR/tier.toml is not read; perhaps tiers.toml",
    ]


def test_a_taken_port_and_an_address_that_is_not_here_name_their_options() -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as taken,
        pytest.raises(FarmUnavailable, match="in use; choose another with --port"),
    ):
        require_free("127.0.0.1", taken.getsockname()[1])
    for look in (require_free, free_port):
        with pytest.raises(FarmUnavailable, match=r"no address '192\.0\.2\.1' .* with --host"):
            look("192.0.2.1", 0)


def test_a_home_that_is_a_file_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = tmp_path / "home"
    home.touch()
    monkeypatch.setenv("FARM_HOME", str(home))
    for enter in (lambda: ownership(Settings()), opened_hall):
        with (
            pytest.raises(FarmUnavailable, match=r"FARM_HOME: .*home cannot be used: it is no folder"),
            enter(),
        ):
            pass


def test_whoever_makes_a_farm_without_knowing_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("FARM_HOME", str(tmp_path / "home"))
    for said in ("A new farm is made in", ""):
        with opened_hall():
            assert said in capsys.readouterr().err
    assert capsys.readouterr().err == ""


def test_a_file_that_cannot_be_written_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def write(_word: str) -> None:
        (tmp_path / "no" / "folder").write_text("x")

    monkeypatch.setattr(command, "farm_app", lambda word: lambda: write(word))
    with pytest.raises(SystemExit) as ended:
        command.main()
    assert ended.value.code == 1
    assert (
        capsys.readouterr().err.strip() == f"error: {tmp_path / 'no' / 'folder'}: No such file or directory."
    )


def test_a_file_of_parameters_that_is_no_text_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "params.json"
    file.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(BadRequest, match="not JSON"):
        params_in(f"@{file}")
    file.write_bytes(b'\xef\xbb\xbf{"a": 1}')  # as Windows editors write it
    assert params_in(f"@{file}") == {"a": 1}
