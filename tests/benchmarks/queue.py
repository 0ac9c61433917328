"""The queue benchmark: no-op jobs through the farm, Celery alone and Procrastinate; latency; a long backlog.

Everything is started anew for each run, the systems take turns, and ratios are taken within a round, because
the machine and its disk change from minute to minute. Celery alone is what the farm itself stands on, with
the farm's own settings, and keeps nothing; the farm writes every step to a disk.
"""

import os
import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from rich.console import Console

from tests.benchmarks import queue_celery, queue_farm, queue_procrastinate
from tests.benchmarks.apart import apart
from tests.benchmarks.queue_backlog import SLOTS as BACKLOG_SLOTS
from tests.benchmarks.queue_backlog import Backlog, read
from tests.benchmarks.queue_celery import Setting
from tests.benchmarks.queue_plot import draw
from tests.benchmarks.queue_rig import JOBS, SLOTS, TOGETHER, percentile, postgres, sync_ms, temporary_folder
from tests.benchmarks.report import FOLDER, Benchmark, Row
from tests.postgres import Postgres

_SLOW_SYNC_MS, _FAST_SYNC_MS = 5.0, 1.0
_ACKED, _NO_ACK = Setting(acked=True, events=False), Setting(acked=False, events=False)
_ACKED_EVENTS, _NO_ACK_EVENTS = Setting(acked=True, events=True), Setting(acked=False, events=True)
_PREFORK = Setting(acked=True, events=False, pool="prefork")
_PROCRASTINATE = "Procrastinate, PostgreSQL"
_console = Console()


@dataclass(slots=True)
class Found:
    """Jobs a second by system, one figure a round; and what a small write took until it was on the disk."""

    speeds: dict[str, list[float]] = field(default_factory=dict)
    syncs_ms: list[float] = field(default_factory=list)

    def ratio(self, name: str, to: str) -> list[float]:
        return [mine / theirs for mine, theirs in zip(self.speeds[name], self.speeds[to], strict=True)]


def run(runs: int) -> Sequence[Row]:
    """Measure everything; `runs` rounds of the throughput part."""
    _say_conditions()
    with temporary_folder() as folder, postgres(folder) as server:
        found = _throughput(folder, server, runs)
        found.syncs_ms.append(sync_ms(folder))
    latency_ms: dict[str, list[float]] = apart("tests.benchmarks.queue_latency:measured_ms")
    backlog = read(apart("tests.benchmarks.queue_backlog:measured"))
    disk_ms = statistics.median(found.syncs_ms)
    FOLDER.mkdir(exist_ok=True)
    middle = {name: statistics.median(speeds) for name, speeds in found.speeds.items()}
    draw(FOLDER / "queue.png", middle, latency_ms, f"fsync {disk_ms:.2f} ms, {SLOTS} slots")
    _console.print(f"plotted in {FOLDER / 'queue.png'}")
    return [
        Row.median("fdatasync of 4 KiB", found.syncs_ms, "ms"),
        *_speed_rows(found),
        *_ratio_rows(found, disk_ms),
        *_latency_rows(latency_ms, disk_ms),
        *_backlog_rows(backlog),
    ]


def _say_conditions() -> None:
    _console.print(
        f"{JOBS} no-op jobs of 10 accounts, {SLOTS} slots, {TOGETHER} submits to a transaction unless said; "
        f"durable: SQLite WAL synchronous=FULL for submit and scheduler, NORMAL for workers; PostgreSQL "
        f"synchronous_commit=on for submit, scheduler and finish, off for claim. {os.cpu_count()} cores, "
        f"load {os.getloadavg()[0]:.1f}, nice {os.nice(0)}."
    )


def _throughput(folder: Path, server: Postgres, runs: int) -> Found:
    found = Found()
    for number in range(runs):
        systems = _systems(server)
        names = list(systems)
        for name in names[number % len(names) :] + names[: number % len(names)]:  # nobody is always first
            found.syncs_ms.append(sync_ms(folder))
            speed = systems[name](_new(folder))
            found.speeds.setdefault(name, []).append(speed)
            _console.print(
                f"  {name}: {speed:.0f}/s (fsync {found.syncs_ms[-1]:.2f} ms, load {os.getloadavg()[0]:.1f})"
            )
    return found


