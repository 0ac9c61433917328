"""Where tasks go, on both engines: what one must wait for holds up nobody else."""

from collections import Counter
from dataclasses import replace

import pytest
from sqlalchemy import func, select, update

import tasks.probe
from farm.broker.message import Message
from farm.doors import jobs, work
from farm.doors.why import why
from farm.errors import BadRequest
from farm.kinds import TaskSpec, registry
from farm.states import JobState, Outcome
from farm.store.schema import attempts, lanes, sorts, tiers
from tasks.probe import Probe
from tests.farm import Farm
from tests.invariants import violations

LONG_S = 600.0
_plain = tasks.probe.task


def _as_told(params: Probe, name: str = "probe") -> TaskSpec:
    """The probe's task with what its `echo` says of it."""
    said = params.echo if isinstance(params.echo, dict) else {}
    return TaskSpec.model_validate(_plain(params, name).model_dump() | said)


@pytest.fixture(autouse=True)
def _probes_as_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tasks.probe, "task", _as_told)


def probe(estimated_s: float = LONG_S, **said: object) -> Probe:
    return Probe(estimated_s=estimated_s, echo=said)


def announce(
    farm: Farm, name: str, *, models: tuple[str, ...] = (), labels: object = None, **slots: int
) -> None:
    card = work.WorkerCard(
        name=name,
        pool="gpu-generate",
        host="host",
        pid=1,
        queue=name,
        slots=slots or {"cpu": 1},
        kinds=[kind.announced for kind in registry().values()],
        labels=labels or {},  # type: ignore[arg-type]  # test shorthand
        models=models,
    )
    work.announce(farm.hall, card)


def gpu(estimated_s: float = LONG_S, **said: object) -> Probe:
    return Probe(pool="gpu-generate", estimated_s=estimated_s, echo=said)


def start(farm: Farm, worker: str) -> list[work.Claimed]:
    """Tick; this worker takes all that it may."""
    farm.tick()
    mine = [m for m in farm.post.messages if m.queue in (worker, "cpu-render", "gpu-generate")]
    farm.post.messages = [m for m in farm.post.messages if m not in mine]
    return [claimed for m in mine if (claimed := farm.claim(m, worker)) is not None]


def end(farm: Farm, claimed: work.Claimed, **report: object) -> None:
    work.finish(farm.hall, claimed.attempt_id, claimed.token, work.Report(Outcome.SUCCEEDED, **report))  # type: ignore[arg-type]  # test shorthand


def run_dry(farm: Farm, worker: str = "w1") -> None:
    """Let the worker run all that is there to its end."""
    while claimed := start(farm, worker):
        for one in claimed:
            end(farm, one)
    farm.tick()


def live(farm: Farm) -> int:
    query = select(func.count()).where(attempts.c.state.in_(("published", "running")))
    with farm.store.read() as connection:
        return connection.scalar(query) or 0


# --- requirements -------------------------------------------------------------------------------------


def test_a_busy_model_holds_up_nobody_who_needs_another(farm: Farm) -> None:
    """Three hundred accounts wait for the one worker with model a; the worker with model b is idle."""
    announce(farm, "a", labels={"model": "a"})
    announce(farm, "b", labels={"model": "b"})
    for number in range(300):
        farm.submit(farm.caller(f"one{number}"), gpu(requires={"model": "a"}))
    farm.tick()
    late = farm.submit(farm.caller("late"), gpu(requires={"model": "b"}))
    assert [claimed.job_id for claimed in start(farm, "b")] == [late]


def test_an_accounts_task_that_must_wait_does_not_hold_up_its_own_others(farm: Farm) -> None:
    announce(farm, "a", labels={"model": "a"})
    announce(farm, "b", labels={"model": "b"})
    ada = farm.caller(tier="enterprise")
    for _ in range(100):
        farm.submit(ada, gpu(requires={"model": "a"}))
    other = farm.submit(ada, gpu(requires={"model": "b"}))
    farm.tick()
    assert [claimed.job_id for claimed in start(farm, "b")] == [other]


def test_the_accounts_cap_counts_over_all_that_it_has_waiting(farm: Farm) -> None:
    for name in ("a", "b", "c"):
        announce(farm, name, labels={"model": name}, cpu=4)
    ada = farm.caller(tier="free")
    for number in range(9):
        farm.submit(ada, gpu(requires={"model": "abc"[number % 3]}))
    farm.tick()
    assert live(farm) == farm.hall.catalog.tier("free").max_running == 2


def test_many_sorts_of_work_earn_an_account_no_more_turns(farm: Farm) -> None:
    farm.worker("w1")
    ada, bob = farm.caller("ada"), farm.caller("bob")
    for number in range(24):
        farm.submit(ada, probe(10.0, affinity=f"model-{number % 4}"))
        farm.submit(bob, probe(10.0))
    served = Counter[int]()
    for _ in range(12):
        (claimed,) = start(farm, "w1")
        served[claimed.account_id] += 1
        farm.clock.advance(s=10)
        work.seen(farm.hall, "w1")
        end(farm, claimed)
    assert served == {ada.account.id: 6, bob.account.id: 6}


