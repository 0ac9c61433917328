"""Who gets the next slot, on both engines: nobody starves, and what cannot run blocks nobody."""

from collections import Counter

from sqlalchemy import select, update

from farm.account import Caller
from farm.doors import jobs, work
from farm.kinds import TaskSpec
from farm.states import Outcome
from farm.store.schema import lanes, tiers
from tasks.probe import Probe
from tests.farm import Farm

SHORT, LONG = Probe(estimated_s=0.01), Probe(estimated_s=600)


def heavy(count: int, estimated_s: float = 1.0) -> list[TaskSpec]:
    """Tasks that only a worker with 64 GB may take."""
    return [
        TaskSpec(
            name=f"heavy-{number}",
            step="probe",
            pool="cpu-render",
            requires={"memory": "64"},
            estimated_s=estimated_s,
        )
        for number in range(count)
    ]


def many(farm: Farm, caller: Caller, count: int, params: Probe) -> None:
    for _ in range(count):
        farm.submit(caller, params)


def take(farm: Farm, worker: str = "w1") -> work.Claimed:
    """The worker takes the first message that is there."""
    claimed = farm.claim(farm.post.messages.pop(0), worker)
    assert claimed is not None
    return claimed


def end(farm: Farm, claimed: work.Claimed) -> None:
    work.finish(farm.hall, claimed.attempt_id, claimed.token, work.Report(Outcome.SUCCEEDED))


def pass_time(farm: Farm, s: float, *workers: str, running: work.Claimed | None = None) -> None:
    """Let time pass for workers that go on beating."""
    farm.clock.advance(s=s)
    for name in workers:
        work.seen(farm.hall, name)
    if running is not None:
        work.beat(farm.hall, running.attempt_id, running.token, 0.5, "")


def test_slots_that_are_free_at_once_are_shared(farm: Farm) -> None:
    farm.worker(slots=4)
    ada, bob = farm.caller("ada", "enterprise"), farm.caller("bob", "enterprise")
    many(farm, ada, 10, LONG)
    many(farm, bob, 10, LONG)
    farm.tick()
    assert Counter(take(farm).account_id for _ in range(4)) == {ada.account.id: 2, bob.account.id: 2}


def test_a_stream_of_short_tasks_does_not_keep_a_long_one_out(farm: Farm) -> None:
    """Short ones fill the look-ahead; if they were let past the long one, no slot would ever be free."""
    farm.worker(slots=1)
    many(farm, farm.caller("ada", "enterprise"), 40, SHORT)
    farm.tick()
    long = farm.submit(farm.caller("bob", "enterprise"), LONG)
    started: list[str] = []
    while long not in started and len(started) < 30:
        claimed = take(farm)
        started.append(claimed.job_id)
        pass_time(farm, 0.01)
        end(farm, claimed)
        farm.tick()
    assert started[-1] == long


def test_the_longest_unserved_lane_has_its_turn_in_every_pool(farm: Farm) -> None:
    """Two pools, and an empty tick after each full one: counting ticks would always miss the same pool."""
    farm.worker("w1")
    farm.worker("g1", pool="gpu-generate")
    ada, bob = farm.caller("ada", "enterprise"), farm.caller("bob", "enterprise")
    farm.submit(bob, Probe(sleep_s=30))
    farm.tick()
    with farm.store.write() as connection:  # bob has been served far more than his share
        connection.execute(update(lanes).where(lanes.c.account_id == bob.account.id).values(vtime=1e6))
    end(farm, take(farm))
    late = farm.submit(bob, Probe(sleep_s=30))
    many(farm, ada, 12, Probe(sleep_s=30))
    started: list[str] = []
    while late not in started and len(started) < 12:
        farm.tick()
        claimed = take(farm)
        started.append(claimed.job_id)
        farm.tick()
        pass_time(farm, 1, "w1", "g1")
        end(farm, claimed)
    assert started[-1] == late


def test_many_tasks_nobody_can_run_do_not_block_what_is_behind_them(farm: Farm) -> None:
    farm.worker()
    ada = farm.caller("ada", "enterprise")
    farm.submit(ada)
    farm.run_next(tasks=heavy(300))
    farm.submit(ada)
    assert len(farm.tick()) == 1


def test_tasks_whose_only_worker_is_busy_leave_the_other_workers_to_others(farm: Farm) -> None:
    farm.worker("plain")
    farm.worker("big", memory="64")
    farm.submit(farm.caller("ada", "enterprise"))
    farm.run_next("plain", tasks=heavy(100))
    busy = take(farm, "big")
    many(farm, farm.caller("bob", "enterprise"), 12, Probe(estimated_s=30))
    for _ in range(12):  # bob soon has had more than ada, whose turn it then always is
        farm.tick()
        claimed = take(farm, "plain")
        for _ in range(3):
            pass_time(farm, 10, "plain", "big", running=busy)
            work.beat(farm.hall, claimed.attempt_id, claimed.token, 0.5, "")
        end(farm, claimed)


def test_a_worker_that_joined_late_gives_back_what_it_cannot_run(farm: Farm) -> None:
    """The message went to the pool's queue while every worker there had the memory."""
    farm.worker("big", memory="64")
    job_id = farm.submit(farm.caller())
    farm.run_next("big", tasks=heavy(1))
    (message,) = farm.post.take()
    farm.worker("small")
    assert farm.claim(message, "small") is None
    farm.tick()
    assert [again.queue for again in farm.post.messages] == ["big"]
    end(farm, take(farm, "big"))
    farm.tick()
    assert farm.job(job_id).tasks[1].attempts == 1


def test_who_cancels_what_is_not_counted_in_yet_gains_no_turns(farm: Farm) -> None:
    ada = farm.caller()
    farm.worker()
    farm.submit(ada)
    farm.run_next()
    with farm.store.write() as connection:
        connection.execute(update(tiers).values(lane_vtime=100.0))
    jobs.cancel(farm.hall, None, farm.submit(ada))
    farm.submit(ada)
    farm.tick()
    with farm.store.read() as connection:
        assert connection.scalars(select(lanes.c.vtime)).one() >= 100.0


def test_a_tier_that_an_operator_took_away_stops_only_its_own_lanes(farm: Farm) -> None:
    farm.worker()
    farm.submit(farm.caller("ada"))
    farm.tick()
    claimed = take(farm)
    with farm.store.write() as connection:
        connection.execute(update(lanes).values(tier="gone"))
        connection.execute(update(tiers).values(tier="gone"))
    farm.submit(farm.caller("bob"))
    end(farm, claimed)
    assert len(farm.tick()) == 1


def test_a_tier_gets_back_what_its_cancelled_tasks_were_charged(farm: Farm) -> None:
    farm.worker()
    job_id = farm.submit(farm.caller(), LONG)
    farm.tick()
    with farm.store.read() as connection:
        charged = connection.scalars(select(tiers.c.vtime)).one()
    jobs.cancel(farm.hall, None, job_id)
    farm.tick()
    with farm.store.read() as connection:
        assert (charged, connection.scalars(select(tiers.c.vtime)).one()) == (75.0, 0.0)
        assert connection.scalars(select(lanes.c.vtime)).one() == 0.0
