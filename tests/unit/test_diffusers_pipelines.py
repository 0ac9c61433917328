"""Real diffusers pipelines with random weights, through the catalog: they draw, tell, stop and repeat.

They draw what seed 003 (C-027, C-043, C-056) and seed 002 (B-025 … B-040, B-075 … B-081) ask of local models.
"""

import gc
import json
import os
import threading
from collections.abc import Iterator
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from PIL import Image

from farm.errors import FailureClass, TaskFailure
from tests.extras import need
from tests.generating import Watching, file_of, frames_of, gradient, made, order
from workers.context import Cancelled

need("diffusers", "the extra diffusers is not installed")
pytestmark = [
    pytest.mark.slow,
    # Of the libraries themselves, at import and at each call; they change with every release.
    pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::DeprecationWarning", "ignore::UserWarning"),
]

FILMS = ("wan-t2v", "ltx-t2v", "tiny-ltx", "cogvideo-t2v", "animatediff", "hunyuan15-t2v")
PICTURES = ("sd15", "flux", "z-image")
FROM_A_PICTURE = ("wan-i2v", "svd-i2v")
LARGE = 8 << 20  # bytes, of all loaded models


@pytest.fixture(scope="module")
def tiny_diffusers() -> ModuleType:
    """The module that makes them, which imports diffusers."""
    from tests import tiny_diffusers

    return tiny_diffusers


