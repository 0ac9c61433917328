"""Workers that sleep at told hours, on both engines: drained unharmed, awake by themselves."""

import pytest

from farm.doors import audit, work, workers
from farm.doors.why import why
from farm.errors import BadRequest, Conflict, NotFound
from farm.states import JobState, Outcome, WorkerState
from tests.conformance.test_operators import beat, because, finish, state, swept
from tests.farm import Farm

HOUR_S = 3600.0
# The farm's clock begins on a Monday at 13:46:40 UTC.
NOW, LATER, NIGHT = "13:00-14:00", "mon 14:00-15:00", "22:00-06:00"


def test_a_worker_sleeps_finishes_what_it_runs_and_wakes_by_itself(farm: Farm) -> None:
    farm.worker("w1", timezone="UTC")
    ada = farm.caller()
    first = farm.submit(ada)
    running = farm.claim(farm.tick()[0], "w1")
    assert running is not None
    seen = workers.set_sleep(farm.hall, "ops", "w1", NOW)
    assert (seen.sleep, seen.timezone, seen.state) == (NOW, "UTC", WorkerState.ONLINE)
    swept(farm)
    assert (state(farm, "w1"), because(farm, "w1")) == (WorkerState.SLEEPING, NOW)
    assert work.seen(farm.hall, "w1") is WorkerState.SLEEPING
    second = farm.submit(ada)
    assert swept(farm) == []
    finish(farm, running)
    swept(farm)
    assert farm.job(first).state is JobState.COMPLETED
    assert [attempt.outcome for attempt in farm.attempts(first)] == [Outcome.SUCCEEDED]
    assert "w1 is sleeping (13:00-14:00)" in why(farm.hall, None, second)[0]

    farm.clock.advance(s=HOUR_S / 3)
    beat(farm, "w1")
    swept(farm)
    assert state(farm, "w1") is WorkerState.ONLINE
    farm.clock.advance(s=5)  # the task was parked while nobody could run it
    assert farm.run_next().job_id == second


def test_it_sleeps_by_the_clock_where_it_stands(farm: Farm) -> None:
    for name, zone in (("berlin", "Europe/Berlin"), ("utc", "UTC"), ("tokyo", "+09:00")):
        farm.worker(name, timezone=zone)
        workers.set_sleep(farm.hall, "ops", name, LATER)
    farm.worker("silent about it")
    workers.set_sleep(farm.hall, "ops", "silent about it", NIGHT)
    swept(farm)
    asleep = [w.name for w in workers.list_workers(farm.hall) if w.kept_out is WorkerState.SLEEPING]
    assert asleep == ["berlin"]  # where it is a quarter to three


def test_drain_goes_before_sleep_and_outlives_it(farm: Farm) -> None:
    farm.worker("w1", timezone="UTC")
    workers.set_sleep(farm.hall, "ops", "w1", NOW)
    swept(farm)
    workers.drain(farm.hall, "ops", "w1", "new disks")
    assert state(farm, "w1") is WorkerState.DRAINING
    farm.clock.advance(s=HOUR_S)
    beat(farm, "w1")
    swept(farm)
    assert state(farm, "w1") is WorkerState.DRAINING
    workers.resume(farm.hall, "ops", "w1")
    swept(farm)
    assert state(farm, "w1") is WorkerState.ONLINE


def test_a_sleeper_is_woken_by_its_schedule_only(farm: Farm) -> None:
    farm.worker("w1", timezone="UTC")
    workers.set_sleep(farm.hall, "ops", "w1", NOW)
    swept(farm)
    with pytest.raises(Conflict, match="sleeps by its schedule"):
        workers.resume(farm.hall, "ops", "w1")
    workers.set_sleep(farm.hall, "ops", "w1", None)
    assert state(farm, "w1") is WorkerState.ONLINE
    swept(farm)
    assert state(farm, "w1") is WorkerState.ONLINE
    done = [(entry.action, entry.detail["schedule"]) for entry in audit.list_audit(farm.hall, subject="w1")]
    assert done == [("worker.sleep", None), ("worker.sleep", NOW)]


def test_a_schedule_outlives_restarts_and_another_zone_counts_at_once(farm: Farm) -> None:
    farm.worker("w1", timezone="UTC")
    workers.set_sleep(farm.hall, "ops", "w1", NOW)
    swept(farm)
    farm.worker("w1", timezone="UTC")
    assert state(farm, "w1") is WorkerState.SLEEPING
    farm.worker("w1", timezone="Europe/Berlin")
    swept(farm)
    assert state(farm, "w1") is WorkerState.ONLINE


def test_what_cannot_be_read_is_refused_and_keeps_nobody_from_working(farm: Farm) -> None:
    farm.worker("w1", timezone="Europe/Atlantis")
    with pytest.raises(BadRequest, match="no time zone"):
        workers.set_sleep(farm.hall, "ops", "w1", NOW)
    with pytest.raises(BadRequest, match="reads"):
        workers.set_sleep(farm.hall, "ops", "w1", "by day")
    with pytest.raises(NotFound):
        workers.set_sleep(farm.hall, "ops", "w2", NOW)
    farm.worker("w1", timezone="UTC")
    workers.set_sleep(farm.hall, "ops", "w1", NOW)
    farm.worker("w1", timezone="Europe/Atlantis")
    swept(farm)
    assert state(farm, "w1") is WorkerState.ONLINE
