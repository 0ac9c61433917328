"""Segments in the store, on both engines: made once, taken again, shown to nobody, kept while needed."""

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

from sqlalchemy import select

from farm.account import Caller
from farm.blobs import open_blobs
from farm.doors import jobs, work
from farm.errors import FailureClass
from farm.job import Failure
from farm.kinds import CachedOutput, TaskSpec
from farm.settings import Settings
from farm.states import JobState, Outcome, TaskState
from farm.store.schema import artifacts, segment_cache
from schedulers.retention import files
from schedulers.retention.shelves import shelves, used_elsewhere
from tests.farm import Farm
from tests.invariants import violations
from tests.unit.test_media_render_segments import film


def segment(number: int, key: str) -> TaskSpec:
    made = CachedOutput(key=key, name="segment", file_name="segment.mp4", content_type="video/mp4")
    return TaskSpec(name=f"segment-{number}", step="probe", pool="cpu-render", cached=made)


def join(segments: Sequence[TaskSpec]) -> TaskSpec:
    needs = tuple(task.name for task in segments)
    return TaskSpec(name="render", step="probe", pool="cpu-render", needs=needs)


def stored(claimed: work.Claimed, key: str | None, name: str = "segment") -> work.StoredOutput:
    """A file of this attempt: a segment with a key, else what the customer gets."""
    blob = f"{claimed.blob_prefix}/{name}"
    return work.StoredOutput(name, blob, f"{name}.mp4", "video/mp4", 10, "0" * 64, {}, key is not None, key)


def started(farm: Farm, caller: Caller, *keys: str) -> str:
    """A job whose first task has grown a segment for each key, and the task that joins them."""
    job_id = farm.submit(caller)
    tasks = [segment(number, key) for number, key in enumerate(keys)]
    farm.run_next(tasks=[*tasks, join(tasks)])
    return job_id


def done_from_the_start(farm: Farm, job_id: str) -> list[bool]:
    """Of each segment of a job that has just grown them: whether it was there already."""
    tasks = [task for task in farm.job(job_id).tasks if task.name.startswith("segment-")]
    return [task.state is TaskState.SUCCEEDED for task in tasks]


def render_next(farm: Farm, key: str | None, name: str = "segment") -> work.Claimed:
    """Run the task whose turn it is; it makes one file."""
    farm.tick()
    claimed = farm.claim(farm.post.take()[0])
    assert claimed is not None
    report = work.Report(Outcome.SUCCEEDED, outputs=[stored(claimed, key, name)])
    work.finish(farm.hall, claimed.attempt_id, claimed.token, report)
    farm.tick()
    return claimed


def cached_keys(farm: Farm) -> dict[str, str]:
    with farm.store.read() as connection:
        return {row.key: row.blob_key for row in connection.execute(select(segment_cache))}


def held_segments(farm: Farm) -> set[str]:
    """What retention would leave for open jobs, if all of it had expired."""
    shelf = next(shelf for shelf in shelves(farm.hall.catalog) if shelf.name == "segments")
    with farm.store.read() as connection:
        rows = connection.execute(shelf.due(farm.clock.now() + 365 * 86_400, 100)).all()
        return shelf.held(connection, rows)


def test_a_second_render_makes_only_what_has_changed(farm: Farm) -> None:
    farm.worker()
    ada = farm.caller()
    first = started(farm, ada, "k0", "k1", "k2")
    for key in ("k0", "k1", "k2"):
        render_next(farm, key)
    render_next(farm, None, "video")
    assert farm.job(first).state is JobState.COMPLETED
    before = cached_keys(farm)

    second = started(farm, ada, "k0", "changed", "k2")
    assert done_from_the_start(farm, second) == [True, False, True]
    assert 0 < farm.job(second).progress < 1  # what is there counts as done
    render_next(farm, "changed")
    joining = render_next(farm, None, "video")
    # The join has all three: its own job's, and those of the job before.
    assert {blob.id: blob.blob_key for blob in joining.inputs} == {
        "segment-0.segment": before["k0"],
        "segment-1.segment": cached_keys(farm)["changed"],
        "segment-2.segment": before["k2"],
    }
    assert farm.job(second).state is JobState.COMPLETED
    assert len(farm.attempts(second)) == 3  # the first task, one segment, the join
    assert violations(farm.store) == []


