"""Weighs the models that "auto" may mean: the configs' own, unless another is better by enough. Pure."""

from collections.abc import Mapping, Sequence

from farm.choices import Choice, Reason, Routing
from farm.offers import QualityRules
from farm.providers import AUTO, Candidate, Route
from schedulers.failover.choosing import View

INSUFFICIENT = "insufficient_margin_over_legacy"
DISABLED = "quality_routing_disabled"
_WHOLE = 100.0  # points of a provider in full health


def is_open(route: Route, choice: Choice) -> bool:
    """Whether the task asked for "auto" and nothing has decided about its model yet."""
    is_new = choice.why == Reason.FIRST and choice.routing is None and not choice.purchase
    return route.model == AUTO and is_new and not choice.is_bound


def weigh(
    choice: Choice, views: Sequence[View], quality: Mapping[str, float], rules: QualityRules
) -> tuple[Routing, Candidate | None]:
    """What "auto" comes to, and the candidate to move to if it is not the choice.

    Points are those of the configs (`quality`, by model) and of health. A model that may not be asked now or
    that costs more than was quoted is not weighed; nor is one for nothing against one that is paid for, for
    that is a preview.
    """

    def points(view: View) -> float:
        return quality.get(view.candidate.model, 0.0) + _WHOLE * view.health

    legacy = next(view for view in views if view.key == choice.key)
    may = [view for view in views if view.obstacle is None and _is_fair(view.candidate, choice.quoted_mc)]
    best = max([legacy, *may], key=points)  # of equals the first
    if best.candidate.model == choice.model:
        return Routing(preferred=choice.model, legacy=choice.model), None
    margin = round(points(best) - points(legacy), 2)
    kept = DISABLED if not rules.enabled else INSUFFICIENT if margin < rules.margin else None
    found = Routing(preferred=best.candidate.model, legacy=choice.model, margin=margin, kept=kept)
    return found, None if kept else best.candidate


def _is_fair(candidate: Candidate, quoted_mc: int) -> bool:
    return candidate.price_mc <= quoted_mc and (candidate.price_mc > 0 or quoted_mc == 0)
