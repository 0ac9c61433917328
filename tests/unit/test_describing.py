"""The embedded description of pictures: what it states was measured, and it tells one photo from another."""

import json
import random
import re
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, get_args

import av
import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFilter

from farm.errors import AssetUnreadable, FailureClass, TaskFailure
from farm.moderation import ModerationRules
from tasks.describe_scenes import Described, DescribeScenes, SceneImage, Source
from tasks.describe_scenes.asking import Wanted
from tasks.describe_scenes.metadata import Style
from tests.described_jobs import without_readers
from tests.media import real_clip, real_photo
from tests.unit.test_describe_cues import NARRATION
from workers.context import InputFile, TaskInput
from workers.media.rgb import Picture
from workers.vision_describe.describe_scenes import perform
from workers.vision_describe.describing.decency import check_picture
from workers.vision_describe.describing.facts import Facts, see
from workers.vision_describe.describing.measured import MeasuredDescriber
from workers.vision_describe.describing.palette import named_cells
from workers.vision_describe.describing.telling import Telling
from workers.vision_describe.describing.wording import described

pytestmark = pytest.mark.slow

PHOTOS = ("astronaut", "coffee", "chelsea", "china", "flower")
CLIPS = {"bikes": 150, "bigbuckbunny": 60}  # a frame of each


class Context:
    """A performer's context."""

    def __init__(self, workdir: Path) -> None:
        self.workdir = workdir
        self.stages: list[tuple[float, str]] = []

    def progress(self, fraction: float, stage: str = "") -> None:
        self.stages.append((fraction, stage))

    def checkpoint(self) -> None:
        """Nobody stops it."""

    def log(self, message: str) -> None:
        """Nobody reads."""


@pytest.fixture(scope="module")
def album(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Path]:
    """Eight real pictures: six photos, and a frame of each of two clips."""
    folder = tmp_path_factory.mktemp("album")
    found = {name: real_photo(name) for name in PHOTOS}
    found["rocket"] = real_photo("chelsea").with_name("rocket.jpg")
    for name, number in CLIPS.items():
        with av.open(real_clip(name)) as clip:
            frame = next(frame for at, frame in enumerate(clip.decode(video=0)) if at == number)
        found[name] = folder / f"{name}.png"
        Image.fromarray(frame.to_ndarray(format="rgb24")).save(found[name])
    return found


@pytest.fixture(autouse=True)
def _no_readers(monkeypatch: pytest.MonkeyPatch) -> None:
    without_readers(monkeypatch)


def one_told(album: Mapping[str, Path], style: str = "normal", most: int = 200) -> dict[str, str]:
    """The description of each picture by itself."""
    return {name: described(see(path, path.name).facts, style, most) for name, path in album.items()}  # type: ignore[arg-type]  # a style


def perform_on(paths: Sequence[Path], folder: Path, **params: Any) -> tuple[Described, Context]:
    inputs = {f"asset_{at}": InputFile(path, path.name, "") for at, path in enumerate(paths)}
    asked = {"images": [{"asset_id": asset_id} for asset_id in inputs], **params}
    folder.mkdir(exist_ok=True)
    context = Context(folder)
    task = TaskInput("describe-scenes", "describe", asked, inputs, provider="eyes", model="measured")
    done = perform(task, context)  # type: ignore[arg-type]  # a context as far as this performer needs one
    (output,) = done.outputs
    assert (output.name, output.content_type) == ("scenes", "application/json")
    assert len(json.loads(output.path.read_text())["scenes"]) == len(paths)
    return Described.model_validate(done.result), context


# What the words of a description mean to somebody who has never seen palette.py: colours by name, as sRGB.
MEANT = {
    "black": ((15, 15, 15), (30, 20, 20)),
    "dark grey": ((60, 60, 60), (70, 70, 75)),
    "grey": ((128, 128, 128), (110, 112, 110)),
    "light grey": ((200, 200, 200), (180, 178, 175)),
    "white": ((250, 250, 250), (235, 240, 245)),
    "brown": ((110, 65, 35), (140, 90, 65), (90, 60, 45)),
    "light brown": ((185, 135, 105), (200, 150, 120)),
    "beige": ((225, 205, 175), (230, 190, 150)),
    "red": ((190, 40, 30), (160, 45, 30)),
    "dark red": ((100, 20, 20),),
    "orange": ((240, 150, 60), (250, 165, 90)),
    "orange-red": ((215, 90, 55), (230, 110, 70)),
    "yellow": ((235, 215, 60), (200, 200, 60)),
    "olive": ((110, 105, 50), (85, 85, 45), (140, 140, 60)),
    "green": ((50, 150, 60), (90, 140, 40)),
    "dark green": ((20, 60, 40), (30, 70, 30)),
    "light green": ((160, 230, 150),),
    "teal": ((0, 110, 115), (10, 90, 95)),
    "light blue": ((150, 200, 235), (190, 215, 235)),
    "blue": ((40, 90, 200), (60, 90, 140)),
    "dark blue": ((20, 30, 80), (35, 45, 85)),
    "purple": ((110, 60, 140),),
    "pink": ((240, 160, 180), (225, 165, 160)),
}
NEAR = 90.0  # colours between whose names one may well differ
# All that is ever said besides colours and numbers.
WORDS = (
    "x pixels picture format wide square landscape and with mostly all some many in the middle at top bottom "
    "on left right has sharp little detail colours by area brightness strong low contrast very dark bright"
)
_COLOURS = "|".join(sorted(MEANT, key=len, reverse=True))


