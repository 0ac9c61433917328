"""Films that take more than one plain call: Wan Animate's pose and LTX's second pass, with random weights.

B-412 (wan-animate moves a character) and B-404 (ltx-quality draws, then enlarges) of seed 002.
"""

from fractions import Fraction
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageDraw

from farm.errors import TaskFailure
from tests.extras import need
from tests.generating import Watching, file_of, frames_of, gradient, made, order
from tests.media import write_clip
from workers.context import Cancelled

need("diffusers", "the extra diffusers is not installed")
pytestmark = [
    pytest.mark.slow,
    # Of the libraries themselves, at import and at each call; they change with every release.
    pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::DeprecationWarning", "ignore::UserWarning"),
]


@pytest.fixture(scope="module")
def tiny() -> ModuleType:
    """The module that makes them, which imports diffusers."""
    from tests import tiny_diffusers

    return tiny_diffusers


@pytest.fixture(scope="module")
def configs(tiny: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models")
    for name in ("wan-animate", "ltx-t2v"):
        tiny.save(name, folder)
    tiny.save_upsampler(folder)
    tiny.save_moves(folder)
    configured: Path = tiny.configure(tmp_path_factory.mktemp("configs"), folder)
    return configured


@pytest.fixture(autouse=True)
def _configured(configs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FARM_CONFIG_DIR", str(configs))


def posing(path: Path, frames: int = 9, pace: int = 5) -> Path:
    """A figure of a few strokes that walks from left to right, as pose films have it."""

    def drawn(number: int) -> "np.ndarray[tuple[int, int, int], np.dtype[np.uint8]]":
        picture = Image.new("RGB", (64, 48))
        x = 10 + pace * number
        ImageDraw.Draw(picture).line([(x, 8), (x, 28), (x - 6, 44), (x, 28), (x + 6, 44)], "lime", 2)
        return np.asarray(picture, np.uint8)

    return write_clip(
        path, frames=frames, rate=Fraction(24), pictures=[drawn(number) for number in range(frames)]
    )


def test_b412_a_character_is_moved_by_a_film_of_a_pose(tmp_path: Path) -> None:
    inputs = {"asset_i": gradient(tmp_path / "character.png"), "asset_v": posing(tmp_path / "pose.mp4")}
    said = {"image": "asset_i", "video": "asset_v", "seed": 5}
    context = Watching(tmp_path / "film")
    done = made(order("wan-animate", inputs, **said), context)
    frames = frames_of(done.outputs[0].path)
    assert len(frames) == done.result["frames"] == 9 and frames[0].shape == (32, 32, 3)
    assert [stage for stage in context.stages if stage.startswith("step")][-1] == "step 2 of 2"
    assert np.ptp(frames[0]) > 2

    other = {**inputs, "asset_v": posing(tmp_path / "still.mp4", 5)}
    shorter = made(order("wan-animate", other, **said), Watching(tmp_path / "shorter"))
    assert shorter.result["frames"] == 5  # as long as its pose
    again = made(order("wan-animate", inputs, **said), Watching(tmp_path / "again"))
    assert file_of(again) == file_of(done)
    with pytest.raises(Cancelled):
        made(
            order("wan-animate", inputs, **said, steps=8),
            Watching(tmp_path / "stopped", lambda _fraction, stage: stage.startswith("step 1")),
        )


def test_b412_pieces_of_a_long_film_follow_each_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from workers.gpu_generate.diffusing import calling

    monkeypatch.setattr(calling, "_SEGMENT", 5)
    inputs = {"asset_i": gradient(tmp_path / "character.png"), "asset_v": posing(tmp_path / "pose.mp4")}
    context = Watching(tmp_path / "film")
    done = made(order("wan-animate", inputs, image="asset_i", video="asset_v", seed=5), context)
    assert done.result["frames"] == 9
    assert [stage for stage in context.stages if stage.startswith("step")] == [
        f"step {number} of 4" for number in range(1, 5)
    ]
    fractions = [fraction for fraction, _ in context.told]
    assert fractions == sorted(fractions) and context.stages[-2:] == ["decode", "encode"]


def test_b404_ltx_quality_draws_at_half_the_size_and_enlarges_it_with_its_sound(
    tiny: ModuleType, tmp_path: Path
) -> None:
    import av

    context = Watching(tmp_path / "film")
    done = made(order("ltx-quality", seed=1, sound=True), context)
    assert (done.result["width"], done.result["height"]) == (64, 64)
    frames = frames_of(done.outputs[0].path)
    assert len(frames) == 9 and frames[0].shape == (64, 64, 3) and np.ptp(frames[0]) > 2
    with av.open(str(done.outputs[0].path)) as container:
        assert container.streams.audio[0].rate == 48_000
    assert [stage for stage in context.stages if stage.startswith("step")][-1] == "step 2 of 2"
    fractions = [fraction for fraction, _ in context.told]
    assert fractions == sorted(fractions)
    again = made(order("ltx-quality", seed=1, sound=True), Watching(tmp_path / "again"))
    assert file_of(again) == file_of(done)

    plain = made(order("ltx-t2v", seed=1, width=64, height=64), Watching(tmp_path / "plain"))
    assert file_of(plain) != file_of(done)  # the weights are the same, the second pass is not there


def test_b409_the_move_that_a_prompt_names_is_laid_on(tmp_path: Path) -> None:
    def drawn(prompt: str) -> tuple[bytes, list[str]]:
        context = Watching(tmp_path / prompt.replace(" ", "-"))
        return file_of(made(order("ltx-camera", seed=1, prompt=prompt), context)), context.lines

    still = drawn("a lighthouse")
    inwards, outwards = drawn("a lighthouse, dolly in"), drawn("a lighthouse. The camera slowly pulls back")
    assert len({still[0], inwards[0], outwards[0]}) == 3
    assert inwards[1] == outwards[1] == []
    assert any("names no move" in line for line in still[1])
    assert drawn("a lighthouse") == still  # nothing of the last one stays
    assert "names no move" in drawn("a lighthouse, truck left")[1][0]  # it was not given that one


def test_b410_a_film_is_followed_at_the_size_that_its_lora_was_trained_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from diffusers import LTX2InContextPipeline

    seen: list[tuple[int, int]] = []
    encode = LTX2InContextPipeline._encode_reference_conditions

    def watched(*args: Any, **said: Any) -> Any:
        seen.append((said["height"], said["reference_downscale_factor"]))
        return encode(*args, **said)

    monkeypatch.setattr(LTX2InContextPipeline, "_encode_reference_conditions", watched)

    def drawn(pace: int) -> bytes:
        inputs = {"asset_v": posing(tmp_path / f"{pace}.mp4", pace=pace)}
        done = made(order("ltx-control", inputs, video="asset_v", seed=2), Watching(tmp_path / str(pace)))
        assert (done.result["width"], done.result["height"]) == (64, 64)
        return file_of(done)

    assert drawn(0) != drawn(5)
    assert seen == [(64, 2), (64, 2)]


@pytest.mark.parametrize(
    ("prompt", "role"),
    [
        ("a slow dolly in on the door", "camera_in_lora"),
        ("a fox. Slow zoom in, then truck left.", "camera_in_lora"),
        ("The camera pulls back quickly to reveal the city", "camera_out_lora"),
        ("fast zoom out", "camera_out_lora"),
        ("a street, the camera tracks to the left", "camera_left_lora"),
        ("truck right along the wall", "camera_right_lora"),
        ("pan left over the snow", None),
        ("a child runs into the house", None),
        ("people moving in the street, a car pulls away", None),
        ("the camera moves slowly away from the tree", "camera_out_lora"),
    ],
)
def test_b409_moves_are_known_by_their_words(prompt: str, role: str | None) -> None:
    from workers.gpu_generate.diffusing.moves import move_of

    assert move_of(prompt) == role


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        ("/upsampler", "/nowhere", ""),
        ("latent_upsampler =", 'upscale = "/there"\nlatent_upsampler =', ".*no use for a part 'upscale'"),
    ],
)
def test_a_part_that_is_missing_or_of_no_use_is_told(
    configs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, old: str, new: str, why: str
) -> None:
    import shutil

    folder = shutil.copytree(configs, tmp_path / "configs")
    said = (folder / "generate.toml").read_text()
    (folder / "generate.toml").write_text(said.replace(old, new))
    monkeypatch.setenv("FARM_CONFIG_DIR", str(folder))
    with pytest.raises(TaskFailure, match=f"LTX Quality cannot be loaded{why}") as caught:
        made(order("ltx-quality", seed=1), Watching(tmp_path / "film"))
    assert caught.value.public_code == "model_unreadable"
