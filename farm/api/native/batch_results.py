"""What came of a batch: its jobs page by page, its refused rows and its results as one long stream."""

import csv
import io
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from enum import StrEnum
from typing import Annotated, Any

from fastapi import Query
from fastapi.responses import Response, StreamingResponse

from farm.api.desk import AtDesk, BaseUrl, Desk, SignedIn
from farm.api.native.batch_wire import BatchJobPage, RejectedView
from farm.api.native.batches import BatchId
from farm.api.native.jobs import whose
from farm.api.native.wire import FailureView, JobView
from farm.api.routing import farm_router, rated
from farm.doors import batch_results, batches, jobs
from farm.doors.batch_results import Result
from farm.job import Artifact
from farm.money import credits
from farm.states import JobState

router = farm_router("/farm/v1", "batches")
_RESULT_COLUMNS = (
    "custom_id",
    "job_id",
    "state",
    "error_code",
    "error",
    "credits_charged",
    "url",
    "artifacts",
    "result",
)


class Format(StrEnum):
    JSONL = "jsonl"
    CSV = "csv"


Wanted = Annotated[Format, Query(alias="format")]
_STREAM: dict[int | str, dict[str, Any]] = {
    200: {"content": {"application/jsonl": {}, "text/csv": {}}, "description": "A row a line."},
}


@router.get("/batches/{batch_id}/jobs", openapi_extra=rated("native_status"))
def index(
    batch_id: BatchId,
    desk: AtDesk,
    caller: SignedIn,
    state: Annotated[list[JobState] | None, Query(description="Only these states; may be repeated.")] = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    cursor: Annotated[
        str | None, Query(max_length=64, description="`next_cursor` of the page before.")
    ] = None,
) -> BatchJobPage:
    """The rows' latest jobs, in the order they were submitted."""
    account_id = whose(caller)
    after = jobs.job(desk.hall, account_id, cursor).seq if cursor else 0
    found = batch_results.batch_jobs(
        desk.hall, account_id, batch_id, states=state or (), after_seq=after, limit=limit + 1
    )
    page = found[:limit]
    return BatchJobPage(
        data=[JobView.of(job) for job in page], next_cursor=page[-1].id if len(found) > limit else None
    )


@router.get("/batches/{batch_id}/rejected", response_class=StreamingResponse, responses=_STREAM)
def rejected(batch_id: BatchId, desk: AtDesk, caller: SignedIn, wanted: Wanted = Format.JSONL) -> Response:
    """Every row that became no job, with its line, field and reason."""
    batches.batch(desk.hall, whose(caller), batch_id)  # a 404 now, not within the stream
    pages = batch_results.rejected(desk.hall, whose(caller), batch_id)
    rows = (RejectedView.of(item).model_dump() for page in pages for item in page)
    return _stream(rows, wanted, tuple(RejectedView.model_fields), f"{batch_id}-rejected", _plain)


@router.get("/batches/{batch_id}/results", response_class=StreamingResponse, responses=_STREAM)
def results(
    batch_id: BatchId, desk: AtDesk, caller: SignedIn, base_url: BaseUrl, wanted: Wanted = Format.JSONL
) -> Response:
    """Every row with its state, its error, its result and short-lived URLs of its files."""
    batches.batch(desk.hall, whose(caller), batch_id)
    pages = batch_results.results(desk.hall, whose(caller), batch_id)
    rows = (_row(desk, item, base_url) for page in pages for item in page)
    return _stream(rows, wanted, _RESULT_COLUMNS, f"{batch_id}-results", _flat)


def _row(desk: Desk, item: Result, base_url: str) -> dict[str, Any]:
    job = item.job
    failure = FailureView.of(job.failure)
    return {
        "custom_id": job.custom_id,
        "job_id": job.id,
        "state": job.state.value,
        "error": failure.model_dump() if failure else None,
        "credits_charged": credits(job.charged_mc),
        "artifacts": [_file(desk, artifact, base_url) for artifact in item.artifacts],
        "result": dict(job.result),
    }


def _file(desk: Desk, artifact: Artifact, base_url: str) -> dict[str, Any]:
    url = desk.blobs.download_url(
        artifact.blob_key,
        file_name=artifact.file_name,
        content_type=artifact.content_type,
        expires_s=desk.hall.catalog.limits.download_url_s,
        base_url=base_url,
    )
    return {
        "name": artifact.name,
        "file_name": artifact.file_name,
        "content_type": artifact.content_type,
        "size_bytes": artifact.size_bytes,
        "url": url,
    }


def _flat(row: Mapping[str, Any]) -> dict[str, Any]:
    """A result in one line of cells; `url` is its first file's."""
    error, files = row["error"] or {}, row["artifacts"]
    return {
        **row,
        "error_code": error.get("code"),
        "error": error.get("message"),
        "url": files[0]["url"] if files else None,
        "artifacts": json.dumps({file["name"]: file["url"] for file in files}) if files else None,
        "result": json.dumps(row["result"]) if row["result"] else None,
    }


def _plain(row: Mapping[str, Any]) -> dict[str, Any]:
    return dict(row)


def _stream(
    rows: Iterable[Mapping[str, Any]],
    wanted: Format,
    columns: tuple[str, ...],
    name: str,
    flat: Callable[[Mapping[str, Any]], Mapping[str, Any]],
) -> Response:
    headers = {"Content-Disposition": f'attachment; filename="{name}.{wanted}"', "Cache-Control": "no-store"}
    if wanted is Format.CSV:
        lines = _csv((flat(row) for row in rows), columns)
        return StreamingResponse(lines, media_type="text/csv; charset=utf-8", headers=headers)
    text = (json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    return StreamingResponse(_blocks(text), media_type="application/jsonl", headers=headers)


def _csv(rows: Iterable[Mapping[str, Any]], columns: tuple[str, ...]) -> Iterator[str]:
    out = io.StringIO()
    writer = csv.DictWriter(out, columns, extrasaction="ignore")

    def lines() -> Iterator[str]:
        writer.writeheader()
        for row in rows:
            writer.writerow(row)
            yield out.getvalue()
            out.seek(0)
            out.truncate()
        yield out.getvalue()

    return _blocks(lines())


def _blocks(lines: Iterable[str], size: int = 1 << 16) -> Iterator[str]:
    """Some lines at a time: each piece of a stream costs a turn of the server's loop."""
    waiting: list[str] = []
    held = 0
    for line in lines:
        waiting.append(line)
        held += len(line)
        if held >= size:
            yield "".join(waiting)
            waiting, held = [], 0
    yield "".join(waiting)
