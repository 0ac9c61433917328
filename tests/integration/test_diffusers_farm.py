"""A farm with a card of its own, as far as a processor can stand for one: routed, drawn, warm, told."""

import subprocess
import sys
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image
from sqlalchemy import select

from farm.broker.valkey import EmbeddedValkey
from farm.doors.jobs import cancel
from farm.store.schema import artifacts, workers
from tasks.generate_image import GenerateImage
from tests.extras import need
from tests.worker_farm import WorkerFarm, WorkerProcess, until

need("diffusers", "the extra diffusers is not installed")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::DeprecationWarning", "ignore::UserWarning"),
]

PROVIDERS = """
[providers.cards]
pool = "gpu-generate"
resource = "device"
[routes.text-to-image.sd15]
offers = [{ provider = "cards", price = "1", estimated_s = 2.0 }]
"""
WORKER = """
from farm.settings import Settings
from workers.main import run_worker
run_worker(Settings(), 'gpu-generate', name='card', slots={'device': 1})
"""


@pytest.fixture
def farm(tmp_path: Path, valkey: EmbeddedValkey) -> Iterator[WorkerFarm]:
    from tests import tiny_diffusers

    tiny_diffusers.save("sd15", tmp_path / "models")
    with WorkerFarm(tmp_path, valkey.url, providers=PROVIDERS) as farm:
        rules = tiny_diffusers.configure(tmp_path / "config", tmp_path / "models") / "generate.toml"
        said = "[generate]\npreview_every_s = 0.01\n"
        rules.write_text(rules.read_text().replace("[generate]\n", said, 1))
        process = subprocess.Popen([sys.executable, "-c", WORKER], env=farm.settings.environment())
        farm._started.append(WorkerProcess(process, "card", farm.home))
        until(lambda: farm.worker_state("card") == "online", "the worker is online")
        yield farm


def test_c027_b080_a_picture_by_a_model_of_the_farms_own(farm: WorkerFarm) -> None:
    asked = GenerateImage(prompt="a red fox", model="sd15", seed=5, count=2)
    jobs = [farm.submit(asked) for _ in range(2)]
    assert [farm.ended(job).state for job in jobs] == ["completed"] * 2
    (first,), (second,) = (farm.attempts(job) for job in jobs)
    assert (first.provider, first.model, first.resource) == ("cards", "sd15", "device")
    with farm.hall.store.read() as connection:
        assert connection.scalar(select(workers.c.models).where(workers.c.name == "card")) == ["sd15"]
        rows = connection.execute(select(artifacts).order_by(artifacts.c.name)).all()
    by_name = {name: {row.size_bytes for row in rows if row.name == name} for name in ("image-1", "image-2")}
    assert len(rows) == 4 and all(len(sizes) == 1 for sizes in by_name.values())  # the same seeds
    assert {row.meta["seed"] for row in rows} == {5, 6}
    assert second.outcome == "succeeded"

    large = {"width": 128, "height": 128, "steps": 100, "count": 4}
    running = farm.submit(GenerateImage(prompt="a red fox", model="sd15", seed=5, **large))
    until(lambda: farm.hall.live.preview(running) is not None, "it shows what it draws")
    preview = farm.hall.live.preview(running)
    assert preview is not None and preview.task == "generate"
    with Image.open(BytesIO(preview.jpeg)) as image:
        assert (image.format, image.size) == (
            "JPEG",
            (64, 64),
        )  # thirty-two latents a side, of two pixels each
    cancel(farm.hall, None, running)
    assert farm.ended(running).state == "cancelled"