def test_a_render_of_what_is_all_there_only_joins(farm: Farm) -> None:
    farm.worker()
    ada = farm.caller()
    started(farm, ada, "k0")
    render_next(farm, "k0")
    render_next(farm, None, "video")
    again = started(farm, ada, "k0")
    render_next(farm, None, "video")
    assert farm.job(again).state is JobState.COMPLETED
    assert len(farm.attempts(again)) == 2


def test_another_account_never_gets_ones_segments(farm: Farm) -> None:
    farm.worker()
    started(farm, farm.caller("ada"), "k0")
    render_next(farm, "k0")
    render_next(farm, None, "video")
    bob = started(farm, farm.caller("bob"), "k0")
    assert done_from_the_start(farm, bob) == [False]


def test_the_first_to_be_made_is_kept(farm: Farm) -> None:
    farm.worker()
    ada = farm.caller()
    started(farm, ada, "k0", "k0")  # the same picture twice, asked for at once
    first, second = render_next(farm, "k0"), render_next(farm, "k0")
    assert cached_keys(farm) == {"k0": f"{first.blob_prefix}/segment"}
    joining = render_next(farm, None, "video")
    assert [blob.blob_key for blob in joining.inputs] == [
        f"{claimed.blob_prefix}/segment" for claimed in (first, second)
    ]


def test_nobody_is_shown_an_intermediate_file(farm: Farm) -> None:
    farm.worker()
    job_id = started(farm, farm.caller(), "k0")
    render_next(farm, "k0")
    assert jobs.job_artifacts(farm.hall, None, job_id) == []
    render_next(farm, None, "video")
    assert [file.name for file in jobs.job_artifacts(farm.hall, None, job_id)] == ["video"]
    assert not jobs.had_output(farm.hall, None, job_id, "segment")
    assert jobs.had_output(farm.hall, None, job_id, "video")


def test_a_segment_stays_while_a_job_needs_it_and_its_blob_while_anything_names_it(farm: Farm) -> None:
    farm.worker()
    ada = farm.caller()
    started(farm, ada, "k0", "k1")
    render_next(farm, "k0")
    assert held_segments(farm) == {"k0"}
    render_next(farm, "k1")
    render_next(farm, None, "video")
    assert held_segments(farm) == set()
    started(farm, ada, "k0", "k2")  # takes one of them, and counts it as used
    assert held_segments(farm) == {"k0"}
    blob = cached_keys(farm)["k0"]
    with farm.store.write() as connection:
        connection.execute(segment_cache.delete())
        assert used_elsewhere(connection, [blob]) == {blob}  # by the intermediate files of both jobs


def test_a_segment_that_is_being_deleted_is_made_again(farm: Farm) -> None:
    farm.worker()
    ada = farm.caller()
    started(farm, ada, "k0")
    render_next(farm, "k0")
    render_next(farm, None, "video")
    with farm.store.write() as connection:
        connection.execute(segment_cache.update().values(expired=True))
    again = started(farm, ada, "k0")
    assert done_from_the_start(farm, again) == [False]


def test_a_lost_worker_costs_its_segment_only(farm: Farm) -> None:
    farm.worker()
    job_id = started(farm, farm.caller(), "k0", "k1")
    render_next(farm, "k0")
    farm.tick()
    assert farm.claim(farm.post.take()[0]) is not None  # and is never heard of again
    farm.clock.advance(s=13)
    farm.worker()
    farm.tick()
    render_next(farm, "k1")
    render_next(farm, None, "video")
    assert farm.job(job_id).state is JobState.COMPLETED
    outcomes = [attempt.outcome for attempt in farm.attempts(job_id)]
    assert outcomes.count(Outcome.LOST) == 1 and len(outcomes) == 5


def test_a_segment_that_fails_for_good_fails_the_job_with_its_reason(farm: Farm) -> None:
    farm.worker(slots=2)
    job_id = started(farm, farm.caller(balance_mc=1_000), "k0", "k1", "k2")
    farm.tick()
    failing, running = (farm.claim(message) for message in farm.post.take()[:2])
    assert failing is not None and running is not None
    why = Failure(FailureClass.INVALID_INPUT, "asset_unreadable", "beach.jpg cannot be read.")
    work.finish(farm.hall, failing.attempt_id, failing.token, work.Report(Outcome.FAILED, why))
    farm.tick()
    job = farm.job(job_id)
    assert (job.state, job.failure) == (JobState.FAILED, why)
    assert work.beat(farm.hall, running.attempt_id, running.token, 0.5, "render").cancel
    states = {task.name: task.state for task in job.tasks}
    assert states["segment-2"] == states["render"] == TaskState.CANCELLED
    work.finish(farm.hall, running.attempt_id, running.token, work.Report(Outcome.CANCELLED))
    farm.tick()
    assert violations(farm.store) == []


