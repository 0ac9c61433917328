"""Batches: hand in many jobs at once, steer them together, and read what came of them."""

from collections.abc import AsyncIterator, Mapping, Sequence
from graphlib import CycleError, TopologicalSorter
from typing import Annotated

from fastapi import Path, Query, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse
from starlette.requests import ClientDisconnect, Request

from farm.account import Caller
from farm.api.desk import AtDesk, Desk, SignedIn
from farm.api.errors import default_shape
from farm.api.idempotency import MadeOnce
from farm.api.native.batch_intake import Intake, planned, wrong_inputs
from farm.api.native.batch_records import CsvRows, JsonRows, Reader, Record, Records, merged
from farm.api.native.batch_wire import (
    BatchChange,
    BatchPage,
    BatchRequest,
    BatchRow,
    BatchView,
    RetriedStopped,
    RetriedView,
    StopView,
    TakenStopped,
    TakenView,
)
from farm.api.native.jobs import known_kind, whose
from farm.api.routing import farm_router, rated, submits
from farm.batch import Batch, NewBatch, Stop, Taken
from farm.doors import batch_retry, batch_rows, batches
from farm.doors.batch_rows import NewRow
from farm.doors.webhooks import check_url
from farm.errors import BadRequest, FarmError

_JSONL = ("application/jsonl", "application/x-ndjson", "application/jsonlines", "application/x-jsonlines")
_CSV = "text/csv"
_CHUNK_ROWS = 200
_CHUNK_BYTES = 1 << 20
_RETRY_AT_ONCE = 5000
_PAID_UP = 402

router = farm_router("/farm/v1", "batches")
BatchId = Annotated[str, Path(max_length=64, examples=["batch_0123456789abcdefghjkmn"])]


@router.post("/batches", status_code=201, openapi_extra=submits("native"))
def create(body: BatchRequest, desk: AtDesk, caller: SignedIn, once: MadeOnce) -> BatchView:
    """An open batch that takes rows; or, with `jobs`, a closed one with all of them, or nothing."""
    if body.webhook_url is not None:
        check_url(desk.hall, body.webhook_url, "webhook_url")
    if body.kind is not None:
        known_kind(body.kind, caller)
    new = NewBatch(body.name, body.kind, body.defaults, body.max_running, body.webhook_url)
    if body.jobs is None:
        return BatchView.of(batches.create(desk.hall, caller, new, once))
    rows = _all_planned(desk, caller, body.jobs, new)
    return BatchView.of(batch_rows.create_with_rows(desk.hall, caller, new, rows, once))


@router.get("/batches", openapi_extra=rated("native_status"))
def index(
    desk: AtDesk,
    caller: SignedIn,
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
    cursor: Annotated[
        str | None, Query(max_length=64, description="`next_cursor` of the page before.")
    ] = None,
) -> BatchPage:
    """The account's batches, newest first; an operator's key sees all accounts'."""
    account_id = whose(caller)
    before = batches.batch(desk.hall, account_id, cursor).number if cursor else None
    found = batches.list_batches(desk.hall, account_id, before=before, limit=limit + 1)
    page = found[:limit]
    return BatchPage(
        data=[BatchView.of(batch) for batch in page],
        next_cursor=page[-1].id if len(found) > limit else None,
    )


@router.get("/batches/{batch_id}", openapi_extra=rated("native_status"))
def show(batch_id: BatchId, desk: AtDesk, caller: SignedIn) -> BatchView:
    """The batch with its counts."""
    return BatchView.of(batches.batch(desk.hall, whose(caller), batch_id))


@router.patch("/batches/{batch_id}")
def change(batch_id: BatchId, body: BatchChange, desk: AtDesk, caller: SignedIn) -> BatchView:
    """How many of its jobs may run at once; null is as many as the account may."""
    return BatchView.of(batches.set_max_running(desk.hall, whose(caller), batch_id, body.max_running))


@router.post(
    "/batches/{batch_id}/rows",
    response_model=TakenView,
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {
                _JSONL[0]: {"schema": {"type": "string", "description": "A BatchRow a line."}},
                _CSV: {"schema": {"type": "string", "description": "The first record names the columns."}},
            },
        }
    },
    responses={402: {"model": TakenStopped, "description": "The credits ended at row `stopped_at`."}},
)
async def add_rows(
    batch_id: BatchId,
    request: Request,
    desk: AtDesk,
    caller: SignedIn,
    kind: Annotated[str | None, Query(max_length=64, description="Of rows that name none.")] = None,
    columns: Annotated[
        list[str] | None,
        Query(alias="map", max_length=200, description="CSV: `column=param`; may be repeated."),
    ] = None,
    webhook_auto_retry: Annotated[
        bool, Query(description="Of all of these rows, whatever they say themselves.")
    ] = False,
) -> Response:
    """Add rows, as many as the stream has. Send it again after it broke off: rows are known by custom_id.

    A row that is wrong is noted and stops no other. When the credits do not reach for a row, the answer (402)
    names it; after a top-up send the same rows again.
    """
    batch = await run_in_threadpool(batches.batch, desk.hall, caller.account.id, batch_id)
    reader = _reader(request, batch, caller, kind, _pairs(columns or ()))
    intake = Intake(desk, caller, batch, reader, kind, auto_retry=webhook_auto_retry)
    records = Records(quoted=isinstance(reader, CsvRows), longest=desk.hall.catalog.limits.json_max_bytes)
    try:
        taken = await _taken(request, records, intake)
    except ClientDisconnect:
        return Response(status_code=400)  # nobody hears it; what was taken is kept
    view = TakenView.of(batch.id, taken, intake.ignored_columns)
    return _answer(view.model_dump(mode="json"), taken.stopped_at)


