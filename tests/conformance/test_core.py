"""The doors and the scheduler, on both engines: nothing lost, nothing twice, nobody paid for nothing."""

import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest
from sqlalchemy import Connection

from farm.doors import jobs, work
from farm.errors import BadRequest, FailureClass, InsufficientCredits, NotFound
from farm.job import Failure
from farm.kinds import TaskSpec
from farm.states import JobState, Outcome, TaskState
from farm.store.engine import Store, StoreAway
from tasks.probe import KIND, Probe
from tests.farm import Farm
from tests.invariants import violations


def step(name: str, *needs: str, pool: str = "cpu-render") -> TaskSpec:
    return TaskSpec(name=name, step="probe", pool=pool, needs=needs)


def output(name: str = "video", file_name: str = "cut.mp4") -> work.StoredOutput:
    return work.StoredOutput(name, f"blobs/{name}", file_name, "video/mp4", 10, "0" * 64, {"frames": 3})


def test_a_job_goes_from_submit_to_completed(farm: Farm) -> None:
    farm.worker()
    job_id = farm.submit(farm.caller())
    assert farm.job(job_id).state is JobState.QUEUED

    claimed = farm.run_next(outputs=[output()], result={"frames": 3})

    done = farm.job(job_id)
    assert (done.state, done.progress) == (JobState.COMPLETED, 1.0)
    assert done.result == {claimed.task_name: {"frames": 3}}
    assert [a.outcome for a in farm.attempts(job_id)] == [Outcome.SUCCEEDED]
    artifact = jobs.job_artifacts(farm.hall, None, job_id)[0]
    assert (artifact.name, artifact.file_name, artifact.meta) == ("video", "cut.mp4", {"frames": 3})


def test_a_submit_without_workers_is_accepted_with_a_warning_and_waits(farm: Farm) -> None:
    job_id = farm.submit(farm.caller())
    assert "No cpu-render worker" in farm.job(job_id).warnings[0]
    assert farm.tick() == []
    farm.worker()
    farm.clock.advance(s=3)
    assert len(farm.tick()) == 1


def test_a_message_delivered_twice_runs_once(farm: Farm) -> None:
    farm.worker()
    farm.submit(farm.caller())
    message = farm.tick()[0]
    assert farm.claim(message) is not None
    assert farm.claim(message) is None  # not even in the same moment


def test_a_claim_whose_answer_was_lost_is_said_again(farm: Farm, monkeypatch: pytest.MonkeyPatch) -> None:
    farm.worker()
    farm.submit(farm.caller())
    message = farm.tick()[0]
    write, answers = farm.store.write, itertools.count()

    @contextmanager
    def deaf_once(_store: Store, *, durable: bool | None = None, apart: bool = False) -> Iterator[Connection]:
        with write(durable=durable, apart=apart) as connection:
            yield connection
        if next(answers) == 0:
            raise StoreAway("the answer was lost")

    monkeypatch.setattr(Store, "write", deaf_once)
    claimed = farm.claim(message)
    assert claimed is not None
    assert next(answers) == 2  # said twice
    assert claimed.attempt_no == 1


def test_a_worker_back_from_the_dead_changes_nothing(farm: Farm) -> None:
    farm.worker("w1", slots=1)
    farm.worker("w2", slots=1)
    job_id = farm.submit(farm.caller())
    ghost = farm.claim(farm.tick()[0], "w1")
    assert ghost is not None
    farm.post.take()
    farm.clock.advance(s=13)
    work.seen(farm.hall, "w2")
    again = farm.tick()
    assert [m.attempt_id for m in again] != [ghost.attempt_id]
    assert not work.beat(farm.hall, ghost.attempt_id, ghost.token, 0.9, "late").ours
    assert not work.finish(farm.hall, ghost.attempt_id, ghost.token, work.Report(Outcome.SUCCEEDED))

    farm.run_next("w2")
    assert farm.job(job_id).state is JobState.COMPLETED
    assert [a.outcome for a in farm.attempts(job_id)] == [Outcome.LOST, Outcome.SUCCEEDED]


def test_a_finish_whose_answer_was_lost_may_be_said_again(farm: Farm) -> None:
    farm.worker()
    farm.submit(farm.caller())
    claimed = farm.claim(farm.tick()[0])
    assert claimed is not None
    report = work.Report(Outcome.SUCCEEDED)
    assert work.finish(farm.hall, claimed.attempt_id, claimed.token, report)
    assert work.finish(farm.hall, claimed.attempt_id, claimed.token, report)
    farm.tick()
    assert work.finish(farm.hall, claimed.attempt_id, claimed.token, report)


