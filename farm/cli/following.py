"""A job of a command: its files are sent, it is followed to its end, and Ctrl-C stops it on the farm too."""

import time
from collections.abc import MutableMapping, Sequence
from pathlib import Path
from typing import Any

from farm.cli.client import FarmClient
from farm.cli.console import remark
from farm.cli.footage import MediaFile
from farm.cli.progress import Show
from farm.errors import FarmError, FarmUnavailable
from farm.states import TERMINAL_JOBS, JobState

Sent = MutableMapping[tuple[Path, int, int], str]
"""Asset ids of files that the farm already has: by path, time of writing in ns, and size."""

_CANCEL_S = 8.0
_LOOK_S = 0.2


def upload(client: FarmClient, files: Sequence[MediaFile], show: Show, known: Sent) -> list[str]:
    """Send the files that are not known, one after the other. Returns the asset ids of all."""
    keys = [(file.path, file.path.stat().st_mtime_ns, file.size_bytes) for file in files]
    total = sum(size_bytes for path, at, size_bytes in keys if (path, at, size_bytes) not in known)
    done = 0
    show.step("upload")
    for position, (key, file) in enumerate(zip(keys, files, strict=True), 1):
        if key in known:
            continue
        detail = f"{position} of {len(files)} {file.name}"
        slot = client.declare(file.name, file.content_type, file.size_bytes)

        def sent(size_bytes: int, detail: str = detail) -> None:
            nonlocal done
            done += size_bytes
            show.at(done / total, detail)

        client.put(slot["upload_url"], file.path, file.content_type, file.size_bytes, sent)
        known[key] = slot["asset"]["id"]
    return [known[key] for key in keys]


def completed(
    client: FarmClient, job: dict[str, Any], show: Show, step: str, failed: type[FarmError]
) -> dict[str, Any]:
    """The job once it is completed. Ctrl-C cancels it. Raises `failed` with the farm's words."""
    show.step(step)
    try:
        for seen in client.follow(job["id"]):
            show.at(seen["progress"], seen["stage"] or seen["state"])
            job = seen
    except KeyboardInterrupt:
        remark("cancelling the job …")
        _cancel(client, job["id"])
        raise
    if job["state"] != JobState.COMPLETED:
        failure = job["failure"] or {}
        raise failed(failure.get("message") or f"The job was {job['state']} ({job['id']}).")
    return job


def _cancel(client: FarmClient, job_id: str) -> None:
    """Ask the farm to stop the job, and wait a moment until it has."""
    try:
        client.cancel(job_id)
        deadline = time.monotonic() + _CANCEL_S
        while client.job(job_id)["state"] not in TERMINAL_JOBS and time.monotonic() < deadline:
            time.sleep(_LOOK_S)
    except FarmUnavailable:
        return  # it is gone, and the job with it
