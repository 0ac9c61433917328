"""What engines that edit pictures are given in one form, and what becomes of pictures in the end."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from farm.catalog import read_catalog
from farm.errors import AssetUnreadable, BadRequest, FailureClass, TaskFailure
from farm.models import Model, SizeRule
from farm.offers import ModelRoute
from farm.settings import Settings
from tasks.edit_image import EditImage
from tasks.generate_image import GenerateImage, angle_words
from tests.media import RED, quadrants
from workers.context import InputFile, TaskInput
from workers.gpu_generate.pictures.edit_input import EditInput, edit_input
from workers.gpu_generate.pictures.filling import extended
from workers.gpu_generate.pictures.finish import finished

GREY = (90, 90, 90)


def model(**rule: int) -> Model:
    found = read_catalog(Settings()).models.named("flux-edit")
    return found.model_copy(update={"size": SizeRule(**rule)}) if rule else found


def edit(
    folder: Path, pictures: Mapping[str, Image.Image], by: Model | None = None, **said: Any
) -> EditInput:
    """The first picture is the one to change; one called `mask` is its mask, one called `style` its style."""
    files = {}
    for name, picture in pictures.items():
        picture.save(folder / f"{name}.png")
        files[name] = InputFile(folder / f"{name}.png", f"{name}.png", "image/png")
    if "mask" in pictures:
        said["mask"] = "mask"
    images = tuple(name for name in pictures if name != "mask")
    params = EditImage(prompt="a hand", images=images, **said)
    work = folder / "work"
    work.mkdir(exist_ok=True)
    return edit_input(params, TaskInput("edit-image", "generate", {}, files), by or model(), work)


def photo(width: int = 320, height: int = 256) -> Image.Image:
    return Image.fromarray(quadrants(width, height))


def mask_of(width: int, height: int, mode: str) -> Image.Image:
    """The left half is to be made anew, said in white or by transparency."""
    if mode == "L":
        mask = Image.new("L", (width, height), 0)
        mask.paste(255, (0, 0, width // 2, height))
        return mask
    mask = Image.new("RGBA", (width, height), (10, 200, 30, 255))
    mask.paste((0, 0, 0, 0), (0, 0, width // 2, height))
    return mask


@pytest.mark.parametrize("mode", ["L", "RGBA"])
def test_c046_masks_of_both_conventions_become_one(tmp_path: Path, mode: str) -> None:
    given = edit(tmp_path, {"image": photo(), "mask": mask_of(320, 256, mode)})
    hole = given.hole()
    assert hole is not None and hole.shape == (256, 320)
    assert (hole[:, :150] == 255).all() and (hole[:, 170:] == 0).all()
    assert given.alpha_mask is not None
    with Image.open(given.alpha_mask, formats=("PNG",)) as image:
        alpha = np.asarray(image.getchannel("A"))
        assert (alpha == 255 - hole).all()
        assert (np.asarray(image.convert("RGB")) == given.canvas()).all()


def test_c046_a_mask_of_another_size_is_refused_by_its_field(tmp_path: Path) -> None:
    with pytest.raises(BadRequest, match="mask: has 100 x 80 pixels, the image 320 x 256") as refused:
        edit(tmp_path, {"image": photo(), "mask": mask_of(100, 80, "L")})
    assert refused.value.param == "mask"


def test_what_is_no_picture_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"no picture")
    files = {"a": InputFile(tmp_path / "a.png", "hand.png", "image/png")}
    params = EditImage(prompt="x", images=("a",))
    with pytest.raises(AssetUnreadable, match=r"hand\.png"):
        edit_input(params, TaskInput("edit-image", "generate", {}, files), model(), tmp_path)


def test_without_mask_and_size_all_of_the_picture_may_change(tmp_path: Path) -> None:
    given = edit(tmp_path, {"image": photo()})
    assert given.mask is None and given.alpha_mask is None
    assert (given.fitted.width, given.fitted.height) == (320, 256)
    assert (given.canvas() == np.asarray(photo())).all()


def test_a_picture_is_brought_to_what_the_model_makes(tmp_path: Path) -> None:
    given = edit(tmp_path, {"image": photo(322, 250)}, model(multiple=16, least=64, most=160))
    assert (given.fitted.width, given.fitted.height) == (160, 128)
    assert given.canvas().shape == (128, 160, 3)
    small = edit(tmp_path, {"image": photo(40, 30)}, model(multiple=16, least=256, most=1024))
    assert min(small.fitted.width, small.fitted.height) == 256


@pytest.mark.parametrize(
    ("direction", "size", "box"),
    [
        ("all", (480, 384), (80, 64)),
        ("left", (480, 256), (160, 0)),
        ("right", (480, 256), (0, 0)),
        ("up", (320, 384), (0, 128)),
        ("down", (320, 384), (0, 0)),
    ],
)
def test_c048_a_picture_grows_where_it_is_asked_to(
    tmp_path: Path, direction: str, size: tuple[int, int], box: tuple[int, int]
) -> None:
    given = edit(tmp_path, {"image": photo()}, outpaint=direction)
    hole, canvas = given.hole(), given.canvas()
    assert hole is not None
    assert (given.fitted.width, given.fitted.height) == size == (canvas.shape[1], canvas.shape[0])
    left, top = box
    inside = np.s_[top + 20 : top + 236, left + 20 : left + 300]
    assert (hole[inside] == 0).all() and (canvas[inside] == np.asarray(photo())[20:236, 20:300]).all()
    outside = np.ones_like(hole, bool)
    outside[top : top + 256, left : left + 320] = False
    assert (hole[outside] == 255).all()
    assert canvas[outside].std() > 5  # filled from its neighbourhood, and not with one colour


def test_where_nothing_lies_beside_a_picture_nothing_is_made_for_it() -> None:
    """To soften what lies beside a large one took minutes."""
    pixels = np.asarray(photo())
    assert extended(pixels, 320, 256, 0, 0) is pixels


def test_c050_a_size_of_another_shape_loses_nothing_of_the_picture(tmp_path: Path) -> None:
    given = edit(tmp_path, {"image": photo(320, 160)}, width=512, height=512)
    assert given.mask is None  # without a mask all of it may change
    canvas = given.canvas()
    assert canvas.shape == (512, 512, 3)
    assert np.abs(canvas[140, 12].astype(int) - RED).max() < 12  # its own corner, below what was added


def test_a_pictures_own_transparency_is_its_mask_unless_one_is_sent(tmp_path: Path) -> None:
    cut = photo().convert("RGBA")
    cut.paste((0, 0, 0, 0), (0, 0, 160, 256))
    hole = edit(tmp_path, {"image": cut}).hole()
    assert hole is not None and (hole[:, :150] == 255).all() and (hole[:, 170:] == 0).all()
    right = Image.new("L", (320, 256), 0)
    right.paste(255, (160, 0, 320, 256))
    sent = edit(tmp_path, {"image": cut, "mask": right}).hole()
    assert sent is not None and (sent[:, :150] == 0).all()


def test_c051_c049_references_and_the_style_come_as_files(tmp_path: Path) -> None:
    other = Image.new("RGBA", (3000, 1000), (0, 0, 0, 0))
    given = edit(tmp_path, {"image": photo(), "other": other, "style": photo(64, 64)}, style_image="style")
    assert len(given.references) == 2 and given.style is not None
    with Image.open(given.references[0], formats=("PNG",)) as image:
        assert (image.mode, image.size) == ("RGB", (2048, 683))


def test_what_a_mask_keeps_is_put_back_as_it_was(tmp_path: Path) -> None:
    given = edit(tmp_path, {"image": photo(), "mask": mask_of(320, 256, "L")})
    made = Image.new("RGB", (640, 512), GREY)  # of another size, as services answer
    params = EditImage(prompt="x", images=("image",))
    output = finished(made, params, 1, tmp_path, said={"seed": 4}, edit=given)
    with Image.open(output.path, formats=("PNG",)) as image:
        pixels = np.asarray(image)
    assert (pixels[:, 162:] == np.asarray(photo())[:, 162:]).all()
    assert (pixels[:, :150] == GREY).all()
    assert output.name == "image-1" and output.meta == {"seed": 4, "width": 320, "height": 256}


def test_c041_a_transparent_ground_forces_png_with_real_alpha(tmp_path: Path) -> None:
    picture = Image.new("RGB", (256, 256), (240, 240, 240))
    picture.paste((200, 30, 30), (80, 80, 176, 176))
    params = GenerateImage(prompt="a box", background="transparent", output_format="jpeg")
    output = finished(picture, params, 2, tmp_path, said={})
    assert (output.path.suffix, output.content_type) == (".png", "image/png")
    with Image.open(output.path, formats=("PNG",)) as image:
        alpha = np.asarray(image.getchannel("A"))
    assert (alpha[:60] == 0).all() and (alpha[90:166, 90:166] == 255).all()


def test_what_came_transparent_stands_on_white_where_nothing_was_said_of_the_ground(tmp_path: Path) -> None:
    """A service may send it so; black lies hidden there."""
    came = Image.new("RGBA", (64, 64), (0, 0, 0, 0))
    came.paste((200, 30, 20, 255), (16, 16, 48, 48))
    output = finished(came, GenerateImage(prompt="x"), 1, tmp_path, said={})
    with Image.open(output.path, formats=("PNG",)) as image:
        assert image.mode == "RGB"
        assert (image.getpixel((2, 2)), image.getpixel((30, 30))) == ((255, 255, 255), (200, 30, 20))


def test_c031_what_was_drawn_and_cannot_be_cut_out_is_no_fault_of_the_customers(tmp_path: Path) -> None:
    drawn = Image.new("RGB", (64, 64), (90, 120, 90))
    with pytest.raises(TaskFailure) as failed:
        finished(drawn, GenerateImage(prompt="x", background="transparent"), 1, tmp_path, said={})
    assert failed.value.failure is FailureClass.CORRUPT_OUTPUT  # another provider is asked
    given = edit(tmp_path, {"image": drawn})
    params = EditImage(prompt="x", images=("image",), background="transparent")
    with pytest.raises(TaskFailure) as refused:
        finished(drawn, params, 1, tmp_path, said={}, edit=given)
    assert refused.value.failure is FailureClass.INVALID_INPUT


def test_a_tiers_mark_is_on_the_picture_in_the_end(tmp_path: Path) -> None:
    params = GenerateImage(prompt="x", watermark=True)
    output = finished(Image.new("RGB", (320, 256), GREY), params, 1, tmp_path, said={})
    with Image.open(output.path, formats=("PNG",)) as image:
        pixels = np.asarray(image)
    assert (pixels[:200] == GREY).all() and pixels[225:, 160:].max() > 180


@pytest.mark.parametrize(("kind", "suffix"), [("jpeg", ".jpg"), ("webp", ".webp"), ("png", ".png")])
def test_a_file_has_the_format_that_was_asked_for(tmp_path: Path, kind: str, suffix: str) -> None:
    params = GenerateImage.model_validate({"prompt": "x", "output_format": kind})
    output = finished(Image.new("RGBA", (64, 48), (9, 9, 9, 255)), params, 1, tmp_path, said={})
    assert output.path.suffix == suffix and output.content_type == f"image/{kind}"
    with Image.open(output.path, formats=(kind.upper(),)) as image:
        assert (image.size, image.mode) == ((64, 48), "RGB")


def test_c036_an_angle_is_said_to_the_model_in_words() -> None:
    params = GenerateImage(prompt="three heroes", camera_angle="low-angle")
    assert params.full_prompt == "three heroes, low-angle shot, looking up"
    assert angle_words("over-the-shoulder") == "over the shoulder camera angle"
    assert params.for_engines.full_prompt == params.full_prompt == params.for_engines.prompt


def test_c042_dall_e_3_is_insured_by_sdxl_and_dall_e_2_where_they_are_offered() -> None:
    kept = read_catalog(Settings()).providers
    offer = {"offers": [{"provider": "animatic", "price": "1", "estimated_s": 1.0}]}
    names = ("dall-e-3", "dall-e-2", "stable-diffusion-xl", "flux")
    routes = {**kept.routes, "text-to-image": {name: ModelRoute.model_validate(offer) for name in names}}
    book = kept.model_copy(update={"routes": routes})
    asked = GenerateImage(prompt="x", model="dall-e-3").route
    assert [one.model for one in book.candidates(asked)] == ["dall-e-3", "stable-diffusion-xl", "dall-e-2"]
    alone = GenerateImage(prompt="x", model="dall-e-3", failover=False).route
    assert [one.model for one in book.candidates(alone)] == ["dall-e-3"]