def test_a_lost_message_is_said_again_with_the_same_token(farm: Farm) -> None:
    farm.worker()
    farm.submit(farm.caller())
    farm.post.broken = True  # FLUSHALL, or the broker is away
    assert farm.tick() == []
    farm.post.broken = False
    farm.clock.advance(s=6)
    work.seen(farm.hall, "w1")
    first = farm.tick()
    assert len(first) == 1
    assert farm.claim(first[0]) is not None


def test_a_message_behind_a_busy_slot_is_not_said_again(farm: Farm) -> None:
    farm.worker(slots=1)
    ada = farm.caller()
    farm.submit(ada, Probe(estimated_s=0.01))
    farm.submit(ada, Probe(estimated_s=0.01))
    messages = farm.tick()
    assert len(messages) == 2  # one for the slot, one ahead of it
    assert farm.claim(farm.post.take()[0]) is not None
    farm.clock.advance(s=6)
    work.seen(farm.hall, "w1")
    assert farm.tick() == []


def test_long_tasks_are_not_published_ahead(farm: Farm) -> None:
    farm.worker(slots=2)
    ada = farm.caller()
    for _ in range(5):
        farm.submit(ada, Probe(estimated_s=30))
    assert len(farm.tick()) == 2


def test_a_worker_that_restarts_gives_up_its_own_leases_at_once(farm: Farm) -> None:
    farm.worker("w1")
    job_id = farm.submit(farm.caller())
    assert farm.claim(farm.tick()[0], "w1") is not None
    farm.post.take()
    farm.worker("w1")  # announces itself again
    assert len(farm.tick()) == 1
    assert farm.attempts(job_id)[0].outcome is Outcome.LOST


def test_an_attempt_given_back_costs_nothing(farm: Farm) -> None:
    farm.worker()
    job_id = farm.submit(farm.caller())
    claimed = farm.claim(farm.tick()[0])
    assert claimed is not None
    farm.post.take()
    work.give_back(farm.hall, claimed.attempt_id, claimed.token)
    farm.run_next()
    done = farm.job(job_id)
    assert (done.state, done.tasks[0].attempts) == (JobState.COMPLETED, 1)
    assert [a.outcome for a in farm.attempts(job_id)] == [Outcome.RETURNED, Outcome.SUCCEEDED]


def test_a_transient_failure_waits_and_is_tried_again(farm: Farm) -> None:
    farm.worker()
    job_id = farm.submit(farm.caller())
    farm.fail_next(FailureClass.TRANSIENT, "connection reset")
    task = farm.job(job_id).tasks[0]
    assert (task.state, task.failure) == (
        TaskState.WAITING,
        Failure("transient", "transient", "connection reset"),
    )
    assert farm.tick() == []
    farm.clock.advance(s=2)
    farm.run_next()
    assert farm.job(job_id).state is JobState.COMPLETED


def test_d136_invalid_input_fails_at_once_and_costs_nothing(farm: Farm) -> None:
    farm.worker()
    ada = farm.caller(balance_mc=10_000)
    job_id = farm.submit(ada, Probe(price_mc=2_500))
    farm.fail_next(FailureClass.INVALID_INPUT, "photo.png cannot be decoded")
    failed = farm.job(job_id)
    assert failed.state is JobState.FAILED
    assert failed.failure == Failure("invalid_input", "invalid_input", "photo.png cannot be decoded")
    assert farm.ledger(job_id) == [("hold", -2_500), ("release", 2_500)]
    assert farm.caller().account.balance_mc == 10_000


def test_d136_a_job_is_charged_once_when_it_completes(farm: Farm) -> None:
    farm.worker()
    job_id = farm.submit(farm.caller(balance_mc=10_000), Probe(price_mc=2_500))
    assert farm.caller().account.balance_mc == 7_500
    farm.run_next(result={"cost_mc": 2_000})
    assert farm.ledger(job_id) == [("hold", -2_500), ("settle", 500)]
    assert farm.job(job_id).charged_mc == 2_000
    assert farm.caller().account.balance_mc == 8_000


def test_nobody_holds_what_they_do_not_have(farm: Farm) -> None:
    ada = farm.caller(balance_mc=1_000)
    with pytest.raises(InsufficientCredits):
        farm.submit(ada, Probe(price_mc=1_001))
    assert jobs.list_jobs(farm.hall, ada.account.id) == []