@cache
def areas(path: Path) -> Mapping[str, float]:
    """How much of a picture is nearest to what each colour's name means."""
    picture = Image.open(path).convert("RGB").resize((48, 48), Image.Resampling.BOX)
    pixels = np.asarray(picture, float).reshape(-1, 3)
    names = [name for name, points in MEANT.items() for _ in points]
    points = np.array([point for points in MEANT.values() for point in points], float)
    nearest = np.abs(_seen(pixels)[:, None] - _seen(points)[None]).sum(axis=2).argmin(axis=1)
    return {name: float(np.mean([names[at] == name for at in nearest])) for name in MEANT}


def _seen(colours: Any) -> Any:
    """Lightness counts as much as both opponent colours."""
    red, green, blue = colours.T
    return np.stack([0.3 * red + 0.6 * green + 0.1 * blue, red - green, 0.5 * (red + green) - blue], axis=1)


def area_of(colour: str, found: Mapping[str, float]) -> float:
    """How much of a picture may well be called by that name."""
    own = _seen(np.array(MEANT[colour], float))
    others = {name: _seen(np.array(points, float)) for name, points in MEANT.items()}
    return sum(
        found[name]
        for name, points in others.items()
        if np.abs(own[:, None] - points[None]).sum(axis=2).min() < NEAR
    )


# How much a colour is likely to cover by its place in the list.
MOSTLY, LISTED = (0.55, 0.2, 0.12, 0.1, 0.08, 0.08), (0.3, 0.2, 0.16, 0.12, 0.1, 0.08)
SHAPES = ("wide landscape", "landscape", "portrait", "square")


def _shape(size: tuple[int, int]) -> str:
    ratio = size[0] / size[1]
    if abs(ratio - 1) < 0.1:
        return "square"
    return "wide landscape" if ratio > 2.1 else "landscape" if ratio > 1 else "portrait"


def likeness(text: str, path: Path) -> float:
    """How well a description fits a picture, by its words alone: shape, light and colours."""
    found, picture = areas(path), Image.open(path)
    head = text.partition(".")[0]
    is_shape = _shape(picture.size) == next(word for word in SHAPES if word in head.lower())
    light = float(np.asarray(picture.convert("L"), float).mean()) / 255
    told_light = -0.25 if "ark" in head.split()[0] else 0.25 if "right" in head[:12] else 0.0
    colours = re.findall(rf"\b({_COLOURS})\b", head.partition(":")[2])
    expected = MOSTLY if "mostly" in head else LISTED
    overlap = sum(min(area, found[name]) for name, area in zip(colours, expected, strict=False))
    return overlap + is_shape - abs(light - 0.45 - told_light)


@pytest.mark.parametrize("style", ["short", "normal", "detailed"])
def test_a055_descriptions_go_to_their_own_photos_when_matched_blind(album: Mapping[str, Path], style: str):
    """At least 7 of 8, by somebody who has the shuffled texts, the pictures and a dictionary."""
    told = list(one_told(album, style, 500).items())
    random.Random(8).shuffle(told)
    right = sum(
        max(album, key=lambda name: likeness(text, album[name])) == own  # used at once
        for own, text in told
    )
    assert right >= 7, told


@pytest.mark.parametrize("style", get_args(Style))
def test_the_embedded_description_states_nothing_false(album: Mapping[str, Path], style: Style):
    """Each statement is held against the picture by other means than those that made it."""
    for name, text in one_told(album, style, 500).items():
        picture = Image.open(album[name]).convert("RGB")
        found = areas(album[name])
        head, _, rest = text.partition(".")
        assert _shape(picture.size) in head.lower(), (name, text)
        colours = re.findall(rf"\b({_COLOURS})\b", head.partition(":")[2])
        assert colours, (name, text)
        for colour in colours:
            assert area_of(colour, found) >= 0.06, (name, colour, found)
        if "mostly" in head:
            assert area_of(colours[0], found) >= 0.4, (name, text, found)
        if size := re.search(r"(\d+) x (\d+) pixels", rest):
            assert tuple(map(int, size.groups())) == picture.size
        if light := re.search(r"Brightness (\d+)%", rest):
            assert abs(float(np.asarray(picture.convert("L")).mean()) / 2.55 - int(light[1])) < 4, name


