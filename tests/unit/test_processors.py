"""How many threads an engine computes with: its share of the processors. How it is scheduled."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from workers.media.streams import MOST_THREADS, own_threads
from workers.processors import THREADS, facts, settle, share, threads


@pytest.fixture(autouse=True)
def eight(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(THREADS, raising=False)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _pid: set(range(8)), raising=False)


def test_engines_of_one_worker_share_the_processors_out() -> None:
    assert share(1) == {}  # as many as there are, whatever that comes to
    assert [share(count)[THREADS] for count in (2, 3, 8, 16, 20)] == ["8", "5", "2", "1", "1"]


def test_whoever_said_it_for_the_worker_decides(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(THREADS, "3")
    assert share(4) == {}
    assert threads() == own_threads() == 3


@pytest.mark.parametrize(
    ("told", "meant"), [("2", 2), ("5,2", 5), (" 4 ", 4), ("", 8), ("0", 8), ("many", 8), ("-1", 8)]
)
def test_the_variable_is_read_as_openmp_reads_it(
    monkeypatch: pytest.MonkeyPatch, told: str, meant: int
) -> None:
    monkeypatch.setenv(THREADS, told)
    assert threads() == meant


def test_an_encoder_has_no_more_threads_than_pay(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(THREADS, "64")
    assert own_threads() == MOST_THREADS


_SETTLED = """
import json, os, sys
if sys.argv[1:]:
    os.sched_setscheduler(0, getattr(os, sys.argv[1]), os.sched_param(0))
from workers.processors import settle
settle()
assert "numpy" not in sys.modules
print(json.dumps([os.sched_getscheduler(0), os.environ["OPENBLAS_THREAD_TIMEOUT"]]))
"""


def settled(*policy: str, **environment: str) -> list[object]:
    """The scheduling policy and OpenBLAS's patience in a process of its own."""
    command = [sys.executable, "-c", _SETTLED, *policy]
    done = subprocess.run(command, env=os.environ | environment, capture_output=True, text=True, check=True)
    found: list[object] = json.loads(done.stdout)
    return found


def test_an_engine_computes_as_batch_work() -> None:
    assert settled() == [os.SCHED_BATCH, "4"]


def test_a_policy_and_a_patience_that_somebody_chose_stay() -> None:
    assert settled("SCHED_IDLE", OPENBLAS_THREAD_TIMEOUT="20") == [os.SCHED_IDLE, "20"]


def test_an_engine_starts_where_the_host_forbids_another_policy(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []

    def forbidden(_pid: int, policy: int, _param: object) -> None:
        asked.append(policy)
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setenv("OPENBLAS_THREAD_TIMEOUT", "4")
    monkeypatch.setattr(os, "sched_setscheduler", forbidden)
    settle()
    assert asked == [os.SCHED_BATCH]


def test_what_linux_says_of_the_processor_is_read_as_it_stands() -> None:
    first, _, _ = Path("/proc/cpuinfo").read_text().partition("\n\n")
    assert facts()["flags"] in first and "avx2" in facts()["flags"].split()
    assert len(facts()) == len(first.splitlines())
