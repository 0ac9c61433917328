"""Kind: what may be asked of the farm. One file in tasks/ (or an entry point) declares each.

A kind has typed `Params`, a price, and a plan that turns params into tasks. Steps name the performer
of each kind of task as `"module:function"`; only an engine process of the right pool imports it.
"""

import importlib
import pkgutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.metadata import entry_points
from typing import Any, ClassVar, Generic, TypeVar

from pydantic import Field, JsonValue

from farm.catalog import Catalog
from farm.choices import Choice
from farm.errors import NotFound
from farm.moderation import Told
from farm.money import PriceLine
from farm.noun import Noun
from farm.offers import Resource as Resource  # kinds name their tasks' resource from here
from farm.providers import ProviderBook
from farm.providers import Route as Route

ENTRY_POINT_GROUP = "kinefarm.kinds"
GROWS = "grows_s"  # among a task's params: estimated seconds of the tasks that it is going to grow
POOLS = ("cpu-render", "gpu-generate", "asr-align", "vision-describe")


class Params(Noun):
    """Base of every kind's parameters. `kind` names the kind they belong to."""

    kind: ClassVar[str]


class CachedOutput(Noun):
    """The one file that a task makes, known by what it is made of: `key` is a hash of all that.

    An account that has it already need not make it again.
    """

    key: str = Field(min_length=1, max_length=64)
    name: str
    file_name: str
    content_type: str


class TaskSpec(Noun):
    """One unit of work for one pool, before it has an id.

    A task with a `route` is done by a provider, whose pool, resource and estimate take the place of its own;
    `choice` is the farm's. One with `cached` is done before it begins where a job grows it and the account
    has its file.

    `needs` names tasks of the same job that must succeed first; `inputs` are asset ids the runner fetches.
    `requires` is matched against what workers announce. Times are seconds; `no_progress_s` None is the
    configs', 0 never.
    """

    name: str
    step: str
    pool: str = ""
    params: dict[str, JsonValue] = Field(default_factory=dict)
    needs: tuple[str, ...] = ()
    inputs: tuple[str, ...] = ()
    requires: dict[str, str] = Field(default_factory=dict)
    resource: Resource = Resource.CPU
    estimated_s: float = Field(default=1.0, gt=0)
    soft_s: float = Field(default=600.0, gt=0)
    hard_s: float = Field(default=660.0, gt=0)
    no_progress_s: float | None = Field(default=None, ge=0)
    affinity: str | None = None
    route: Route | None = None
    choice: Choice | None = None
    cached: CachedOutput | None = None

    def routed(self, book: ProviderBook) -> "TaskSpec":
        """The task as its route's first candidate does it; itself without one. Raises BadRequest."""
        if self.route is None:
            return self if self.choice is None else self.model_copy(update={"choice": None})
        first = book.candidates(self.route)[0]
        choice = first.choice(self.requires)
        return self.model_copy(update={"choice": choice, **first.placement(self.requires)})


P = TypeVar("P", bound=Params)


@dataclass(frozen=True, slots=True)
class Kind(Generic[P]):
    """A declaration: parameters, price, tasks, and who performs each step.

    `plan`, `price_mc` and `breakdown` are pure. `price_mc` is in milli-credits and is what the job holds at
    submit; the lines of `breakdown` sum to it. `told` names the texts that moderation checks before that.
    `version` rises when a worker of the old code could not run the new tasks. A kind `for_operators` can
    harm a farm on request (it exists to test one), so customers cannot submit it over HTTP.
    """

    name: str
    version: int
    params: type[P]
    plan: Callable[[P], Sequence[TaskSpec]]
    price_mc: Callable[[P, Catalog], int]
    steps: Mapping[str, str]
    summary: str = ""
    for_operators: bool = False
    breakdown: Callable[[P, Catalog], Sequence[PriceLine]] | None = None
    told: Callable[[P], Told] | None = None

    @property
    def announced(self) -> str:
        """How workers announce it and tasks require it: `name@version`."""
        return f"{self.name}@{self.version}"


@cache
def registry() -> Mapping[str, Kind[Any]]:
    """Every known kind by name: the files in tasks/, then entry points. Read once per process."""
    found: dict[str, Kind[Any]] = {}
    package = importlib.import_module("tasks")
    for module in pkgutil.iter_modules(package.__path__, "tasks."):
        kind = getattr(importlib.import_module(module.name), "KIND", None)
        if kind is not None:
            found[kind.name] = kind
    for entry in entry_points(group=ENTRY_POINT_GROUP):
        kind = entry.load()
        found.setdefault(kind.name, kind)
    return found


def kind_named(name: str) -> Kind[Any]:
    """The kind of that name. Raises NotFound naming the known ones."""
    try:
        return registry()[name]
    except KeyError:
        known = ", ".join(sorted(registry()))
        raise NotFound(f"There is no kind {name!r}. Known: {known}.", param="kind") from None
