"""Pictures are cut out, enlarged and restored by calculation, on photographs (C-053 … C-055)."""

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import pytest
from onnx import TensorProto, helper
from PIL import Image, ImageDraw

from farm.errors import BadRequest, TaskFailure
from tests.media import real_photo
from workers.context import InputFile, TaskInput
from workers.gpu_generate.pictures.cutting import cut_out, method
from workers.gpu_generate.pictures.enlarging import enlarged
from workers.gpu_generate.pictures.restoring import noise_of, restored
from workers.gpu_generate.providers.retouch import perform

Pixels = npt.NDArray[np.uint8]


def pixels(name: str) -> Pixels:
    with Image.open(real_photo(name), formats=("PNG", "JPEG")) as image:
        return np.asarray(image.convert("RGB"))


def psnr_db(one: npt.NDArray[Any], other: npt.NDArray[Any]) -> float:
    return float(10 * np.log10(255**2 / np.mean((one.astype(float) - other) ** 2)))


def quietly(_fraction: float, _stage: str) -> None:
    """Nobody listens."""


def test_c053_a_subject_is_cut_out_of_its_ground() -> None:
    flower = cut_out(pixels("flower"))
    alpha = flower[..., 3]
    assert flower.shape == (427, 640, 4)
    assert (alpha[150:250, 250:380] == 255).all()  # the flower's heart
    assert (alpha[:100, :150] == 0).all() and (alpha[150:300, 550:] == 0).all()  # leaves behind it
    assert 0.1 < (alpha > 128).mean() < 0.35
    soft = (alpha > 5) & (alpha < 250)
    assert 0.001 < soft.mean() < 0.05  # an edge, not a blur
    green = flower[soft].astype(int)
    assert (green[:, 0] > green[:, 1]).mean() > 0.9  # and nothing of the ground's teal in it


def test_c053_a_cup_is_not_seen_through() -> None:
    alpha = cut_out(pixels("coffee"))[..., 3]
    assert (alpha[120:180, 230:340] == 255).all()


def test_where_nothing_stands_out_the_job_says_so() -> None:
    noise = np.random.default_rng(1).normal(128, 3, (120, 160, 3)).clip(0, 255).astype(np.uint8)
    with pytest.raises(TaskFailure) as refused:
        cut_out(noise)
    assert refused.value.public_code == "no_subject"


@pytest.mark.parametrize("name", ["chelsea", "camera", "moon"])
def test_c053_nothing_is_torn_out_of_a_picture_that_has_no_ground(name: str) -> None:
    """A cat's face fills the picture: its eyes and its nose alone are no subject."""
    with pytest.raises(TaskFailure) as refused:
        cut_out(pixels(name))
    assert refused.value.public_code == "no_subject"


@pytest.mark.parametrize("size", [(1, 1), (3, 2), (1, 300), (8, 8), (640, 480)])
def test_a_picture_of_one_colour_has_no_subject_however_small(size: tuple[int, int]) -> None:
    with pytest.raises(TaskFailure) as refused:
        cut_out(np.full((*size, 3), 200, np.uint8))
    assert refused.value.public_code == "no_subject"


@pytest.fixture
def brightness(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A model of U²-Net's shape that the configs name: it takes what is bright for the subject."""
    given, found = (
        helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, channels, 320, 320])
        for name, channels in (("input.1", 3), ("1959", 1))
    )
    mean = helper.make_node("ReduceMean", ["input.1"], ["1959"], axes=[1], keepdims=1)
    graph = helper.make_graph([mean], "brightness", [given], [found])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    path = tmp_path / "brightness.onnx"
    path.write_bytes(model.SerializeToString())
    config = tmp_path / "config"
    config.mkdir()
    (config / "generate.toml").write_text(f'[generate]\ncutout_model = "{path}"\n')
    monkeypatch.setenv("FARM_CONFIG_DIR", str(config))
    return path


def test_c053_a_model_that_the_configs_name_finds_the_subject(brightness: Path) -> None:
    picture = np.full((300, 400, 3), 40, np.uint8)
    cv2.circle(picture, (200, 150), 90, (40, 200, 240), -1)
    picture[:20] = picture[-20:] = (200, 30, 20)  # stands out by colour, and is not the subject
    alpha = cut_out(picture)[..., 3]
    assert (alpha[90:210, 140:260] == 255).all() and (alpha[:20] == 0).all() and (alpha[:, :80] == 0).all()
    assert method() == "salient object detection by brightness.onnx, guided filter"


def test_a_model_that_is_none_is_said(brightness: Path) -> None:
    brightness.write_bytes(b"no model")
    with pytest.raises(TaskFailure, match=r"cutout_model of generate\.toml, brightness\.onnx") as refused:
        cut_out(pixels("coffee"))
    assert refused.value.public_code == "model_unreadable"


