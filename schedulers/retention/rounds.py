"""The rounds: what expired, what ended long ago, what lies about. Slowly, in small transactions.

It never takes the scheduler's turn. Every step starts from the store, so a round may break off anywhere.
"""

import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

import structlog

from farm.blobs import Blobs, BlobsUnavailable, open_blobs
from farm.doors.hall import Hall
from farm.errors import FarmUnavailable
from farm.metrics import Meter
from farm.settings import Settings
from farm.store.engine import StoreAway
from schedulers.retention import files, history, strays
from schedulers.retention.shelves import Shelf, shelves

log = structlog.get_logger(__name__)

Wait = Callable[[float], bool]


class RoundOver(Exception):
    """The round has done its share, or the process is to stop."""


class Retention:
    """Several may run: each step does no harm when another did it first.

    `wait` waits that many seconds and says whether to stop.
    """

    def __init__(
        self, hall: Hall, blobs: Blobs, wait: Wait | None = None, meter: Meter | None = None
    ) -> None:
        self._hall = hall
        self._blobs = blobs
        self._rules = hall.catalog.retention
        self._wait = wait or (lambda _seconds: False)
        self._meter = meter
        self._left = 0
        self._done: Counter[str] = Counter()

    def run(self) -> None:
        """Round after round, until told to stop."""
        while True:
            try:
                self.round()
            except (StoreAway, BlobsUnavailable) as away:
                log.warning("retention_paused", error=away.message)
            except Exception:  # whatever it was, the next round starts from the store again
                log.exception("retention_failed")
            if self._wait(self._rules.round_s):
                return

    def round(self) -> Mapping[str, int]:
        """One round. Returns what was deleted. Raises StoreAway and BlobsUnavailable with part of it done."""
        self._left, self._done = self._rules.rows_per_round, Counter()
        now = self._hall.clock.now()
        try:
            for shelf in shelves(self._hall.catalog):
                self._files(shelf, now)
            self._strays(now)
            self._jobs(now)
            self._rest(now)
        except RoundOver:
            log.info("retention_round_cut", **self._done)
        finally:
            if self._done:
                log.info("retention_round", **self._done)
        return dict(self._done)

    def preview(self) -> Mapping[str, tuple[int, int]]:
        """What a round without limits would delete now, as (rows, bytes). Changes nothing."""
        now, hall, at_once = self._hall.clock.now(), self._hall, self._rules.at_once
        found = {}
        for shelf in shelves(hall.catalog):
            pages = [go for go, _ in files.pages(hall, shelf, now, at_once)]
            found[shelf.name] = (sum(map(len, pages)), sum(row.size_bytes for go in pages for row in go))
        before, expired = history.ended_before(hall.catalog, now), now - self._rules.grace_s
        with hall.store.read() as connection:
            failed = connection.execute(strays.due_strays(hall, now, self._rules.rows_per_round)).all()
            ended = connection.execute(history.due_jobs(before, self._rules.rows_per_round)).all()
            rest = history.counted(connection, before, expired)
        counts = {"attempts": len(failed), "jobs": len(ended), **rest}
        return {**found, **{name: (number, 0) for name, number in counts.items()}}

    def _files(self, shelf: Shelf, now: float) -> None:
        for rows, kept in files.pages(self._hall, shelf, now, self._rules.at_once):
            files.put_off(self._hall, shelf, kept, now)
            self._count(shelf.name, files.let_go(self._hall, self._blobs, shelf, rows, now), len(kept))

    def _strays(self, now: float) -> None:
        query = strays.due_strays(self._hall, now, self._rules.at_once)
        while True:
            with self._hall.store.read() as connection:
                rows = connection.execute(query).all()
            if not rows:
                return
            self._count("attempts", strays.sweep_strays(self._hall, self._blobs, rows))

    def _jobs(self, now: float) -> None:
        before = history.ended_before(self._hall.catalog, now)
        last = None
        while True:
            with self._hall.store.read() as connection:
                found = connection.execute(history.due_jobs(before, self._rules.at_once, last)).all()
            if not found:
                return
            rows = _together([row.size for row in found], self._rules.at_once)
            page = found[:rows]
            last = page[-1]
            with self._hall.store.read() as connection:
                lent = history.lent(connection, page)
            page = [row for row in page if row.id not in lent]
            for row in page:  # what its attempts left; no artifact and no segment lies there any more
                self._blobs.delete_prefix(f"attempts/{row.account_id}/{row.id}")
            with self._hall.store.write() as connection:
                pruned = history.prune(connection, page, before)
            self._count("jobs", pruned, sum(row.size for row in page))

    def _rest(self, now: float) -> None:
        before, count = history.ended_before(self._hall.catalog, now), self._rules.at_once
        for name, forget, limit in (
            ("batches", history.forget_batches, before),
            ("projects", history.forget_projects, now - self._rules.grace_s),
            ("events", history.forget_events, before),
        ):
            gone = 1
            while gone:
                with self._hall.store.write() as connection:
                    gone = forget(connection, limit, count)
                self._count(name, gone)

    def _count(self, name: str, gone: int, others: int = 0) -> None:
        """Note it, and rest for as long as so many rows may take. Raises RoundOver."""
        if gone:
            self._done[name] += gone
            if self._meter is not None:
                self._meter.deleted(name, gone)
        rows = gone + others
        self._left -= rows
        if self._wait(rows / self._rules.rows_per_s) or self._left <= 0:
            raise RoundOver


@contextmanager
def keeping(settings: Settings, hall: Hall, meter: Meter | None = None) -> Iterator[None]:
    """Run retention in a thread of its own for as long as the block runs, where the storage is in reach."""
    blobs = _storage(settings, hall)
    if blobs is None:
        yield
        return
    asked = threading.Event()
    retention = Retention(hall, blobs, asked.wait, meter)
    thread = threading.Thread(target=retention.run, name="retention", daemon=True)
    thread.start()
    try:
        yield
    finally:
        asked.set()
        thread.join()


def _storage(settings: Settings, hall: Hall) -> Blobs | None:
    if not hall.catalog.retention.enabled:
        return None
    try:
        return open_blobs(settings, hall.secrets, hall.clock)
    except FarmUnavailable as error:  # a scheduler's host need not reach the storage
        log.warning("no_retention", error=error.message)
        return None


def _together(sizes: list[int], at_once: int) -> int:
    """How many of these jobs fit in one transaction: at least one."""
    total, number = 0, 0
    for size in sizes:
        total += size
        if number and total > at_once:
            break
        number += 1
    return number
