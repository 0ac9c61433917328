"""An account's generations: list them, mark them, share them, delete them; and what anybody may see of them.

A generation is a job. What belongs to nobody is not told from what is another account's: both are NotFound.
"""

from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, false, func, insert, select, update

from farm.doors import jobs as job_doors
from farm.doors.hall import Hall
from farm.errors import Conflict, NotFound
from farm.generations import GeneratedFile, Generation, Marks
from farm.job import Job
from farm.states import JobState
from farm.store.rows import AnyRow
from farm.store.schema import PUBLIC, artifacts, generation_marks, jobs

_MARKS = generation_marks.c
_JOINED = jobs.outerjoin(generation_marks, _MARKS.job_seq == jobs.c.seq)
_KEPT_MARKS = ("is_favorite", "is_shared", "is_public", "token")
_Change = Callable[[Marks], dict[str, Any]]


def list_generations(
    hall: Hall,
    account_id: int,
    kinds: Sequence[str],
    *,
    limit: int,
    offset: int = 0,
    beyond: int | None = None,
    oldest_first: bool = False,
) -> list[Generation]:
    """The account's jobs of these kinds that it has not deleted, newest first, with their files.

    Those `beyond` one of them, by its number, are what a page after it has.
    """
    number = jobs.c.seq
    query = _generations().where(jobs.c.account_id == account_id, jobs.c.kind.in_(kinds))
    if beyond is not None:
        query = query.where(number > beyond if oldest_first else number < beyond)
    order = number.asc() if oldest_first else number.desc()
    return _found(hall, query.order_by(order).limit(limit).offset(offset))


def under_way(hall: Hall, account_id: int, kinds: Sequence[str], *, limit: int) -> list[Job]:
    """The account's jobs of these kinds that have not ended, the oldest first, with how far each is."""
    query = (
        select(jobs)
        .where(jobs.c.account_id == account_id, jobs.c.ended_at.is_(None), jobs.c.kind.in_(kinds))
        .order_by(jobs.c.seq)
        .limit(limit)
    )
    with hall.store.read() as connection:
        found = [job_doors.job_of(row) for row in connection.execute(query)]
    return job_doors.as_they_stand(hall, found)


def generation(hall: Hall, account_id: int, number: int, kinds: Sequence[str]) -> Generation:
    """One of them. Raises NotFound."""
    with hall.store.read() as connection:
        return _one(hall, connection, account_id, number, kinds)


def toggle_favorite(hall: Hall, account_id: int, number: int, kinds: Sequence[str]) -> Marks:
    """A favourite from now on, or no longer. Raises NotFound."""

    def turned(marks: Marks) -> dict[str, Any]:
        return {"is_favorite": not marks.is_favorite}

    return _change(hall, account_id, number, kinds, turned)


def share(hall: Hall, account_id: int, number: int, kinds: Sequence[str]) -> Marks:
    """Open it to whoever has its token; the same one as long as it stays open. Raises NotFound, Conflict."""

    def opened(marks: Marks) -> dict[str, Any]:
        return {"is_shared": True, "token": marks.token or hall.ids.public("share")}

    return _change(hall, account_id, number, kinds, opened, needs_file=True)


def unshare(hall: Hall, account_id: int, number: int, kinds: Sequence[str]) -> Marks:
    """Close it to them, unless it is public. A link of before never opens it again. Raises NotFound."""

    def closed(marks: Marks) -> dict[str, Any]:
        return {"is_shared": False, "token": marks.token if marks.is_public else None}

    return _change(hall, account_id, number, kinds, closed)


def toggle_public(hall: Hall, account_id: int, number: int, kinds: Sequence[str]) -> Marks:
    """Put it into the public gallery, or take it out. Raises NotFound, and Conflict without a file."""

    def turned(marks: Marks) -> dict[str, Any]:
        if marks.is_public:
            return {
                "is_public": False,
                "public_at": None,
                "token": marks.token if marks.is_shared else None,
            }
        token = marks.token or hall.ids.public("share")
        return {"is_public": True, "public_at": hall.clock.now(), "token": token}

    return _change(hall, account_id, number, kinds, turned, needs_file=True)


def delete_generation(hall: Hall, account_id: int, number: int, kinds: Sequence[str]) -> None:
    """Show it no more and give up its files; one under way is cancelled. Raises NotFound.

    A file that comes while it is being cancelled is given up where it is stored (schedulers.grow).
    """
    found = generation(hall, account_id, number, kinds)
    if not found.job.ended:  # before it is hidden: what nobody sees any more must not run on
        job_doors.cancel(hall, account_id, found.job.id)
    now = hall.clock.now()
    closed = {"is_favorite": False, "is_shared": False, "is_public": False, "token": None, "public_at": None}
    with hall.store.write() as connection:
        _alone(connection, number)
        _write(connection, _one(hall, connection, account_id, number, kinds), {**closed, "deleted_at": now})
        gone = now - hall.catalog.retention.grace_s  # nobody waits for a file that its owner threw away
        connection.execute(update(artifacts).where(artifacts.c.job_seq == number).values(expires_at=gone))


def shared(hall: Hall, token: str) -> Generation:
    """What that token opens. Raises NotFound, also where it opens nothing any more."""
    found = _found(hall, _generations().where(_MARKS.token == token))
    if not found or not found[0].files or not found[0].marks.is_open:
        raise NotFound("There is nothing under this link, or not any more.", param="token")
    return found[0]


