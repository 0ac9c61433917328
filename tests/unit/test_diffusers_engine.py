"""The engine `diffusers` in a process: warm from one job to the next, and stopped without being killed."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.extras import need
from workers.engine import Engine, EngineResult, Limits
from workers.stop_sign import Reason, StopSign
from workers.wire import Perform

need("diffusers", "the extra diffusers is not installed")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::DeprecationWarning", "ignore::UserWarning"),
]


@pytest.fixture(scope="module")
def configs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from tests import tiny_diffusers

    models = tmp_path_factory.mktemp("models")
    tiny_diffusers.save("sd15", models)
    return tiny_diffusers.configure(tmp_path_factory.mktemp("configs"), models)


@pytest.fixture
def engine(configs: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Engine]:
    monkeypatch.setenv("FARM_CONFIG_DIR", str(configs))
    engine = Engine()
    yield engine
    engine.close()


def drawn(
    engine: Engine,
    workdir: Path,
    on_progress: Callable[[StopSign, str], None] = lambda _sign, _stage: None,
    **params: Any,
) -> EngineResult:
    from tests.generating import order

    sign = StopSign()
    try:
        return engine.run(
            Perform(
                performer="workers.gpu_generate.generate:perform",
                task=order("sd15", seed=5, **params),
                workdir=workdir,
            ),
            Limits(120, 130, 20),
            sign,
            lambda _fraction, stage: on_progress(sign, stage),
        )
    finally:
        sign.close()


def test_a_model_stays_warm_and_a_cancel_harms_neither_it_nor_the_process(
    engine: Engine, tmp_path: Path
) -> None:
    first = drawn(engine, tmp_path / "first")
    assert first.done is not None, first
    assert engine.models == ("sd15",)  # what the worker tells the farm
    pid = engine.pid

    def stop(sign: StopSign, stage: str) -> None:
        if stage.startswith("step"):
            sign.show(Reason.CANCELLED)

    stopped = drawn(engine, tmp_path / "stopped", stop, steps=100, width=64, height=64)
    assert (stopped.done, stopped.failure) == (None, None)
    again = drawn(engine, tmp_path / "again")
    assert again.done is not None
    assert engine.pid == pid and os.getpid() != pid
    files = [result.done.outputs[0].path.read_bytes() for result in (first, again) if result.done]
    assert files[0] == files[1]
