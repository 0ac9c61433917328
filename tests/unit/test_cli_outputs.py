"""Where commands write: what cannot be is told before a farm is asked, and nothing is overwritten unasked."""

import json
from pathlib import Path

import pytest
import typer
from PIL import Image
from typer.testing import CliRunner

from farm.cli import align, batch, compose, describe, render
from farm.cli.outputs import checked_outputs
from farm.errors import BadRequest
from farm.otio import as_otio
from farm.timeline import Media, MediaKind, Rate, Timeline, VideoClip, VideoTrack
from tests.manifests import EXAMPLE
from tests.timed_jobs import metadata, wav


@pytest.fixture
def desk(tmp_path: Path) -> Path:
    (tmp_path / "manifest.json").write_text(json.dumps(EXAMPLE))
    (tmp_path / "scenes.json").write_text(json.dumps(metadata()))
    (tmp_path / "narration.wav").write_bytes(wav(1))
    Image.new("RGB", (32, 18)).save(tmp_path / "one.png")
    (tmp_path / "folder").mkdir()
    return tmp_path


def refused(app: typer.Typer, *words: object) -> BadRequest:
    """What a command says of such words."""
    done = CliRunner().invoke(app, [str(word) for word in words])
    assert isinstance(done.exception, BadRequest), done.exception
    return done.exception


@pytest.mark.parametrize("place", ["folder", "narration.wav/cut", "/"])
def test_what_is_no_place_for_a_file_is_told_before_any_farm_is_asked(desk: Path, place: str) -> None:
    at = desk / place
    for said in (
        refused(compose.app, desk / "manifest.json", "-o", at),
        refused(describe.app, desk / "one.png", "-o", at),
        refused(render.app, "render", desk / "one.png", "--poster", at),
        refused(align.app, desk / "narration.wav", desk / "scenes.json", "--srt", at),
    ):
        assert str(at) in said.message and "folder" in said.message


def test_two_files_never_become_one(desk: Path) -> None:
    told = (desk / "narration.wav", desk / "scenes.json")
    said = refused(align.app, *told, "--srt", desk / "out.srt", "--vtt", desk / "x/../out.srt")
    assert "cannot be both" in said.message
    film = desk / "one.mp4"
    said = refused(render.app, "render", desk / "one.png", "-o", film, "--poster", film)
    assert f"{film} cannot be both" in said.message
    for suffix, name in ((".xml", "fcp7"), (".otioz", "otioz")):
        cut = desk / f"cut{suffix}"
        said = refused(compose.app, desk / "manifest.json", "-o", cut, "--format", name)
        assert f"{cut} cannot be both" in said.message and not cut.exists()


def test_a_film_is_not_written_over_what_it_shows(desk: Path) -> None:
    (desk / "clip.mp4").touch()
    for words in (("clip.mp4", "-o", "clip.mp4"), ("one.png", "-o", "film.mp4", "--otio", "one.png")):
        said = refused(render.app, "render", *(desk / word if "." in word else word for word in words))
        assert said.message == f"{desk / words[0]} is used in the film; write to another file."


@pytest.mark.parametrize(
    ("option", "name", "wanted"),
    [("--poster", "best.png", "best.jpg"), ("--contact-sheet", "sheet.jpeg", "sheet.png")],
)
def test_a_picture_is_named_as_what_it_is(desk: Path, option: str, name: str, wanted: str) -> None:
    said = refused(render.app, "render", desk / "one.png", "-o", desk / "a.mp4", option, desk / name)
    assert said.message == (
        f"A {option[2:].replace('-', ' ')} ends in {Path(wanted).suffix}; name it so: {desk / wanted}."
    )
    assert said.param == option[2:]


def test_nor_over_the_media_of_a_cut_nor_over_the_music(desk: Path) -> None:
    (desk / "cut.otio").write_text(as_otio(timeline_of(desk / "one.png")))
    said = refused(
        render.app, "render", desk / "cut.otio", "-o", desk / "a.mp4", "--contact-sheet", desk / "one.png"
    )
    assert said.message == f"{desk / 'one.png'} is used in the film; write to another file."
    music = desk / "narration.wav"
    said = refused(render.app, "render", desk / "one.png", "--music", music, "--otio", music)
    assert said.message == f"{music} is used in the film; write to another file."


def timeline_of(picture: Path) -> Timeline:
    """One picture for a second."""
    return Timeline(
        name="cut",
        rate=Rate(num=10),
        width=32,
        height=18,
        media=(Media(id=picture.name, kind=MediaKind.IMAGE, name=picture.name),),
        video=(VideoTrack(clips=(VideoClip(media=picture.name, start_frame=0, end_frame_exclusive=10),)),),
    )


@pytest.mark.parametrize(
    ("words", "says"),
    [((), "say --kind"), (("--kind", "probe", "--map", "sku"), "--map reads column=parameter, not 'sku'")],
)
def test_a_slip_in_the_options_of_a_catalog_makes_no_batch(
    desk: Path, words: tuple[str, ...], says: str
) -> None:
    (desk / "catalog.csv").write_text("sku\nA-1\n")
    assert says in refused(batch.app, "submit", desk / "catalog.csv", *words).message


def test_a_folder_that_is_not_there_is_made(desk: Path) -> None:
    cut = desk / "new" / "films" / "cut.otio"
    done = CliRunner().invoke(compose.app, [str(desk / "manifest.json"), "-o", str(cut)])
    assert done.exit_code == 0, done.exception
    assert json.loads(cut.read_text())["OTIO_SCHEMA"] == "Timeline.1"


def test_a_manifest_that_is_too_large_is_not_said_to_be_missing(desk: Path) -> None:
    large = desk / "large.json"
    with large.open("wb") as file:
        file.truncate(16_000_001)
    assert refused(compose.app, large).message == f"{large} is larger than a manifest may be: 16 MB."
    assert refused(compose.app, desk / "none.json").message == f"There is no manifest {desk / 'none.json'}."


def test_a_device_is_not_written_over() -> None:
    with pytest.raises(BadRequest, match="is no file"):
        checked_outputs({"output": Path("/dev/null")})


def test_what_is_not_named_is_not_written() -> None:
    assert checked_outputs({"output": None, "srt": Path("~/a.srt")}) == {"srt": Path.home() / "a.srt"}


def test_a_scene_that_is_not_there_is_named(desk: Path) -> None:
    for number in (2, 101, 10**9):
        said = refused(describe.app, desk / "one.png", "--detail", number)
        assert said.message.startswith(f"--detail {number}: There is no picture at this place.")
