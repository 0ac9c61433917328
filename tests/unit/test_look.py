"""What a picture or clip looks like, measured: on real photos and clips, and on drawn ones."""

import json
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageEnhance, ImageFilter

from farm.errors import AssetUnreadable
from tasks.media_render.planning.findings import Looked, Seen
from tasks.media_render.planning.rules import BLURRY
from tests.media import real_clip, real_photo, write_clip
from workers.context import InputFile, TaskInput
from workers.vision_describe import counting
from workers.vision_describe.look import perform

pytestmark = pytest.mark.slow

PHOTOS = ("astronaut", "coffee", "chelsea", "china", "flower")


class Eyes:
    """A performer's context, and what it found."""

    def __init__(self, workdir: Path) -> None:
        self.workdir = workdir
        self.lines: list[str] = []
        self.stages: list[float] = []

    def progress(self, fraction: float, stage: str = "") -> None:
        self.stages.append(fraction)

    def checkpoint(self) -> None:
        """Nobody stops it."""

    def log(self, message: str) -> None:
        self.lines.append(message)

    def look(self, *paths: Path) -> dict[str, Seen]:
        """What is found out about the files, by their stems."""
        inputs = {path.stem: InputFile(path, path.name, "") for path in paths}
        given = TaskInput("media-render", "look", {"visuals": list(inputs)}, inputs)
        done = perform(given, self)  # type: ignore[arg-type]  # a context as far as this performer needs one
        (found,) = done.outputs
        assert found.intermediate
        return {fact.asset_id: fact for fact in Looked.model_validate_json(found.path.read_bytes()).visuals}


@pytest.fixture
def eyes(tmp_path: Path) -> Eyes:
    (tmp_path / "work").mkdir()
    return Eyes(tmp_path / "work")


def photo(name: str) -> Image.Image:
    return Image.open(real_photo(name)).convert("RGB")


def saved(picture: Image.Image, path: Path, quality: int = 88) -> Path:
    picture.save(path, quality=quality)
    return path


def test_d064_a_picture_out_of_focus_is_told_from_a_sharp_one(eyes: Eyes, tmp_path: Path) -> None:
    paths = []
    for name in PHOTOS:
        for radius in (0, 1, 3, 6):
            blurred = photo(name).filter(ImageFilter.GaussianBlur(radius)) if radius else photo(name)
            paths.append(saved(blurred, tmp_path / f"{name}-{radius}.jpg"))
    seen = eyes.look(*paths)
    for name in PHOTOS:
        sharp, soft, blurred, gone = (seen[f"{name}-{radius}"].sharpness for radius in (0, 1, 3, 6))
        assert sharp > soft > BLURRY > blurred > gone, name
    assert eyes.stages == sorted(eyes.stages)


def test_a_shaken_picture_a_plain_one_and_stripes(eyes: Eyes, tmp_path: Path) -> None:
    shaken = np.asarray(photo("coffee"), float)
    shaken = np.mean([np.roll(shaken, shift, axis=1) for shift in range(12)], axis=0)
    stripes = np.zeros((400, 600, 3), np.uint8)
    stripes[::8] = 255
    dithered = 120 + np.random.default_rng(4).integers(0, 2, (400, 600, 1), np.uint8).repeat(3, axis=2)
    seen = eyes.look(
        saved(Image.fromarray(dithered), tmp_path / "dithered.png"),
        saved(Image.fromarray(shaken.astype(np.uint8)), tmp_path / "shaken.jpg"),
        saved(Image.new("RGB", (600, 400), (90, 120, 40)), tmp_path / "plain.png"),
        saved(Image.fromarray(stripes), tmp_path / "stripes.png"),
        saved(Image.new("RGB", (600, 400), (4, 4, 4)), tmp_path / "black.png"),
    )
    assert seen["shaken"].sharpness < BLURRY  # along one direction is enough
    for even in ("plain", "dithered"):
        assert seen[even].sharpness == 1  # there is nothing that could be blurred
    assert seen["stripes"].sharpness > 0.5
    assert seen["black"].lightness < 0.03 < 0.3 < seen["plain"].lightness < 0.6


