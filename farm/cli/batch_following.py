"""Follows a batch until it has ended, and says how far it is and how it ended."""

import time
from collections.abc import Iterator
from typing import Any

from farm.batch import BatchState
from farm.cli import console
from farm.cli.client import FarmClient
from farm.cli.progress import new_show
from farm.errors import FarmUnavailable

_PATIENCE_S = 60.0
_LOOK_S = 1.0
_SHOWN = 5


def watched(farm: FarmClient, batch_id: str) -> dict[str, Any]:
    """Follow it, and say on stderr how it ended."""
    with new_show() as bars:
        bars.step("running")
        for batch in _followed(farm, batch_id):
            bars.at(batch["progress"], _said(batch))
    console.remark(_ending(batch), style="green" if is_good(batch) else "red")
    for sentence in failures(farm, batch_id) if batch["counts"]["failed"] else ():
        console.remark(sentence, style="red")
    return batch


def failures(farm: FarmClient, batch_id: str) -> list[str]:
    """The first rows that failed, and why."""
    failed = farm.native("GET", f"/batches/{batch_id}/jobs", state="failed", limit=_SHOWN)["data"]
    return [f"{job['custom_id']}: {job['failure']['code']}: {job['failure']['message']}" for job in failed]


def is_good(batch: dict[str, Any]) -> bool:
    """Whether every row of an ended batch completed."""
    return batch["state"] == BatchState.COMPLETED and not batch["partial_failure"]


def _followed(farm: FarmClient, batch_id: str) -> Iterator[dict[str, Any]]:
    """The batch now and every second, until it has ended. A farm that restarts is waited for."""
    patience_ends = time.monotonic() + _PATIENCE_S
    while True:
        try:
            batch = farm.native("GET", f"/batches/{batch_id}")
        except FarmUnavailable:
            if time.monotonic() > patience_ends:
                raise
        else:
            yield batch
            if batch["ended_at"] is not None:
                return
            patience_ends = time.monotonic() + _PATIENCE_S
        time.sleep(_LOOK_S)


def _said(batch: dict[str, Any]) -> str:
    counts = batch["counts"]
    parts = [f"{counts['total']} jobs"]
    parts += [f"{counts[name]} {name}" for name in ("running", "completed", "failed") if counts[name]]
    if batch["paused"]:
        parts.append("paused")
    if batch["state"] == BatchState.OPEN:
        parts.append("open: it takes more rows")
    if batch["eta_s"] is not None:
        parts.append(f"about {batch['eta_s']:.0f} s left")
    return ", ".join(parts)


def _ending(batch: dict[str, Any]) -> str:
    """`completed: 2 of 4 rows completed, 1 failed, 1 rejected`"""
    counts = batch["counts"]
    parts = [f"{counts['completed']} of {counts['total'] + counts['rejected']} rows completed"]
    parts += [f"{counts[name]} {name}" for name in ("failed", "cancelled", "rejected") if counts[name]]
    return f"{batch['state']}: {', '.join(parts)}"
