"""Batches on both engines: rows once, each for itself; what is held, paused or cancelled blocks nobody."""

from collections.abc import Sequence

import pytest
from sqlalchemy import func, select, update

from farm.account import Caller
from farm.batch import Batch, BatchState, NewBatch, Rejected, Taken
from farm.doors import batch_results, batch_retry, batch_rows, batches, jobs, work
from farm.doors.batch_rows import NewRow
from farm.doors.purse import top_up
from farm.doors.submit import order
from farm.errors import BadRequest, Conflict, FailureClass, NotFound
from farm.job import Failure, Job, JobSpec
from farm.states import JobState, Outcome
from farm.store.schema import batch_tallies, lanes, outbox, tasks
from farm.store.schema import batches as batches_table
from tasks.probe import Probe
from tests.farm import Farm
from tests.invariants import violations


def row(farm: Farm, name: str, *needs: str, **params: object) -> NewRow:
    """A row that is a probe."""
    spec = JobSpec(params=Probe.model_validate(params))
    return NewRow(1, name, name, order(farm.hall, spec), needs)


def new_batch(farm: Farm, caller: Caller, **values: object) -> Batch:
    return batches.create(farm.hall, caller, NewBatch(**values))  # type: ignore[arg-type]  # test shorthand


def add(farm: Farm, caller: Caller, batch: Batch, *rows: NewRow) -> Taken:
    return batch_rows.take(farm.hall, caller, batch.id, rows)


def numbered(farm: Farm, count: int, **params: object) -> list[NewRow]:
    return [row(farm, f"r{number:03d}", **params) for number in range(count)]


def seen(farm: Farm, batch: Batch) -> Batch:
    return batches.batch(farm.hall, None, batch.id)


def by_name(farm: Farm, batch: Batch) -> dict[str, Job]:
    return {str(job.custom_id): job for job in batch_results.batch_jobs(farm.hall, None, batch.id, limit=500)}


def claim_all(farm: Farm) -> dict[str, work.Claimed]:
    """Tick, and claim all that was published; by the rows' names."""
    farm.tick()
    found = {}
    for message in farm.post.take():
        claimed = farm.claim(message)
        if claimed is not None:
            found[str(farm.job(claimed.job_id).custom_id)] = claimed
    return found


def finish(farm: Farm, claimed: work.Claimed, *outputs: work.StoredOutput, fails: bool = False) -> None:
    failure = Failure(FailureClass.INVALID_INPUT, "bad", "It is bad.") if fails else None
    outcome = Outcome.FAILED if fails else Outcome.SUCCEEDED
    work.finish(farm.hall, claimed.attempt_id, claimed.token, work.Report(outcome, failure, outputs))
    farm.tick()


def run_all(farm: Farm, *, fails: Sequence[str] = ()) -> list[str]:
    """Run whatever may run until nothing is left. Returns the rows' names in the order they ran."""
    order_of: list[str] = []
    while found := claim_all(farm):
        for name, claimed in found.items():
            order_of.append(name)
            finish(farm, claimed, fails=name in fails)
        farm.clock.advance(s=1.5)
        work.seen(farm.hall, "w1")
    return order_of


def test_rows_become_jobs_and_the_batch_ends_with_the_last(farm: Farm) -> None:
    farm.worker(slots=4)
    ada = farm.caller(balance_mc=10_000)
    batch = new_batch(farm, ada, name="spring", webhook_url="https://example.com/hook")
    assert add(farm, ada, batch, *numbered(farm, 3, price_mc=100)) == Taken(accepted=3)
    assert seen(farm, batch).counts.held_mc == 300

    run_all(farm)
    assert seen(farm, batch).state is BatchState.OPEN  # more rows may come
    batches.close(farm.hall, ada.account.id, batch.id)
    farm.clock.advance(s=1.5)
    farm.tick()

    ended = seen(farm, batch)
    assert (ended.state, ended.counts.completed, ended.counts.charged_mc) == (BatchState.COMPLETED, 3, 300)
    with farm.store.read() as connection:
        told = connection.execute(select(outbox).where(outbox.c.event == "batch.completed")).all()
    assert [(event.endpoint, event.payload["batch"]) for event in told] == [
        ("https://example.com/hook", batch.id)
    ]
    assert violations(farm.store) == []


