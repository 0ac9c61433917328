"""This process's models and its device: what is loaded, called, watched, and called again."""

import gc
import time
from collections.abc import Callable, Hashable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache, cached_property
from pathlib import Path
from typing import Any

from farm.catalog import Catalog
from farm.diffusing import OwnModel
from farm.errors import FailureClass, TaskFailure
from farm.model_sources import Source, Sources, sources_of
from farm.models import Fitted, Model
from farm.settings import Settings
from workers.context import Cancelled, Context
from workers.gpu_generate.diffusing import loading
from workers.gpu_generate.diffusing.asked import Asked
from workers.gpu_generate.diffusing.background import Background
from workers.gpu_generate.diffusing.calling import Given, arguments, looks_at_references, pieces_of, settle
from workers.gpu_generate.diffusing.device import GIB, Device, is_out_of_memory, take_device
from workers.gpu_generate.diffusing.enlarged import drawn_by, first_pass
from workers.gpu_generate.diffusing.ladder import Caps, Placed, Rung, climb_down, wanted
from workers.gpu_generate.diffusing.moves import turn_camera
from workers.gpu_generate.diffusing.residents import Residents
from workers.gpu_generate.diffusing.samplers import sampled
from workers.gpu_generate.diffusing.sketch import sketch_of
from workers.gpu_generate.diffusing.watch import watched
from workers.gpu_generate.previews import Previews

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


@dataclass(frozen=True, slots=True)
class _Late:
    """A model on its way into memory."""

    key: Hashable
    names: tuple[str, ...]
    model: Background[Placed]


@dataclass
class Studio:
    """One for a process. For one thread: a pipeline never runs in two."""

    catalog: Catalog
    settings: Settings
    caps: Caps = field(default_factory=Caps)
    _late: "_Late | None" = None

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

    def close(self) -> None:
        """Leave the device to others."""
        self.residents.let_go_of_idle()
        if self.device.lock is not None:
            self.device.lock.close()

    def draw(self, order: Order, context: Context) -> Answer:
        """Raises Cancelled, and TaskFailure."""
        self.caps.refuse(order.model_id, order.volume)
        with self._loaded(order, context) as placed:
            previews = Previews.of(context, self.catalog)
            try:
                answer = climb_down(
                    lambda: _call(placed, order, context, previews),
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
        key, names = _key(model, sources, own), self._names(model, sources, own)

        def load() -> Placed:
            context.progress(order.begin, _LOAD)
            under_way = Background(lambda: self._read(model, sources, own, start))
            return self._awaited(_Late(key, names, under_way), context)

        self._keep_late(context)
        held = self.residents.held(key)
        if held is not None and not held.bring_to(start):
            self.residents.let_go(key)
        del held
        try:
            with self.residents.used(key, names, load, _expected_bytes(model, sources)) as placed:
                yield placed
        finally:
            context.warm(*self.residents.names)

    def _read(self, model: Model, sources: Sources, own: OwnModel, start: Rung) -> Placed:
        """Load it, in whatever thread. Raises as `loading.load` does."""
        self.device.use()
        began = time.monotonic()
        download = self.catalog.generate.download
        placed = Placed(loading.load(model, sources, own, self.device, download=download), self.device)
        placed.bring_to(start)
        _settle(placed)
        placed.load_s = time.monotonic() - began
        return placed

    def _awaited(self, late: "_Late", context: Context) -> Placed:
        """The model, once it is loaded. Where nobody waits any more it goes on loading, for the next one."""
        try:
            return late.model.result(context.checkpoint)
        except Cancelled:
            self._late = late
            raise

    def _keep_late(self, context: Context) -> None:
        """Wait for what is still being loaded: it needs the room and the device. Raises Cancelled."""
        late, self._late = self._late, None
        if late is None:
            return
        context.progress(0.0, _LOAD)
        try:
            placed = self._awaited(late, context)
        except (TaskFailure, RuntimeError, MemoryError) as error:
            context.log(f"What was loading when its task was cancelled could not be loaded: {error}")
            return
        self.residents.keep(late.key, late.names, placed, placed.load_s)

    def _names(self, model: Model, sources: Sources, own: OwnModel) -> tuple[str, ...]:
        """All models of the catalog that are the same weights in the same pipeline, lying the same way."""
        key, others = _key(model, sources, own), self.catalog.models.models.items()
        same = [(name, other) for name, other in others if other.repository == model.repository]
        return tuple(name for name, other in same if self._key_of(name, other) == key)

    def _key_of(self, model_id: str, model: Model) -> Hashable:
        rules = self.catalog.generate
        try:
            return _key(model, sources_of(model_id, model, rules, self.settings), rules.of(model_id))
        except TaskFailure:
            return None

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


def _call(placed: Placed, order: Order, context: Context, previews: Previews) -> Answer:
    placed.settle()
    asked, pipeline = order.asked, placed.pipeline
    fitted = first_pass(pipeline, order.fitted)
    sketch = sketch_of(pipeline, fitted, previews) if placed.rung < Rung.MODEL else None
    sampling = sampled(
        pipeline,
        asked.sampler or order.model.defaults.sampler,
        asked.scheduler or order.model.defaults.scheduler,
        asked.shift if asked.shift is not None else order.model.defaults.shift,
    )
    with (
        sampling as ignored,
        watched(
            pipeline,
            context,
            order.fitted.steps,
            order.begin,
            order.end,
            sketch,
            pieces=pieces_of(pipeline, order.fitted),
        ) as watching,
    ):
        for word in ignored:
            context.log(f"{order.model.name} cannot draw with {word}; it draws as its makers set it.")
        if order.given.references and not looks_at_references(pipeline):
            context.log(f"{order.model.name} looks at no pictures of characters or of a style.")
        settle(pipeline, order.model, asked, order.fitted)
        if said := turn_camera(pipeline, asked.prompt):
            context.log(said)
        call = arguments(pipeline, order.model, asked, order.given, fitted, order.seeds)
        return Answer(drawn_by(pipeline, call, watching), _sample_rate(pipeline))


def _sample_rate(pipeline: Any) -> int | None:
    """Of the sound that it makes, if any."""
    vocoder = getattr(pipeline, "vocoder", None)
    return int(vocoder.config.output_sampling_rate) if vocoder is not None else None


def _key(model: Model, sources: Sources, own: OwnModel) -> Hashable:
    """Models with the same are the same in memory. `sources` tells already where the weights lie."""
    return model.pipeline, sources, str(own.model_copy(update={"folder": "", "parts": {}}))


def _expected_bytes(model: Model, sources: Sources) -> int:
    """Before it was ever loaded: what its files take, or what the catalog estimates."""
    sizes = [_folder_bytes(source) for source in (sources.model, *(part for _, part in sources.parts))]
    known = sum(size for size in sizes if size is not None)
    return known if sizes[0] is not None else round((model.vram_gb or 0) * GIB)


def _folder_bytes(source: Source) -> int | None:
    if not source.is_folder:
        return None
    place = Path(source.place)
    files = place.rglob("*.safetensors") if source.file is None else [place / source.file]
    return sum(path.stat().st_size for path in files if path.is_file())


def studio_maker() -> Callable[[Catalog, Settings], Studio]:
    """The process's studio, made when first needed, and anew when the configs were read anew (in tests)."""
    made: dict[int, Studio] = {}

    def studio(catalog: Catalog, settings: Settings) -> Studio:
        if id(catalog) not in made:
            for old in made.values():
                old.close()
            made.clear()
            made[id(catalog)] = Studio(catalog, settings)
        return made[id(catalog)]

    return studio
