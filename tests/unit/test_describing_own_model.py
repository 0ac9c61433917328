"""Descriptions by a model of the worker's own: safetensors only, loaded once, let go when memory is short."""

import json
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from PIL import Image

from farm.errors import FailureClass, TaskFailure
from farm.rules.senses import DescribeRules, VisionModel
from farm.settings import Settings
from tasks.describe_scenes import Described, Source
from tasks.describe_scenes.asking import Wanted
from tests.described_jobs import without_readers
from tests.extras import need
from workers.context import Cancelled, InputFile, TaskInput
from workers.engine import Engine, Limits
from workers.media.models import ModelKeeper
from workers.stop_sign import StopSign
from workers.vision_describe.describe_scenes import perform
from workers.wire import Perform

need("transformers", "the extra vlm is not installed")
pytestmark = pytest.mark.slow

CONFIG = """
[describe.models.tiny]
folder = "{folder}"
[describe.models.mute]
folder = "{mute}"
"""
ONE = Wanted(place=0, count=1, style="short", most=200)
RED = Image.new("RGB", (64, 48), (200, 40, 30))


class Context:
    """A performer's context."""

    def __init__(self, workdir: Path) -> None:
        self.workdir = workdir
        self.models: tuple[str, ...] = ()
        self.stages: list[str] = []

    def progress(self, fraction: float, stage: str = "") -> None:
        self.stages.append(stage)

    def checkpoint(self) -> None:
        """Nobody stops it."""

    def log(self, message: str) -> None:
        """Nobody reads."""

    def warm(self, *models: str) -> None:
        self.models = models


@pytest.fixture(scope="module")
def own() -> ModuleType:
    """The module that imports transformers."""
    from workers.vision_describe.describing import own_model

    return own_model


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from tests.tiny_vision import tiny_caption_model, tiny_chat_model

    made = tmp_path_factory.mktemp("models")
    tiny_chat_model(made / "chat")
    tiny_chat_model(made / "mute", is_mute=True)
    tiny_caption_model(made / "caption")
    (made / "describe.toml").write_text(CONFIG.format(folder=made / "chat", mute=made / "mute"))
    (made / "moderation.toml").write_text("[moderation]\nnudity = false\n")
    RED.save(made / "red.png")
    return made


