"""What the kinds that mend one picture have in common. They need no prompt and no model with weights."""

from collections.abc import Sequence
from typing import ClassVar

from pydantic import Field

from farm.catalog import Catalog
from farm.kinds import Params, Route, TaskSpec
from farm.models import Capability
from farm.providers import AUTO

STEP = "retouch"
PERFORMER = "workers.gpu_generate.generate:perform"
_SOFT_S, _HARD_S = 300.0, 360.0


class RetouchParams(Params):
    """`image` is the id of an asset. The artifact is called `image-1`."""

    kind: ClassVar[str] = ""
    capability: ClassVar[Capability]

    image: str = Field(min_length=1, description="Id of the picture")
    model: str = Field(default=AUTO, min_length=1, max_length=64)
    failover: bool = True

    @property
    def route(self) -> Route:
        return Route(capability=self.capability, model=self.model, failover=self.failover)


def plan_retouch(params: RetouchParams) -> Sequence[TaskSpec]:
    """One task, at a provider."""
    return (
        TaskSpec(
            name="retouch",
            step=STEP,
            params=params.model_dump(mode="json"),
            inputs=(params.image,),
            route=params.route,
            soft_s=_SOFT_S,
            hard_s=_HARD_S,
        ),
    )


def price_retouch_mc(params: RetouchParams, catalog: Catalog) -> int:
    """As the first candidate prices it."""
    return catalog.providers.candidates(params.route)[0].price_mc
