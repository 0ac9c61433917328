"""What operators do, on both engines: hold workers back, move jobs forward; and workers that always fail."""

from collections.abc import Sequence

import pytest
from sqlalchemy import func, select

from farm.broker.message import Message
from farm.doors import accounts, audit, jobs, work, workers
from farm.doors.why import why
from farm.errors import Conflict, FailureClass, NotFound
from farm.job import Failure
from farm.states import JobState, Outcome, TaskState, WorkerState
from farm.store.schema import tasks
from tasks.probe import Probe
from tests.farm import Farm
from tests.invariants import violations

AFTER = 5  # quarantine_after


def state(farm: Farm, name: str) -> WorkerState:
    return next(worker.state for worker in workers.list_workers(farm.hall) if worker.name == name)


def because(farm: Farm, name: str) -> str:
    return next(worker.because or "" for worker in workers.list_workers(farm.hall) if worker.name == name)


def actions(farm: Farm) -> list[tuple[str, str, str]]:
    """Who did what to whom, oldest first, without the keys that the test made."""
    found = [(entry.who, entry.action, entry.subject) for entry in audit.list_audit(farm.hall)]
    return [entry for entry in reversed(found) if entry[1] != "key.create"]


def beat(farm: Farm, *names: str) -> None:
    for name in names:
        work.seen(farm.hall, name)


def finish(farm: Farm, claimed: work.Claimed, failure: FailureClass | None = None) -> None:
    outcome = Outcome.FAILED if failure else Outcome.SUCCEEDED
    report = work.Report(outcome, Failure(failure, failure, "it broke") if failure else None)
    assert work.finish(farm.hall, claimed.attempt_id, claimed.token, report)


def serve(farm: Farm, worker: str, failure: FailureClass | None = None) -> str:
    """Let `worker` run the next attempt, whoever else is there. Returns its job."""
    farm.tick()
    messages = farm.post.take()
    mine = next(m for m in messages if m.queue in ("cpu-render", worker))
    farm.post.messages += [m for m in messages if m is not mine]
    claimed = farm.claim(mine, worker)
    assert claimed is not None
    finish(farm, claimed, failure)
    farm.tick()
    return claimed.job_id


def swept(farm: Farm) -> Sequence[Message]:
    """What a sweep publishes."""
    farm.clock.advance(s=1.5)
    farm.post.take()
    return farm.tick()


def test_a_drained_worker_gets_nothing_more_and_finishes_what_it_runs(farm: Farm) -> None:
    farm.worker("w1")
    farm.worker("w2")
    ada = farm.caller()
    first = farm.submit(ada)
    running = farm.claim(farm.tick()[0], "w1")
    assert running is not None
    farm.post.take()

    workers.drain(farm.hall, "ops", "w1", "new disks")
    assert (state(farm, "w1"), because(farm, "w1")) == (WorkerState.DRAINING, "new disks")
    assert [worker.running for worker in workers.list_workers(farm.hall)] == [1, 0]
    assert work.seen(farm.hall, "w1") is WorkerState.DRAINING
    finish(farm, running)
    later = []
    for _ in range(3):
        later.append(farm.submit(ada))
        message = farm.tick()[0]
        farm.post.take()
        assert farm.claim(message, "w1") is None  # it took it from the pool's queue before it heard
        again = farm.tick()[0]
        farm.post.take()
        taken = farm.claim(again, "w2")
        assert taken is not None
        assert taken.attempt_no == 1  # what went back unharmed costs no attempt
        finish(farm, taken)
    farm.tick()
    assert {farm.job(job_id).state for job_id in (first, *later)} == {JobState.COMPLETED}
    assert violations(farm.store) == []


def test_what_lies_in_a_drained_workers_own_queue_is_withdrawn_and_goes_to_another(farm: Farm) -> None:
    farm.worker("plain")
    farm.worker("big", gpu="a100")
    ada = farm.caller()
    job_id = farm.submit(ada, Probe())
    with farm.store.write() as connection:
        row = connection.execute(select(tasks)).one()
        requires = {**row.requires, "gpu": "a100"}
        connection.execute(tasks.update().values(requires=requires))
    (message,) = farm.tick()
    assert message.queue == "big"
    farm.post.take()

    workers.drain(farm.hall, "ops", "big")
    farm.clock.advance(s=1.5)
    farm.tick()
    assert [a.outcome for a in farm.attempts(job_id)] == [Outcome.SUPERSEDED]
    assert farm.claim(message, "big") is None
    farm.worker("other", gpu="a100")
    farm.clock.advance(s=3)
    beat(farm, "plain", "big")
    (again,) = farm.tick()
    assert again.queue == "other"
    claimed = farm.claim(again, "other")
    assert claimed is not None
    assert claimed.attempt_no == 1


