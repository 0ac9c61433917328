"""Providers, what they offer at which price, and the rules of failover: what configs/providers.toml says."""

from collections.abc import Mapping
from decimal import Decimal
from enum import StrEnum

from pydantic import Field

from farm.money import milli
from farm.noun import Noun
from farm.remote_model import RemoteModel


class Resource(StrEnum):
    """What a running task occupies one of."""

    CPU = "cpu"
    DEVICE = "device"
    IO = "io"


class Provider(Noun):
    """See configs/providers.toml. `url` is where a remote one is reached; its key is never written here, only
    the name of the workers' environment variable that holds it: `key_env`. `models` are those that it calls
    otherwise than we do."""

    pool: str
    engine: str = ""
    resource: Resource = Resource.CPU
    remote: bool = False
    max_running: int | None = Field(default=None, gt=0)
    requires: dict[str, str] = Field(default_factory=dict)
    url: str | None = None
    key_env: str | None = Field(default=None, min_length=1)
    keeps_keys: bool = False
    call_s: float | None = Field(default=None, gt=0, le=280)
    models: Mapping[str, RemoteModel] = Field(default_factory=dict)

    def calls(self, *names: str | None) -> RemoteModel:
        """How it calls a model that has these names here, by the first that it says something of."""
        said = (self.models[name] for name in names if name is not None and name in self.models)
        return next(said, RemoteModel())


class Offer(Noun):
    """A model at a provider: its price in credits for one unit, and how long a task is expected to run."""

    provider: str
    price: Decimal = Field(ge=0)
    estimated_s: float = Field(gt=0)

    def price_mc(self, units: Decimal) -> int:
        """Milli-credits for so many units."""
        return milli(self.price * units)


class ModelRoute(Noun):
    """Who offers a model, the preferred first, and the models that may stand in for it.

    `quality` is the operator's opinion of it in points, for "auto".
    """

    offers: tuple[Offer, ...] = Field(min_length=1)
    fallbacks: tuple[str, ...] = ()
    quality: float = Field(default=50.0, ge=0, le=100)


class QualityRules(Noun):
    """See configs/providers.toml: whether "auto" may mean a better model, and by how many points."""

    enabled: bool = False
    margin: float = Field(default=10.0, ge=0)


class FailoverRules(Noun):
    """See configs/providers.toml, where each key is explained."""

    min_calls: int = Field(gt=0)
    failure_share: float = Field(gt=0, le=1)
    window_s: float = Field(gt=0)
    unreachable_in_row: int = Field(gt=0)
    rest_s: float = Field(gt=0)
    rest_max_s: float = Field(gt=0)
    jitter: float = Field(ge=0, lt=1)
    cooldown_s: float = Field(gt=0)
    cooldown_max_s: float = Field(gt=0)
    patience_s: float = Field(ge=0)
    max_attempts: int = Field(ge=1)
    retry_share: float = Field(ge=0, le=1)
    retries_per_hour: float = Field(ge=0)
    retries_saved: float = Field(ge=0)
    success_weight: float = Field(ge=0)
    speed_weight: float = Field(ge=0)
    queue_weight: float = Field(ge=0)
    learning: float = Field(gt=0, le=1)
    forget_s: float = Field(gt=0)
    least_health: float = Field(ge=0, le=1)
    no_worker_s: float = Field(ge=0)