def test_attempts_run_out(farm: Farm) -> None:
    farm.worker()
    job_id = farm.submit(farm.caller())
    for _ in range(3):
        farm.fail_next(FailureClass.CRASH, "the engine died (SIGKILL)")
        farm.clock.advance(s=10)
        work.seen(farm.hall, "w1")
    failed = farm.job(job_id)
    assert (failed.state, failed.failure and failed.failure.code) == (JobState.FAILED, "crash")
    assert len(farm.attempts(job_id)) == 3


def test_cancel_of_a_waiting_job_ends_it_and_gives_the_hold_back(farm: Farm) -> None:
    ada = farm.caller(balance_mc=5_000)
    job_id = farm.submit(ada, Probe(price_mc=5_000))
    jobs.cancel(farm.hall, ada.account.id, job_id)
    farm.tick()
    assert farm.job(job_id).state is JobState.CANCELLED
    assert farm.caller().account.balance_mc == 5_000


def test_cancel_of_a_published_job_withdraws_it(farm: Farm) -> None:
    farm.worker()
    job_id = farm.submit(farm.caller())
    message = farm.tick()[0]
    jobs.cancel(farm.hall, None, job_id)
    farm.tick()
    assert farm.claim(message) is None
    assert farm.job(job_id).state is JobState.CANCELLED


def test_cancel_of_a_running_job_is_heard_by_its_worker(farm: Farm) -> None:
    farm.worker()
    job_id = farm.submit(farm.caller())
    claimed = farm.claim(farm.tick()[0])
    assert claimed is not None
    jobs.cancel(farm.hall, None, job_id)
    farm.tick()
    assert farm.job(job_id).state is JobState.RUNNING  # cancelled means stopped
    assert work.beat(farm.hall, claimed.attempt_id, claimed.token, 0.5, "").cancel
    work.finish(farm.hall, claimed.attempt_id, claimed.token, work.Report(Outcome.CANCELLED))
    farm.tick()
    assert farm.job(job_id).state is JobState.CANCELLED


def test_cancelled_means_that_every_attempt_has_stopped(farm: Farm) -> None:
    farm.worker(slots=2)
    job_id = farm.submit(farm.caller())
    farm.run_next(tasks=[step("a"), step("b")])
    both = [farm.claim(m) for m in farm.post.take()]
    jobs.cancel(farm.hall, None, job_id)
    for claimed in both:
        farm.tick()
        assert farm.job(job_id).state is JobState.RUNNING
        assert claimed is not None
        work.finish(farm.hall, claimed.attempt_id, claimed.token, work.Report(Outcome.CANCELLED))
    farm.tick()
    assert farm.job(job_id).state is JobState.CANCELLED


def test_a_cancelled_job_ends_also_when_what_ran_of_it_succeeded(farm: Farm) -> None:
    farm.worker(slots=1)
    job_id = farm.submit(farm.caller(balance_mc=1_000), Probe(price_mc=400))
    farm.run_next(tasks=[step("a"), step("b")])
    claimed = farm.claim(farm.post.take()[0])
    assert claimed is not None
    jobs.cancel(farm.hall, None, job_id)
    farm.tick()
    work.finish(farm.hall, claimed.attempt_id, claimed.token, work.Report(Outcome.SUCCEEDED))
    farm.tick()
    assert farm.job(job_id).state is JobState.CANCELLED
    assert farm.caller().account.balance_mc == 1_000
    assert violations(farm.store) == []


def test_a_cancelled_job_does_not_grow(farm: Farm) -> None:
    farm.worker()
    job_id = farm.submit(farm.caller())
    claimed = farm.claim(farm.tick()[0])
    farm.post.take()
    assert claimed is not None
    jobs.cancel(farm.hall, None, job_id)
    farm.tick()
    report = work.Report(Outcome.SUCCEEDED, tasks=[step("a")])
    work.finish(farm.hall, claimed.attempt_id, claimed.token, report)
    assert farm.tick() == []
    assert farm.job(job_id).state is JobState.CANCELLED


def test_a_job_that_succeeded_before_it_could_be_cancelled_is_completed(farm: Farm) -> None:
    farm.worker()
    job_id = farm.submit(farm.caller())
    claimed = farm.claim(farm.tick()[0])
    assert claimed is not None
    work.finish(farm.hall, claimed.attempt_id, claimed.token, work.Report(Outcome.SUCCEEDED))
    jobs.cancel(farm.hall, None, job_id)
    farm.tick()
    assert farm.job(job_id).state is JobState.COMPLETED