def test_a_drain_outlives_the_workers_restart_until_it_is_resumed(farm: Farm) -> None:
    farm.worker("w1")
    workers.drain(farm.hall, "ops", "w1")
    work.leave(farm.hall, "w1")
    assert state(farm, "w1") is WorkerState.OFFLINE
    farm.worker("w1")
    assert state(farm, "w1") is WorkerState.DRAINING
    job_id = farm.submit(farm.caller())
    assert farm.tick() == []
    assert "w1 is draining (drained by ops)" in why(farm.hall, None, job_id)[0]

    assert workers.resume(farm.hall, "ops", "w1").state is WorkerState.ONLINE
    farm.clock.advance(s=3)
    beat(farm, "w1")
    assert len(farm.tick()) == 1
    assert actions(farm) == [("ops", "worker.drain", "w1"), ("ops", "worker.resume", "w1")]


def test_draining_twice_keeps_the_first_reason_and_an_unknown_worker_is_said_so(farm: Farm) -> None:
    farm.worker("w1")
    workers.drain(farm.hall, "ops", "w1", "first")
    workers.drain(farm.hall, "ops", "w1", "second")
    assert because(farm, "w1") == "first"
    assert len(actions(farm)) == 1
    for change in (workers.drain, workers.resume):
        with pytest.raises(NotFound):
            change(farm.hall, "ops", "nobody")


def test_a_worker_that_fails_different_jobs_in_a_row_is_quarantined_and_said_so(farm: Farm) -> None:
    farm.worker("bad")
    farm.worker("good")
    ada = farm.caller()
    for number in range(AFTER):
        assert state(farm, "bad") is WorkerState.ONLINE, number
        farm.submit(ada)
        serve(farm, "bad", FailureClass.CRASH)
        beat(farm, "bad", "good")
    assert state(farm, "bad") is WorkerState.QUARANTINED
    assert "last 5 different jobs failed" in because(farm, "bad")
    assert actions(farm) == [(audit.SCHEDULER, "worker.quarantine", "bad")]
    assert work.seen(farm.hall, "bad") is WorkerState.QUARANTINED

    farm.clock.advance(s=10)
    for _ in range(AFTER):
        beat(farm, "good")
        serve(farm, "good")
    assert violations(farm.store) == []
    workers.resume(farm.hall, "ops", "bad")
    beat(farm, "bad")
    assert state(farm, "bad") is WorkerState.ONLINE
    farm.submit(ada)
    serve(farm, "bad", FailureClass.CRASH)
    assert state(farm, "bad") is WorkerState.ONLINE  # it begins anew


def test_the_only_worker_of_a_pool_is_quarantined_too_and_its_jobs_wait(farm: Farm) -> None:
    farm.worker("w1")
    ada = farm.caller()
    for _ in range(AFTER):
        farm.submit(ada)
        serve(farm, "w1", FailureClass.DISK_FULL)
        beat(farm, "w1")
    job_id = farm.submit(ada)
    assert swept(farm) == []
    assert "farm workers resume w1" in why(farm.hall, None, job_id)[0]


@pytest.mark.parametrize("failure", [FailureClass.INVALID_INPUT, FailureClass.TRANSIENT, FailureClass.POLICY])
def test_what_cannot_be_its_own_fault_never_counts_against_a_worker(
    farm: Farm, failure: FailureClass
) -> None:
    farm.worker("w1")
    ada = farm.caller()
    for _ in range(AFTER + 2):
        farm.submit(ada)
        serve(farm, "w1", failure)
        beat(farm, "w1")
    assert state(farm, "w1") is WorkerState.ONLINE


