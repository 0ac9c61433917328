"""Turns rows into planned and priced jobs and hands them to the door, some hundred at a time.

Everything that is wrong with a row becomes a Rejected of its own.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import replace

from farm.account import Caller
from farm.api.desk import Desk
from farm.api.native.batch_records import HeaderWrong, Reader, Record
from farm.api.native.batch_wire import BatchRow
from farm.api.native.jobs import asked_params
from farm.batch import Batch, Rejected, Taken, check_references, resolved, split_reference
from farm.doors import assets, batch_rows
from farm.doors.batch_rows import NewRow
from farm.doors.submit import order
from farm.doors.webhooks import check_url
from farm.errors import BadRequest, FarmError, NotFound, TooLarge
from farm.job import JobSpec


class Intake:
    """One upload into one batch."""

    def __init__(
        self,
        desk: Desk,
        caller: Caller,
        batch: Batch,
        reader: Reader,
        kind: str | None,
        *,
        auto_retry: bool = False,
    ) -> None:
        self._desk = desk
        self._caller = caller
        self._batch = batch
        self._reader = reader
        self._kind = kind or batch.kind
        self._auto_retry = auto_retry

    @property
    def ignored_columns(self) -> list[str]:
        return self._reader.ignored

    def take(self, records: Sequence[Record]) -> Taken:
        """Submit these. Raises what concerns the whole upload: Conflict, FarmUnavailable."""
        refused: list[Rejected] = []
        read = list(self._read(records, refused))
        names = [name for _, _, name in read]
        known = batch_rows.known_rows(self._desk.hall, self._batch.number, names) if names else set()
        rows = self._planned([item for item in read if item[2] not in known], refused)
        taken = batch_rows.take(self._desk.hall, self._caller, self._batch.id, rows)
        if (stop := taken.stopped_at) is not None:
            refused = [item for item in refused if item.line < stop.line]
        refused.sort(key=lambda item: item.line)
        batch_rows.note_rejected(self._desk.hall, self._batch.id, refused)
        already = sum(1 for name in names if name in known)
        return taken.plus(Taken(known=already, rejected=len(refused)))

    def _read(self, records: Sequence[Record], refused: list[Rejected]) -> list[tuple[Record, BatchRow, str]]:
        found = []
        for record in records:
            try:
                row = self._reader.read(record)
            except HeaderWrong:
                raise
            except (BadRequest, TooLarge) as error:
                refused.append(_refusal(record, self._reader.name(record), error))
                continue
            if row is not None:
                if self._auto_retry:
                    row = row.model_copy(update={"webhook_auto_retry": True})
                found.append((record, row, row.custom_id or f"line-{record.line}"))
        return found

    def _planned(self, read: Sequence[tuple[Record, BatchRow, str]], refused: list[Rejected]) -> list[NewRow]:
        rows = []
        for record, row, name in read:
            try:
                rows.append(planned(self._desk, self._caller, row, self._kind, name, record.line))
            except FarmError as error:
                refused.append(_refusal(record, name, error))
        wrong = wrong_inputs(self._desk, self._caller, rows)
        sent = {record.line: record for record, _, _ in read}
        refused += [
            _refusal(sent[row.line], row.custom_id, wrong[row.line]) for row in rows if row.line in wrong
        ]
        return [
            replace(row, digest=digest_of(sent[row.line])) if row.needs else row
            for row in rows
            if row.line not in wrong
        ]


def planned(desk: Desk, caller: Caller, row: BatchRow, kind: str | None, custom_id: str, line: int) -> NewRow:
    """The row as a planned and priced job. Raises BadRequest, NotFound naming the field."""
    name = row.kind or kind
    if name is None:
        raise BadRequest("The row names no kind, and the batch has none.", param="kind")
    params, named = resolved(row.params)
    needs = tuple(dict.fromkeys([*row.needs, *named]))
    if custom_id in needs:
        raise BadRequest("A row cannot need itself.", param="needs")
    spec = JobSpec(
        params=asked_params(desk, name, params, caller),
        priority=row.priority,
        start_after=row.start_after,
        deadline=row.deadline,
        webhook_url=row.webhook_url,
        auto_retry=row.webhook_auto_retry,
        reference=row.reference,
    )
    if row.webhook_url is not None:
        check_url(desk.hall, row.webhook_url, "webhook_url")
    made = order(desk.hall, spec)
    check_references(made.plan, needs)
    return NewRow(line, "", custom_id, made, needs)


def wrong_inputs(desk: Desk, caller: Caller, rows: Sequence[NewRow]) -> Mapping[int, FarmError]:
    """By line, the rows that name an asset which the caller has not, or which has not arrived."""
    wanted: dict[str, list[int]] = {}
    for row in rows:
        for name in {name for task in row.order.plan for name in task.inputs}:
            if split_reference(name) is None:
                wanted.setdefault(name, []).append(row.line)
    found = assets.assets_named(desk.hall, caller.account, list(wanted)) if wanted else {}
    wrong: dict[int, FarmError] = {}
    for name, lines in wanted.items():
        try:
            if name not in found:
                raise NotFound(f"There is no asset {name!r}.", param="params")
            assets.require_uploaded(desk.hall, desk.blobs, [found[name]])
        except (BadRequest, NotFound) as error:
            wrong |= dict.fromkeys(lines, error)
    return wrong


def digest_of(record: Record) -> str:
    """Stands for the record's text."""
    return hashlib.sha256(record.text or b"").hexdigest()[:32]


def _refusal(record: Record, custom_id: str | None, error: FarmError) -> Rejected:
    return Rejected(
        line=record.line,
        digest=digest_of(record),
        custom_id=custom_id,
        field=error.param[:300] if error.param else None,
        code=error.public_code,
        reason=error.message[:2000],
    )
