"""The studio's calls that follow jobs: how far one is, the line, cancelling, and whether anybody works."""

from typing import Annotated

from fastapi import Query
from pydantic import BaseModel

from farm.api.desk import AtDesk, Desk, SignedIn
from farm.api.routing import farm_router, rated
from farm.api.surfaces.studio import asked
from farm.api.surfaces.studio.errors import REFUSALS
from farm.api.surfaces.studio.media import Medium, all_kinds, medium_of
from farm.api.surfaces.studio.shown import Status, StudioStatus, status_of, status_view
from farm.doors import generations, jobs, line, served, workers
from farm.models import Capability
from farm.states import JobState, WorkerState

router = farm_router("/api", "studio")

JobId = Annotated[str, Query(min_length=1, max_length=64)]
_POOL = "gpu-generate"
_MOST_SHOWN = 50
_MAKING = (Capability.TEXT_TO_VIDEO, Capability.IMAGE_TO_VIDEO, Capability.TEXT_TO_IMAGE)


class CancelledView(BaseModel):
    """`cancelled`: it will come to nothing. One that had ended before stays as it is."""

    job_id: str
    status: Status
    cancelled: bool


class WaitingView(BaseModel):
    """A job of the caller's that has not ended. `position` is its place in the line, while it waits there."""

    job_id: str
    type: Medium | None
    status: Status
    progress: float
    position: int | None


class QueueView(BaseModel):
    """`queue_length`: what waits on the farm to be generated. `position`: of the caller's next job there."""

    queue_length: int
    position: int | None
    jobs: list[WaitingView]


class BackendView(BaseModel):
    """Whether anybody generates here now: workers, and how many of them have an accelerator."""

    online: bool
    status: str
    workers: int
    gpu_workers: int
    models: list[str]


@router.get("/status", openapi_extra=rated("generation_status"), responses=REFUSALS)
def status(desk: AtDesk, caller: SignedIn, job_id: JobId) -> StudioStatus:
    """Tell how far a job is. Ask every 2 to 5 seconds until `status` is completed, error or cancelled."""
    job = jobs.job(desk.hall, caller.account.id, job_id)
    files = generations.files_of(desk.hall, [job.seq]).get(job.seq, ())
    told = served.served(desk.hall, caller.account.id, job_id)
    return status_view(
        job,
        files,
        position=None if job.ended else line.place_of(desk.hall, job_id),
        model_actual=told.model_actual or None,
    )


@router.post("/cancel", openapi_extra=rated("generation_status"), responses=REFUSALS)
def cancel(body: asked.CancelBody, desk: AtDesk, caller: SignedIn) -> CancelledView:
    """Cancel a job that has not ended; nothing is charged for it."""
    job = jobs.cancel(desk.hall, caller.account.id, body.job_id)
    is_cancelled = job.state is JobState.CANCELLED or not job.ended
    return CancelledView(
        job_id=job.id, status="cancelled" if is_cancelled else status_of(job.state), cancelled=is_cancelled
    )


@router.get("/queue", openapi_extra=rated("generation_status"), responses=REFUSALS)
def queue(desk: AtDesk, caller: SignedIn) -> QueueView:
    """Tell how long the line is, and where the caller's own jobs stand in it."""
    own = generations.under_way(desk.hall, caller.account.id, all_kinds(), limit=_MOST_SHOWN)
    places = line.places_of(desk.hall, [job.id for job in own])
    shown = [
        WaitingView(
            job_id=job.id,
            type=medium_of(job.kind),
            status=status_of(job.state),
            progress=round(job.progress * 100, 1),
            position=places[job.id],
        )
        for job in own
    ]
    waiting = [view.position for view in shown if view.position is not None]
    return QueueView(
        queue_length=line.length_of(desk.hall, _pools(desk)), position=min(waiting, default=None), jobs=shown
    )


@router.get("/comfyui/status", openapi_extra=rated("generation_status"), responses=REFUSALS)
def backend(desk: AtDesk, caller: SignedIn) -> BackendView:
    """Tell whether the backend that generates is online."""
    here = [
        worker
        for worker in workers.list_workers(desk.hall)
        if worker.pool == _POOL and worker.state is WorkerState.ONLINE
    ]
    return BackendView(
        online=bool(here),
        status="online" if here else "offline",
        workers=len(here),
        gpu_workers=sum(bool(worker.slots.get("device")) for worker in here),
        models=sorted({model for worker in here for model in worker.models}),
    )


def _pools(desk: Desk) -> set[str]:
    """Those in which pictures and videos are made on this farm."""
    book = desk.hall.catalog.providers
    routes = [route for making in _MAKING for route in book.routes.get(making, {}).values()]
    return {book.providers[offer.provider].pool for route in routes for offer in route.offers}