def test_a_cancelled_job_whose_worker_died_still_ends(farm: Farm) -> None:
    farm.worker()
    job_id = farm.submit(farm.caller())
    assert farm.claim(farm.tick()[0]) is not None
    jobs.cancel(farm.hall, None, job_id)
    farm.tick()
    farm.clock.advance(s=13)
    farm.tick()
    assert farm.job(job_id).state is JobState.CANCELLED


def test_terminal_states_never_change(farm: Farm) -> None:
    farm.worker()
    job_id = farm.submit(farm.caller())
    farm.run_next()
    jobs.cancel(farm.hall, None, job_id)
    farm.tick()
    assert farm.job(job_id).state is JobState.COMPLETED


def test_a_task_may_grow_its_job(farm: Farm) -> None:
    farm.worker(slots=2)
    job_id = farm.submit(farm.caller())
    farm.run_next(tasks=[step("a"), step("b"), step("join", "a", "b")])
    assert farm.job(job_id).state is not JobState.COMPLETED
    first, second = (farm.claim(m) for m in farm.post.take())
    assert first is not None and second is not None
    assert {first.task_name, second.task_name} == {"a", "b"}
    work.finish(farm.hall, first.attempt_id, first.token, work.Report(Outcome.SUCCEEDED, outputs=[output()]))
    assert farm.tick() == []  # join needs both
    work.finish(farm.hall, second.attempt_id, second.token, work.Report(Outcome.SUCCEEDED))
    join = farm.claim(farm.tick()[0])
    assert join is not None
    assert [i.id for i in join.inputs] == [f"{first.task_name}.video"]
    farm.post.take()
    work.finish(farm.hall, join.attempt_id, join.token, work.Report(Outcome.SUCCEEDED))
    farm.tick()
    assert farm.job(job_id).state is JobState.COMPLETED


def test_a_grown_task_may_need_one_that_is_long_done(farm: Farm) -> None:
    farm.worker()
    job_id = farm.submit(farm.caller())
    farm.run_next(tasks=[step("a")], outputs=[output()])
    farm.post.messages.clear()
    farm.clock.advance(s=6)
    work.seen(farm.hall, "w1")
    farm.run_next(tasks=[step("join", "probe", "a")])
    join = farm.claim(farm.post.take()[0])
    assert join is not None
    assert [blob.id for blob in join.inputs] == ["probe.video"]
    assert farm.job(job_id).state is JobState.RUNNING


PLANS = {
    "nothing": [],
    "a circle": [step("a", "b"), step("b", "a")],
    "itself": [step("a", "a")],
    "one name twice": [step("a"), step("a")],
    "nobody": [step("a", "b")],
}


