"""What came of a batch, a page at a time, so that whoever reads on needs no more memory than a page."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from sqlalchemy import select

from farm.batch import Rejected
from farm.doors.batches import find
from farm.doors.hall import Hall
from farm.doors.jobs import artifact_of, job_of, kept
from farm.job import Artifact, Job
from farm.states import JobState
from farm.store.schema import CURRENT, artifacts, batch_rejects, jobs

_PAGE = 500


@dataclass(frozen=True, slots=True)
class Result:
    """A row's latest job, with its finished files."""

    job: Job
    artifacts: Sequence[Artifact]


def batch_jobs(
    hall: Hall,
    account_id: int | None,
    batch_id: str,
    *,
    states: Sequence[JobState] = (),
    after_seq: int = 0,
    limit: int = 50,
) -> list[Job]:
    """The rows' latest jobs in the order they were submitted, without their tasks. Raises NotFound."""
    with hall.store.read() as connection:
        number = find(connection, account_id, batch_id).id
        query = select(jobs).where(jobs.c.batch_id == number, CURRENT, jobs.c.seq > after_seq)
        if states:
            query = query.where(jobs.c.state.in_(states))
        return [job_of(row) for row in connection.execute(query.order_by(jobs.c.seq).limit(limit))]


def results(hall: Hall, account_id: int | None, batch_id: str) -> Iterator[list[Result]]:
    """Every row's latest job with its files, page by page. Raises NotFound with the first page."""
    after_seq = 0
    while page := batch_jobs(hall, account_id, batch_id, after_seq=after_seq, limit=_PAGE):
        after_seq = page[-1].seq
        files = _files(hall, page)
        yield [Result(job, files.get(job.seq, ())) for job in page]


def rejected(hall: Hall, account_id: int | None, batch_id: str) -> Iterator[list[Rejected]]:
    """The rows that became no job, in the order they were sent, page by page."""
    after = 0
    while True:
        with hall.store.read() as connection:
            number = find(connection, account_id, batch_id).id
            page = connection.execute(
                select(batch_rejects)
                .where(batch_rejects.c.batch_id == number, batch_rejects.c.id > after)
                .order_by(batch_rejects.c.id)
                .limit(_PAGE)
            ).all()
        if not page:
            return
        after = page[-1].id
        yield [Rejected(r.line, r.digest, r.custom_id, r.field, r.code, r.reason) for r in page]


def _files(hall: Hall, page: Sequence[Job]) -> dict[int, list[Artifact]]:
    ids = {job.seq: job.id for job in page}
    query = select(artifacts).where(artifacts.c.job_seq.in_(list(ids)), kept(hall.clock.now()))
    found: dict[int, list[Artifact]] = {}
    with hall.store.read() as connection:
        for row in connection.execute(query.order_by(artifacts.c.name, artifacts.c.id)):
            found.setdefault(row.job_seq, []).append(artifact_of(row, ids[row.job_seq]))
    return found