def test_an_accounts_own_order_holds_over_sorts(farm: Farm) -> None:
    farm.worker("w1")
    ada = farm.caller()
    asked = [
        farm.submit(ada, probe(affinity=f"model-{number % 3}"), priority=9 - number) for number in range(6)
    ]
    started = []
    for _ in asked:
        (claimed,) = start(farm, "w1")
        started.append(claimed.job_id)
        end(farm, claimed)
    assert started == asked[::-1]


def test_lanes_from_before_there_were_sorts_are_served(farm: Farm) -> None:
    announce(farm, "b", labels={"model": "b"})
    ada, bob = farm.caller("ada"), farm.caller("bob")
    farm.submit(ada, gpu(requires={"model": "a"}))
    job_id = farm.submit(bob, gpu())
    with farm.store.write() as connection:
        connection.execute(update(lanes).values(sort_id=0))
    assert [claimed.job_id for claimed in start(farm, "b")] == [job_id]


def test_a_tier_that_comes_late_to_a_farm_does_not_take_all_of_it(farm: Farm) -> None:
    farm.worker("w1")
    ada = farm.caller("ada", "pro")
    farm.submit(ada)
    farm.run_next()
    with farm.store.write() as connection:  # a long time later
        connection.execute(update(tiers).values(vtime=1e6, floor=1e6))
    bob = farm.caller("bob", "studio")
    for _ in range(30):
        farm.submit(ada, probe(10.0))
        farm.submit(bob, probe(10.0))
    served = Counter[int]()
    for _ in range(24):
        (claimed,) = start(farm, "w1")
        served[claimed.account_id] += 1
        farm.clock.advance(s=10)
        work.seen(farm.hall, "w1")
        end(farm, claimed)
    assert served[ada.account.id] >= 5  # its share is 8


# --- slots kept for interactive work ------------------------------------------------------------------


def test_a_slot_is_kept_for_who_waits_for_an_answer(farm: Farm) -> None:
    farm.worker("w1", slots=8)
    ada = farm.caller("ada", "enterprise")
    for _ in range(12):
        farm.submit(ada, probe())
    assert len(start(farm, "w1")) == 7
    quick = farm.submit(farm.caller("bob", "free"), probe(2.0), interactive=True)
    assert [claimed.job_id for claimed in start(farm, "w1")] == [quick]


def test_long_work_gets_no_kept_slot_by_calling_itself_interactive(farm: Farm) -> None:
    farm.worker("w1", slots=8)
    ada = farm.caller("ada", "enterprise")
    waiting = [farm.submit(ada, probe(), interactive=True) for _ in range(8)][-1]
    assert len(start(farm, "w1")) == 7
    (said,) = why(farm.hall, None, waiting)
    assert "kept for short interactive jobs" in said


def test_tiny_tasks_use_every_slot(farm: Farm) -> None:
    farm.worker("w1", slots=8)
    for _ in range(8):
        farm.submit(farm.caller("ada", "enterprise"), probe(0.01))
    assert len(start(farm, "w1")) == 8


def test_a_small_pool_keeps_nothing(farm: Farm) -> None:
    farm.worker("w1", slots=2)
    for _ in range(2):
        farm.submit(farm.caller("ada", "enterprise"), probe())
    assert len(start(farm, "w1")) == 2


# --- warm models --------------------------------------------------------------------------------------


def test_a_task_goes_where_its_model_is_warm(farm: Farm) -> None:
    announce(farm, "a", models=("flux",))
    announce(farm, "b", models=("wan",))
    ada = farm.caller()
    for model in ("wan", "flux"):
        farm.submit(ada, gpu(affinity=model))
    farm.tick()
    assert sorted(message.queue for message in farm.post.messages) == ["a", "b"]
    (claimed,) = start(farm, "b")
    assert claimed.params["echo"]["affinity"] == "wan"


def test_a_warm_worker_takes_later_tasks_for_its_model_a_few_times_only(farm: Farm) -> None:
    """Ada's turn would load another model; Bob's and his tasks wait for the one that is loaded."""
    announce(farm, "a", models=("flux",))
    ada, bob = farm.caller("ada"), farm.caller("bob")
    farm.submit(ada, gpu(10.0, affinity="wan"))
    for _ in range(8):
        farm.submit(bob, gpu(10.0, affinity="flux"))
    served = []
    for _ in range(5):
        (claimed,) = start(farm, "a")
        served.append(claimed.params["echo"]["affinity"])
        farm.clock.advance(s=10)
        work.seen(farm.hall, "a")
        end(farm, claimed)
    jumps = farm.hall.catalog.scheduling.warm_jumps
    assert served == ["flux"] * jumps + ["wan"] + ["flux"] * (4 - jumps)


def test_a_cold_task_waits_for_no_warm_worker(farm: Farm) -> None:
    announce(farm, "a", models=("flux",))
    announce(farm, "b")
    ada = farm.caller()
    for _ in range(2):
        farm.submit(ada, gpu(affinity="flux"))
    farm.tick()
    assert sorted(message.queue for message in farm.post.messages) == ["a", "b"]