@pytest.mark.parametrize("name", PLANS)
def test_a_plan_that_could_never_end_is_not_accepted(
    farm: Farm, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada = farm.caller()
    kind = replace(KIND, plan=lambda _params: PLANS[name])
    monkeypatch.setattr("farm.doors.submit.kind_named", lambda _name: kind)
    with pytest.raises(BadRequest):
        farm.submit(ada)


def test_a_job_shorter_than_a_sweep_tells_when_it_started(farm: Farm) -> None:
    farm.worker()
    ada = farm.caller()
    farm.tick()  # the next sweep is a second away
    good = farm.submit(ada)
    farm.run_next()
    bad = farm.submit(ada)
    farm.fail_next(FailureClass.INVALID_INPUT)
    assert farm.job(good).started_at == farm.job(bad).started_at == farm.clock.now()


def test_a_failed_task_stops_the_rest_of_its_job(farm: Farm) -> None:
    farm.worker(slots=2)
    job_id = farm.submit(farm.caller())
    farm.run_next(tasks=[step("a"), step("b"), step("join", "a", "b")])
    first, second = (farm.claim(m) for m in farm.post.take())
    assert first is not None and second is not None
    failure = Failure("invalid_input", "bad", "bad")
    work.finish(farm.hall, first.attempt_id, first.token, work.Report(Outcome.FAILED, failure))
    farm.tick()
    assert farm.job(job_id).state is JobState.FAILED
    assert work.beat(farm.hall, second.attempt_id, second.token, 0.1, "").cancel
    work.finish(
        farm.hall, second.attempt_id, second.token, work.Report(Outcome.SUCCEEDED, outputs=[output()])
    )
    farm.tick()
    assert {t.name: t.state for t in farm.job(job_id).tasks}["join"] is TaskState.CANCELLED
    assert jobs.job_artifacts(farm.hall, None, job_id) == []
    assert len(farm.ledger(job_id)) == 2


def test_a_job_may_start_later(farm: Farm) -> None:
    farm.worker()
    farm.submit(farm.caller(), start_after=farm.clock.now() + 60)
    assert farm.tick() == []
    farm.clock.advance(s=61)
    work.seen(farm.hall, "w1")
    assert len(farm.tick()) == 1


def test_a_job_past_its_deadline_fails_and_what_runs_of_it_is_stopped(farm: Farm) -> None:
    farm.worker()
    job_id = farm.submit(farm.caller(), Probe(price_mc=700), deadline=farm.clock.now() + 5)
    claimed = farm.claim(farm.tick()[0])
    assert claimed is not None
    farm.clock.advance(s=6)
    farm.tick()
    failed = farm.job(job_id)
    assert failed.state is JobState.FAILED
    assert failed.failure is not None and failed.failure.code == "deadline_exceeded"
    assert work.beat(farm.hall, claimed.attempt_id, claimed.token, 0.5, "").cancel
    work.finish(farm.hall, claimed.attempt_id, claimed.token, work.Report(Outcome.CANCELLED))
    farm.tick()
    assert violations(farm.store) == []


def test_only_a_worker_that_matches_is_given_the_task(farm: Farm) -> None:
    farm.worker("plain")
    farm.worker("big", memory="64")
    farm.submit(farm.caller())
    farm.run_next("plain", tasks=[step("heavy").model_copy(update={"requires": {"memory": "64"}})])
    assert [m.queue for m in farm.post.messages] == ["big"]


def test_a_task_nobody_can_run_does_not_block_its_lane(farm: Farm) -> None:
    farm.worker()
    ada = farm.caller()
    farm.submit(ada)
    farm.run_next(tasks=[step("heavy").model_copy(update={"requires": {"memory": "64"}})])
    assert farm.post.messages == []
    farm.submit(ada)
    assert len(farm.tick()) == 1


def test_a_message_to_a_worker_that_is_gone_is_withdrawn(farm: Farm) -> None:
    farm.worker("plain")
    farm.worker("big", memory="64")
    job_id = farm.submit(farm.caller())
    farm.run_next("plain", tasks=[step("heavy").model_copy(update={"requires": {"memory": "64"}})])
    farm.post.take()
    work.leave(farm.hall, "big")
    farm.clock.advance(s=6)
    work.seen(farm.hall, "plain")
    farm.tick()
    farm.clock.advance(s=0.1)
    farm.tick()
    assert [a.outcome for a in farm.attempts(job_id)] == [Outcome.SUCCEEDED, Outcome.SUPERSEDED]
    farm.worker("bigger", memory="64")
    work.seen(farm.hall, "plain")
    farm.clock.advance(s=3)
    assert [m.queue for m in farm.tick()] == ["bigger"]


def test_an_account_never_runs_more_than_its_cap_and_blocks_nobody(farm: Farm) -> None:
    farm.worker(slots=8)
    free, other = farm.caller("free", "free"), farm.caller("other", "free")
    for _ in range(5):
        farm.submit(free)
    farm.submit(other)
    assert len(farm.tick()) == 3  # two of the capped account's, one of the other's


def test_a_silent_worker_gets_nothing_new(farm: Farm) -> None:
    farm.worker()
    farm.clock.advance(s=20)
    farm.submit(farm.caller())
    assert farm.tick() == []


def test_one_account_never_sees_anothers_job(farm: Farm) -> None:
    job_id = farm.submit(farm.caller("ada"))
    with pytest.raises(NotFound):
        jobs.job(farm.hall, farm.caller("eve").account.id, job_id)
    with pytest.raises(NotFound):
        jobs.cancel(farm.hall, farm.caller("eve").account.id, job_id)


def test_a_webhook_event_is_written_with_the_end(farm: Farm) -> None:
    from sqlalchemy import select

    from farm.store.schema import outbox

    farm.worker()
    job_id = farm.submit(farm.caller(), webhook_url="https://example.com/hook")
    farm.run_next()
    with farm.store.read() as connection:
        rows = connection.execute(select(outbox)).all()
    assert [(row.event, row.job_seq, row.endpoint, row.state) for row in rows] == [
        ("job.completed", farm.job(job_id).seq, "https://example.com/hook", "pending")
    ]
