"""Background music in words (D-070): which tune a query gets, what is said of it, and the operator's own."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from farm.catalog import read_catalog
from farm.cli.main import farm_app
from farm.errors import BadRequest, FarmUnavailable
from farm.settings import Settings
from tasks.media_render.shelf import tune_for, tunes_here
from tasks.media_render.tune_query import choose, rank
from tasks.media_render.tunes import BUNDLED


@pytest.mark.parametrize(
    ("query", "name"),
    [
        ("upbeat product launch background music", "lift-off"),  # the document's own
        ("confident product launch background music", "steady-hand"),  # likewise
        ("calm", "slow-tide"),
        ("relaxing spa music", "slow-tide"),
        ("sad piano", "quiet-letter"),
        ("slow emotional", "quiet-letter"),
        ("lo-fi hip hop beats to study to", "late-window"),
        ("epic trailer", "far-summit"),
        ("energetic workout", "neon-run"),
        ("dark synthwave", "neon-run"),
        ("130 bpm", "neon-run"),
        ("fun kids birthday", "paper-boats"),
        ("not sad, happy", "paper-boats"),
        ("calm, no piano", "slow-tide"),
        ("warm acoustic guitar for a travel vlog", "first-light"),
        ("90-100 bpm hopeful", "first-light"),
        ("UPBAET", "lift-off"),  # a slip of the finger
        ("Quiet Letter", "quiet-letter"),
        ("neon-run", "neon-run"),
        ("Quiet Letter, please", "quiet-letter"),
        ("great drums", "far-summit"),
        ("no drums", "slow-tide"),
        ("without percussion", "slow-tide"),
        ("not too fast", "first-light"),
        ("less energetic, not sad", "first-light"),
    ],
)
def test_d070_words_get_the_tune_that_fits(query: str, name: str) -> None:
    found = choose(query, BUNDLED)
    assert found.fits
    assert found.tune.name == name
    assert f"{found.tune.title} ({name}" in found.note


def test_d070_every_tune_is_the_best_for_its_own_first_words() -> None:
    for tune in BUNDLED:
        assert choose(" ".join(tune.tags[:3]), BUNDLED).tune == tune
        assert choose(tune.title, BUNDLED).tune == tune


def test_d070_what_fits_nothing_gets_the_fallback_and_a_note() -> None:
    found = choose("zydeco polka", BUNDLED, "late-window")
    assert (found.fits, found.tune.name) == (False, "late-window")
    assert found.note == "No tune fits 'zydeco polka'; the music is Late Window (late-window, 80 bpm)."
    assert choose("zydeco", BUNDLED, "gone").tune == BUNDLED[0]
    assert choose("music", BUNDLED).tune == BUNDLED[0]


def test_words_that_meant_nothing_are_told() -> None:
    found = choose("happy zydeco", BUNDLED)
    assert found.fits and found.unknown == ("zydeco",)
    assert found.note.endswith("Not understood: zydeco.")


@pytest.mark.parametrize("query", ["00 bpm", "000bpm", "90-00 bpm", "1000 bpm", "0 bpm"])
def test_a_tempo_that_no_music_has_is_not_understood(query: str) -> None:
    assert not choose(query, BUNDLED).fits


def test_a_range_of_tempi_may_be_given_from_its_top() -> None:
    assert rank("100-90 bpm", BUNDLED) == rank("90-100 bpm", BUNDLED)


def test_the_same_words_always_get_the_same_tune_whatever_their_case() -> None:
    assert rank("Happy, BRIGHT", BUNDLED) == rank("happy bright", BUNDLED)


def test_without_any_tune_the_field_is_named() -> None:
    with pytest.raises(BadRequest) as refused:
        choose("calm", ())
    assert refused.value.param == "bgm_query"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An operator's folder of music, as tunes.toml names it."""
    configs, music = tmp_path / "configs", tmp_path / "home" / "music"
    configs.mkdir()
    music.mkdir(parents=True)
    (configs / "tunes.toml").write_text('[tunes]\nfolder = "music"\nfallback = "harbour-morning"\n')
    monkeypatch.setenv("FARM_CONFIG_DIR", str(configs))
    monkeypatch.setenv("FARM_HOME", str(tmp_path / "home"))
    return music


def test_d070_an_operators_folder_adds_tunes(folder: Path) -> None:
    (folder / "Harbour Morning.mp3").write_bytes(b"")
    (folder / "Harbour Morning.toml").write_text('title = "Morgen"\ntags = ["shanty", "Sea"]\nbpm = 92\n')
    (folder / "zither waltz.ogg").write_bytes(b"")  # no word beside it: its name will do
    (folder / "notes.txt").write_text("not music")
    (folder / "old.mp3").mkdir()
    (folder / "海の歌.mp3").write_bytes(b"")
    names = [tune.name for tune in tunes_here()]
    assert names == [*(tune.name for tune in BUNDLED), "harbour-morning", "zither-waltz", "海の歌"]
    shanty = tune_for("a shanty of the sea").tune
    assert (shanty.name, shanty.title, shanty.bpm) == ("harbour-morning", "Morgen", 92)
    assert shanty.file == folder / "Harbour Morning.mp3"
    assert tune_for("zither").tune.name == "zither-waltz"
    assert tune_for("海の歌").tune.name == "海の歌"
    assert not tune_for("山の歌").fits
    assert not tune_for("xylorimba").fits and tune_for("xylorimba").tune == shanty  # the fallback


def test_one_of_the_operators_takes_a_bundled_ones_name(folder: Path) -> None:
    (folder / "lift-off.wav").write_bytes(b"")
    assert [tune.file is None for tune in tunes_here() if tune.name == "lift-off"] == [False]


@pytest.mark.parametrize(
    ("sidecar", "said"), [("tags = [", "not valid TOML"), ("bpm = 9000", "bpm"), ("mood = 1", "mood")]
)
def test_a_wrong_sidecar_is_named(folder: Path, sidecar: str, said: str) -> None:
    (folder / "a.mp3").write_bytes(b"")
    (folder / "a.toml").write_text(sidecar)
    with pytest.raises(FarmUnavailable, match=rf"a\.toml.*{said}"):
        tunes_here()


def test_a_missing_folder_and_two_of_one_name_are_named(folder: Path) -> None:
    (folder / "a b.mp3").write_bytes(b"")
    (folder / "a-b.wav").write_bytes(b"")
    with pytest.raises(FarmUnavailable, match="both called 'a-b'"):
        tunes_here()
    folder.rename(folder.with_name("gone"))
    with pytest.raises(FarmUnavailable, match="no folder"):
        tunes_here()


def test_the_packaged_fallback_is_a_tune() -> None:
    assert read_catalog(Settings()).tunes.fallback in {tune.name for tune in BUNDLED}


def test_farm_tunes_lists_them_for_people_and_programs() -> None:
    plain = CliRunner().invoke(farm_app(), ["tunes"])
    assert plain.exit_code == 0
    assert all(tune.name in plain.stdout for tune in BUNDLED)
    listed = json.loads(CliRunner().invoke(farm_app(), ["tunes", "--json", "sad", "piano"]).stdout)
    assert (listed[0]["name"], listed[0]["bpm"], listed[0]["key"]) == ("quiet-letter", 72, "C minor")
    assert listed[0]["fits"] > listed[1]["fits"]
    assert {"title", "tags", "energy", "duration_s", "description"} <= set(listed[0])
