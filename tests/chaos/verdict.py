"""What must hold after a storm, in words: empty when nothing was lost, doubled or charged twice."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import av
from sqlalchemy import func, select

from farm.states import JobState, Outcome
from farm.store.rows import AnyRow
from farm.store.schema import accounts, attempts, deliveries, jobs, outbox, tasks
from tests.chaos.customer import Customer
from tests.chaos.house import House
from tests.chaos.monkey import Kill
from tests.chaos.plan import ACCOUNTS, PICTURES, RENDER_S, Wanted, spent_mc
from tests.chaos.postbox import Letter
from tests.invariants import violations

FPS = 30
_EVENTS = {
    JobState.COMPLETED: "job.completed",
    JobState.FAILED: "job.failed",
    JobState.CANCELLED: "job.cancelled",
}
_RECORDING_S = 5.0  # from the answer to its record at most, while the database is there


@dataclass(frozen=True, slots=True)
class Storm:
    """All that is known of a storm that is over. `ids` are the jobs' ids by their number."""

    house: House
    wanted: Sequence[Wanted]
    ids: Mapping[int, str]
    opening_mc: int
    kills: Sequence[Kill]
    outages: Sequence[Sequence[float]]
    letters: Sequence[Letter]


def has_ended(house: House) -> bool:
    """Whether all work is done and all webhooks are delivered."""
    with house.store.read() as connection:
        open_jobs = select(func.count()).select_from(jobs).where(jobs.c.ended_at.is_(None))
        untold = select(func.count()).select_from(outbox).where(outbox.c.state == "pending")
        undelivered = select(func.count()).select_from(deliveries).where(deliveries.c.state == "pending")
        return all(connection.scalar(query) == 0 for query in (open_jobs, untold, undelivered))


def judge(storm: Storm, customers: Mapping[str, Customer], folder: Path) -> list[str]:
    """Every broken promise."""
    with storm.house.store.read() as connection:
        rows = {row.id: row for row in connection.execute(select(jobs))}
    return [
        *violations(storm.house.store),
        *_jobs(storm, rows),
        *_balances(storm),
        *_answers(storm),
        *_renders(storm, customers, folder),
        *_webhooks(storm, rows),
        *(f"{part.name} ended by itself" for part in storm.house.parts.values() if not part.runs),
    ]


def _jobs(storm: Storm, rows: Mapping[str, AnyRow]) -> Iterator[str]:
    """Each wanted job is there, once, and ended as it must; there is no other."""
    if set(storm.ids.values()) != set(rows) or len(rows) != len(storm.wanted):
        answered = len(set(storm.ids.values()))
        yield f"{len(storm.wanted)} jobs were wanted, {answered} answered, {len(rows)} made"
    for job in storm.wanted:
        row = rows[storm.ids[job.number]]
        if row.reference != str(job.number):
            yield f"job {job.number} was answered with job {row.reference}"
        if row.state != job.state or (job.failure_class and row.failure_class != job.failure_class):
            said = f"{row.state} {row.failure_class} {row.error_message}"
            yield f"job {job.number} ({row.id}) should be {job.state} {job.failure_class}, is {said}"
        elif row.charged_mc != job.charged_mc:
            yield f"job {job.number} ({row.id}) should cost {job.charged_mc}, cost {row.charged_mc}"


def _balances(storm: Storm) -> Iterator[str]:
    with storm.house.store.read() as connection:
        found = {row.name: row.balance_mc for row in connection.execute(select(accounts))}
    for name in ACCOUNTS:
        right = storm.opening_mc - spent_mc(storm.wanted, name)
        if found[name] != right:
            yield f"{name} should have {right}, has {found[name]}"


def _answers(storm: Storm) -> Iterator[str]:
    """What a completed probe answered is its own echo, and what it grew ran as well."""
    query = (
        select(jobs.c.reference, tasks.c.name, tasks.c.result, attempts.c.outcome)
        .join(tasks, tasks.c.job_seq == jobs.c.seq)
        .join(attempts, attempts.c.task_id == tasks.c.id)
        .where(jobs.c.kind == "probe", attempts.c.outcome == Outcome.SUCCEEDED)
    )
    done: dict[int, list[str]] = defaultdict(list)
    with storm.house.store.read() as connection:
        for row in connection.execute(query):
            done[int(row.reference)].append(row.name)
            if row.result["echo"] != int(row.reference):
                yield f"job {row.reference} answered {row.result}"
    for job in storm.wanted:
        if job.kind == "probe" and job.state is JobState.COMPLETED:
            right = 1 + job.params.get("grow", 0)
            if len(done[job.number]) != right:
                yield f"job {job.number} has {done[job.number]} done, not {right} tasks"


def _renders(storm: Storm, customers: Mapping[str, Customer], folder: Path) -> Iterator[str]:
    for job in storm.wanted:
        if job.kind == "media-render":
            path = folder / f"{job.number}.mp4"
            customers[job.account].download(storm.ids[job.number], "video", path)
            frames = _frames(path)
            if frames != int(PICTURES * RENDER_S * FPS):
                yield f"the film of job {job.number} has {frames} frames"


def _frames(path: Path) -> int:
    with av.open(str(path)) as container:
        return sum(1 for _ in container.decode(video=0))


def _webhooks(storm: Storm, rows: Mapping[str, AnyRow]) -> Iterator[str]:
    """One webhook-id per end and receiver, of the right event; again only as documented."""
    by_id: dict[str, list[Letter]] = defaultdict(list)
    for letter in storm.letters:
        by_id[letter.webhook_id].append(letter)
    told = Counter((letters[0].job_id, letters[0].path) for letters in by_id.values())
    for job in storm.wanted:
        job_id = storm.ids[job.number]
        for path in (f"/job/{job.number}", f"/account/{job.account}"):
            if told.pop((job_id, path), 0) != 1:
                yield f"the end of job {job.number} was not told once at {path}"
    yield from (f"somebody was told of {what}" for what in told)
    for letters in by_id.values():
        right = _EVENTS[JobState(rows[letters[0].job_id].state)]
        if {letter.kind for letter in letters} != {right}:
            yield f"{letters[0].webhook_id} told of {[letter.kind for letter in letters]}, not {right}"
        yield from _repeats(letters, storm)


def _repeats(letters: Sequence[Letter], storm: Storm) -> Iterator[str]:
    """After a 200 the same id may come once more only if the scheduler died before it could note that."""
    for letter, following in pairwise(letters):
        died = any(
            kill.victim == "scheduler" and letter.at - 0.5 <= kill.at <= _recorded_by(letter.at, storm)
            for kill in storm.kills
        )
        if letter.answered == 200 and not died:
            yield f"{letter.webhook_id} came again after {following.at - letter.at:.1f} s"
    if letters[-1].answered != 200:
        yield f"{letters[-1].webhook_id} was given up"


def _recorded_by(at: float, storm: Storm) -> float:
    """When an answer of that time was recorded at the latest; the deliverer waits for the store."""
    until = at + _RECORDING_S
    for begin, end in storm.outages:
        if begin <= until < end + _RECORDING_S:
            until = end + _RECORDING_S
    return until


def doubles(letters: Sequence[Letter]) -> int:
    """Webhooks that were sent again although they had been taken."""
    taken = Counter(letter.webhook_id for letter in letters if letter.answered == 200)
    return sum(number - 1 for number in taken.values())