@router.post("/batches/{batch_id}/close")
def close(batch_id: BatchId, desk: AtDesk, caller: SignedIn) -> BatchView:
    """No more rows: the batch ends with its last job."""
    return BatchView.of(batches.close(desk.hall, whose(caller), batch_id))


@router.post("/batches/{batch_id}/cancel", status_code=202)
def cancel(batch_id: BatchId, desk: AtDesk, caller: SignedIn) -> BatchView:
    """Ask for all of it to stop. What has ended stays as it is."""
    return BatchView.of(batches.cancel(desk.hall, whose(caller), batch_id))


@router.post("/batches/{batch_id}/pause")
def pause(batch_id: BatchId, desk: AtDesk, caller: SignedIn) -> BatchView:
    """Start nothing more of it; what runs goes on."""
    return BatchView.of(batches.pause(desk.hall, whose(caller), batch_id))


@router.post("/batches/{batch_id}/resume")
def resume(batch_id: BatchId, desk: AtDesk, caller: SignedIn) -> BatchView:
    """Go on with a paused batch."""
    return BatchView.of(batches.resume(desk.hall, whose(caller), batch_id))


@router.post(
    "/batches/{batch_id}/retry-failed",
    response_model=RetriedView,
    responses={402: {"model": RetriedStopped, "description": "The credits ended at `stopped_at`."}},
)
def retry_failed(batch_id: BatchId, desk: AtDesk, caller: SignedIn) -> Response:
    """A new job for each failed row, in its place. Some thousand a call: again while `remaining` is not 0."""
    done = batch_retry.retry_failed(desk.hall, caller, batch_id, limit=_RETRY_AT_ONCE)
    view = RetriedView(
        batch_id=batch_id,
        retried=done.retried,
        remaining=done.remaining,
        stopped_at=StopView.of(done.stopped_at),
    )
    return _answer(view.model_dump(mode="json"), done.stopped_at)


def _answer(fields: Mapping[str, object], stopped_at: Stop | None) -> Response:
    """Once the credits have ended it is a refusal too, so that nobody takes it for success."""
    if stopped_at is None:
        return JSONResponse(dict(fields))
    error = default_shape(stopped_at.code, stopped_at.message, None, _PAID_UP)
    return JSONResponse({**error, **fields}, _PAID_UP)


async def _taken(request: Request, records: Records, intake: Intake) -> Taken:
    """Everything the stream has, in the memory of one chunk of rows."""
    taken = Taken()
    async for chunk in _chunks(request, records):
        if taken.stopped_at is None:  # else only read to its end, so that the sender hears the answer
            taken = taken.plus(await run_in_threadpool(intake.take, chunk))
    return taken


async def _chunks(request: Request, records: Records) -> AsyncIterator[list[Record]]:
    waiting: list[Record] = []
    size = 0
    async for data in request.stream():
        for record in records.feed(data) if data else ():
            waiting.append(record)
            size += len(record.text or b"")
            if len(waiting) >= _CHUNK_ROWS or size >= _CHUNK_BYTES:
                yield waiting
                waiting, size = [], 0
    waiting += records.end()
    if waiting:
        yield waiting


def _reader(
    request: Request, batch: Batch, caller: Caller, kind: str | None, columns: Mapping[str, str]
) -> Reader:
    sent = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if request.headers.get("content-encoding", "identity") != "identity":
        raise BadRequest("Send the rows uncompressed.", param="Content-Encoding")
    if sent in _JSONL:
        if kind is not None:
            known_kind(kind, caller)
        return JsonRows(batch.defaults)
    if sent != _CSV:
        raise BadRequest(f"Send rows as {_JSONL[0]} or {_CSV}.", param="Content-Type")
    name = kind or batch.kind
    if name is None:
        raise BadRequest("Say of which kind the rows are.", param="kind")
    return CsvRows(columns, known_kind(name, caller).params.model_json_schema(), batch.defaults)


def _pairs(columns: Sequence[str]) -> dict[str, str]:
    found = {}
    for pair in columns:
        column, equals, target = pair.partition("=")
        if not (column and equals and target):
            raise BadRequest("Write it as column=param.", param="map")
        found[column] = target
    return found


def _all_planned(desk: Desk, caller: Caller, asked: Sequence[BatchRow], new: NewBatch) -> list[NewRow]:
    """All rows, each after those it needs. Raises BadRequest naming the row's field."""
    rows: dict[str, NewRow] = {}
    for number, row in enumerate(asked):
        name = row.custom_id or f"line-{number + 1}"
        full = row.model_copy(update={"params": merged(new.defaults, row.params)})
        try:
            made = planned(desk, caller, full, new.kind, name, number + 1)
        except FarmError as error:
            code = error.public_code if isinstance(error, BadRequest) else None
            raise BadRequest(error.message, param=f"jobs[{number}].{error.param}", code=code) from None
        if name in rows:
            raise BadRequest(f"Two rows are called {name!r}.", param=f"jobs[{number}].custom_id")
        rows[name] = made
    for line, wrong in wrong_inputs(desk, caller, list(rows.values())).items():
        raise BadRequest(wrong.message, param=f"jobs[{line - 1}].{wrong.param}")
    return [rows[name] for name in _in_order(rows)]


def _in_order(rows: Mapping[str, NewRow]) -> list[str]:
    for row in rows.values():
        for need in row.needs:
            if need not in rows:
                raise BadRequest(f"There is no row {need!r}.", param=f"jobs[{row.line - 1}].needs")
    try:
        return list(TopologicalSorter({name: row.needs for name, row in rows.items()}).static_order())
    except CycleError as error:
        raise BadRequest("Rows need each other in a circle.", param="jobs.needs") from error
