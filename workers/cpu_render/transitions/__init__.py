"""Transitions: one file each, declaring `TRANSITION`. To add one, add a file."""

from functools import cache

from farm.errors import BadRequest
from workers.cpu_render.registry import scan, slug
from workers.cpu_render.transitions.contract import Transition


@cache
def transitions() -> dict[str, Transition]:
    """Every transition by its name."""
    return scan(__name__, "TRANSITION", Transition)


def transition_named(name: str) -> Transition:
    """The transition of that name. Raises BadRequest naming the known ones."""
    known = transitions()
    try:
        return known[slug(name)]
    except KeyError:
        raise BadRequest(
            f"There is no transition {name!r}. Known: {', '.join(sorted(known))}.", param="transitionTypes"
        ) from None
