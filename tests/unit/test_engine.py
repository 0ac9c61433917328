"""The engine process and its worker's side of it: real processes, no broker, no store."""

import os
import signal
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from farm.errors import FailureClass, FarmUnavailable
from tests.processes import is_running
from tests.unit.engine_performers import JPEG
from tests.worker_farm import until
from workers.context import TaskInput
from workers.engine import Engine, EngineResult, Limits
from workers.engine_room import EngineRoom
from workers.processors import THREADS, processors
from workers.stop_sign import Reason, StopSign
from workers.wire import Accepted, Dropped, LogLine, Perform

pytestmark = pytest.mark.slow
LONG = Limits(soft_s=600, hard_s=600, grace_s=600)


@pytest.fixture
def engine() -> Iterator[Engine]:
    engine = Engine()
    yield engine
    engine.close()


class Desk:
    """Gives an engine work, and notes what it says on the way."""

    def __init__(self, engine: Engine, workdir: Path) -> None:
        self.engine = engine
        self.workdir = workdir
        self.sign = StopSign()
        self.heard: list[tuple[float, str]] = []
        self.logged: list[LogLine] = []
        self.previews: list[bytes] = []
        self.when_heard: Callable[[], object] = lambda: None
        self.when_bought: Callable[[Accepted | Dropped], None] = lambda _said: None

    def perform(self, performer: str, limits: Limits = LONG) -> EngineResult:
        order = Perform(
            performer=f"tests.unit.engine_performers:{performer}",
            task=TaskInput("kind", "step", {"word": "grüezi"}, attempt=2, provider="shop"),
            workdir=self.workdir,
        )
        return self.engine.run(
            order,
            limits,
            self.sign,
            self._hear,
            self.logged.append,
            lambda said: self.when_bought(said),
            self.previews.append,
        )

    def _hear(self, fraction: float, stage: str) -> None:
        self.heard.append((fraction, stage))
        self.when_heard()


@pytest.fixture
def desk(engine: Engine, tmp_path: Path) -> Iterator[Desk]:
    desk = Desk(engine, tmp_path)
    with desk.sign:
        yield desk


def test_a_task_comes_back_with_files_result_progress_and_log(desk: Desk) -> None:
    result = desk.perform("echo")
    assert result.done is not None
    (output,) = result.done.outputs
    assert output.path.read_text() == "grüezi 2"
    assert (output.name, output.meta) == ("out", {"n": 1})
    assert desk.heard == [(0.5, "half")]
    assert result.log == ("wrote it",)


def test_the_engine_stays_warm(desk: Desk) -> None:
    pids = set()
    for _ in range(3):
        done = desk.perform("echo").done
        assert done is not None
        pids.add(done.result["pid"])
    assert pids == {desk.engine.pid}


def test_engines_for_processors_share_them_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(THREADS, raising=False)
    for slots, resource, wanted in (
        ({"cpu": 1}, "cpu", processors()),
        ({"cpu": processors() * 2, "io": 2}, "cpu", 1),
        ({"cpu": processors() * 3}, "cpu", 1),
        ({"cpu": processors() * 2, "device": 1}, "device", processors()),
    ):
        room = EngineRoom(slots)
        try:
            with room.lent(resource, None) as engine, (desk := Desk(engine, tmp_path)).sign:
                done = desk.perform("counts_threads").done
                assert done is not None and done.result == {"threads": wanted}, slots
        finally:
            room.close()


@pytest.mark.parametrize(
    ("performer", "failure", "code", "said"),
    [
        ("refuse", FailureClass.INVALID_INPUT, "asset_unreadable", "no picture"),
        ("refuse_by_code", FailureClass.INVALID_INPUT, "too_wide", "Too wide"),
        ("out_of_memory", FailureClass.OOM, "out_of_memory", "memory"),
        ("full_disk", FailureClass.DISK_FULL, "disk_full", "No space"),
        ("defect", FailureClass.INTERNAL, "internal_error", "KeyError: 'forgotten'"),
        ("not_a_number", FailureClass.INTERNAL, "internal_error", "not JSON compliant"),
        ("no_such_performer", FailureClass.INTERNAL, "internal_error", "no_such_performer"),
    ],
)
def test_what_a_performer_raises_gets_its_class(
    desk: Desk, performer: str, failure: FailureClass, code: str, said: str
) -> None:
    result = desk.perform(performer)
    assert result.failure is not None
    assert (result.failure.failure_class, result.failure.code) == (failure, code)
    assert said in result.failure.message
    pid = desk.engine.pid
    assert desk.perform("echo").done is not None
    assert desk.engine.pid == pid  # an exception does not cost the engine


def test_a_defect_leaves_its_traceback_in_the_log_for_operators(desk: Desk) -> None:
    assert any("engine_performers" in text for text in desk.perform("defect").log)
    assert all(line.private for line in desk.logged)
    assert desk.perform("refuse").log == ()
    desk.logged.clear()
    desk.perform("echo")
    assert desk.logged == [LogLine(line="wrote it")]