def test_rows_sent_again_are_known_and_make_nothing(farm: Farm) -> None:
    ada = farm.caller(balance_mc=10_000)
    batch = new_batch(farm, ada)
    rows = numbered(farm, 5, price_mc=100)
    add(farm, ada, batch, *rows[:3])
    assert add(farm, ada, batch, *rows) == Taken(accepted=2, known=3)
    assert add(farm, ada, batch, *rows) == Taken(known=5)
    assert (seen(farm, batch).counts.total, farm.caller().account.balance_mc) == (5, 9_500)


def test_a_row_named_twice_in_one_chunk_is_taken_once(farm: Farm) -> None:
    ada = farm.caller()
    batch = new_batch(farm, ada)
    assert add(farm, ada, batch, row(farm, "a"), row(farm, "a")) == Taken(accepted=1, known=1)


def test_credits_end_at_a_named_row_and_a_top_up_goes_on(farm: Farm) -> None:
    ada = farm.caller(balance_mc=750)
    batch = new_batch(farm, ada)
    rows = [
        NewRow(number + 1, "", f"r{number}", order(farm.hall, JobSpec(params=Probe(price_mc=100))))
        for number in range(20)
    ]
    stopped = add(farm, ada, batch, *rows)
    assert stopped.accepted == 7
    assert stopped.stopped_at is not None
    assert (stopped.stopped_at.line, stopped.stopped_at.custom_id) == (8, "r7")
    assert stopped.stopped_at.code == "insufficient_credits"
    assert farm.caller().account.balance_mc == 50

    top_up(farm.hall, ada.account.public_id, 2_000)
    assert add(farm, ada, batch, *rows) == Taken(accepted=13, known=7)


def test_a_closed_batch_takes_no_more_rows(farm: Farm) -> None:
    ada = farm.caller()
    batch = new_batch(farm, ada)
    batches.close(farm.hall, ada.account.id, batch.id)
    with pytest.raises(Conflict) as refused:
        add(farm, ada, batch, row(farm, "a"))
    assert refused.value.public_code == "batch_closed"


def test_refused_rows_are_noted_once_and_forgotten_when_mended(farm: Farm) -> None:
    ada = farm.caller()
    batch = new_batch(farm, ada)
    refused = Rejected(7, "d1", "r7", "params.fps", "invalid_request", "Too many.")
    batch_rows.note_rejected(farm.hall, batch.id, [refused])
    batch_rows.note_rejected(farm.hall, batch.id, [refused])
    assert [page for page in batch_results.rejected(farm.hall, None, batch.id)] == [[refused]]
    assert seen(farm, batch).counts.rejected == 1
    add(farm, ada, batch, row(farm, "r7"))
    assert seen(farm, batch).counts.rejected == 0


def test_one_account_never_sees_anothers_batch(farm: Farm) -> None:
    eve = farm.caller("eve")
    batch = new_batch(farm, farm.caller("ada"))
    for door in (batches.batch, batches.close, batches.cancel, batches.pause, batches.resume):
        with pytest.raises(NotFound):
            door(farm.hall, eve.account.id, batch.id)
    with pytest.raises(NotFound):
        add(farm, eve, batch, row(farm, "a"))