def gallery(hall: Hall, kinds: Sequence[str], *, limit: int, offset: int = 0) -> list[Generation]:
    """What accounts have made public and still has its files, the latest first."""
    has_file = select(artifacts.c.id).where(
        artifacts.c.job_seq == jobs.c.seq, job_doors.kept(hall.clock.now())
    )
    query = (
        _generations()
        .where(PUBLIC, jobs.c.kind.in_(kinds), has_file.exists())
        .order_by(_MARKS.public_at.desc(), _MARKS.job_seq.desc())
        .limit(limit)
        .offset(offset)
    )
    return _found(hall, query)


def own_file(hall: Hall, account_id: int, name: str) -> GeneratedFile:
    """The account's file of that name. Raises NotFound."""
    query = _files(hall).where(artifacts.c.account_id == account_id, artifacts.c.file_name == name)
    with hall.store.read() as connection:
        row = connection.execute(query).one_or_none()
    if row is None:
        raise no_such_file()
    return _file(row)


def shared_file(hall: Hall, token: str, name: str) -> GeneratedFile:
    """The file of that name among those that the token opens. Raises NotFound."""
    for file in shared(hall, token).files:
        if file.name == name:
            return file
    raise no_such_file()


def no_such_file() -> NotFound:
    """The same words whether it never was, is gone, or is another's."""
    return NotFound("There is no such file.", param="filename")


def files_of(hall: Hall, job_seqs: Sequence[int]) -> dict[int, tuple[GeneratedFile, ...]]:
    """The files of these jobs that may be given out, in the order of their names."""
    with hall.store.read() as connection:
        return _files_of(hall, connection, job_seqs)


def _generations() -> Select[Any]:
    return (
        select(jobs, *(_MARKS[name] for name in _KEPT_MARKS))
        .select_from(_JOINED)
        .where(_MARKS.deleted_at.is_(None))
    )


def _found(hall: Hall, query: Select[Any]) -> list[Generation]:
    with hall.store.read() as connection:
        rows = connection.execute(query).all()
        files = _files_of(hall, connection, [row.seq for row in rows])
    return [Generation(job_doors.job_of(row), _marks(row), files.get(row.seq, ())) for row in rows]


def _one(
    hall: Hall, connection: Connection, account_id: int, number: int, kinds: Sequence[str]
) -> Generation:
    own: list[ColumnElement[bool]] = [jobs.c.account_id == account_id, jobs.c.kind.in_(kinds)]
    known = jobs.c.seq == number if number.bit_length() < 64 else false()
    row = connection.execute(_generations().where(known, *own)).one_or_none()
    if row is None:
        raise NotFound(f"There is no generation {number} of yours.", param="id")
    files = _files_of(hall, connection, [row.seq])
    return Generation(job_doors.job_of(row), _marks(row), files.get(row.seq, ()))


def _change(
    hall: Hall,
    account_id: int,
    number: int,
    kinds: Sequence[str],
    change: _Change,
    *,
    needs_file: bool = False,
) -> Marks:
    with hall.store.write() as connection:
        _alone(connection, number)
        found = _one(hall, connection, account_id, number, kinds)
        if needs_file and not found.files and not found.marks.is_public:
            raise Conflict(_why_nothing(found), param="id", code="nothing_to_share")
        return _write(connection, found, change(found.marks))


def _why_nothing(found: Generation) -> str:
    if not found.job.ended:
        return "It is not finished yet."
    return "Its files have expired." if found.job.state is JobState.COMPLETED else "It has no files."


def _alone(connection: Connection, number: int) -> None:
    """One change of a generation at a time: a toggle depends on what it was."""
    if number.bit_length() < 64:
        connection.execute(select(jobs.c.seq).where(jobs.c.seq == number).with_for_update())


def _write(connection: Connection, found: Generation, values: dict[str, Any]) -> Marks:
    changed = update(generation_marks).where(_MARKS.job_seq == found.id).values(values)
    if connection.execute(changed).rowcount == 0:
        row = {"job_seq": found.id, "account_id": found.job.account_id, **values}
        connection.execute(insert(generation_marks).values(row))
    return _marks(connection.execute(select(generation_marks).where(_MARKS.job_seq == found.id)).one())


def _files_of(
    hall: Hall, connection: Connection, job_seqs: Sequence[int]
) -> dict[int, tuple[GeneratedFile, ...]]:
    query = _files(hall).where(artifacts.c.job_seq.in_(job_seqs))
    natural = (func.length(artifacts.c.name), artifacts.c.name)  # image-2 before image-10
    found: dict[int, tuple[GeneratedFile, ...]] = {}
    for row in connection.execute(query.order_by(*natural)):
        found[row.job_seq] = (*found.get(row.job_seq, ()), _file(row))
    return found


def _files(hall: Hall) -> Select[Any]:
    return (
        select(artifacts, jobs.c.id.label("job_id"))
        .join(jobs, jobs.c.seq == artifacts.c.job_seq)
        .where(job_doors.kept(hall.clock.now()))
    )


def _file(row: AnyRow) -> GeneratedFile:
    return GeneratedFile(row.file_name, job_doors.artifact_of(row, row.job_id))


def _marks(row: AnyRow) -> Marks:
    return Marks(bool(row.is_favorite), bool(row.is_shared), bool(row.is_public), row.token)