@pytest.fixture
def configured(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A worker whose configs name the models."""
    without_readers(monkeypatch)
    monkeypatch.setenv("FARM_CONFIG_DIR", str(folder))
    return folder


def task(folder: Path, model: str = "tiny", pictures: int = 2) -> TaskInput:
    inputs = {"asset_1": InputFile(folder / "red.png", "red.png", "image/png")}
    params = {"images": [{"asset_id": "asset_1"}] * pictures, "max_description": 200}
    return TaskInput("describe-scenes", "describe", params, inputs, provider="eyes", model=model)


def described(
    folder: Path, workdir: Path, model: str = "tiny", pictures: int = 2
) -> tuple[Described, Context]:
    workdir.mkdir(exist_ok=True)
    context = Context(workdir)
    done = perform(task(folder, model, pictures), context)  # type: ignore[arg-type]  # as far as it needs one
    return Described.model_validate(done.result), context


def test_a_model_describes_and_is_loaded_once_for_all_jobs(
    configured: Path, own: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    loads: list[VisionModel] = []

    def load(spec: VisionModel) -> Any:
        loads.append(spec)
        return real(spec)

    real = own.load
    monkeypatch.setattr(own, "load", load)
    first, context = described(configured, tmp_path / "one")
    again, _ = described(configured, tmp_path / "two")
    assert first == again and len(loads) == 1
    assert context.models == ("tiny",)  # said to the farm, so that its tasks come here
    assert context.stages[0] == "load the model"
    assert [scene.description_source for scene in first.scenes] == [Source.MODEL] * 2
    assert all(0 < len(scene.description) <= 200 for scene in first.scenes)


def test_a_model_that_knows_tasks_is_given_one(folder: Path, own: ModuleType) -> None:
    loaded = own.load(VisionModel(folder=str(folder / "caption"), ask="caption"))
    said = loaded.describe(ONE, RED, lambda: None)
    assert said and said == loaded.describe(ONE, RED, lambda: None)
    assert "<" not in said


def test_short_memory_lets_an_idle_model_go_and_never_one_in_use(folder: Path, own: ModuleType) -> None:
    free = 4 << 30
    keeper = ModelKeeper(lambda: free, look_s=3600)
    spec, rules = VisionModel(folder=str(folder / "chat")), DescribeRules(keep_free_mb=1500)
    context = Context(folder)
    took = []
    for _ in range(2):
        began = time.perf_counter()
        with own.own_describer("tiny", spec, rules, context, keeper):
            took.append(time.perf_counter() - began)
            free = 1 << 30
            keeper.relieve()
            assert keeper.names == ("tiny",)
            free = 4 << 30
    print(f"cold {took[0] * 1000:.0f} ms, warm {took[1] * 1000:.2f} ms")
    free = 1 << 30
    keeper.relieve()
    assert keeper.names == ()
    with own.own_describer("tiny", spec, rules, context, keeper):
        assert context.models == ("tiny",)


def test_a_generation_ends_when_the_job_is_cancelled(folder: Path, own: ModuleType) -> None:
    loaded = own.load(VisionModel(folder=str(folder / "chat")))
    tokens = iter(range(3))

    def checkpoint() -> None:
        if next(tokens, None) is None:
            raise Cancelled

    with pytest.raises(Cancelled):
        loaded.describe(ONE, RED, checkpoint)


def test_a_model_without_a_word_to_say_fails_so_that_another_is_asked(
    configured: Path, tmp_path: Path
) -> None:
    with pytest.raises(TaskFailure) as caught:
        described(configured, tmp_path / "mute", "mute", pictures=3)
    assert caught.value.failure is FailureClass.CORRUPT_OUTPUT


class _Bomb:
    """Unpickled, it leaves a trace."""

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (os.environ["BOMB"],)


def test_pickled_weights_are_never_opened(
    folder: Path, own: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import torch

    monkeypatch.setenv("BOMB", str(tmp_path / "trace"))
    bad = tmp_path / "pickled"
    bad.mkdir()
    for path in (folder / "chat").iterdir():
        if path.suffix != ".safetensors":
            (bad / path.name).write_bytes(path.read_bytes())
    torch.save(_Bomb(), bad / "pytorch_model.bin")
    with pytest.raises(TaskFailure) as caught:
        own.load(VisionModel(folder=str(bad)))
    assert (caught.value.failure, caught.value.public_code) == (FailureClass.INTERNAL, "model_unreadable")
    assert not (tmp_path / "trace").exists()


@pytest.mark.parametrize("kept", [0, 5, 1_000])
def test_weights_that_were_cut_off_are_told_of(
    folder: Path, own: ModuleType, tmp_path: Path, kept: int
) -> None:
    bad = tmp_path / "cut_off"
    bad.mkdir()
    for path in (folder / "chat").iterdir():
        data = path.read_bytes()
        (bad / path.name).write_bytes(data[:kept] if path.suffix == ".safetensors" else data)
    with pytest.raises(TaskFailure, match=r"cannot be loaded: \S") as caught:
        own.load(VisionModel(folder=str(bad)))
    assert (caught.value.failure, caught.value.public_code) == (FailureClass.INTERNAL, "model_unreadable")


def test_code_that_came_with_a_model_is_never_run(folder: Path, own: ModuleType, tmp_path: Path) -> None:
    bad = tmp_path / "with_code"
    bad.mkdir()
    for path in (folder / "chat").iterdir():
        (bad / path.name).write_bytes(path.read_bytes())
    (bad / "evil.py").write_text(f"import os\nos.mkdir({str(tmp_path / 'trace')!r})\nclass Model: pass\n")
    config = json.loads((bad / "config.json").read_text())
    names = ("AutoConfig", "AutoModelForImageTextToText", "AutoProcessor")
    config |= {"model_type": "nobody-knows", "auto_map": dict.fromkeys(names, "evil.Model")}
    (bad / "config.json").write_text(json.dumps(config))
    with pytest.raises(TaskFailure):
        own.load(VisionModel(folder=str(bad)))
    assert not (tmp_path / "trace").exists()


def test_a_model_that_nobody_configured_and_a_worker_without_the_extra_say_so(
    configured: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(TaskFailure, match=r"describe\.toml has no model 'other'"):
        described(configured, tmp_path / "other", "other")
    monkeypatch.delitem(sys.modules, "workers.vision_describe.describing.own_model", raising=False)
    monkeypatch.setitem(sys.modules, "transformers", None)
    with pytest.raises(TaskFailure, match=r"pip install 'kinefarm\[vlm\]'") as caught:
        described(configured, tmp_path / "bare")
    assert caught.value.public_code == "not_installed"


@pytest.fixture
def engine() -> Iterator[Engine]:
    engine = Engine()
    yield engine
    engine.close()


def test_an_engine_process_keeps_its_model_from_one_job_to_the_next(
    configured: Path, engine: Engine, tmp_path: Path
) -> None:
    """Cold and warm, told with -s."""
    assert Settings().config_dir == configured
    results, took = [], []
    for number in range(2):
        order = Perform(
            performer="workers.vision_describe.describe_scenes:perform",
            task=task(configured),
            workdir=tmp_path / str(number),
        )
        began, sign = time.perf_counter(), StopSign()
        ended = engine.run(order, Limits(120, 130, 1), sign, lambda _fraction, _stage: None)
        took.append(time.perf_counter() - began)
        sign.close()
        assert ended.done is not None, ended
        results.append(ended.done.result)
        assert engine.models == ("tiny",)
    assert results[0] == results[1]
    print(f"engine process: cold {took[0]:.2f} s, warm {took[1]:.3f} s")