def test_no_more_than_max_running_run_at_once_and_others_go_on(farm: Farm) -> None:
    farm.worker(slots=8)
    ada = farm.caller()
    batch = new_batch(farm, ada, max_running=2)
    add(farm, ada, batch, *numbered(farm, 6))
    alone = farm.submit(ada)
    first = claim_all(farm)
    assert set(first) == {"r000", "r001", "None"}  # the job without a batch is not behind the batch
    assert farm.job(alone).state is JobState.RUNNING
    finish(farm, first["r000"])
    assert set(claim_all(farm)) == {"r002"}

    batches.set_max_running(farm.hall, ada.account.id, batch.id, None)
    assert set(claim_all(farm)) == {"r003", "r004", "r005"}


def test_a_lowered_max_running_holds_back_what_has_not_started(farm: Farm) -> None:
    farm.worker(slots=2)
    ada = farm.caller()
    batch = new_batch(farm, ada)
    add(farm, ada, batch, *numbered(farm, 6, estimated_s=30))
    first = claim_all(farm)
    assert set(first) == {"r000", "r001"}
    batches.set_max_running(farm.hall, ada.account.id, batch.id, 1)
    finish(farm, first["r000"])
    assert claim_all(farm) == {}
    finish(farm, first["r001"])
    assert set(claim_all(farm)) == {"r002"}


def test_a_paused_batch_starts_nothing_and_blocks_nobody(farm: Farm) -> None:
    farm.worker(slots=2)
    ada = farm.caller()
    batch = new_batch(farm, ada)
    add(farm, ada, batch, *numbered(farm, 6, estimated_s=30))
    first = claim_all(farm)
    batches.pause(farm.hall, ada.account.id, batch.id)
    add(farm, ada, batch, row(farm, "late"))
    alone = farm.submit(ada, Probe(estimated_s=30))
    finish(farm, first["r000"])  # what runs goes on
    assert set(claim_all(farm)) == {"None"}
    assert farm.job(alone).state is JobState.RUNNING
    with farm.store.read() as connection:
        assert connection.scalars(select(lanes.c.ready)).all() == [0]

    batches.resume(farm.hall, ada.account.id, batch.id)
    finish(farm, first["r001"])
    assert set(claim_all(farm)) == {"r002"}


def test_a_paused_batch_keeps_its_retries_too(farm: Farm) -> None:
    farm.worker()
    ada = farm.caller()
    batch = new_batch(farm, ada)
    add(farm, ada, batch, row(farm, "a"))
    claimed = claim_all(farm)["a"]
    batches.pause(farm.hall, ada.account.id, batch.id)
    work.give_back(farm.hall, claimed.attempt_id, claimed.token)
    assert claim_all(farm) == {}
    batches.resume(farm.hall, ada.account.id, batch.id)
    assert set(claim_all(farm)) == {"a"}


def test_cancel_ends_all_that_waits_at_once_and_the_running_when_it_has_stopped(farm: Farm) -> None:
    farm.worker(slots=1)
    ada = farm.caller(balance_mc=100_000)
    batch = new_batch(farm, ada, webhook_url="https://example.com/hook")
    add(farm, ada, batch, *numbered(farm, 40, price_mc=100, estimated_s=30))
    claimed = claim_all(farm)["r000"]
    batches.cancel(farm.hall, ada.account.id, batch.id)
    farm.tick()
    farm.tick()
    counts = seen(farm, batch).counts
    assert (counts.cancelled, counts.queued + counts.running) == (39, 1)
    assert work.beat(farm.hall, claimed.attempt_id, claimed.token, 0.5, "").cancel
    work.finish(farm.hall, claimed.attempt_id, claimed.token, work.Report(Outcome.CANCELLED))
    farm.tick()
    farm.tick()
    ended = seen(farm, batch)
    assert (ended.state, ended.counts.cancelled, ended.counts.held_mc) == (BatchState.CANCELLED, 40, 0)
    assert farm.caller().account.balance_mc == 100_000
    assert violations(farm.store) == []


