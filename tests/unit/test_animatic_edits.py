"""The animatic's edits and cut-out pictures: honest changes without a model, with its badge on them."""

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from farm.errors import TaskFailure
from tasks.edit_image import EditImage
from tests.media import real_photo
from tests.unit.test_pictures import edit, model
from workers.gpu_generate.animatic.scene import describe
from workers.gpu_generate.pictures.patching import painted_in
from workers.gpu_generate.pictures.sketched import sketched
from workers.gpu_generate.pictures.sprite import alone

LARGE = {"multiple": 2, "least": 128, "most": 3840}
Pixels = npt.NDArray[np.uint8]


def edited(folder: Path, prompt: str, name: str = "coffee", **said: Any) -> tuple[Pixels, Pixels]:
    """The photograph, and what became of it."""
    with Image.open(real_photo(name), formats=("PNG", "JPEG")) as image:
        photo = image.convert("RGB")
    pictures = {"image": photo, **said.pop("pictures", {})}
    given = edit(folder, pictures, model(**LARGE), **said)
    mask = "mask" if "mask" in pictures else None
    params = EditImage(prompt=prompt, images=("image",), mask=mask, **said)
    return np.asarray(photo), np.asarray(sketched(params, given, 1))


def below_the_badge(pixels: Pixels) -> npt.NDArray[np.int64]:
    return pixels[60:].astype(int)


def test_words_that_name_a_look_are_followed(tmp_path: Path) -> None:
    photo, grey = edited(tmp_path, "in black and white")
    assert np.ptp(below_the_badge(grey), axis=-1).max() <= 3 < np.ptp(below_the_badge(photo), axis=-1).max()
    _, night = edited(tmp_path, "at night")
    assert below_the_badge(night).mean() < 0.7 * below_the_badge(photo).mean()
    _, same = edited(tmp_path, "an elephant beside it")  # what it cannot make it does not pretend to
    assert np.abs(below_the_badge(same) - below_the_badge(photo)).max() <= 1


def test_every_edit_says_what_it_is(tmp_path: Path) -> None:
    photo, same = edited(tmp_path, "an elephant beside it")
    changed = np.abs(same[:60].astype(int) - photo[:60]).max(axis=-1) > 40
    assert changed[:, :300].mean() > 0.02 and not changed[:, 400:].any()


def test_c047_a_masked_place_is_painted_over_from_its_edges(tmp_path: Path) -> None:
    mask = Image.new("L", (600, 400))
    mask.paste(255, (480, 20, 560, 80))  # on the table's plain wood
    photo, made = edited(tmp_path, "remove it", pictures={"mask": mask})
    hole = np.asarray(mask) > 0
    assert (made[~hole][40_000:] == photo[~hole][40_000:]).all()  # below the badge's rows
    assert np.abs(made[hole].mean(axis=0) - photo[90:120, 480:560].reshape(-1, 3).mean(axis=0)).max() < 45


def test_what_goes_on_around_a_masked_place_goes_on_within_it() -> None:
    columns = np.arange(240)
    tiles = ((columns[:, None] // 12 + columns // 12) % 2 * 120 + 60).astype(np.uint8)
    truth = np.dstack([tiles, tiles // 2, 255 - tiles])
    hole = np.zeros((240, 240), np.uint8)
    hole[90:150, 80:160] = 255
    came = np.where(hole[..., None] > 0, 0, truth).astype(np.uint8)
    made = painted_in(came, hole, 1)
    away = np.abs(made[hole > 0].astype(int) - truth[hole > 0])
    assert np.median(away) < 12 and away.mean() < 30  # a blur would be 60 from either tile
    assert (made[hole == 0] == truth[hole == 0]).all()
    assert (painted_in(came, hole, 1) == made).all()
    for all_or_none in (0, 255):
        assert painted_in(truth, np.full_like(hole, all_or_none), 1).shape == truth.shape


def test_a_style_gives_its_tones(tmp_path: Path) -> None:
    with Image.open(real_photo("flower"), formats=("JPEG",)) as image:
        style = image.convert("RGB")
    photo, made = edited(tmp_path, "like this", pictures={"style": style}, style_image="style")
    before, after = (below_the_badge(one).reshape(-1, 3).mean(axis=0) for one in (photo, made))
    assert after[2] / after[0] > 1.5 * before[2] / before[0]  # its wood is brown, those leaves teal


def test_on_white_there_is_one_subject_and_its_shadow(tmp_path: Path) -> None:
    _, made = edited(tmp_path, "on a clean white studio background", "flower")
    assert made[20:400, 560:].min() > 225  # far from the flower there is ground
    assert made[2:6].min() > 225  # of the one cut off below, no shadow falls on the top
    assert made[150:250, 250:380].std() > 20


def test_a_cut_out_product_stands_on_white_as_it_was_cut(tmp_path: Path) -> None:
    product = Image.new("RGBA", (400, 300), (0, 0, 0, 0))
    product.paste((180, 40, 40, 255), (120, 100, 280, 240))
    given = edit(tmp_path, {"image": product}, model(**LARGE))
    made = np.asarray(sketched(EditImage(prompt="on a white background", images=("image",)), given, 1))
    assert (made[110:230, 130:270] == (180, 40, 40)).all()
    assert made[80:290, 330:].min() > 225


def test_what_cannot_be_cut_out_is_said(tmp_path: Path) -> None:
    plain = Image.fromarray(np.random.default_rng(2).integers(120, 136, (200, 200, 3), np.uint8))
    given = edit(tmp_path, {"image": plain}, model(**LARGE))
    params = EditImage(prompt="cut it out", images=("image",), background="transparent")
    with pytest.raises(TaskFailure, match="stands out"):
        sketched(params, given, 1)


def test_c041_a_subject_stands_alone_on_nothing() -> None:
    picture = alone(describe("a red car", 2), 640, 480)
    assert (picture.mode, picture.size) == ("RGBA", (640, 480))
    alpha = np.asarray(picture.getchannel("A"))
    assert (alpha[-60:] == 0).all() and (alpha[200:280, 200:440] > 200).mean() > 0.6
    red, green, blue = np.asarray(picture.convert("RGB"))[alpha > 250].mean(axis=0)
    assert red > 1.2 * green and red > 1.2 * blue


def test_a_scene_without_a_subject_is_a_sticker() -> None:
    alpha = np.asarray(alone(describe("mountains at dawn", 4), 320, 320).getchannel("A"))
    assert (alpha[:8] == 0).all() and (alpha[60:260, 60:260] == 255).all()
