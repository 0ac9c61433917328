"""`farm render cut.otio` and `farm render --watch`, through a real farm. Issue 4 item 9."""

import json
import signal
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

from tests.command import Background, eventually, farm, farm_json, running
from tests.media import read_code, write_clip
from tests.narrated import needs_espeak

pytestmark = pytest.mark.slow

otio = pytest.importorskip("opentimelineio")

WIDTH, HEIGHT, FPS = 320, 192, 25
RED, BLUE, GREEN = (200, 30, 30), (30, 30, 200), (30, 160, 30)
SHORT_SEGMENTS = """
[segments]
incremental_film_s = 0.0
incremental_segment_s = 0.03
"""


@pytest.fixture(scope="module")
def up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """What a command needs to use one farm that runs on."""
    home = tmp_path_factory.mktemp("farm") / "home"
    config = tmp_path_factory.mktemp("config")
    (config / "encode.toml").write_text(SHORT_SEGMENTS)
    words = ("up", "--port", "0", "--no-flower", "--pools", "cpu-render")
    with running(home, *words, variables={"FARM_CONFIG_DIR": str(config)}) as background:
        background.until_ready()
        yield {"FARM_URL": background.url, "FARM_API_KEY": (home / "run" / "key").read_text().strip()}


def span(start: int, frames: int) -> object:
    at = [otio.opentime.RationalTime(value, FPS) for value in (start, frames)]
    return otio.opentime.TimeRange(*at)


def clip(url: str, start: int, frames: int) -> object:
    media = otio.schema.ExternalReference(target_url=url)
    return otio.schema.Clip(name=url, media_reference=media, source_range=span(start, frames))


def write_cut(path: Path, *children: object) -> None:
    """A cut as another program writes it, of the size of the clips."""
    cut = otio.schema.Timeline("cut")
    cut.metadata["kinefarm"] = {"width": WIDTH, "height": HEIGHT}
    cut.tracks.append(otio.schema.Track("V1", list(children), kind="Video"))
    path.write_text(otio.adapters.write_to_string(cut, "otio_json"))


def test_an_otio_becomes_the_film_it_means(up: dict[str, str], tmp_path: Path) -> None:
    home, folder, film = tmp_path / "home", tmp_path / "edit", tmp_path / "film.mp4"
    (folder / "shots").mkdir(parents=True)
    write_clip(folder / "shots" / "a.mp4", frames=60, rate=Fraction(FPS))
    Image.new("RGB", (WIDTH, HEIGHT), RED).save(folder / "red.png")
    held = clip("file:///elsewhere/shots/a.mp4", 8, 5)
    held.effects.append(otio.schema.FreezeFrame())
    fast = clip("shots/a.mp4", 40, 5)
    fast.effects.extend([otio.schema.LinearTimeWarp(time_scalar=3), otio.schema.Effect(effect_name="Blur")])
    cut = folder / "cut.otio"
    black = otio.schema.Gap(duration=otio.opentime.RationalTime(4, FPS))
    write_cut(cut, clip("shots/a.mp4", 20, 10), clip("red.png", 0, 6), black, held, fast)

    lost = farm(home, "render", str(cut), "-o", str(film), **up)
    assert lost.returncode == 2
    assert "a.mp4" in lost.stderr  # a path elsewhere is looked for beside the cut, by its name
    (folder / "a.mp4").write_bytes((folder / "shots" / "a.mp4").read_bytes())
    edit = tmp_path / "again.otio"
    done = farm(home, "render", str(cut), "-o", str(film), "--otio", str(edit), **up)
    assert done.returncode == 0, done.stderr
    assert "its effect 'Blur' is left out" in done.stderr

    with av.open(film) as opened:
        shown = list(opened.decode(video=0))
    assert {(frame.width, frame.height) for frame in shown} == {(WIDTH, HEIGHT)}
    assert [read_code(frame) for frame in shown[:10]] == list(range(20, 30))
    middles = [frame.to_ndarray(format="rgb24")[96, 160] for frame in shown[10:20]]
    assert all(np.abs(pixel - np.array(RED)).max() < 12 for pixel in middles[:6])
    assert all(pixel.max() < 12 for pixel in middles[6:])
    assert [read_code(frame) for frame in shown[20:]] == [8] * 5 + list(range(40, 55, 3))

    again = json.loads(edit.read_text())
    assert len(again["tracks"]["children"][0]["children"]) == 6  # the freeze is a clip and what is held of it
    said = farm_json(
        home, "render", str(edit.rename(folder / "again.otio")), "-o", str(tmp_path / "b.mp4"), **up
    )
    assert said["duration_s"] == len(shown) / FPS


def test_a_cut_that_is_wrong_is_told_with_its_places(up: dict[str, str], tmp_path: Path) -> None:
    home, cut = tmp_path / "home", tmp_path / "cut.otio"
    write_cut(cut, clip("a.mp4", 0, 10), clip("b.mp4", 0, -3), clip("c.xyz", 0, 3))
    words = ["render", str(cut), "-o", str(tmp_path / "film.mp4")]
    done = farm(home, *words, **up)
    assert done.returncode == 2
    assert "/tracks/children/0/children/1/source_range/duration: is negative" in done.stderr
    assert "'c.xyz' is no picture" in done.stderr
    write_cut(cut, clip("red.png", 0, 10))
    Image.new("RGB", (64, 64), RED).save(tmp_path / "red.png")
    refused = farm(home, *words, "--transition", "fade", **up)
    assert refused.returncode == 2
    assert "not both: the timeline says it" in refused.stderr


