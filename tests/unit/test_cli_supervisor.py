"""The supervisor with small real processes: what crashes comes back, what will not stop is killed."""

import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from farm.cli.child import Part, how_it_ended
from farm.cli.supervisor import Supervisor
from farm.errors import FarmUnavailable
from tests.processes import below, is_running

pytestmark = pytest.mark.slow

PATIENCE_S = 30.0
SLEEPS = "import time; print('awake', flush=True); time.sleep(600)"
STUBBORN = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN)\n" + SLEEPS
CRASHES = "print('about to fall', flush=True); raise SystemExit(3)"
FALLS_ONCE = (
    "import pathlib, sys, time\n"
    "mark = pathlib.Path(sys.argv[1])\n"
    "if not mark.exists(): mark.touch(); sys.exit(3)\n"
    "print('awake', flush=True); time.sleep(600)"
)
COMPLAINS = "print('all is well\\n12:00 [WARNING] disk: nearly full', flush=True)\n" + SLEEPS
WARNS_WITH_TRACE = (
    "import json; said = {'event': 'nearly full', 'level': 'warning', 'exception': '\\n  line 1'}\n"
    "print(json.dumps(said), flush=True)\n" + SLEEPS
)
HAS_CHILD = (
    "import subprocess, sys; subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'])\n"
    + SLEEPS
)


class Ear:
    """Hears what the supervisor says."""

    def __init__(self) -> None:
        self.said: list[str] = []

    def remark(self, message: str, style: str = "yellow") -> None:
        self.said.append(message)


Make = Callable[..., Supervisor]


@pytest.fixture
def ear() -> Ear:
    return Ear()


@pytest.fixture
def supervise(tmp_path: Path, ear: Ear) -> Iterator[Make]:
    """Make a started supervisor of parts given by name and code; stopped at the end."""
    made: list[Supervisor] = []

    def make(stop_s: float = 10.0, arguments: Sequence[str] = (), **codes: str) -> Supervisor:
        parts = [Part(name, (sys.executable, "-S", "-c", code, *arguments)) for name, code in codes.items()]
        supervisor = Supervisor(parts, {}, tmp_path / "logs", ear, stop_s=stop_s)
        made.append(supervisor)
        supervisor.start()
        return supervisor

    yield make
    for supervisor in made:
        supervisor.stop()


def all_logged(supervisor: Supervisor, word: str) -> Callable[[], bool]:
    return lambda: all(word in child.log_path.read_text() for child in supervisor.children)


def test_every_part_runs_and_stops(supervise: Make) -> None:
    supervisor = supervise(one=SLEEPS, two=SLEEPS)
    assert supervisor.run_until(all_logged(supervisor, "awake"), PATIENCE_S)
    pids = [child.pid for child in supervisor.children]
    supervisor.stop()
    assert [pid for pid in pids if pid and is_running(pid)] == []


def test_a_part_that_crashes_is_started_again_and_said_so(supervise: Make, ear: Ear, tmp_path: Path) -> None:
    supervisor = supervise(arguments=[str(tmp_path / "mark")], falls=FALLS_ONCE)
    assert supervisor.run_until(all_logged(supervisor, "awake"), PATIENCE_S)
    told = next(line for line in ear.said if "ended" in line)
    assert told.startswith("falls ended (exit code 3)")
    assert str(supervisor.children[0].log_path) in told


def test_a_part_that_never_starts_is_given_up_with_its_last_words(supervise: Make, ear: Ear) -> None:
    supervisor = supervise(hopeless=CRASHES)
    with pytest.raises(FarmUnavailable, match="hopeless does not start"):
        supervisor.run_until(lambda: False, PATIENCE_S)
    assert "hopeless | about to fall" in ear.said


def test_what_is_not_ready_in_time_is_given_up(supervise: Make) -> None:
    with pytest.raises(FarmUnavailable, match="not ready"):
        supervise(one=SLEEPS).run_until(lambda: False, timeout_s=0.1)


def test_only_warnings_and_errors_reach_the_terminal(supervise: Make, ear: Ear) -> None:
    supervisor = supervise(disk=COMPLAINS)
    assert supervisor.run_until(lambda: bool(ear.said), PATIENCE_S)
    assert ear.said == ["disk | 12:00 [WARNING] disk: nearly full"]


def test_where_a_warning_comes_from_stands_in_the_log_alone(supervise: Make, ear: Ear) -> None:
    supervisor = supervise(disk=WARNS_WITH_TRACE)
    assert supervisor.run_until(lambda: bool(ear.said), PATIENCE_S)
    assert ear.said == ["disk | [warning] nearly full exception="]
    assert "line 1" in supervisor.children[0].log_path.read_text()


def test_what_ignores_sigterm_is_killed(supervise: Make) -> None:
    supervisor = supervise(stop_s=0.1, mule=STUBBORN)
    assert supervisor.run_until(all_logged(supervisor, "awake"), PATIENCE_S)
    pid = supervisor.children[0].pid
    supervisor.stop()
    assert pid is not None
    assert not is_running(pid)


def test_what_a_part_leaves_behind_goes_with_it(supervise: Make) -> None:
    supervisor = supervise(parent=HAS_CHILD)
    assert supervisor.run_until(all_logged(supervisor, "awake"), PATIENCE_S)
    pid = supervisor.children[0].pid
    assert pid is not None
    family = below(pid)
    assert family
    supervisor.stop()
    deadline = time.monotonic() + PATIENCE_S
    while any(is_running(pid) for pid in family) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not any(is_running(pid) for pid in family)


def test_exit_codes_in_words() -> None:
    assert how_it_ended(3) == "exit code 3"
    assert how_it_ended(-9) == "killed by SIGKILL"
