"""The files a job would read, checked before it is accepted: the caller's own, and really there."""

from collections.abc import Sequence

from farm.account import Account
from farm.api.desk import Desk
from farm.batch import split_reference
from farm.doors import assets
from farm.job import JobSpec
from farm.kinds import kind_named


def inputs_of(spec: JobSpec) -> Sequence[str]:
    """The asset ids that the job's tasks read, each once, in the order of the plan."""
    plan = kind_named(spec.params.kind).plan(spec.params)
    return list(dict.fromkeys(asset_id for task in plan for asset_id in task.inputs))


def require_inputs(desk: Desk, account: Account, spec: JobSpec, *, of_batch: bool = False) -> None:
    """Check that every input is the account's and has arrived. Raises NotFound or BadRequest.

    `of_batch`: files of other rows of the job's batch are left to the scheduler.
    """
    named = [name for name in inputs_of(spec) if not (of_batch and split_reference(name))]
    wanted = [assets.asset(desk.hall, account, asset_id) for asset_id in named]
    assets.require_uploaded(desk.hall, desk.blobs, wanted)