def test_cancel_of_a_batch_that_is_held_paused_and_chained_leaves_nothing(farm: Farm) -> None:
    farm.worker(slots=4)
    ada = farm.caller()
    batch = new_batch(farm, ada, max_running=2)
    add(farm, ada, batch, row(farm, "a"), row(farm, "b", "a"), *numbered(farm, 5))
    farm.tick()  # published, not claimed
    batches.pause(farm.hall, ada.account.id, batch.id)
    batches.cancel(farm.hall, ada.account.id, batch.id)
    for _ in range(4):
        farm.tick()
    assert {job.state for job in by_name(farm, batch).values()} == {JobState.CANCELLED}
    assert seen(farm, batch).state is BatchState.CANCELLED
    assert violations(farm.store) == []


def picture(name: str = "image") -> work.StoredOutput:
    return work.StoredOutput(name, f"blobs/{name}", "clean.png", "image/png", 10, "0" * 64, {})


def test_a_job_waits_for_the_one_it_needs_and_reads_its_artifact(farm: Farm) -> None:
    farm.worker(slots=4)
    ada = farm.caller()
    batch = new_batch(farm, ada)
    add(farm, ada, batch, row(farm, "clean"), row(farm, "big", "clean", inputs=["clean.image"]))
    first = claim_all(farm)
    assert set(first) == {"clean"}
    finish(farm, first["clean"], picture())
    second = claim_all(farm)
    assert [(blob.id, blob.blob_key) for blob in second["big"].inputs] == [("clean.image", "blobs/image")]
    assert second["big"].missing == []


def test_a_need_that_completed_before_is_met_and_one_that_failed_fails_what_comes(farm: Farm) -> None:
    farm.worker(slots=4)
    ada = farm.caller()
    batch = new_batch(farm, ada)
    add(farm, ada, batch, row(farm, "good"), row(farm, "bad"))
    run_all(farm, fails=["bad"])
    add(farm, ada, batch, row(farm, "after good", "good"), row(farm, "after bad", "bad"))
    assert run_all(farm) == ["after good"]
    late = by_name(farm, batch)["after bad"]
    assert (late.state, late.failure and late.failure.code) == (JobState.FAILED, "dependency_failed")


def test_a_chain_falls_with_its_first_link_and_no_further(farm: Farm) -> None:
    farm.worker(slots=4)
    ada = farm.caller(balance_mc=10_000)
    batch = new_batch(farm, ada)
    chain = [row(farm, "l0")] + [row(farm, f"l{n}", f"l{n - 1}", price_mc=10) for n in range(1, 40)]
    add(farm, ada, batch, *chain, row(farm, "beside"))
    assert sorted(run_all(farm, fails=["l0"])) == ["beside", "l0"]
    states = {name: job.state for name, job in by_name(farm, batch).items()}
    assert states.pop("beside") is JobState.COMPLETED
    assert set(states.values()) == {JobState.FAILED}
    assert farm.caller().account.balance_mc == 10_000
    assert violations(farm.store) == []


def test_a_cancelled_need_fails_what_needs_it(farm: Farm) -> None:
    ada = farm.caller()
    batch = new_batch(farm, ada)
    add(farm, ada, batch, row(farm, "a"), row(farm, "b", "a"))
    jobs.cancel(farm.hall, None, by_name(farm, batch)["a"].id)
    farm.tick()
    found = by_name(farm, batch)
    assert (found["a"].state, found["b"].state) == (JobState.CANCELLED, JobState.FAILED)


def test_a_row_that_needs_a_row_not_there_is_refused(farm: Farm) -> None:
    ada = farm.caller()
    batch = new_batch(farm, ada)
    taken = add(farm, ada, batch, row(farm, "a"), row(farm, "c", "b"), row(farm, "d", "c"))
    assert (taken.accepted, taken.rejected) == (1, 2)
    assert [item.field for page in batch_results.rejected(farm.hall, None, batch.id) for item in page] == [
        "needs",
        "needs",
    ]