@pytest.mark.parametrize("name", ["chelsea", "coffee"])
@pytest.mark.parametrize("scale", [2, 4])
def test_c054_enlarging_is_nearer_to_the_photograph_than_lanczos(name: str, scale: int) -> None:
    whole = Image.fromarray(pixels(name))
    whole = whole.crop((0, 0, whole.width // scale * scale, whole.height // scale * scale))
    small = whole.resize((whole.width // scale, whole.height // scale), Image.Resampling.BOX)
    ours, plain = enlarged(small, scale), small.resize(whole.size, Image.Resampling.LANCZOS)
    assert ours.size == whole.size
    truth = np.asarray(whole)
    assert psnr_db(np.asarray(ours), truth) > psnr_db(np.asarray(plain), truth)
    again = np.asarray(ours.resize(small.size, Image.Resampling.BOX))
    assert psnr_db(again, np.asarray(small)) > 36  # made smaller, it is what came


def test_enlarging_keeps_transparency() -> None:
    cut = Image.new("RGBA", (40, 40), (200, 0, 0, 0))
    cut.paste((200, 0, 0, 255), (10, 10, 30, 30))
    large = enlarged(cut, 2.5)
    alpha = np.asarray(large.getchannel("A"))
    assert large.size == (100, 100) and (alpha[40:60, 40:60] == 255).all() and (alpha[:15] == 0).all()


def test_what_lies_hidden_where_a_picture_is_transparent_is_never_seen(tmp_path: Path) -> None:
    """Programs hide black there: it would darken edges, and the whole by the tones that it takes."""
    cut = Image.new("RGBA", (60, 60), (0, 0, 0, 0))
    ImageDraw.Draw(cut).ellipse((15, 15, 44, 44), fill=(250, 240, 230, 255))
    large = np.asarray(enlarged(cut, 3))
    assert large[large[..., 3] > 3][:, :3].min() > 220
    mended, _ = done(tmp_path, "restore-image", cut)
    with Image.open(mended.outputs[0].path, formats=("PNG",)) as image:
        pixels = np.asarray(image)
    assert pixels[pixels[..., 3] > 0][:, :3].min() > 220


def old(picture: Pixels) -> Pixels:
    """Faded, yellowed, noisy, and scratched from top to bottom."""
    rng = np.random.default_rng(3)
    faded = picture * 0.55 + np.array([70, 55, 35]) + rng.normal(0, 12, picture.shape)
    worn = np.ascontiguousarray(np.clip(faded, 0, 255).astype(np.uint8))
    for _ in range(3):
        top, bottom = (int(x) for x in rng.integers(0, worn.shape[1], 2))
        cv2.line(worn, (top, 0), (bottom, worn.shape[0]), (235, 230, 215), 2)
    return worn


@pytest.mark.parametrize("name", ["astronaut", "china"])
def test_c055_an_old_photograph_comes_nearer_to_what_it_was(name: str) -> None:
    truth = pixels(name)
    worn = old(truth)
    good = restored(worn, quietly)
    assert good.shape == truth.shape
    assert psnr_db(good, truth) > psnr_db(worn, truth) + 5
    assert noise_of(good) < noise_of(worn) / 2
    scratch = np.abs(worn.astype(int) - (235, 230, 215)).max(axis=-1) < 3
    left = np.abs(good[scratch].astype(int) - np.asarray(truth[scratch], int)).mean()
    assert left < np.abs(worn[scratch].astype(int) - np.asarray(truth[scratch], int)).mean() / 2


def test_a_good_photograph_stays_what_it_is() -> None:
    truth = pixels("astronaut")
    assert psnr_db(restored(truth, quietly), truth) > 26


class Workplace:
    """What an engine needs of its runner."""

    def __init__(self, workdir: Path) -> None:
        self.workdir = workdir
        self.stages: list[str] = []

    def progress(self, _fraction: float, stage: str = "") -> None:
        self.stages.append(stage)

    def __getattr__(self, name: str) -> Any:
        raise AssertionError(f"retouch has no use for {name}")


def done(folder: Path, kind: str, picture: Image.Image, **params: Any) -> Any:
    picture.save(folder / "given.png")
    files = {"a": InputFile(folder / "given.png", "given.png", "image/png")}
    task = TaskInput(kind, "retouch", {"image": "a", **params}, files)
    place: Any = Workplace(folder)
    return perform(task, place), place.stages


def test_the_engine_tells_its_method_and_how_far_it_is(tmp_path: Path) -> None:
    small = Image.fromarray(pixels("flower")).resize((160, 106))
    result, stages = done(tmp_path, "upscale-image", small, scale=3.0)
    (output,) = result.outputs
    with Image.open(output.path, formats=("PNG",)) as image:
        assert image.size == (480, 318)
    assert "Lanczos" in result.result["method"] and result.result["given"] == {"width": 160, "height": 106}
    assert stages == ["read", "enlarge", "write"]
    cut, _ = done(tmp_path, "remove-background", small)
    assert (cut.outputs[0].name, cut.outputs[0].content_type) == ("image-1", "image/png")
    mended, _ = done(tmp_path, "restore-image", small.convert("RGBA"))
    assert mended.result["width"] == 160


def test_a_huge_picture_keeps_its_size(tmp_path: Path) -> None:
    """Others are halved as they are read, where a frame of a film is all that becomes of them."""
    panorama = Image.new("RGB", (8800, 64), (200, 210, 220))
    ImageDraw.Draw(panorama).ellipse((4200, 12, 4600, 52), fill=(200, 30, 20))
    cut, _ = done(tmp_path, "remove-background", panorama)
    assert (cut.result["width"], cut.result["height"]) == (8800, 64)
    large, _ = done(tmp_path, "upscale-image", panorama, scale=2.0)
    assert (large.result["width"], large.result["height"]) == (17_600, 128)


def test_what_would_be_too_large_is_refused_by_its_field(tmp_path: Path) -> None:
    with pytest.raises(BadRequest, match="megapixels") as refused:
        done(tmp_path, "upscale-image", Image.new("RGB", (3000, 3000)), scale=4.0)
    assert refused.value.param == "scale"
