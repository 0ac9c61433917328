"""Pages of what is short enough to be read at once: `limit` and `cursor` in, a part and the next cursor out.

What may be long is paged by its door instead; callers cannot tell the two apart.
"""

from collections.abc import Callable, Sequence
from typing import Annotated, TypeVar

from fastapi import Query

from farm.errors import BadRequest

_T = TypeVar("_T")

Cursor = Annotated[str | None, Query(max_length=200, description="`next_cursor` of the page before.")]
Limit = Annotated[int, Query(ge=1, le=1000, description="How many at most.")]


def page_of(
    items: Sequence[_T], name: Callable[[_T], str], limit: int, cursor: str | None
) -> tuple[list[_T], str | None]:
    """Those after the one that `cursor` names, and the cursor after them. Raises BadRequest."""
    start = 0
    if cursor is not None:
        names = [name(item) for item in items]
        if cursor not in names:
            raise BadRequest("The cursor is not of this listing.", param="cursor")
        start = names.index(cursor) + 1
    page = list(items[start : start + limit])
    return page, name(page[-1]) if start + limit < len(items) else None
