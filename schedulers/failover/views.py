"""How a route's candidates stand now: their breakers, their health, how much they run."""

from collections.abc import Callable, Mapping, Sequence

from farm.errors import BadRequest
from farm.providers import Candidate, ProviderBook, Route
from schedulers.failover.board import Board
from schedulers.failover.choosing import View, ordered


def _always(_candidate: Candidate) -> bool:
    return True


def views_of(
    book: ProviderBook,
    board: Board,
    route: Route,
    task_id: int,
    *,
    running: Mapping[str, int] | None = None,
    has_worker: Callable[[Candidate], bool] = _always,
) -> list[View]:
    """The candidates, the preferred first; none where an operator took the model away."""
    views = [
        View(
            candidate,
            board.gate(candidate.key, task_id),
            board.health(candidate.key, (running or {}).get(candidate.provider, 0), candidate.max_running),
            (running or {}).get(candidate.provider, 0),
            has_worker(candidate),
        )
        for candidate in _candidates(book, route)
    ]
    return ordered(views, book.failover)


def _candidates(book: ProviderBook, route: Route) -> Sequence[Candidate]:
    try:
        return book.candidates(route)
    except BadRequest:
        return ()