def test_d064_copies_are_twins_and_others_are_not(eyes: Eyes, tmp_path: Path) -> None:
    one = photo("china")
    width, height = one.size
    changed = {
        "b-small": one.resize((width // 2, height // 2)),
        "c-lighter": ImageEnhance.Brightness(one).enhance(1.1),
        "d-blurred": one.filter(ImageFilter.GaussianBlur(4)),
        "e-burst": one.crop((width // 120, 0, width, height)),
        "f-mirrored": one.transpose(Image.Transpose.FLIP_LEFT_RIGHT),
        "g-part": one.crop((width // 4, height // 4, width, height)),
    }
    paths = [saved(one, tmp_path / "a-first.jpg")]
    paths += [saved(picture, tmp_path / f"{name}.jpg", 70) for name, picture in changed.items()]
    paths += [saved(photo(name), tmp_path / f"h-{name}.jpg") for name in PHOTOS if name != "china"]
    twins = {name: fact.twin_of for name, fact in eyes.look(*paths).items() if fact.twin_of}
    assert twins == dict.fromkeys(("b-small", "c-lighter", "d-blurred", "e-burst"), "a-first")


def slide(*lines: str) -> Image.Image:
    picture = Image.new("RGB", (1280, 720), "white")
    pen = ImageDraw.Draw(picture)
    pen.rectangle((0, 0, 1280, 90), fill=(30, 60, 120))
    for row, line in enumerate(lines):
        pen.text((80, 160 + 70 * row), line, fill="black", font_size=40)
    return picture


def test_slides_that_differ_in_some_words_are_no_twins(eyes: Eyes, tmp_path: Path) -> None:
    seen = eyes.look(
        saved(slide("Sales grew by ten percent", "Costs fell", "We hired three people"), tmp_path / "a.png"),
        saved(slide("Sales fell by two percent", "Costs grew", "We hired seven people"), tmp_path / "b.png"),
        saved(slide("Thank you"), tmp_path / "c.png"),
        saved(slide("Thank you").resize((960, 540)), tmp_path / "d.jpg", 70),
    )
    assert [fact.twin_of for fact in seen.values()] == [None, None, None, "c"]


def test_d064_a_clip_is_watched_for_shots_motion_and_light(eyes: Eyes, tmp_path: Path) -> None:
    """Two seconds of one still photo, two of another one that is moved about."""
    still, moved = photo("coffee").resize((320, 180)), photo("china").resize((420, 220))

    def frame(n: int) -> np.ndarray[Any, Any]:
        if n < 50:
            return np.asarray(still)
        at = (n * 4) % 90
        return np.asarray(moved.crop((at, n % 30, at + 320, n % 30 + 180)))

    pictures = [np.ascontiguousarray(frame(n)) for n in range(100)]
    clip = write_clip(tmp_path / "clip.mp4", frames=100, rate=Fraction(25), pictures=pictures)
    fact = eyes.look(clip)["clip"]
    assert fact.duration_s == pytest.approx(4.0, abs=0.05)
    assert fact.step_s == 0.25 and len(fact.sharp) == len(fact.motion) == len(fact.light) == 16
    assert fact.shots == (2.0,)
    assert max(fact.motion[1:8]) < 0.01 < 0.03 < min(fact.motion[9:])


def test_real_clips_and_their_copies(eyes: Eyes, tmp_path: Path) -> None:
    copy = tmp_path / "copy.mp4"
    copy.write_bytes(real_clip("bigbuckbunny").read_bytes())
    seen = eyes.look(real_clip("bikes"), real_clip("bigbuckbunny"), copy)
    assert [fact.twin_of for fact in seen.values()] == [None, None, "bigbuckbunny"]
    assert seen["bikes"].sharpness > BLURRY
    json.dumps([fact.model_dump() for fact in seen.values()], allow_nan=False)


def people(tmp_path: Path) -> tuple[Path, ...]:
    """A portrait, a cup of coffee, and the portrait as a clip."""
    portrait = saved(photo("astronaut"), tmp_path / "portrait.jpg")
    cup = saved(photo("coffee"), tmp_path / "cup.jpg")
    still = np.asarray(photo("astronaut").resize((256, 256)))
    return portrait, cup, write_clip(tmp_path / "clip.mp4", frames=12, pictures=[still] * 12)


def test_d064_faces_are_told_of_where_somebody_counts_them(
    eyes: Eyes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def wide(picture: np.ndarray[Any, Any]) -> int:
        assert picture.dtype == np.uint8 and picture.shape[2] == 3
        return picture.shape[1] // picture.shape[0]

    files = people(tmp_path)
    monkeypatch.setattr(counting, "counter", lambda: wide)
    found = eyes.look(*files)
    assert {name: fact.faces for name, fact in found.items()} == {"portrait": 1, "cup": 1, "clip": 1}
    monkeypatch.setattr(counting, "counter", lambda: None)
    assert [fact.faces for fact in eyes.look(*files).values()] == [None] * 3


@pytest.mark.weights
def test_d064_a_portrait_has_a_face_and_a_cup_of_coffee_has_none(eyes: Eyes, tmp_path: Path) -> None:
    found = eyes.look(*people(tmp_path))
    assert {name: fact.faces for name, fact in found.items()} == {"portrait": 1, "cup": 0, "clip": 1}


def test_what_cannot_be_seen_is_named(eyes: Eyes, tmp_path: Path) -> None:
    broken = tmp_path / "broken.jpg"
    broken.write_bytes(real_photo("china").read_bytes()[:5000])
    with pytest.raises(AssetUnreadable, match=r"broken\.jpg"):
        eyes.look(broken)
    assert write_clip(tmp_path / "one.mp4", frames=1).exists()
    assert len(eyes.look(tmp_path / "one.mp4")["one"].sharp) == 1