def test_no_subject_is_guessed(album: Mapping[str, Path]):
    told = " ".join(one_told(album, "detailed", 500).values()).lower()
    known = {*WORDS.split(), *" ".join(MEANT).replace("-", " ").split()}
    assert set(re.findall(r"[a-z]+", told)) <= known


def draw(
    path: Path, *boxes: tuple[tuple[int, int, int, int], tuple[int, int, int]], size: tuple[int, int]
) -> Path:
    picture = Image.new("RGB", size, (128, 128, 128))
    for box, colour in boxes:
        ImageDraw.Draw(picture).rectangle(box, fill=colour)
    picture.save(path)
    return path


def test_parts_and_plain_pictures(tmp_path: Path):
    halves = draw(
        tmp_path / "halves.png",
        ((0, 0, 300, 199), (135, 206, 235)),
        ((0, 200, 300, 400), (20, 70, 30)),
        size=(300, 400),
    )
    assert described(see(halves, "halves").facts, "normal", 500) == (
        "Portrait-format picture: mostly dark green, with light blue. Mostly light blue at the top."
        " Has sharp detail."
    )
    plain = draw(tmp_path / "plain.png", size=(200, 200))
    assert described(see(plain, "plain").facts, "normal", 500) == "Square picture: all grey."
    dot = draw(tmp_path / "dot.png", ((75, 75, 125, 125), (230, 30, 30)), size=(200, 200))
    assert "Red in the middle." in described(see(dot, "dot").facts, "short", 500)


@pytest.mark.parametrize(
    ("colour", "name"),
    [
        ((0, 0, 0), "black"),
        ((64, 64, 64), "dark grey"),
        ((128, 128, 128), "grey"),
        ((200, 200, 200), "light grey"),
        ((255, 255, 255), "white"),
        ((255, 0, 0), "red"),
        ((139, 0, 0), "dark red"),
        ((255, 165, 0), "orange"),
        ((255, 99, 71), "orange-red"),
        ((139, 69, 19), "brown"),
        ((210, 180, 140), "beige"),
        ((255, 255, 0), "yellow"),
        ((128, 128, 0), "olive"),
        ((0, 128, 0), "green"),
        ((0, 70, 0), "dark green"),
        ((144, 238, 144), "light green"),
        ((0, 128, 128), "teal"),
        ((135, 206, 235), "light blue"),
        ((0, 0, 255), "blue"),
        ((0, 0, 128), "dark blue"),
        ((128, 0, 128), "purple"),
        ((255, 105, 180), "pink"),
        ((255, 192, 203), "pink"),
        ((5, 0, 9), "black"),
    ],
)
def test_colours_have_the_names_that_the_web_gives_them(colour: tuple[int, int, int], name: str):
    assert set(named_cells(np.full((5, 7, 3), colour, np.uint8)).ravel()) == {name}


def test_a_description_keeps_to_its_length(album: Mapping[str, Path]):
    """A-055: whole sentences, as many as there is room for."""
    facts = see(album["flower"], "flower").facts
    for most in range(80, 400, 7):
        for style in get_args(Style):
            text = described(facts, style, most)
            assert len(text) <= most and text.endswith(".")
    assert len(described(facts, "short", 500)) < len(described(facts, "detailed", 500))


def test_a046_scenes_are_described_in_their_order_with_progress(album: Mapping[str, Path], tmp_path: Path):
    paths = [album["coffee"], album["china"], album["rocket"]]
    said = {
        "narrationText": NARRATION,
        "sceneIds": ["x", "y", "z"],
        "sceneOptions": [{}, {"extraDetail": True}],
    }
    found, context = perform_on(paths, tmp_path / "work", metadata=said)
    assert [scene.scene_id for scene in found.scenes] == ["x", "y", "z"]
    assert {scene.description_source for scene in found.scenes} == {Source.MEASURED}
    assert ["pixels" in scene.description for scene in found.scenes] == [False, True, False]
    assert [scene.start_cue_text for scene in found.scenes] == [
        "A cyclist crosses the bridge",
        "then enters a crowded market",
        "and ends on a sunset skyline",
    ]
    assert all(scene.anchor_text and scene.anchor_text in NARRATION for scene in found.scenes)
    assert context.stages == [
        (0.0, "describe 1 of 3"),
        (1 / 3, "describe 2 of 3"),
        (2 / 3, "describe 3 of 3"),
    ]
    assert not found.warnings