@pytest.fixture(scope="module")
def models(tiny_diffusers: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All of them, saved as diffusers saves them."""
    folder = tmp_path_factory.mktemp("models")
    for name in tiny_diffusers.PIPELINES:
        tiny_diffusers.save(name, folder)
    return folder


@pytest.fixture(scope="module")
def configs(tiny_diffusers: ModuleType, models: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    made: Path = tiny_diffusers.configure(tmp_path_factory.mktemp("configs"), models)
    return made


@pytest.fixture(autouse=True)
def _configured(configs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FARM_CONFIG_DIR", str(configs))


@pytest.fixture(scope="module")
def making() -> ModuleType:
    """The module that the engine is."""
    from workers.gpu_generate.diffusing import making

    return making


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    return gradient(tmp_path / "given.png")


def pipeline(making: ModuleType, model: str) -> Any:
    """The one that lies loaded for a model."""
    from farm.catalog import read_catalog
    from farm.settings import Settings

    residents = making.studio_of(read_catalog(Settings()), Settings()).residents
    held = next(found for found in residents._held.values() if model in found.names)
    return held.model.pipeline


def needs(model: str, picture: Path) -> dict[str, Any]:
    return {"inputs": {"asset_i": picture}, "image": "asset_i"} if model in FROM_A_PICTURE else {}


@pytest.mark.parametrize("model", [*PICTURES, *FILMS, *FROM_A_PICTURE])
def test_b025_b034_c027_c056_a_model_of_the_catalog_draws_tells_stops_and_repeats(
    model: str, picture: Path, tmp_path: Path, making: ModuleType
) -> None:
    import torch

    given = needs(model, picture)
    first = Watching(tmp_path / "first")
    done = made(order(model, seed=5, **given), first)

    assert done.result["seed"] == 5 and done.result["model"] == model
    assert model in first.models  # said to the farm, so that its tasks come here
    assert first.stages[0] == "load the model"
    assert [stage for stage in first.stages if stage.startswith("step")][-1] == "step 2 of 2"
    fractions = [fraction for fraction, _ in first.told]
    assert fractions == sorted(fractions) and fractions[-1] <= 1
    _looks_right(done.outputs[0].path, done.outputs[0].meta, model)

    drawer = pipeline(making, model)
    calls = _Calls(drawer)
    until = Watching(tmp_path / "stopped", lambda _fraction, stage: stage.startswith("step 1"))
    with pytest.raises(Cancelled), calls:
        made(order(model, seed=5, steps=8, **given), until)
    assert calls.decoded == 0
    assert calls.drawn <= 2  # of sixteen: a step may call the large part with the prompt and without
    parts = [part for part in drawer.components.values() if isinstance(part, torch.nn.Module)]
    assert not any(part._forward_pre_hooks for whole in parts for part in whole.modules())

    again = made(order(model, seed=5, **given), Watching(tmp_path / "again"))
    assert file_of(again) == file_of(done)
    other = made(order(model, seed=6, **given), Watching(tmp_path / "other"))
    assert file_of(other) != file_of(done)


@pytest.mark.parametrize("model", [*PICTURES, *FILMS, *FROM_A_PICTURE])
def test_what_is_drawn_is_seen_on_the_way_as_the_pipeline_decodes_it_and_changes_nothing(
    model: str, picture: Path, tmp_path: Path, making: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    from workers.gpu_generate import previews

    task = order(model, seed=5, steps=5, width=64, height=32, **needs(model, picture))
    done = made(task, Watching(tmp_path / "unseen"))
    at_once = classmethod(lambda cls, context, _catalog: cls(context.preview, 1e-9))
    monkeypatch.setattr(previews.Previews, "of", at_once)
    monkeypatch.setattr(previews, "_MOST_SHARE", float("inf"))
    ends = _Ends(monkeypatch, pipeline(making, model))
    context = Watching(tmp_path / "seen")
    assert file_of(made(task, context)) == file_of(done)

    tells_before = model == "hunyuan15-t2v"  # not of the first step; and not of the last, which is the end
    assert len(context.previews) == (4 if tells_before else 3)
    for data in context.previews:
        with Image.open(BytesIO(data)) as image:
            assert image.format == "JPEG" and image.width == 2 * image.height <= 256
            assert np.asarray(image).std() > 2
    assert len(set(context.previews)) == len(context.previews)
    if model in ("sd15", "z-image"):  # in the picture's own size
        with Image.open(BytesIO(context.previews[-1])) as last, Image.open(done.outputs[0].path) as end:
            pair = [np.asarray(image.convert("RGB"), float).ravel() for image in (last, end)]
        assert np.corrcoef(pair)[0, 1] > 0.6
    ends.are_decoded_as_the_pipeline_does()


class _Ends:
    """What a pipeline's latents are after the last step, and what it hands to its VAE then."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, drawer: Any) -> None:
        from diffusers import FlowMatchEulerDiscreteScheduler as Euler

        from workers.gpu_generate.diffusing import glimpse, sketch, watch

        self._drawer = drawer
        ended, step, decode = watch._Watch.step_ended, Euler.step, drawer.vae.decode
        of = glimpse.glimpse

        def step_ended(watch: Any, drawer: Any, number: int, time: Any, given: dict[str, Any]) -> Any:
            self.latents = given["latents"]
            return ended(watch, drawer, number, time, given)

        def stepped(euler: Any, *args: Any, **more: Any) -> Any:
            made = step(euler, *args, **more)
            if "Hunyuan" in type(drawer).__name__:  # it tells nobody else
                self.latents = made[0]
            return made

        def glimpsed(drawer: Any, latents: Any, fitted: Any) -> Any:
            self.fitted = fitted
            return of(drawer, latents, fitted)

        def decoded(latents: Any, *args: Any, **more: Any) -> Any:
            self.decoded = latents
            return decode(latents, *args, **more)

        monkeypatch.setattr(watch._Watch, "step_ended", step_ended)
        monkeypatch.setattr(Euler, "step", stepped)
        monkeypatch.setattr(sketch, "glimpse", glimpsed)
        monkeypatch.setattr(drawer.vae, "decode", decoded)

    def are_decoded_as_the_pipeline_does(self) -> None:
        import torch

        from workers.gpu_generate.diffusing import glimpse

        found = glimpse._unpacked(self._drawer, self.latents, self.fitted)
        ours = glimpse._as_decoded(self._drawer.vae, found)
        if self.decoded.ndim == 4:
            ours = ours.transpose(1, 2).flatten(0, 1)
        torch.testing.assert_close(ours[-len(self.decoded) :], self.decoded, atol=1e-4, rtol=1e-4)


class _Calls:
    """Counts what a pipeline computes."""

    def __init__(self, drawer: Any) -> None:
        self._parts = [getattr(drawer, name, None) for name in ("transformer", "transformer_2", "unet")]
        self._vae = drawer.vae
        self.drawn = self.decoded = 0

    def __enter__(self) -> "_Calls":
        self._hooks = [
            part.register_forward_hook(self._has_drawn) for part in self._parts if part is not None
        ]
        self._hooks.append(self._vae.decoder.register_forward_hook(self._has_decoded))
        return self

    def __exit__(self, *_: object) -> None:
        for hook in self._hooks:
            hook.remove()

    def _has_drawn(self, *_: Any) -> None:
        self.drawn += 1

    def _has_decoded(self, *_: Any) -> None:
        self.decoded += 1


def _looks_right(path: Path, meta: Any, model: str) -> None:
    assert (meta["width"], meta["height"]) == (32, 32)
    if model in PICTURES:
        with Image.open(path) as image:
            assert image.size == (32, 32)
        return
    frames = frames_of(path)
    assert len(frames) == meta["frames"] == {"cogvideo-t2v": 17, "animatediff": 8, "svd-i2v": 8}.get(model, 9)
    assert frames[0].shape == (32, 32, 3) and np.ptp(frames[0]) > 2


def test_a_model_that_makes_sound_has_its_sound_in_the_film(tmp_path: Path) -> None:
    import av

    done = made(order("ltx-t2v", seed=1), Watching(tmp_path / "film"))
    with av.open(str(done.outputs[0].path)) as container:
        sound = container.streams.audio[0]
        assert sound.rate == 48_000
        samples = sum(frame.samples for frame in container.decode(audio=0))
    assert abs(samples - done.result["duration_s"] * 48_000) <= 1024

    silent = made(order("ltx-t2v", seed=1, sound=False), Watching(tmp_path / "silent"))
    with av.open(str(silent.outputs[0].path)) as container:
        assert not container.streams.audio  # C-074: nobody asked for any


def test_b063_a_film_between_two_pictures_and_after_a_film(picture: Path, tmp_path: Path) -> None:
    last = gradient(tmp_path / "last.png", 64)
    ends = {"asset_a": picture, "asset_b": last}
    flf = made(
        order("wan-flf", ends, image="asset_a", last_image="asset_b", seed=3), Watching(tmp_path / "flf")
    )
    assert flf.result["frames"] == 9 and flf.result["model"] == "wan-flf"
    film = flf.outputs[0].path
    params: dict[str, Any] = {"video": "asset_v", "strength": 0.6, "seed": 3}
    v2v = made(order("v2v", {"asset_v": film}, **params), Watching(tmp_path / "v2v"))  # B-075 … B-078
    assert v2v.result["frames"] == 9
    longer = made(order("v2v", {"asset_v": film}, **params, frames=33), Watching(tmp_path / "longer"))
    assert longer.result["frames"] == 9  # no more than the film has


def test_c092_a_picture_is_looked_at_in_its_own_colours(tmp_path: Path) -> None:
    """Also where they change from one pixel to the next, which film cannot keep."""
    from workers.gpu_generate.diffusing.given import looked_at

    stripes = np.zeros((64, 64, 3), np.uint8)
    stripes[:, ::2, 0] = stripes[:, 1::2, 2] = 255
    Image.fromarray(stripes).save(tmp_path / "stripes.png")
    (seen,) = looked_at(order("flux", {"a": tmp_path / "stripes.png"}), ["a"])
    assert (np.asarray(seen) == stripes).all()


@pytest.mark.parametrize("size", [(900, 30), (1, 16), (40, 40), (3000, 2000), (64, 64)])
def test_c034_c037_references_of_any_shape_are_looked_at(size: tuple[int, int]) -> None:
    """A banner, an icon: Flux 2 itself would refuse them."""
    from diffusers.pipelines.flux2.image_processor import Flux2ImageProcessor

    from workers.gpu_generate.diffusing.given import presentable

    shown = presentable(Image.new("RGB", size, (200, 40, 20)))
    assert Flux2ImageProcessor.check_image_input(shown) is shown
    assert max(shown.size) <= 1024 and shown.getpixel((shown.width // 2, shown.height // 2)) == (200, 40, 20)


def test_c031_what_is_to_be_cut_out_is_asked_for_on_a_plain_ground(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No model here draws transparency. What words were added is told."""
    from workers.gpu_generate.pictures import finish

    monkeypatch.setattr(finish, "cut_out", lambda pixels: np.dstack([pixels, pixels[..., 0]]))
    done = made(order("sd15", seed=1, background="transparent"), Watching(tmp_path / "cut"))
    (output,) = done.outputs
    assert output.meta["revised_prompt"].endswith("on a plain, evenly lit white background")
    with Image.open(output.path) as image:
        assert (image.format, image.mode) == ("PNG", "RGBA")


def test_a_model_that_looks_at_no_references_says_so(picture: Path, tmp_path: Path) -> None:
    context = Watching(tmp_path / "work")
    asked = order("sd15", {"a": picture}, images=["a"], style_image="a", seed=1)
    assert made(replace(asked, kind="generate-image"), context).outputs
    assert context.lines == ["Stable Diffusion 1.5 looks at no pictures of characters or of a style."]


def test_a_recording_that_tells_no_length_is_as_long_as_it_is(tmp_path: Path) -> None:
    """As browsers record: what is made after it has as many frames."""
    from farm.catalog import read_catalog
    from farm.models import Wish
    from farm.settings import Settings
    from tests.media import write_clip
    from workers.context import InputFile
    from workers.gpu_generate.diffusing.given import fitted_to

    path = write_clip(tmp_path / "a.webm", frames=60, codec="libvpx", container_options={"live": "1"})
    model = read_catalog(Settings()).models.models["v2v"]
    wanted = model.fitted(Wish(frames=81, frame_rate=30))
    assert fitted_to(InputFile(path, "a.webm", "video/webm"), model, wanted).frames == 57


def test_c043_c046_an_edit_keeps_what_the_mask_keeps_and_shares_its_weights(
    picture: Path, tmp_path: Path, making: ModuleType
) -> None:
    mask = tmp_path / "mask.png"
    half = np.zeros((48, 48), np.uint8)
    half[:, 24:] = 255
    Image.fromarray(half).save(mask)
    inputs = {"asset_i": picture, "asset_m": mask}
    asked: dict[str, Any] = {"images": ["asset_i"], "mask": "asset_m", "width": 64, "height": 64, "seed": 2}
    drawn = {}
    for model in ("sd15-inpaint", "flux-edit"):
        context = Watching(tmp_path / model)
        done = made(order(model, inputs, **asked), context)
        with Image.open(done.outputs[0].path) as image:
            drawn[model] = np.asarray(image.convert("RGB"), np.int16)
    with Image.open(picture) as image:
        kept = np.asarray(image.resize((64, 64), Image.Resampling.LANCZOS), np.int16)
    for pixels in drawn.values():
        assert np.abs(pixels[:, :28] - kept[:, :28]).max() <= 1
        assert np.abs(pixels[:, 36:] - kept[:, 36:]).max() > 8
    made(order("flux", seed=1), Watching(tmp_path / "flux"))
    assert pipeline(making, "flux") is pipeline(making, "flux-edit")


def test_b035_b036_b037_samplers_are_obeyed_where_the_model_can_have_them(
    tmp_path: Path, making: ModuleType
) -> None:
    def drawn(model: str, **said: Any) -> tuple[bytes, list[str]]:
        context = Watching(tmp_path / f"{model}-{'-'.join(map(str, said.values()))}")
        return file_of(made(order(model, seed=4, steps=4, **said), context)), context.lines

    plain, _ = drawn("sd15")
    karras, lines = drawn("sd15", sampler="dpmpp_2m", scheduler="karras")
    assert karras != plain and lines == []
    assert drawn("wan-t2v", sampler="sa_solver", scheduler="normal")[1] == []
    assert drawn("wan-t2v", shift=2.0)[0] != drawn("wan-t2v", shift=7.0)[0]
    _, lines = drawn("hunyuan15-t2v", sampler="sa_solver")
    assert any("sampler sa_solver" in line for line in lines)
    own = pipeline(making, "sd15").scheduler
    assert type(own).__name__ == "DDIMScheduler"  # each job finds it as its makers set it


def test_pictures_of_a_job_are_the_same_alone_and_together(
    tmp_path: Path, tiny_diffusers: ModuleType, models: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    alone = made(order("sd15", seed=7, count=3), Watching(tmp_path / "alone"))
    folder = tiny_diffusers.configure(tmp_path / "configs", models)
    rules = (folder / "generate.toml").read_text()
    (folder / "generate.toml").write_text(
        rules.replace("[generate]\n", "[generate]\nbatch_pixels = 4096\n", 1)
    )
    monkeypatch.setenv("FARM_CONFIG_DIR", str(folder))
    context = Watching(tmp_path / "together")
    together = made(order("sd15", seed=7, count=3), context)
    assert [output.meta["seed"] for output in together.outputs] == [7, 8, 9]
    assert len({file_of(together, number) for number in range(3)}) == 3
    for one, other in zip(alone.outputs, together.outputs, strict=True):
        with Image.open(one.path) as a, Image.open(other.path) as b:
            assert np.abs(np.asarray(a, np.int16) - np.asarray(b, np.int16)).max() <= 1


def test_b471_a_free_accounts_film_is_marked_and_nothing_else_of_it_changes(tmp_path: Path) -> None:
    size: dict[str, Any] = {"width": 128, "height": 96, "seed": 1}
    plain = made(order("wan-t2v", **size), Watching(tmp_path / "plain"))
    marked = made(order("wan-t2v", **size, watermark=True), Watching(tmp_path / "marked"))
    for a, b in zip(*(frames_of(done.outputs[0].path) for done in (plain, marked)), strict=True):
        differs = np.abs(a.astype(np.int16) - b.astype(np.int16)).max(axis=2)
        assert differs[70:, 30:].max() > 60
        assert np.median(differs[:60]) < 6  # what the encoder makes of the noise


class _Short:
    """A decoder that runs out of memory so many times."""

    def __init__(self, drawer: Any, times: int) -> None:
        self.left = times
        self._hook = drawer.vae.decoder.register_forward_pre_hook(self._fail)

    def _fail(self, *_: Any) -> None:
        import torch

        if self.left:
            self.left -= 1
            raise torch.OutOfMemoryError("tried to allocate 20.00 GiB")

    def over(self) -> None:
        self._hook.remove()


def test_what_runs_out_of_memory_needs_less_and_less_and_then_another_worker(
    tmp_path: Path, making: ModuleType
) -> None:
    made(order("flux", seed=1), Watching(tmp_path / "beside"))
    plain = made(order("sd15", seed=1), Watching(tmp_path / "plain"))
    drawer = pipeline(making, "sd15")
    short = _Short(drawer, 2)
    context = Watching(tmp_path / "short")
    done = made(order("sd15", seed=1), context)
    assert drawer.vae.use_tiling
    assert [line.rpartition("; ")[2] for line in context.lines] == [
        "tried again: caches emptied, other models unloaded.",
        "tried again: the VAE works in tiles.",
    ]
    assert context.models == ("sd15",)  # flux had to go
    assert len(done.outputs) == len(plain.outputs)
    made(order("sd15", seed=1, width=16, height=16), Watching(tmp_path / "small"))
    assert not drawer.vae.use_tiling  # only for what needs it
    made(order("sd15", seed=1), Watching(tmp_path / "known"))
    assert drawer.vae.use_tiling

    short.left = 99
    with pytest.raises(TaskFailure) as caught:
        made(order("sd15", seed=1, width=64, height=64), Watching(tmp_path / "never"))
    assert (caught.value.failure, caught.value.public_code) == (FailureClass.OOM, "out_of_memory")
    short.over()
    calls = _Calls(drawer)
    with pytest.raises(TaskFailure, match="ran out of memory at 4096 pixels"), calls:
        made(order("sd15", seed=1, width=96, height=64), Watching(tmp_path / "refused"))
    assert calls.drawn == 0
    assert made(order("sd15", seed=1), Watching(tmp_path / "smaller")).outputs


def test_what_was_too_large_once_is_tried_again_later() -> None:
    """Another program may have had the card."""
    from workers.gpu_generate.diffusing.ladder import Caps

    now = [0.0]
    caps = Caps(clock=lambda: now[0])
    caps.remember("flux", 4096)
    caps.remember("flux", 9000)
    caps.refuse("flux", 4095)
    with pytest.raises(TaskFailure, match="at 4096 pixels, and these are 4096"):
        caps.refuse("flux", 4096)
    now[0] = 1_801.0
    caps.refuse("flux", 9000)
    caps.remember("flux", 9000)
    caps.refuse("flux", 4096)  # which fits now, as far as anybody knows


def test_noise_that_is_no_number_and_black_pictures_are_no_success(
    tmp_path: Path, making: ModuleType
) -> None:
    import torch

    made(order("z-image", seed=1), Watching(tmp_path / "well"))
    decoder = pipeline(making, "z-image").vae.decoder
    for value, code in ((float("nan"), "output_not_finite"), (-1.0, "output_black")):
        hook = decoder.register_forward_hook(lambda _m, _a, out, value=value: torch.full_like(out, value))
        with pytest.raises(TaskFailure) as caught:
            made(order("z-image", seed=1), Watching(tmp_path / code))
        hook.remove()
        assert (caught.value.failure, caught.value.public_code) == (FailureClass.CORRUPT_OUTPUT, code)


def test_a_repository_without_a_revision_pickles_and_code_are_never_loaded(
    tmp_path: Path, tiny_diffusers: ModuleType, models: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import torch

    with pytest.raises(TaskFailure) as caught:
        made(order("hunyuan-t2v", seed=1), Watching(tmp_path / "unpinned"))
    assert caught.value.public_code == "model_unpinned"

    bad = tmp_path / "models" / "sd15"
    for path in (models / "sd15").rglob("*"):
        if path.is_file() and path.parts[-2:] != ("unet", "diffusion_pytorch_model.safetensors"):
            target = bad / path.relative_to(models / "sd15")
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(path.read_bytes())
    monkeypatch.setenv("TRACE", str(tmp_path / "trace"))
    torch.save(_Bomb(), bad / "unet" / "diffusion_pytorch_model.bin")
    index = json.loads((bad / "model_index.json").read_text())
    monkeypatch.setenv(
        "FARM_CONFIG_DIR", str(tiny_diffusers.configure(tmp_path / "configs", tmp_path / "models"))
    )
    for said in (index, {**index, "unet": ["evil", "Model"]}):
        (bad / "model_index.json").write_text(json.dumps(said))
        (bad / "unet" / "evil.py").write_text("import os\nos.mkdir(os.environ['TRACE'])\nclass Model: pass\n")
        with pytest.raises(TaskFailure, match=r"safetensors|custom code") as caught:
            made(order("sd15", seed=1), Watching(tmp_path / "bad"))
        assert caught.value.public_code == "model_unreadable"
    assert not (tmp_path / "trace").exists()


class _Bomb:
    """Unpickled, it leaves a trace."""

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (os.environ["TRACE"],)


@pytest.fixture
def crowded(
    tiny_diffusers: ModuleType, models: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[None]:
    """So little memory that a few models fit at once."""
    folder = tiny_diffusers.configure(tmp_path / "configs", models, memory_gb=LARGE / (1 << 30))
    monkeypatch.setenv("FARM_CONFIG_DIR", str(folder))
    yield


@pytest.mark.usefixtures("crowded")
def test_twenty_models_in_turn_leave_no_memory_behind(
    picture: Path, tmp_path: Path, making: ModuleType
) -> None:
    all_of_them = [*PICTURES, *FILMS, *FROM_A_PICTURE]
    turns = [*all_of_them, *all_of_them[:4], *all_of_them[:5]]  # the 5th and the 20th are the same
    sizes, loaded = [], set()
    for number, model in enumerate(turns):
        context = Watching(tmp_path / str(number))
        made(order(model, seed=number, **needs(model, picture)), context)
        loaded.add(context.models)
        gc.collect()
        sizes.append(_resident_bytes())
    print(f"{sizes[4] / 1e6:.0f} MB after the 5th, {sizes[19] / 1e6:.0f} MB after the 20th")
    assert len(sizes) == 20 and sizes[19] <= 1.05 * sizes[4]
    assert 1 < max(len(names) for names in loaded) < len(all_of_them)  # some stay, and others make room


def _resident_bytes() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def test_fewer_bits_and_tiles_are_by_the_configs(
    tmp_path: Path,
    tiny_diffusers: ModuleType,
    models: Path,
    monkeypatch: pytest.MonkeyPatch,
    making: ModuleType,
) -> None:
    import torch

    folder = tiny_diffusers.configure(tmp_path / "configs", models)
    rules = (folder / "generate.toml").read_text()
    said = (
        '[generate]\nquantised = "float8"\ntiled = true\ncompiled = true\n'  # that with float8: not compiled
    )
    (folder / "generate.toml").write_text(rules.replace("[generate]\n", said, 1))
    monkeypatch.setenv("FARM_CONFIG_DIR", str(folder))
    made(order("wan-t2v", seed=1), Watching(tmp_path / "film"))
    drawer = pipeline(making, "wan-t2v")
    assert torch.float8_e4m3fn in {weights.dtype for weights in drawer.transformer.parameters()}
    assert drawer.vae.use_tiling


def test_a_lora_is_melted_into_the_transformer_that_it_is_for(
    tmp_path: Path,
    tiny_diffusers: ModuleType,
    models: Path,
    monkeypatch: pytest.MonkeyPatch,
    making: ModuleType,
) -> None:
    """Wan 2.2 has two, each with its own."""
    import torch
    from safetensors.torch import load_file, save_file

    layer, file = "blocks.0.attn1.to_q", "diffusion_pytorch_model.safetensors"
    parts = {"transformer": ("turbo_lora", 0.25), "transformer_2": ("turbo_2_lora", -0.5)}
    came = {part: load_file(models / "wan-t2v" / part / file)[f"{layer}.weight"] for part in parts}
    said, none = "[generate.models.wan-t2v.parts]\n", 'turbo_lora = ""\nturbo_2_lora = ""\n'
    lines = [said]
    for part, (role, value) in parts.items():
        rows, columns = came[part].shape
        down, up = torch.ones(1, columns), torch.full((rows, 1), value)
        key = f"transformer.{layer}.lora"
        save_file({f"{key}_A.weight": down, f"{key}_B.weight": up}, tmp_path / f"{role}.safetensors")
        lines.append(f'{role} = "{tmp_path}/{role}.safetensors"\n')
    folder = tiny_diffusers.configure(tmp_path / "configs", models)
    rules = (folder / "generate.toml").read_text()
    (folder / "generate.toml").write_text(rules.replace(said + none, "".join(lines)))
    monkeypatch.setenv("FARM_CONFIG_DIR", str(folder))
    made(order("wan-t2v", seed=1), Watching(tmp_path / "film"))
    drawer = pipeline(making, "wan-t2v")
    for part, (_, value) in parts.items():
        melted = getattr(drawer, part).get_submodule(layer).weight.detach().float().cpu()
        assert (melted - came[part].float() - value).abs().max() < 0.01


def test_a_part_that_is_one_file_needs_no_room_for_what_lies_beside_it(tmp_path: Path) -> None:
    from farm.model_sources import Source
    from workers.gpu_generate.diffusing.studio import _folder_bytes

    for name, size in (("lora", 10), ("another-model", 10_000)):
        (tmp_path / f"{name}.safetensors").write_bytes(bytes(size))
    assert _folder_bytes(Source(str(tmp_path), file="lora.safetensors")) == 10
    assert _folder_bytes(Source(str(tmp_path), file="missing.safetensors")) == 0
    assert _folder_bytes(Source(str(tmp_path))) == 10_010


def test_a_cancel_need_not_wait_for_a_model_to_load(
    tmp_path: Path, tiny_diffusers: ModuleType, models: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It loads on, and the next task has it: to kill the process would lose all that lies in it."""
    from workers.gpu_generate.diffusing import loading

    folder = tiny_diffusers.configure(tmp_path / "configs", models)
    monkeypatch.setenv("FARM_CONFIG_DIR", str(folder))  # a process that has loaded nothing
    load, may_end = loading.load, threading.Event()
    loads: list[str] = []

    def slowly(model: Any, *args: Any, **named: Any) -> Any:
        loads.append(model.name)
        assert may_end.wait(30)
        return load(model, *args, **named)

    monkeypatch.setattr(loading, "load", slowly)
    for attempt in ("first", "second"):  # the second waits for what the first has begun
        stopped = Watching(tmp_path / attempt, lambda _fraction, stage: stage == "load the model")
        with pytest.raises(Cancelled):
            made(order("sd15", seed=1), stopped)
        assert len(loads) == 1
    may_end.set()
    other = Watching(tmp_path / "other")
    made(order("flux", seed=1), other)
    assert {"sd15", "flux", "flux-edit"} <= set(other.models)
    made(order("sd15", seed=1), Watching(tmp_path / "again"))
    given: dict[str, Any] = {"images": ["a"], "width": 64, "height": 64}
    made(order("flux-edit", {"a": gradient(tmp_path / "a.png")}, **given), Watching(tmp_path / "edit"))
    assert len(loads) == 2


def test_what_cannot_be_compiled_runs_as_it_is_written(
    tmp_path: Path, models: Path, making: ModuleType
) -> None:
    from farm.catalog import read_catalog
    from farm.diffusing import OwnModel
    from farm.model_sources import Source, Sources
    from farm.settings import Settings
    from workers.gpu_generate.diffusing.device import Device
    from workers.gpu_generate.diffusing.loading import load, run_as_written

    def compiled(name: str) -> Any:
        model = read_catalog(Settings()).models.models[name]
        found = load(
            model, Sources(Source(str(models / name))), OwnModel(compiled=True), Device("cpu"), download=False
        )
        return getattr(found, "transformer", None) or found.unet, found

    part, found = compiled("z-image")
    assert any(module._compiled_call_impl for module in part.modules())
    run_as_written(found)  # where its layers come and go
    assert not any(module._compiled_call_impl for module in part.modules())
    part, _ = compiled("cogvideo-t2v")
    assert not any(module._compiled_call_impl for module in part.modules())


def test_b408_more_frames_than_animatediff_was_trained_on_are_drawn_in_windows(tmp_path: Path) -> None:
    done = made(order("animatediff", seed=1, frames=24), Watching(tmp_path / "long"))
    assert len(frames_of(done.outputs[0].path)) == 24
    done = made(order("animatediff", seed=1), Watching(tmp_path / "short"))
    assert len(frames_of(done.outputs[0].path)) == 8