def test_a_job_cancelled_midway_stops_all_its_segments(farm: Farm) -> None:
    farm.worker(slots=2)
    ada = farm.caller()
    job_id = started(farm, ada, "k0", "k1", "k2", "k3")
    render_next(farm, "k0")
    farm.tick()
    running = [farm.claim(message) for message in farm.post.take()]
    jobs.cancel(farm.hall, None, job_id)
    farm.tick()
    for claimed in running:
        assert claimed is not None
        assert work.beat(farm.hall, claimed.attempt_id, claimed.token, 0.5, "render").cancel
        work.finish(farm.hall, claimed.attempt_id, claimed.token, work.Report(Outcome.CANCELLED))
    farm.tick()
    assert farm.job(job_id).state is JobState.CANCELLED
    assert farm.tick() == []
    resumed = started(farm, ada, "k0", "k1")  # what was made before the cancel is there
    assert done_from_the_start(farm, resumed) == [True, False]


def test_what_did_not_make_a_whole_is_not_taken_again(farm: Farm) -> None:
    farm.worker()
    ada = farm.caller()
    job_id = started(farm, ada, "k0", "k1")
    render_next(farm, "k0")
    render_next(farm, "k1")
    while farm.job(job_id).state not in (JobState.FAILED, JobState.COMPLETED):
        farm.fail_next(FailureClass.CORRUPT_OUTPUT, "the segments do not fit")
        farm.clock.advance(s=60)
        farm.worker()
        farm.tick()
    assert cached_keys(farm) == {}
    with farm.store.read() as connection:  # they are still the job's own, until retention takes them
        assert len(connection.execute(select(artifacts)).all()) == 2


def test_a_segment_that_is_taken_while_retention_looks_stays(farm: Farm, tmp_path: Path) -> None:
    farm.worker()
    ada = farm.caller()
    started(farm, ada, "k0", "k1")
    render_next(farm, "k0")
    render_next(farm, "k1")
    render_next(farm, None, "video")
    shelf = next(shelf for shelf in shelves(farm.hall.catalog) if shelf.name == "segments")
    farm.clock.advance(s=shelf.keep_s + 1)
    now = farm.clock.now()
    ((rows, _kept),) = list(files.pages(farm.hall, shelf, now, 100))
    assert {row.key for row in rows} == {"k0", "k1"}
    farm.worker()
    started(farm, ada, "k0")  # between the look and the deed
    blobs = open_blobs(Settings(home=tmp_path), farm.hall.secrets)
    assert files.let_go(farm.hall, blobs, shelf, rows, now) == 1
    assert cached_keys(farm).keys() == {"k0"}


def test_progress_counts_what_is_still_to_come_and_never_falls(farm: Farm) -> None:
    farm.worker()
    job_id = farm.submit(farm.caller(), film(10))
    farm.tick()
    claimed = farm.claim(farm.post.take()[0])
    assert claimed is not None
    seen = [farm.job(job_id).progress]
    for done in (0.5, 1.0):
        work.beat(farm.hall, claimed.attempt_id, claimed.token, done, "files")
        seen.append(farm.job(job_id).progress)
    parts = [segment(number, f"k{number}").model_copy(update={"estimated_s": 45.0}) for number in range(10)]
    report = work.Report(Outcome.SUCCEEDED, tasks=[*parts, join(parts)])
    work.finish(farm.hall, claimed.attempt_id, claimed.token, report)
    farm.tick()
    seen.append(farm.job(job_id).progress)
    for number in range(10):
        render_next(farm, f"k{number}")
        seen.append(farm.job(job_id).progress)
    assert seen == sorted(seen) and seen[0] == 0 and seen[3] < 0.02
    assert all(after - before < 0.12 for before, after in pairwise(seen))
