"""What a planner comes up with, and what it is: the interface of all planners."""

from typing import Protocol

from farm.noun import Noun
from tasks.media_render.params import TransitionType
from tasks.media_render.planning.brief import Brief
from tasks.media_render.planning.findings import Span
from tasks.media_render.planning.manner import Pace


class Shot(Noun):
    """One visual in the order of a draft. What is None is left to `settling`: its length, its moment.

    Numbers may be whatever a planner thought of; no asset need exist. With `is_asked` its user said how long
    in words, which holds where the length of the whole allows it. Of a clip only `within` is shown.
    """

    asset_id: str
    seconds: float | None = None
    is_asked: bool = False
    within: Span | None = None
    start_s: float | None = None
    transition: TransitionType | None = None
    text: str | None = None


class Draft(Noun):
    """Shots in their order; `notes` tell a person what was decided, and what was not understood.

    `target_s` is a length for the whole that was asked for in words, `limit_s` one not to be passed. `pace`
    says which moments of clips are liked.
    """

    shots: tuple[Shot, ...]
    target_s: float | None = None
    limit_s: float | None = None
    pace: Pace | None = None
    notes: tuple[str, ...] = ()


class Planner(Protocol):
    """Makes a draft of a brief. It may be wrong about anything: what comes of it is settled elsewhere."""

    def draft(self, brief: Brief) -> Draft:
        """The order in which visuals are shown, and which are."""
        ...
