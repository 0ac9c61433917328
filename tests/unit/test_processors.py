"""How many threads an engine computes with: its share of the processors."""

import pytest

from workers import processors
from workers.media.streams import MOST_THREADS, own_threads
from workers.processors import THREADS, share, threads


@pytest.fixture(autouse=True)
def eight(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(THREADS, raising=False)
    monkeypatch.setattr(processors.os, "sched_getaffinity", lambda _pid: set(range(8)), raising=False)


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
