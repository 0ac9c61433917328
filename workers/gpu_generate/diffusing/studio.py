"""This process's models and its device: what is loaded, called, watched, and called again."""

import gc
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache, cached_property
from pathlib import Path
from typing import Any

from farm.catalog import Catalog
from farm.errors import FailureClass, TaskFailure
from farm.models import Fitted, Model
from farm.settings import Settings
from workers.context import Context
from workers.gpu_generate.diffusing import loading
from workers.gpu_generate.diffusing.asked import Asked
from workers.gpu_generate.diffusing.calling import Given, arguments, settle
from workers.gpu_generate.diffusing.device import GIB, Device, is_out_of_memory, take_device
from workers.gpu_generate.diffusing.ladder import Caps, Placed, climb_down, wanted
from workers.gpu_generate.diffusing.residents import Residents
from workers.gpu_generate.diffusing.samplers import sampled
from workers.gpu_generate.diffusing.sources import Source, Sources, sources_of
from workers.gpu_generate.diffusing.watch import watched

_LOAD = "load the model"


@dataclass(frozen=True, slots=True)
class Order:
    """What one call of a model is to draw: an item a seed, from `begin` to `end` of the task's progress."""

    model_id: str
    model: Model
    asked: Asked
    given: Given
    fitted: Fitted
    seeds: Sequence[int]
    begin: float = 0.0
    end: float = 1.0

    @property
    def volume(self) -> int:
        """What memory grows with: frames x pixels, all items together."""
        return self.fitted.width * self.fitted.height * self.fitted.frames * len(self.seeds)


@dataclass(frozen=True, slots=True)
class Answer:
    """What diffusers answered, and the rate of its sound, where it makes sound."""

    said: Any
    sample_rate: int | None


@dataclass
class Studio:
    """One for a process. For one thread: a pipeline never runs in two."""

    catalog: Catalog
    settings: Settings
    caps: Caps = field(default_factory=Caps)

    def __post_init__(self) -> None:
        _leave_out_the_libraries()

    @cached_property
    def device(self) -> Device:
        return take_device(self.catalog.generate, self.settings.run_dir)

    @cached_property
    def residents(self) -> Residents[Placed]:
        return Residents(
            self._room, lambda: self.device.tidy(), lambda placed: loading.size_bytes(placed.pipeline)
        )

    def draw(self, order: Order, context: Context) -> Answer:
        """Raises Cancelled, and TaskFailure."""
        self.caps.refuse(order.model_id, order.volume)
        with self._loaded(order, context) as placed:
            try:
                answer = climb_down(
                    lambda: _call(placed, order, context),
                    placed,
                    context,
                    self.residents.let_go_of_idle,
                )
            except TaskFailure as failure:
                if failure.failure is FailureClass.OOM:
                    self.caps.remember(order.model_id, order.volume)
                raise
            self.caps.note(order.model_id, order.volume, placed.rung)
            return answer

    @contextmanager
    def _loaded(self, order: Order, context: Context) -> Iterator[Placed]:
        model_id, model, rules = order.model_id, order.model, self.catalog.generate
        sources = sources_of(model_id, model, rules, self.settings)
        own = rules.of(model_id)
        start = max(wanted(own), self.caps.start(model_id, order.volume))

        def load() -> Placed:
            context.progress(order.begin, _LOAD)
            pipeline = loading.load(model, sources, own, self.device, download=rules.download)
            placed = Placed(pipeline, self.device)
            placed.bring_to(start)
            _settle(placed)
            return placed

        expected = _expected_bytes(model, sources)
        key, names = _key(model, sources, own), self._names(model, sources)
        held = self.residents.held(key)
        if held is not None and not held.bring_to(start):
            self.residents.let_go(key)
        del held
        try:
            with self.residents.used(key, names, load, expected) as placed:
                yield placed
        finally:
            context.warm(*self.residents.names)

    def _names(self, model: Model, sources: Sources) -> tuple[str, ...]:
        """All models of the catalog that are the same weights in the same pipeline."""
        others = self.catalog.models.models.items()
        return tuple(name for name, other in others if self._is_alike(model, sources, name, other))

    def _is_alike(self, model: Model, sources: Sources, other_id: str, other: Model) -> bool:
        if (other.pipeline, other.repository) != (model.pipeline, model.repository):
            return False
        try:
            return sources_of(other_id, other, self.catalog.generate, self.settings) == sources
        except TaskFailure:
            return False

    def _room(self, resident_bytes: int) -> int:
        rules = self.catalog.generate
        free = self.device.free_bytes() - round(rules.keep_free_gb * GIB)
        if rules.memory_gb:
            return min(free, round(rules.memory_gb * GIB) - resident_bytes)
        return free


@cache
def _leave_out_the_libraries() -> None:
    """What they brought stays anyway: to look through it took 0.3 s each time a model was let go."""
    gc.collect()
    gc.freeze()


def _settle(placed: Placed) -> None:
    """Bring it onto its device; where it does not fit, the first call's ladder sees to that."""
    try:
        placed.settle()
    except (RuntimeError, MemoryError) as error:
        if not is_out_of_memory(error):
            raise


def _call(placed: Placed, order: Order, context: Context) -> Answer:
    placed.settle()
    asked, pipeline = order.asked, placed.pipeline
    sampling = sampled(
        pipeline,
        asked.sampler or order.model.defaults.sampler,
        asked.scheduler or order.model.defaults.scheduler,
        asked.shift if asked.shift is not None else order.model.defaults.shift,
    )
    with (
        sampling as ignored,
        watched(pipeline, context, order.fitted.steps, order.begin, order.end) as watching,
    ):
        for word in ignored:
            context.log(f"{order.model.name} cannot draw with {word}; it draws as its makers set it.")
        settle(pipeline, order.model, asked, order.fitted)
        call = arguments(pipeline, order.model, asked, order.given, order.fitted, order.seeds)
        return Answer(pipeline(**call, **watching), _sample_rate(pipeline))


def _sample_rate(pipeline: Any) -> int | None:
    """Of the sound that it makes, if any."""
    vocoder = getattr(pipeline, "vocoder", None)
    return int(vocoder.config.output_sampling_rate) if vocoder is not None else None


def _key(model: Model, sources: Sources, own: object) -> tuple[object, ...]:
    return model.pipeline, sources, str(own)


def _expected_bytes(model: Model, sources: Sources) -> int:
    """Before it was ever loaded: what its files take, or what the catalog estimates."""
    sizes = [_folder_bytes(source) for source in (sources.model, *(part for _, part in sources.parts))]
    known = sum(size for size in sizes if size is not None)
    return known if sizes[0] is not None else round((model.vram_gb or 0) * GIB)


def _folder_bytes(source: Source) -> int | None:
    if not source.is_folder:
        return None
    return sum(path.stat().st_size for path in Path(source.place).rglob("*.safetensors"))


def studio_maker() -> Callable[[Catalog, Settings], Studio]:
    """The process's studio, made when first needed, and anew when the configs were read anew (in tests)."""
    made: dict[int, Studio] = {}

    def studio(catalog: Catalog, settings: Settings) -> Studio:
        if id(catalog) not in made:
            made.clear()
            made[id(catalog)] = Studio(catalog, settings)
        return made[id(catalog)]

    return studio