# --- a job's own limit --------------------------------------------------------------------------------


def grow(farm: Farm, count: int, worker: str = "w1") -> None:
    """The next attempt ends and asks for so many further tasks."""
    (claimed,) = start(farm, worker)
    further = [
        TaskSpec(name=f"part-{n}", step="probe", pool="cpu-render", estimated_s=LONG_S) for n in range(count)
    ]
    end(farm, claimed, tasks=further)


def test_a_job_runs_no_more_tasks_at_once_than_it_may(farm: Farm) -> None:
    farm.worker("w1", slots=6)
    ada = farm.caller("ada", "enterprise")
    large = farm.submit(ada, probe(), max_running=2)
    grow(farm, 10)
    small = farm.submit(ada, probe())
    running = start(farm, "w1")
    assert Counter(claimed.job_id for claimed in running) == {large: 2, small: 1}
    assert any("as many as it may" in said for said in why(farm.hall, None, large))
    for claimed in running:
        end(farm, claimed)
    assert len(start(farm, "w1")) == 2


def test_a_job_with_a_limit_comes_to_its_end(farm: Farm) -> None:
    farm.worker("w1", slots=6)
    large = farm.submit(farm.caller("ada", "enterprise"), probe(), max_running=2)
    grow(farm, 10)
    run_dry(farm)
    assert farm.job(large).state is JobState.COMPLETED
    assert violations(farm.store) == []


def test_cancelling_a_job_takes_what_stepped_aside_with_it(farm: Farm) -> None:
    farm.worker("w1", slots=6)
    large = farm.submit(farm.caller("ada", "enterprise"), probe(), max_running=2)
    grow(farm, 10)
    running = start(farm, "w1")
    jobs.cancel(farm.hall, None, large)
    farm.tick()
    for claimed in running:
        work.finish(farm.hall, claimed.attempt_id, claimed.token, work.Report(Outcome.CANCELLED))
    farm.tick()
    assert farm.job(large).state is JobState.CANCELLED
    assert violations(farm.store) == []


# --- resources ----------------------------------------------------------------------------------------


def test_a_worker_runs_as_many_at_once_of_each_resource_as_it_announced(farm: Farm) -> None:
    announce(farm, "m", cpu=1, io=3, device=1)
    ada = farm.caller("ada", "enterprise")
    for _ in range(4):
        for resource in ("cpu", "io", "device"):
            farm.submit(ada, gpu(resource=resource))
    farm.tick()
    messages: list[Message] = farm.post.messages
    assert {message.queue for message in messages} == {"m"}  # the pool's queue knows no resources
    with farm.store.read() as connection:
        query = select(attempts.c.resource, func.count()).group_by(attempts.c.resource)
        assert dict(connection.execute(query).all()) == {"cpu": 1, "io": 3, "device": 1}


def test_one_who_waits_for_a_device_that_nobody_has_is_told(farm: Farm) -> None:
    announce(farm, "m", cpu=1)
    job_id = farm.submit(farm.caller(), gpu(resource="device"))
    farm.tick()
    assert why(farm.hall, None, job_id) == [
        "probe: no online gpu-generate worker that runs probe@1 has a slot for device. "
        "Announce one: farm worker gpu-generate --slots device=1"
    ]


def test_a_submit_that_no_worker_could_run_says_what_is_missing(farm: Farm) -> None:
    announce(farm, "a", labels={"memory": "32", "encoder": "nvenc"})
    announce(farm, "b", labels={"memory": "64"})
    said = {
        name: farm.job(farm.submit(farm.caller(), gpu(requires=dict(pairs)))).warnings
        for name, pairs in {
            "nobody": [("memory", "96")],
            "not_both": [("memory", "64"), ("encoder", "nvenc")],
            "somebody": [("memory", "64")],
        }.items()
    }
    who = "No online gpu-generate worker that runs probe@1 announces"
    assert said == {
        "nobody": (f"{who} memory=96 now; the job waits for one.",),
        "not_both": (f"{who} memory=64 together with encoder=nvenc now; the job waits for one.",),
        "somebody": (),
    }


def test_configs_may_refuse_what_nobody_could_run(farm: Farm) -> None:
    rules = farm.hall.catalog.scheduling.model_copy(update={"refuse_unrunnable": True})
    farm.hall = replace(farm.hall, catalog=farm.hall.catalog.model_copy(update={"scheduling": rules}))
    announce(farm, "a")
    with pytest.raises(BadRequest, match="announces memory=96") as caught:
        farm.submit(farm.caller(), gpu(requires={"memory": "96"}))
    assert caught.value.public_code == "no_capable_worker"
    farm.submit(farm.caller(), gpu())


def test_a_sort_is_made_once_for_all_accounts(farm: Farm) -> None:
    for name in ("ada", "bob"):
        farm.submit(farm.caller(name), probe(affinity="flux"))
    with farm.store.read() as connection:
        assert connection.scalar(select(func.count()).select_from(sorts)) == 1
