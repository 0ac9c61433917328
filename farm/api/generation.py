"""What every surface does with a request to generate: brings it within the account's tier, before submit.

The native API does so for any kind (`tiered`), so that none of them is a way around the tier.
"""

from collections.abc import Mapping
from typing import Protocol, TypeVar, cast

from farm.account import Account
from farm.catalog import Catalog
from farm.generation_limits import limits_of, within
from farm.kinds import Params, Route
from farm.models import Capability

_OF_A_WISH = ("width", "height", "frames", "steps")
_MARK = "watermark"
_HELD = (
    Capability.TEXT_TO_VIDEO,
    Capability.IMAGE_TO_VIDEO,
    Capability.FIRST_LAST_FRAME,
    Capability.SOUND_TO_VIDEO,
    Capability.VIDEO_TO_VIDEO,
    Capability.TEXT_TO_IMAGE,
    Capability.IMAGE_EDIT,
)

P = TypeVar("P", bound=Params)


class _Routed(Protocol):
    """Parameters of a kind that a model does."""

    @property
    def route(self) -> Route: ...


def within_tier(catalog: Catalog, account: Account, params: P) -> P:
    """The parameters as the account's tier may have them, marked where its results are. They have a `route`.

    Raises NotAllowed naming the field, and what the route raises for a model that is not there.
    """
    route = cast(_Routed, params).route
    return params.model_copy(update=_changes(catalog, account, route, type(params).model_fields))


def tiered(catalog: Catalog, account: Account, params: P) -> P:
    """As `within_tier` where a model makes pictures or films; anything else as it is."""
    route = getattr(params, "route", None)
    is_held = isinstance(route, Route) and route.capability in _HELD
    return within_tier(catalog, account, params) if is_held else params


def _changes(
    catalog: Catalog, account: Account, route: Route, fields: Mapping[str, object]
) -> dict[str, object]:
    wish = within(catalog, account, route)
    said = {name: getattr(wish, name) for name in _OF_A_WISH if name in fields}
    changes = {name: value for name, value in said.items() if value is not None}
    if _MARK in fields and limits_of(catalog, account.tier).watermark:
        changes[_MARK] = True
    return changes