def _systems(server: Postgres) -> dict[str, Callable[[Path], float]]:
    """Every system by its name, ready to be run once."""

    def celery(setting: Setting) -> Callable[[Path], float]:
        return lambda folder: queue_celery.throughput(folder, setting)

    def farm(*, on_postgres: bool, events: bool, together: int = TOGETHER) -> Callable[[Path], float]:
        def throughput(folder: Path) -> float:
            url = server.fresh() if on_postgres else None
            return queue_farm.throughput(folder, url, events=events, together=together)

        return throughput

    return {
        _ACKED.name: celery(_ACKED),
        "farm, SQLite FULL": farm(on_postgres=False, events=False),
        "farm, PostgreSQL": farm(on_postgres=True, events=False),
        _NO_ACK.name: celery(_NO_ACK),
        _PROCRASTINATE: lambda folder: queue_procrastinate.throughput(folder, server.fresh()),
        _ACKED_EVENTS.name: celery(_ACKED_EVENTS),
        "farm, SQLite FULL, events": farm(on_postgres=False, events=True),
        "farm, PostgreSQL, events": farm(on_postgres=True, events=True),
        _NO_ACK_EVENTS.name: celery(_NO_ACK_EVENTS),
        "farm, SQLite FULL, one submit each": farm(on_postgres=False, events=False, together=1),
        "farm, PostgreSQL, one submit each": farm(on_postgres=True, events=False, together=1),
        _PREFORK.name: celery(_PREFORK),
    }


def _new(folder: Path) -> Path:
    made = folder / f"part-{sum(1 for _ in folder.iterdir())}"
    made.mkdir(mode=0o755)
    return made


def _speed_rows(found: Found) -> list[Row]:
    return [Row.median(name, speeds, "jobs/s", better="higher") for name, speeds in found.speeds.items()]


def _ratio_rows(found: Found, disk_ms: float) -> list[Row]:
    is_slow = disk_ms >= _SLOW_SYNC_MS
    wanted = (
        ("farm, SQLite FULL", _ACKED.name, 0.9),
        ("farm, PostgreSQL", _ACKED.name, 0.7),
        ("farm, SQLite FULL, events", _ACKED_EVENTS.name, 0.9),
        ("farm, PostgreSQL, events", _ACKED_EVENTS.name, 0.7),
        ("farm, PostgreSQL", _PROCRASTINATE, 3.0 if is_slow else 1.5),
        ("farm, SQLite FULL", _NO_ACK.name, None),
        ("farm, PostgreSQL", _NO_ACK.name, None),
        ("farm, SQLite FULL, events", _NO_ACK_EVENTS.name, None),
        ("farm, PostgreSQL, events", _NO_ACK_EVENTS.name, None),
        ("farm, SQLite FULL", _PREFORK.name, None),
    )
    return [
        Row.median(f"{name} / {peer}", found.ratio(name, peer), "x", better="higher", target=target)
        for name, peer, target in wanted
    ]


def _latency_rows(latency_ms: dict[str, list[float]], disk_ms: float) -> list[Row]:
    """Held against targets only where the disk is fast."""
    bounds = (10.0, 30.0) if disk_ms < _FAST_SYNC_MS else (None, None)
    return [
        Row.median(
            f"{name}, submit to start, p{share * 100:.0f}", [percentile(found, share)], "ms", target=most
        )
        for name, found in latency_ms.items()
        for share, most in zip((0.5, 0.99), bounds, strict=True)
    ]


def _backlog_rows(backlog: Backlog) -> list[Row]:
    rows = []
    for name, turns in (("", backlog.plain), (", old snapshot open", backlog.with_snapshot)):
        slots = f"1,000,000 waiting, {BACKLOG_SLOTS} slots{name}"
        for part, found, most in (
            ("reads of the pick", turns.pick_ms, None if name else 2.0),
            ("dispatch with commit", turns.dispatch_ms, 5.0),
            ("all reads of the tick", turns.read_ms, None),
            ("whole tick with commit", turns.whole_ms, None),
        ):
            rows += [
                Row.median(f"{slots}: {part}, p50", [percentile(found, 0.5)], "ms"),
                Row.median(f"{slots}: {part}, p99", [percentile(found, 0.99)], "ms", target=most),
            ]
    more_mb = backlog.many_mb - backlog.few_mb
    return [
        *rows,
        Row.median("scheduler, memory at 1,000 waiting", [backlog.few_mb], "MB"),
        Row.median("scheduler, memory at 1,000,000 waiting", [backlog.many_mb], "MB"),
        Row.median("scheduler, memory for the rest", [more_mb], "MB", target=50.0),
    ]


BENCHMARK = Benchmark("queue", "No-op jobs a second, latency and a long backlog, against others.", run)
