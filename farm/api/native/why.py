"""Why a job is where it is."""

from pydantic import BaseModel

from farm.api.desk import AtDesk, SignedIn
from farm.api.native.jobs import JobId, whose
from farm.api.routing import farm_router, rated
from farm.doors.why import why

router = farm_router("/farm/v1", "jobs")


class Reasons(BaseModel):
    """One sentence per task that has not ended, or one about the job's end."""

    data: list[str]


@router.get("/jobs/{job_id}/why", openapi_extra=rated("native_status"))
def index(job_id: JobId, desk: AtDesk, caller: SignedIn) -> Reasons:
    """What the job waits for, in sentences."""
    return Reasons(data=why(desk.hall, whose(caller), job_id))
