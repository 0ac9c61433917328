"""One look at what a tick may find to do, so that it asks for nothing that is not there. Reads only."""

from dataclasses import dataclass

from sqlalchemy import Connection, exists, func, select

from farm.store.schema import FINISHED, arrivals, attempts, requests
from schedulers.batches import STEERED


@dataclass(frozen=True, slots=True)
class News:
    """Whether there are requests about jobs, attempts to settle, batches to steer, arrivals to count in."""

    requests: bool = True
    finished: bool = True
    batches: bool = True
    arrivals: bool = True


def read_news(connection: Connection) -> News:
    """What came before this moment; what comes later rings the bell again."""
    return News(*connection.execute(_NEWS).one())


# By their least numbers: such rows live shortly, and an index soon forgets the dead ones; a table does not.
_NEWS = select(
    select(func.min(requests.c.id).is_not(None)).scalar_subquery(),
    select(func.min(attempts.c.id).is_not(None)).where(FINISHED).scalar_subquery(),
    exists(STEERED),
    select(func.min(arrivals.c.id).is_not(None)).scalar_subquery(),
)
