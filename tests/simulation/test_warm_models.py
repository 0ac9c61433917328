"""What it saves to send tasks where their model is warm (tests/simulation/warm_floor.py)."""

import os
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from schedulers.loop import Scheduler
from tests.farm import Farm
from tests.simulation.warm_floor import Floor, PlainEngine, Setting, asked, first_come_first_served

pytestmark = pytest.mark.slow


@pytest.fixture
def farm() -> Iterator[Farm]:
    """With no slot kept for interactive work: the plain way keeps none either."""
    made = Farm("sqlite:///:memory:")
    catalog = made.hall.catalog
    pool = catalog.pools["gpu-generate"].model_copy(update={"interactive_slots": 0})
    catalog = catalog.model_copy(update={"pools": {**catalog.pools, "gpu-generate": pool}})
    made.hall = replace(made.hall, catalog=catalog)
    made.scheduler = Scheduler(made.hall, made.post)
    yield made
    made.close()


def test_warm_models_are_loaded_a_third_as_often_and_nobody_waits_longer_for_it(farm: Farm) -> None:
    setting = Setting(workers=8, models=12, jobs=600, warm_up=100)
    jobs = asked(setting, 7)
    plain = first_come_first_served(setting, jobs, [PlainEngine() for _ in range(setting.workers)])
    warm = Floor(farm, {f"w{number}": PlainEngine() for number in range(setting.workers)}).run(setting, jobs)
    print(f"loads {plain.loads} -> {warm.loads}, p99 wait {plain.p99:.1f} s -> {warm.p99:.1f} s")
    assert min(len(plain.waits), len(warm.waits)) >= setting.jobs - setting.warm_up
    assert warm.loads * 3 <= plain.loads
    assert warm.p99 <= 1.2 * plain.p99


# Six small models of their own, two of which fit a worker.
_CATALOG = """
[model-{number}]
name = "Tiny {number}"
owner = "nobody"
makes = "image"
serves = ["text-to-image"]
engine = "diffusers"
pipeline = "StableDiffusionPipeline"
repository = "nobody/tiny-{number}"
licence = "none"
commercial = "no"
vram_gb = 1
size = {{ multiple = 16, least = 16, most = 64 }}
defaults = {{ width = 16, height = 16, steps = 1, cfg = 1.0 }}
"""
_RULES = """
[generate]
folder = "{folder}"
device = "cpu"
threads = 1
keep_free_gb = 0.5
memory_gb = 0.0035
"""


class TestRealModels:
    """The same with real pipelines that real engines load, draw with and let go."""

    @pytest.fixture
    def configs(self, tmp_path: Path) -> Path:
        diffusers = pytest.importorskip("tests.tiny_diffusers", reason="the extra diffusers is not installed")
        saved = diffusers.save("sd15", tmp_path / "saved")
        (tmp_path / "configs" / "models").mkdir(parents=True)
        for number in range(6):
            shutil.copytree(saved, tmp_path / "models" / f"model-{number}", copy_function=os.link)
        said = "".join(_CATALOG.format(number=number) for number in range(6))
        (tmp_path / "configs" / "models" / "tiny.toml").write_text(said)
        (tmp_path / "configs" / "generate.toml").write_text(_RULES.format(folder=tmp_path / "models"))
        return tmp_path / "configs"

    def test_real_models_are_loaded_less_often_too(self, farm: Farm, configs: Path, tmp_path: Path) -> None:
        from tests.drawing_engine import DrawingEngine

        setting = Setting(workers=3, models=6, jobs=40, warm_up=8)
        jobs = asked(setting, 3)
        engines = [DrawingEngine(configs, tmp_path / f"w{number}") for number in range(6)]
        plain = first_come_first_served(setting, jobs, engines[:3])
        warm = Floor(farm, {f"w{number}": engine for number, engine in enumerate(engines[3:])}).run(
            setting, jobs
        )
        print(f"real loads {plain.loads} -> {warm.loads}")
        assert warm.loads * 2 <= plain.loads
