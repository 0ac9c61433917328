"""How a route's candidates stand now: their breakers, their health, how much they run, who would run them."""

from collections.abc import Mapping, Sequence

from farm.choices import Choice
from farm.errors import BadRequest
from farm.providers import Candidate, ProviderBook, Route
from schedulers.capacity import Line, LineCapacity
from schedulers.failover.board import Board
from schedulers.failover.choosing import View, ordered


def views_of(
    book: ProviderBook,
    board: Board,
    task_id: int,
    route: Route,
    choice: Choice,
    kind: str,
    capacity: Mapping[Line, LineCapacity],
    running: Mapping[str, int] | None = None,
) -> list[View]:
    """A task's candidates, the preferred first; none where an operator took the model away.

    `kind` is as workers announce it. Without `running` nobody is full.
    """

    def has_worker(candidate: Candidate) -> bool:
        room = capacity.get((candidate.pool, candidate.resource.value))
        needs = {"kind": kind, **choice.requires, **candidate.requires}
        return room is not None and room.can_run(needs)

    views = [
        View(
            candidate,
            board.gate(candidate.key, task_id),
            board.health(candidate.key, (running or {}).get(candidate.provider, 0), candidate.max_running),
            (running or {}).get(candidate.provider, 0),
            has_worker(candidate),
        )
        for candidate in candidates_of(book, route, choice)
    ]
    return ordered(views, book.failover)


def candidates_of(book: ProviderBook, route: Route, choice: Choice) -> Sequence[Candidate]:
    """Those of the route; and where the task may have bought, though its route leads elsewhere now."""
    try:
        found = book.candidates(route)
    except BadRequest:
        found = []
    if choice.is_bound and choice.key not in [candidate.key for candidate in found]:
        found += book.chosen(choice)
    return found
