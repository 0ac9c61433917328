"""What may be asked of this farm."""

from farm.api.auth import may_operate
from farm.api.desk import SignedIn
from farm.api.native.paging import Cursor, Limit, page_of
from farm.api.native.wire import KindList, KindView
from farm.api.routing import farm_router
from farm.kinds import registry

router = farm_router("/farm/v1", "kinds")


@router.get("/kinds")
async def index(caller: SignedIn, limit: Limit = 1000, cursor: Cursor = None) -> KindList:
    """Every kind of job the caller may submit, with the JSON schema of its parameters."""
    known = [kind for _, kind in sorted(registry().items()) if may_operate(caller) or not kind.for_operators]
    page, following = page_of(known, lambda kind: kind.name, limit, cursor)
    return KindList(
        data=[
            KindView(
                name=kind.name,
                version=kind.version,
                summary=kind.summary,
                params=kind.params.model_json_schema(),
            )
            for kind in page
        ],
        next_cursor=following,
    )
