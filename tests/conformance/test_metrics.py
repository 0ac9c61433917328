"""What Prometheus is told, on both engines: the store as it is at a scrape, and what was settled."""

from sqlalchemy import insert

from farm.doors import work, workers
from farm.errors import FailureClass
from farm.metrics import Meter, StoreCollector
from farm.states import Outcome, WorkerState
from farm.store.engine import StoreAway
from farm.store.schema import outbox
from schedulers.loop import Scheduler
from tasks.probe import Probe
from tests.farm import Farm


def metered(farm: Farm) -> Meter:
    """Let the farm's scheduler count, and tell its store's state too."""
    meter = Meter()
    farm.scheduler = Scheduler(farm.hall, farm.post, meter)
    meter.registry.register(StoreCollector(farm.hall))
    return meter


def value(meter: Meter, name: str, **labels: str) -> float | None:
    return meter.registry.get_sample_value(name, labels)


def test_the_backlog_is_told_by_pool_and_tier_with_its_age(farm: Farm) -> None:
    meter = metered(farm)
    ada, bob = farm.caller("ada", "pro"), farm.caller("bob", "free")
    for caller in (ada, ada, bob):
        farm.submit(caller, Probe(price_mc=1500))
    farm.submit(ada, start_after=farm.clock.now() + 100)
    farm.tick()
    farm.clock.advance(s=30)
    pro = {"pool": "cpu-render", "resource": "cpu", "tier": "pro"}
    assert value(meter, "farm_tasks_ready", **pro) == 2
    assert value(meter, "farm_tasks_ready", **(pro | {"tier": "free"})) == 1
    assert value(meter, "farm_task_oldest_ready_age_seconds", **pro) == 30
    assert value(meter, "farm_tasks_waiting", pool="cpu-render") == 1
    assert value(meter, "farm_jobs_open", state="queued") == 4
    assert value(meter, "farm_credits_held") == 4.5
    assert value(meter, "farm_store_up") == 1


def test_workers_slots_and_what_they_hold(farm: Farm) -> None:
    meter = metered(farm)
    farm.worker("w1", slots=2)
    farm.worker("w2", slots=3)
    workers.drain(farm.hall, "ops", "w2")
    farm.submit(farm.caller())
    farm.tick()
    assert farm.claim(farm.post.take()[0], "w1") is not None
    line = {"pool": "cpu-render", "resource": "cpu"}
    assert value(meter, "farm_slots", **line) == 2
    assert value(meter, "farm_attempts_live", **line, state="running") == 1
    for state, number in ((WorkerState.ONLINE, 1), (WorkerState.DRAINING, 1), (WorkerState.QUARANTINED, 0)):
        assert value(meter, "farm_workers", pool="cpu-render", state=state.value) == number


def test_what_was_settled_is_counted_once_with_its_times(farm: Farm) -> None:
    meter = metered(farm)
    farm.worker()
    ada = farm.caller()
    farm.submit(ada, Probe(price_mc=2000))
    farm.tick()
    farm.clock.advance(s=3)
    claimed = farm.claim(farm.post.take()[0])
    assert claimed is not None
    farm.clock.advance(s=7)
    farm.hall.bell.ring()
    farm.post.take()
    _finish(farm, claimed)
    farm.tick()
    farm.submit(ada)
    farm.fail_next(FailureClass.INVALID_INPUT)
    ended = {"pool": "cpu-render", "outcome": "succeeded", "failure_class": ""}
    assert value(meter, "farm_attempts_total", **ended) == 1
    failed = ended | {"outcome": "failed", "failure_class": "invalid_input"}
    assert value(meter, "farm_attempts_total", **failed) == 1
    assert value(meter, "farm_attempt_run_seconds_sum", pool="cpu-render") == 7
    assert value(meter, "farm_task_wait_seconds_sum", pool="cpu-render", tier="pro") == 3
    assert value(meter, "farm_task_wait_seconds_count", pool="cpu-render", tier="pro") == 2
    assert value(meter, "farm_credits_charged_this_month") == 2
    ticks = value(meter, "farm_scheduler_tick_seconds_count")
    assert ticks is not None
    assert ticks >= 4


def test_webhooks_that_are_due_are_late_from_their_due_time(farm: Farm) -> None:
    meter = metered(farm)
    account = farm.caller().account.id
    now = farm.clock.now()
    event = {
        "account_id": account,
        "event": "credits.low",
        "endpoint": "",
        "payload": {},
        "state": "pending",
        "created_at": now,
    }
    with farm.store.write() as connection:
        connection.execute(insert(outbox), [event | {"due_at": now}, event | {"due_at": now + 500}])
    farm.clock.advance(s=45)
    assert value(meter, "farm_webhooks_due") == 1
    assert value(meter, "farm_webhook_lag_seconds") == 45


def test_a_scrape_soon_after_another_reads_nothing(farm: Farm) -> None:
    meter = metered(farm)
    farm.worker("w1")
    assert value(meter, "farm_workers", pool="cpu-render", state="online") == 1
    farm.worker("w2")
    assert value(meter, "farm_workers", pool="cpu-render", state="online") == 1


def test_a_store_that_is_away_is_told_and_breaks_no_scrape(farm: Farm) -> None:
    meter = metered(farm)

    def away() -> object:
        raise StoreAway("gone")

    farm.store.read = away  # type: ignore[method-assign, assignment]  # this farm's own store
    assert value(meter, "farm_store_up") == 0
    assert value(meter, "farm_webhooks_due") is None
    assert value(meter, "farm_scheduler_tick_seconds_count") == 0


def _finish(farm: Farm, claimed: work.Claimed) -> None:
    assert work.finish(farm.hall, claimed.attempt_id, claimed.token, work.Report(Outcome.SUCCEEDED))
