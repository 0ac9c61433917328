"""A farm without processes: the real doors, scheduler and store, with a clock and ids that tests hold."""

import itertools
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from functools import cache

from sqlalchemy import Connection, select

from farm.account import Account, Caller
from farm.broker.message import Message
from farm.catalog import read_catalog
from farm.doors import accounts, jobs, submit, work
from farm.doors.hall import Hall
from farm.errors import FailureClass
from farm.job import Attempt, Failure, Job, JobSpec
from farm.kinds import Params, registry
from farm.secrets import Secrets
from farm.settings import Settings
from farm.states import Outcome
from farm.store.engine import Store
from farm.store.schema import ledger
from farm.store.schema_version import migrate, revision
from schedulers.loop import Scheduler
from tasks.probe import Probe

SECRET = "a secret key for tests only, 32 characters or more"


def laid_out(url: str) -> Store:
    """The store of that URL with the farm's schema. An SQLite one that is empty gets a copy: migrating takes
    longer than most tests."""
    store = Store(url)
    if store.is_sqlite and revision(store) is None:
        with store.engine.connect() as connection, closing(sqlite3.connect(":memory:")) as kept:
            kept.deserialize(_schema())
            kept.backup(_raw(connection))
    migrate(store)
    return store


@cache
def _schema() -> bytes:
    """The bytes of an SQLite file with the farm's schema."""
    store = Store("sqlite:///:memory:")
    migrate(store)
    with store.engine.connect() as connection:
        made = _raw(connection).serialize()
    store.close()
    return made


def _raw(connection: Connection) -> sqlite3.Connection:
    found = connection.connection.driver_connection
    assert isinstance(found, sqlite3.Connection)
    return found


@dataclass
class HandClock:
    """Time stands still until a test moves it."""

    at: float = 1_000_000.0

    def now(self) -> float:
        return self.at

    def advance(self, s: float) -> None:
        self.at += s


@dataclass
class CountedIds:
    """Ids in order, so that a failing test reads the same twice."""

    _numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def public(self, prefix: str) -> str:
        return f"{prefix}_{next(self._numbers):04d}"

    def token(self) -> int:
        return next(self._numbers)


class Postbox:
    """What the scheduler published, until a worker takes it. `broken` swallows everything."""

    def __init__(self) -> None:
        self.messages: list[Message] = []
        self.broken = False

    def __call__(self, messages: Sequence[Message]) -> bool:
        if not self.broken:
            self.messages += messages
        return not self.broken

    def take(self) -> list[Message]:
        taken, self.messages = sorted(self.messages, key=lambda m: m.order), []
        return taken


class Farm:
    """One store with a scheduler, a default account and announced workers."""

    def __init__(self, url: str, *, clock: HandClock | None = None, ids: CountedIds | None = None) -> None:
        self.clock = clock or HandClock()
        self.store = laid_out(url)
        self.hall = Hall(
            store=self.store,
            catalog=read_catalog(Settings()),
            secrets=Secrets(SECRET),
            clock=self.clock,
            ids=ids or CountedIds(),
        )
        self.post = Postbox()
        self.scheduler = Scheduler(self.hall, self.post)

    def close(self) -> None:
        self.store.close()

    def caller(self, name: str = "ada", tier: str = "pro", balance_mc: int | None = None) -> Caller:
        """An account with one key."""
        account: Account = accounts.ensure_account(self.hall, name, tier, balance_mc=balance_mc)
        return accounts.caller_of(self.hall, accounts.create_key(self.hall, account).text)

    def worker(self, name: str = "w1", *, pool: str = "cpu-render", slots: int = 1, **labels: str) -> str:
        """Announce a worker that runs every kind."""
        card = work.WorkerCard(
            name=name,
            pool=pool,
            host="host",
            pid=1,
            queue=name,
            slots={"cpu": slots},
            kinds=[kind.announced for kind in registry().values()],
            labels=labels,
        )
        work.announce(self.hall, card)
        return name

    def submit(self, caller: Caller, params: Params | None = None, **options: object) -> str:
        """Submit one job (a probe unless said). Returns its id."""
        spec = JobSpec(params=params or Probe(), **options)  # type: ignore[arg-type]  # test shorthand
        return submit.submit(self.hall, caller, spec).job_id

    def tick(self) -> list[Message]:
        """One scheduler turn. Returns what is in the postbox now, without taking it."""
        self.scheduler.tick()
        return list(self.post.messages)

    def claim(self, message: Message, worker: str = "w1") -> work.Claimed | None:
        return work.claim(self.hall, message.attempt_id, message.token, worker)

    def run_next(self, worker: str = "w1", **report: object) -> work.Claimed:
        """Tick, claim the first message and finish it (succeeding unless said), then tick again."""
        self.tick()
        message = self.post.take()[0]
        claimed = self.claim(message, worker)
        assert claimed is not None
        outcome = report.pop("outcome", Outcome.SUCCEEDED)
        work.finish(self.hall, claimed.attempt_id, claimed.token, work.Report(outcome, **report))  # type: ignore[arg-type]  # test shorthand
        self.tick()
        return claimed

    def fail_next(self, failure: FailureClass, message: str = "it broke") -> work.Claimed:
        return self.run_next(outcome=Outcome.FAILED, failure=Failure(failure, failure, message))

    def job(self, job_id: str) -> Job:
        return jobs.job(self.hall, None, job_id)

    def attempts(self, job_id: str) -> list[Attempt]:
        return jobs.job_attempts(self.hall, None, job_id)

    def ledger(self, job_id: str) -> list[tuple[str, int]]:
        seq = self.job(job_id).seq
        with self.store.read() as connection:
            rows = connection.execute(select(ledger).where(ledger.c.job_seq == seq).order_by(ledger.c.id))
            return [(row.entry, row.amount_mc) for row in rows]