def test_a_whole_chain_in_one_call_is_all_or_nothing(farm: Farm) -> None:
    farm.worker(slots=2)
    ada = farm.caller(balance_mc=100)
    with pytest.raises(BadRequest):
        batch_rows.create_with_rows(farm.hall, ada, NewBatch(), [row(farm, "b", "a")])
    assert batches.list_batches(farm.hall, ada.account.id) == []
    batch = batch_rows.create_with_rows(
        farm.hall, ada, NewBatch(), [row(farm, "a", price_mc=50), row(farm, "b", "a", price_mc=50)]
    )
    assert batch.state is BatchState.CLOSED
    assert run_all(farm) == ["a", "b"]
    farm.tick()
    assert seen(farm, batch).state is BatchState.COMPLETED


def test_retry_failed_runs_the_failed_again_with_what_needed_them(farm: Farm) -> None:
    farm.worker(slots=4)
    ada = farm.caller(balance_mc=10_000)
    batch = new_batch(farm, ada)
    add(farm, ada, batch, row(farm, "a", price_mc=100), row(farm, "b", "a", inputs=["a.image"], price_mc=100))
    add(farm, ada, batch, row(farm, "c", price_mc=100))
    batches.close(farm.hall, ada.account.id, batch.id)
    run_all(farm, fails=["a"])
    before = seen(farm, batch)
    assert (before.state, before.counts.failed, before.counts.completed) == (BatchState.COMPLETED, 2, 1)

    done = batch_retry.retry_failed(farm.hall, ada, batch.id, limit=100)
    assert (done.retried, done.remaining, done.stopped_at) == (2, 0, None)
    assert seen(farm, batch).state is BatchState.CLOSED
    finish(farm, claim_all(farm)["a"], picture())
    second = claim_all(farm)["b"]
    assert [blob.id for blob in second.inputs] == ["a.image"]
    finish(farm, second)
    farm.clock.advance(s=1.5)
    farm.tick()
    after = seen(farm, batch)
    assert (after.state, after.counts.completed, after.counts.total) == (BatchState.COMPLETED, 3, 3)
    assert farm.caller().account.balance_mc == 9_700
    assert violations(farm.store) == []


def test_one_row_is_retried_in_its_place_and_reads_what_it_needs(farm: Farm) -> None:
    farm.worker(slots=4)
    ada = farm.caller(balance_mc=1000)
    batch = new_batch(farm, ada)
    add(farm, ada, batch, row(farm, "clean", price_mc=100), row(farm, "film", "clean", price_mc=10))
    batches.close(farm.hall, None, batch.id)
    run_all(farm, fails=["film"])
    before = by_name(farm, batch)
    assert seen(farm, batch).state is BatchState.COMPLETED

    again = batch_retry.retry_row(farm.hall, ada, before["film"].id)
    assert (seen(farm, batch).state, seen(farm, batch).counts.failed) == (BatchState.CLOSED, 0)
    assert run_all(farm) == ["film"]
    assert (by_name(farm, batch)["film"].id, seen(farm, batch).counts.completed) == (again, 2)

    batch_retry.retry_row(farm.hall, ada, before["clean"].id)
    assert seen(farm, batch).counts.charged_mc == 10
    run_all(farm)
    counts = seen(farm, batch).counts
    assert (counts.completed, counts.total, counts.charged_mc) == (2, 2, 110)
    assert farm.caller().account.balance_mc == 790
    with pytest.raises(Conflict, match="later job"):
        batch_retry.retry_row(farm.hall, ada, before["film"].id)
    with pytest.raises(NotFound):
        batch_retry.retry_row(farm.hall, farm.caller("bob"), again)
    assert violations(farm.store) == []