def test_a_purchase_is_noted_before_the_engine_goes_on(desk: Desk) -> None:
    heard = []

    def note(said: Accepted | Dropped) -> None:
        heard.append((said, (desk.workdir / "went-on").exists()))

    desk.when_bought = note
    result = desk.perform("buys")
    assert heard == [(Accepted(ref="shop-1"), False), (Accepted(ref="p-2"), True), (Dropped(), True)]
    assert result.failure is not None
    assert (result.failure.failure_class, result.failure.retry_after_s) == (FailureClass.CAPACITY, 7.5)


def test_a_purchase_that_cannot_be_noted_ends_the_engine(desk: Desk) -> None:
    def note(_said: Accepted | Dropped) -> None:
        raise FarmUnavailable("the database is away")

    desk.when_bought = note
    with pytest.raises(FarmUnavailable):
        desk.perform("buys")
    assert desk.engine.pid is None
    assert not (desk.workdir / "went-on").exists()


@pytest.mark.parametrize("performer", ["listen", "deaf"])
def test_a_task_that_stands_still_is_stopped(desk: Desk, performer: str) -> None:
    desk.perform("echo")  # that a process is slow to start on a busy host is not looked at here
    limits = Limits(soft_s=600, hard_s=600, grace_s=0.5, no_progress_s=0.3)
    result = desk.perform(performer, limits)
    assert result.failure is not None
    assert result.failure.failure_class == FailureClass.NO_PROGRESS
    assert (desk.engine.pid is not None) == (performer == "listen")


def test_saying_the_same_again_is_no_progress_and_another_stage_is(desk: Desk) -> None:
    desk.perform("echo")  # as above
    desk.heard.clear()
    limits = Limits(soft_s=600, hard_s=600, grace_s=0.5, no_progress_s=0.8)
    assert desk.perform("mutter", limits).failure is not None
    assert len(desk.heard) > 1
    assert desk.perform("stages", limits).done is not None


def test_a_cancelled_task_stops_by_itself(desk: Desk) -> None:
    desk.when_heard = lambda: desk.sign.show(Reason.CANCELLED)
    assert desk.perform("listen") == EngineResult()
    assert desk.engine.pid is not None


def test_a_deaf_one_is_killed_after_the_grace(desk: Desk) -> None:
    desk.when_heard = lambda: desk.sign.show(Reason.CANCELLED)
    result = desk.perform("deaf", Limits(soft_s=600, hard_s=600, grace_s=0.2))
    assert (result.done, result.failure, desk.engine.pid) == (None, None, None)


def test_an_urgent_sign_kills_at_once(desk: Desk) -> None:
    pids: list[int | None] = []

    def end() -> None:
        pids.append(desk.engine.pid)
        threading.Thread(target=desk.sign.show, args=[Reason.RETURNED]).start()

    desk.when_heard = end
    assert desk.perform("deaf").failure is None
    assert pids[0] is not None
    assert not Path(f"/proc/{pids[0]}").exists()  # waited for, not a zombie


def test_soft_and_hard_limits_are_timeouts(desk: Desk) -> None:
    for performer, limits, said in (
        ("listen", Limits(soft_s=0.2, hard_s=600, grace_s=600), "0.2 s"),
        ("deaf", Limits(soft_s=0.2, hard_s=600, grace_s=0.2), "0.2 s"),
        ("deaf", Limits(soft_s=600, hard_s=0.3, grace_s=600), "0.3 s"),
    ):
        failure = desk.perform(performer, limits).failure
        assert failure is not None
        assert failure.failure_class == FailureClass.TIMEOUT
        assert said in failure.message
    assert desk.perform("echo").done is not None


def test_a_kill_takes_the_programs_an_engine_started(desk: Desk) -> None:
    desk.when_heard = lambda: desk.sign.show(Reason.NOT_OURS)
    desk.perform("child")
    program = int(desk.heard[0][1])
    until(lambda: not is_running(program), "the program is gone too")


def test_a_preview_is_passed_on_and_what_is_none_is_not(desk: Desk) -> None:
    assert desk.perform("draws").done is not None
    assert desk.previews == [JPEG]


@pytest.mark.parametrize("performer", ["nonsense", "floods"])
def test_an_engine_that_talks_nonsense_is_replaced(desk: Desk, performer: str) -> None:
    failure = desk.perform(performer).failure
    assert failure is not None
    assert failure.failure_class == FailureClass.CRASH
    assert desk.previews == []
    assert desk.perform("echo").done is not None


def test_an_engine_that_died_while_idle_costs_nothing(desk: Desk) -> None:
    desk.perform("echo")
    first = desk.engine.pid
    assert first is not None

    os.kill(first, signal.SIGKILL)
    until(lambda: not is_running(first), "the idle engine is dead")
    assert desk.perform("echo").done is not None


def test_signs_are_shown_once_and_urgent_ones_overrule() -> None:
    with StopSign() as sign:
        assert sign.reason is None
        for shown, counts in (
            (Reason.CANCELLED, Reason.CANCELLED),
            (Reason.NOT_OURS, Reason.NOT_OURS),
            (Reason.CANCELLED, Reason.NOT_OURS),
            (Reason.RETURNED, Reason.NOT_OURS),
        ):
            sign.show(shown)
            assert sign.reason is counts
    sign.show(Reason.RETURNED)  # too late: nothing happens
