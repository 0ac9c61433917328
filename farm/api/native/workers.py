"""Who is here to work: for operators, and for the owner of a farm of their own."""

from dataclasses import asdict

from farm.api.auth import may_operate
from farm.api.desk import AtDesk, SignedIn
from farm.api.native.wire import WorkerInfo, WorkerList
from farm.api.routing import farm_router
from farm.doors import workers
from farm.errors import NotAllowed

router = farm_router("/farm/v1", "workers")


@router.get("/workers")
def index(desk: AtDesk, caller: SignedIn) -> WorkerList:
    """Every worker the farm has seen. Needs an operator's key, or the local account's."""
    if not may_operate(caller):
        raise NotAllowed("Only an operator's key may see the workers.")
    return WorkerList(
        data=[WorkerInfo.model_validate(asdict(worker)) for worker in workers.list_workers(desk.hall)]
    )
