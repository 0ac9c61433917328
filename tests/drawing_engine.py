"""A worker of the simulation whose engine is real: it loads tiny pipelines, and draws with them."""

import itertools
from pathlib import Path

from farm.catalog import read_catalog
from farm.models import Wish
from farm.settings import Settings
from tests.generating import Watching
from tests.simulation.warm_floor import LOAD_S, Asked
from workers.gpu_generate.diffusing.asked import Asked as Wanted
from workers.gpu_generate.diffusing.calling import Given
from workers.gpu_generate.diffusing.studio import Order, Studio


class DrawingEngine:
    """Time is the simulation's; what is loaded when is the engine's own doing."""

    def __init__(self, configs: Path, home: Path) -> None:
        settings = Settings(config_dir=configs, home=home)
        self._studio = Studio(read_catalog(settings), settings)
        self._context = Watching(home)
        ticks = itertools.count()  # every load costs the same, on a busy machine too
        self._studio.residents.clock = lambda: float(next(ticks))

    @property
    def models(self) -> tuple[str, ...]:
        return self._studio.residents.names

    @property
    def loads(self) -> int:
        return self._studio.residents.loads

    def run(self, job: Asked, now: float) -> float:
        before, model = self.loads, self._studio.catalog.models.models[job.model]
        wanted = Wanted(prompt="a fox", seed=1)
        self._studio.draw(Order(job.model, model, wanted, Given(), model.fitted(Wish()), [1]), self._context)
        return now + job.run_s + (LOAD_S if self.loads > before else 0.0)