def test_one_success_between_and_one_job_many_times_are_no_row(farm: Farm) -> None:
    farm.worker("w1")
    ada = farm.caller()
    for number in range(2 * AFTER):
        farm.submit(ada)
        serve(farm, "w1", None if number % AFTER == AFTER - 1 else FailureClass.INTERNAL)
        beat(farm, "w1")
    assert state(farm, "w1") is WorkerState.ONLINE


def test_a_job_that_fails_everywhere_is_not_the_workers_fault(farm: Farm) -> None:
    farm.worker("w1")
    farm.worker("w2")
    ada = farm.caller()
    for _ in range(2 * AFTER):
        job_id = farm.submit(ada)
        assert serve(farm, "w1", FailureClass.CRASH) == job_id
        farm.clock.advance(s=1.5)
        beat(farm, "w1", "w2")
        assert serve(farm, "w2", FailureClass.CRASH) == job_id
        farm.clock.advance(s=2.5)
        beat(farm, "w1", "w2")
        serve(farm, "w1")
    assert {state(farm, name) for name in ("w1", "w2")} == {WorkerState.ONLINE}


def test_where_the_whole_pool_fails_nobody_is_taken_out(farm: Farm) -> None:
    """One customer's bad files must not empty the farm."""
    names = ("w1", "w2", "w3")
    for name in names:
        farm.worker(name)
    ada = farm.caller()
    for _ in range(2 * AFTER):
        for name in names:
            farm.submit(ada)
            serve(farm, name, FailureClass.CRASH)
            beat(farm, *names)
    assert {state(farm, name) for name in names} == {WorkerState.ONLINE}


def test_a_queued_job_is_moved_forward_within_its_account(farm: Farm) -> None:
    farm.worker()
    ada = farm.caller()
    first, second, third = (farm.submit(ada) for _ in range(3))
    operator = accounts.caller_of(
        farm.hall,
        accounts.create_key(
            farm.hall, accounts.ensure_account(farm.hall, "ops", "pro"), is_operator=True
        ).text,
    )
    jobs.set_priority(farm.hall, operator, third, 9)
    assert jobs.set_priority(farm.hall, operator, third, 1).priority == 1
    order = [serve(farm, "w1") for _ in range(3)]
    assert order == [third, first, second]
    assert farm.job(third).priority == 1
    with pytest.raises(Conflict):
        jobs.set_priority(farm.hall, ada, third, 2)
    with pytest.raises(NotFound):
        jobs.set_priority(farm.hall, farm.caller("eve"), first, 0)
    assert [entry[1:] for entry in actions(farm)] == [("job.priority", third)] * 2
    assert violations(farm.store) == []


def test_a_wish_for_a_job_that_ended_meanwhile_changes_nothing(farm: Farm) -> None:
    farm.worker()
    ada = farm.caller()
    job_id = farm.submit(ada)
    farm.tick()
    claimed = farm.claim(farm.post.take()[0])
    assert claimed is not None
    jobs.cancel(farm.hall, None, job_id)
    finish(farm, claimed)
    jobs.set_priority(farm.hall, ada, job_id, 0)
    farm.tick()
    with farm.store.read() as connection:
        count = connection.scalar(
            select(func.count()).select_from(tasks).where(tasks.c.state == TaskState.READY)
        )
    assert count == 0
    assert violations(farm.store) == []


def test_keys_are_in_the_audit_log_without_their_text(farm: Farm) -> None:
    account = accounts.ensure_account(farm.hall, "ada", "pro")
    key = accounts.create_key(farm.hall, account, name="ci", who="root@host")
    accounts.revoke_key(farm.hall, key.prefix, who="root@host")
    revoked, created = audit.list_audit(farm.hall)
    assert (created.action, created.subject, created.who) == ("key.create", key.prefix, "root@host")
    assert (revoked.action, revoked.subject) == ("key.revoke", key.prefix)
    assert key.text not in f"{created} {revoked}"
    assert audit.list_audit(farm.hall, before_id=revoked.id) == [created]


def test_a_task_says_how_long_it_may_stand_still_or_leaves_it_to_the_configs(farm: Farm) -> None:
    farm.worker(slots=3)
    ada = farm.caller()
    for limit in (None, 0.0, 7.0):
        farm.submit(ada, Probe(no_progress_s=limit))
    farm.tick()
    claims = [farm.claim(message) for message in farm.post.take()]
    assert [claimed.no_progress_s for claimed in claims if claimed] == [300.0, 0.0, 7.0]
