"""What operators did: for operators."""

from typing import Annotated

from fastapi import Query
from pydantic import BaseModel, JsonValue

from farm.api.auth import require_operator
from farm.api.desk import AtDesk, SignedIn
from farm.api.routing import farm_router
from farm.doors.audit import AuditEntry, list_audit

router = farm_router("/farm/v1", "operators")


class AuditView(BaseModel):
    """One deed: `who` did `action` to `subject`."""

    id: int
    at: float
    who: str
    action: str
    subject: str
    detail: dict[str, JsonValue]

    @classmethod
    def of(cls, entry: AuditEntry) -> "AuditView":
        return cls(
            id=entry.id,
            at=entry.at,
            who=entry.who,
            action=entry.action,
            subject=entry.subject,
            detail=dict(entry.detail),
        )


class AuditPage(BaseModel):
    """Deeds, newest first. Pass `next_cursor` as `cursor` for the page after; null on the last one."""

    data: list[AuditView]
    next_cursor: str | None


@router.get("/audit")
def index(
    desk: AtDesk,
    caller: SignedIn,
    subject: Annotated[str | None, Query(max_length=300, description="Only about this.")] = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
    cursor: Annotated[
        str | None, Query(pattern="^[0-9]{1,18}$", description="`next_cursor` of the page before.")
    ] = None,
) -> AuditPage:
    """The audit log. Needs an operator's key, or the local account's."""
    require_operator(caller, "read the audit log")
    found = list_audit(desk.hall, subject=subject, before_id=int(cursor) if cursor else None, limit=limit + 1)
    page = found[:limit]
    return AuditPage(
        data=[AuditView.of(entry) for entry in page],
        next_cursor=str(page[-1].id) if len(found) > limit else None,
    )