def test_a057_without_a_narration_there_are_no_cues(album: Mapping[str, Path], tmp_path: Path):
    found, _ = perform_on([album["coffee"]], tmp_path / "work")
    assert found.scenes[0].start_cue_text is None and found.scenes[0].anchor_text is None
    few, _ = perform_on(
        [album["coffee"], album["china"]], tmp_path / "work", metadata={"narrationText": "Only this."}
    )
    assert [warning.code for warning in few.warnings] == ["cues_omitted"]


def test_a051_a_language_that_measuring_does_not_speak_is_told(album: Mapping[str, Path], tmp_path: Path):
    told = {"hints": {"languageCode": "de"}}
    found, _ = perform_on([album["coffee"]], tmp_path / "work", metadata=told)
    assert [(warning.code, warning.path) for warning in found.warnings] == [
        ("language_not_supported", "/metadata/hints/languageCode")
    ]


def test_pictures_that_show_the_same_are_told_of(album: Mapping[str, Path], tmp_path: Path):
    small = tmp_path / "again.jpg"
    Image.open(album["china"]).resize((320, 214)).save(small, quality=60)
    found, _ = perform_on([album["china"], album["coffee"], small], tmp_path / "work")
    assert ["Nearly the same as image 1." in scene.description for scene in found.scenes] == [
        False,
        False,
        True,
    ]


def test_a_blurred_picture_is_not_called_sharp(album: Mapping[str, Path], tmp_path: Path):
    blurred = tmp_path / "blurred.png"
    Image.open(album["china"]).filter(ImageFilter.GaussianBlur(6)).save(blurred)
    assert "Has sharp detail." in described(see(album["china"], "china").facts, "normal", 500)
    assert "Little sharp detail." in described(see(blurred, "blurred").facts, "normal", 500)


def test_what_readers_find_is_told_first(album: Mapping[str, Path]):
    def reads(_picture: Picture, facts: Facts) -> Facts:
        return facts.model_copy(update={"lines": ('EXIT "B"', "Gate 7"), "faces": 2})

    wanted = Wanted(place=0, count=1, style="short", most=200)
    said = MeasuredDescriber([reads]).describe(wanted, see(album["china"], "china"))
    assert said.description.endswith("Readable text: \"EXIT 'B' / Gate 7\". 2 faces detected.")
    assert "Gate 7" in said.about


def test_a_forbidden_word_on_a_picture_is_not_read_out(album: Mapping[str, Path]):
    def reads(_picture: Picture, facts: Facts) -> Facts:
        return facts.model_copy(update={"lines": ("Zonkish SALE",), "faces": 1})

    seen, measured = see(album["china"], "china"), MeasuredDescriber([reads])
    params = DescribeScenes(images=(SceneImage(asset_id="asset_1"),))
    told = {}
    for word in ("zonkish", "elsewhere"):
        telling = Telling(params, measured, ModerationRules(words=(word,)), measured)
        telling.add(seen)
        (scene,) = telling.all().scenes
        told[word] = scene.description
    assert told["elsewhere"] == described(reads(seen.picture(), seen.facts), "normal", 500)
    assert told["zonkish"] == described(seen.facts, "normal", 500)


def test_a_picture_that_is_refused_is_named_and_nothing_is_described(album: Mapping[str, Path]):
    seen = see(album["flower"], "flower")
    rules = ModerationRules(nudity_from=0.5)
    check_picture(seen, 2, rules, lambda _picture: 0.4)
    check_picture(seen, 2, ModerationRules(nudity=False), lambda _picture: 1.0)
    with pytest.raises(TaskFailure, match="Image 3") as caught:
        check_picture(seen, 2, rules, lambda _picture: 0.5)
    assert (caught.value.failure, caught.value.public_code) == (
        FailureClass.POLICY,
        "content_policy_violation",
    )


def test_a_picture_that_cannot_be_read_is_named(album: Mapping[str, Path], tmp_path: Path):
    broken = tmp_path / "broken.jpg"
    broken.write_bytes(album["rocket"].read_bytes()[:3000])
    with pytest.raises(AssetUnreadable, match=r"broken\.jpg"):
        perform_on([album["coffee"], broken], tmp_path / "work")


def test_a_hundred_scenes_have_ordered_cues(tmp_path: Path):
    path = draw(tmp_path / "one.png", size=(32, 32))
    text = " ".join(f"Then number {number} of the journey comes along." for number in range(100))
    found, _ = perform_on([path] * 100, tmp_path / "work", metadata={"narrationText": text})
    starts = [text.index(scene.start_cue_text or "missing") for scene in found.scenes]
    assert starts == sorted(starts)


def test_the_size_of_a_very_large_picture_is_its_files_own(tmp_path: Path):
    large = draw(tmp_path / "large.png", size=(9000, 40))
    assert "9000 x 40 pixels." in described(see(large, "large").facts, "detailed", 500)