def test_what_a_film_does_otherwise_than_its_cut_is_told_at_once(up: dict[str, str], tmp_path: Path) -> None:
    """A transition that only the farm does not know, and subtitles of no text; a name as URLs have it."""
    cut, words = tmp_path / "cut.otio", tmp_path / "film.VTT"
    Image.new("RGB", (64, 64), RED).save(tmp_path / "red #1.png")
    wipe = otio.schema.Transition(name="Star Wipe", transition_type="Custom_Transition")
    wipe.out_offset = otio.opentime.RationalTime(3, FPS)
    write_cut(cut, wipe, clip("file:///shots/red #1.png", 0, 10))
    film = ["-o", str(tmp_path / "film.mp4"), "--subtitles", str(words)]
    done = farm(tmp_path / "home", "render", str(cut), *film, **up)
    assert done.returncode == 0, done.stderr
    assert "The transition 'Star Wipe' is not known; it is a crossfade." in done.stderr
    assert f"{words} is not written: the film has no subtitles" in done.stderr
    assert not words.exists()


def colour_of(film: Path) -> tuple[int, ...]:
    with av.open(film) as opened:
        frame = next(opened.decode(video=0)).to_ndarray(format="rgb24")
    return tuple(int(value) for value in frame[540, 540])


def near(pixel: tuple[int, ...], wanted: tuple[int, ...]) -> bool:
    return all(abs(one - other) < 12 for one, other in zip(pixel, wanted, strict=True))


def films(watch: Background) -> int:
    return sum("film.mp4" in line for line in watch.out.splitlines())


def test_a_watched_folder_is_rendered_again_whenever_it_changes(up: dict[str, str], tmp_path: Path) -> None:
    folder = tmp_path / "trip"
    folder.mkdir()
    film, picture = folder / "film.mp4", folder / "1.png"  # what it writes is not what it watches
    Image.new("RGB", (400, 400), RED).save(picture)
    words = ["render", str(folder), "-o", str(film), "--watch"]
    look = ["--aspect", "1:1", "--seconds", "0.2", "--fps", "10"]
    with running(tmp_path / "home", *words, *look, variables=up) as watch:
        eventually(lambda: films(watch) == 1, "the first film")
        assert near(colour_of(film), RED)
        (folder / "notes.txt").write_text("no media: nothing to do")
        Image.new("RGB", (400, 400), BLUE).save(picture)
        eventually(lambda: films(watch) == 2, "the second film")
        assert near(colour_of(film), BLUE)
        picture.write_bytes(picture.read_bytes()[:200])
        eventually(lambda: "error: " in watch.err, "the failure is told")
        assert near(colour_of(film), BLUE)  # the film that was there stays
        Image.new("RGB", (400, 400), GREEN).save(picture)
        eventually(lambda: films(watch) == 3, "the third film")
        assert near(colour_of(film), GREEN)
        assert watch.signalled(signal.SIGINT) == 0
        assert "Traceback" not in watch.err
        assert watch.err.splitlines()[-1] == "stopped watching"


@needs_espeak
def test_a_watched_script_is_read_again_once_it_changed(up: dict[str, str], tmp_path: Path) -> None:
    folder, script, words_of_it = tmp_path / "trip", tmp_path / "script.txt", tmp_path / "film.srt"
    folder.mkdir()
    Image.new("RGB", (400, 400), RED).save(folder / "1.png")
    script.write_text("One.")
    beside = ["--script", str(script), "--subtitles", str(words_of_it), "--aspect", "1:1", "--fps", "10"]
    words = ["render", str(folder), "-o", str(tmp_path / "film.mp4"), "--watch", *beside]
    with running(tmp_path / "home", *words, variables=up) as watch:
        eventually(lambda: films(watch) == 1, "the first film")
        assert "One." in words_of_it.read_text()
        script.write_text("Two.")
        eventually(lambda: films(watch) == 2, "the second film")
        assert "Two." in words_of_it.read_text()
        assert watch.signalled(signal.SIGINT) == 0


def test_a_watched_folder_renders_only_the_segments_that_changed(up: dict[str, str], tmp_path: Path) -> None:
    folder = tmp_path / "trip"
    folder.mkdir()
    film, pictures = tmp_path / "film.mp4", [folder / f"{number}.png" for number in range(4)]
    for picture, colour in zip(pictures, (RED, BLUE, RED, GREEN), strict=True):
        Image.new("RGB", (400, 400), colour).save(picture)
    look = ["--aspect", "1:1", "--seconds", "0.6", "--fps", "10", "--transition", "none", "--json"]
    words = ["render", str(folder), "-o", str(film), "--watch", *look]

    def told(watch: Background) -> list[tuple[int, int]]:
        lines = [json.loads(line) for line in watch.out.splitlines() if line.startswith("{")]
        return [(line["segments_rendered"], line["segments"]) for line in lines]

    with running(tmp_path / "home", *words, variables=up) as watch:
        eventually(lambda: told(watch) == [(4, 4)], "the first film")
        Image.new("RGB", (400, 400), (200, 180, 40)).save(pictures[3])
        eventually(lambda: told(watch) == [(4, 4), (1, 4)], "the second film")
        assert watch.signalled(signal.SIGINT) == 0