def test_a_batch_older_than_its_tallies_is_counted_row_by_row(farm: Farm) -> None:
    farm.worker(slots=4)
    ada = farm.caller()
    batch = new_batch(farm, ada)
    with farm.store.write() as connection:
        connection.execute(update(batches_table).values(tallied=False))
    add(farm, ada, batch, *numbered(farm, 3, price_mc=100))
    running = claim_all(farm)
    assert (seen(farm, batch).counts.queued, seen(farm, batch).counts.running) == (0, 3)
    finish(farm, running["r001"], fails=True)
    finish(farm, running["r000"])
    counts = seen(farm, batch).counts
    assert (counts.completed, counts.failed, counts.running, counts.total) == (1, 1, 1, 3)


def test_counts_of_many_ends_stay_few_notes_and_exact(farm: Farm) -> None:
    farm.worker(slots=1)
    ada = farm.caller()
    batch = new_batch(farm, ada, max_running=1)
    add(farm, ada, batch, *numbered(farm, 150))
    for number in range(150):
        (claimed,) = claim_all(farm).values()
        assert seen(farm, batch).counts.running == 1
        finish(farm, claimed, fails=number % 3 == 0)
        counts = seen(farm, batch).counts
        assert (counts.completed + counts.failed, counts.total) == (number + 1, 150)
    with farm.store.read() as connection:
        assert connection.scalar(select(func.count()).select_from(batch_tallies)) <= 65
    batches.close(farm.hall, None, batch.id)
    farm.clock.advance(s=1.5)
    farm.tick()
    assert seen(farm, batch).state is BatchState.COMPLETED
    counts = seen(farm, batch).counts
    assert (counts.completed, counts.failed, counts.queued) == (100, 50, 0)
    with farm.store.read() as connection:
        assert connection.scalar(select(func.count()).select_from(batch_tallies)) == 1


def test_retry_failed_stops_where_the_credits_end(farm: Farm) -> None:
    farm.worker(slots=8)
    ada = farm.caller(balance_mc=1_000)
    batch = new_batch(farm, ada)
    add(farm, ada, batch, *numbered(farm, 10, price_mc=100))
    run_all(farm, fails=[f"r{number:03d}" for number in range(10)])
    farm.submit(ada, Probe(price_mc=650))
    done = batch_retry.retry_failed(farm.hall, ada, batch.id, limit=100)
    assert (done.retried, done.remaining) == (3, 7)
    assert done.stopped_at is not None and done.stopped_at.custom_id == "r003"


def test_a_thousand_rows_are_held_let_go_paused_and_brought_back(farm: Farm) -> None:
    farm.worker(slots=1)
    ada = farm.caller()
    batch = new_batch(farm, ada)
    rows = numbered(farm, 1000, estimated_s=30)
    for start in range(0, 1000, 200):
        add(farm, ada, batch, *rows[start : start + 200])
    assert set(claim_all(farm)) == {"r000"}
    batches.pause(farm.hall, ada.account.id, batch.id)
    with farm.store.write() as connection:  # as if its slot were free: every head of the lane comes up
        connection.execute(update(lanes).values(cap=100))
    farm.worker("w2", slots=1)
    assert claim_all(farm) == {}
    with farm.store.read() as connection:
        states = connection.scalars(select(tasks.c.state).where(tasks.c.due_at.is_(None)).distinct()).all()
    assert set(states) == {"dispatched", "waiting"}
    batches.resume(farm.hall, ada.account.id, batch.id)
    assert set(claim_all(farm)) == {"r001"}


def test_what_has_started_goes_on_when_max_running_falls_below_it(farm: Farm) -> None:
    farm.worker(slots=2)
    ada = farm.caller()
    batch = new_batch(farm, ada)
    add(farm, ada, batch, *numbered(farm, 2, estimated_s=30))
    first = claim_all(farm)
    batches.set_max_running(farm.hall, ada.account.id, batch.id, 1)
    farm.tick()
    for claimed in first.values():
        work.give_back(farm.hall, claimed.attempt_id, claimed.token)
    assert set(claim_all(farm)) == {"r000", "r001"}
