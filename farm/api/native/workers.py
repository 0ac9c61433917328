"""Who is here to work, and holding them back: for operators, and for the owner of a farm of their own."""

from dataclasses import asdict
from typing import Annotated

from fastapi import Path, Query

from farm.api.auth import require_operator
from farm.api.desk import AtDesk, SignedIn
from farm.api.native.paging import Cursor, Limit, page_of
from farm.api.native.wire import SleepRequest, WorkerInfo, WorkerList
from farm.api.routing import farm_router
from farm.doors import workers
from farm.doors.audit import who_calls

router = farm_router("/farm/v1", "workers")
Name = Annotated[str, Path(max_length=200, examples=["cpu-render@host"])]


@router.get("/workers")
def index(desk: AtDesk, caller: SignedIn, limit: Limit = 1000, cursor: Cursor = None) -> WorkerList:
    """Every worker the farm has seen. Needs an operator's key, or the local account's."""
    require_operator(caller, "see the workers")
    page, following = page_of(workers.list_workers(desk.hall), lambda worker: worker.name, limit, cursor)
    return WorkerList(data=[_info(worker) for worker in page], next_cursor=following)


@router.post("/workers/{name}/drain", status_code=202)
def drain(
    name: Name,
    desk: AtDesk,
    caller: SignedIn,
    because: Annotated[str, Query(max_length=200, description="For whoever looks at it meanwhile.")] = "",
) -> WorkerInfo:
    """Send the worker nothing more; what it runs it finishes. Holds until resumed, whatever restarts."""
    require_operator(caller, "drain a worker")
    return _info(workers.drain(desk.hall, who_calls(caller), name, because))


@router.post("/workers/{name}/resume", status_code=202)
def resume(name: Name, desk: AtDesk, caller: SignedIn) -> WorkerInfo:
    """Send the worker tasks again, whether it was drained or quarantined."""
    require_operator(caller, "resume a worker")
    return _info(workers.resume(desk.hall, who_calls(caller), name))


@router.put("/workers/{name}/sleep", status_code=202)
def sleep(name: Name, body: SleepRequest, desk: AtDesk, caller: SignedIn) -> WorkerInfo:
    """Let the worker sleep at told hours of its own time zone: as if drained, and back by itself."""
    require_operator(caller, "send a worker to sleep")
    return _info(workers.set_sleep(desk.hall, who_calls(caller), name, body.schedule))


def _info(worker: workers.WorkerView) -> WorkerInfo:
    return WorkerInfo.model_validate(asdict(worker))
