"""Segments where something else went wrong, on both engines. Each of these was found by a reader."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from farm.account import Caller
from farm.blobs import Blobs, open_blobs
from farm.doors import backup, work
from farm.errors import FailureClass, NotFound
from farm.job import Failure
from farm.settings import Settings
from farm.states import JobState, Outcome
from farm.store.schema import segment_cache
from schedulers.retention.rounds import Retention
from tasks.probe import Probe
from tests.conformance.test_segments import cached_keys, done_from_the_start, join, segment, started, stored
from tests.farm import Farm
from tests.invariants import violations

_DAY_S = 86_400.0


@dataclass
class Rig:
    """A farm with real files, and somebody who renders."""

    farm: Farm
    blobs: Blobs
    folder: Path
    ada: Caller

    def render(self, key: str | None, name: str = "segment") -> str:
        """Run the task whose turn it is; it makes one file. Returns that file's key."""
        self.farm.tick()
        claimed = self.farm.claim(self.farm.post.take()[0])
        assert claimed is not None
        output = stored(claimed, key, name)
        local = self.folder / "local"
        local.write_bytes(b"bytes")
        self.blobs.put(output.blob_key, local, output.content_type)
        report = work.Report(Outcome.SUCCEEDED, outputs=[output])
        assert work.finish(self.farm.hall, claimed.attempt_id, claimed.token, report)
        self.farm.tick()
        return output.blob_key

    def fail(self, job_id: str, failure: Failure) -> None:
        """Let the job's tasks fail until nothing more is tried; what else comes up is put back."""
        while self.farm.job(job_id).state is not JobState.FAILED:
            self.farm.tick()
            for message in self.farm.post.take():
                claimed = self.farm.claim(message)
                if claimed is None:  # its lease was over
                    continue
                report = work.Report(Outcome.RETURNED)
                if claimed.job_id == job_id:
                    report = work.Report(Outcome.FAILED, failure)
                work.finish(self.farm.hall, claimed.attempt_id, claimed.token, report)
            self.farm.tick()
            self.pass_s(60)

    def pass_s(self, seconds: float) -> None:
        self.farm.clock.advance(seconds)
        self.farm.worker()

    def has(self, key: str) -> bool:
        return self.blobs.stat(key) is not None


@pytest.fixture
def rig(farm: Farm, tmp_path: Path) -> Iterator[Rig]:
    blobs = open_blobs(Settings(blobs_url=str(tmp_path / "blobs")), farm.hall.secrets, farm.clock)
    farm.worker()
    yield Rig(farm, blobs, tmp_path, farm.caller())


def test_a_restore_forgets_a_segment_without_its_file_whoever_names_it(rig: Rig) -> None:
    """Else each render after it would take the segment, count as done, and fail at its join."""
    farm = rig.farm
    started(farm, rig.ada, "k0", "k1")
    gone = rig.render("k0")
    rig.blobs.delete(gone)  # the job's own intermediate file names it too
    found = backup.adopt(farm.hall, rig.blobs, "tests", {})
    assert cached_keys(farm) == {}
    assert (found.segments_forgotten, found.missing) == (1, (gone,))


def test_a_restore_misses_nothing_that_no_job_needs(rig: Rig) -> None:
    """A backup may lack the segments of a job that had ended: retention was deleting them meanwhile."""
    farm = rig.farm
    started(farm, rig.ada, "k0")
    gone = rig.render("k0")
    rig.render(None, "video")
    rig.blobs.delete(gone)
    found = backup.adopt(farm.hall, rig.blobs, "tests", {})
    assert (found.segments_forgotten, found.missing) == (1, ())


def test_a_segment_whose_file_is_gone_fails_one_job_and_no_other(rig: Rig) -> None:
    farm = rig.farm
    started(farm, rig.ada, "k0")
    gone = rig.render("k0")
    rig.render(None, "video")
    rig.blobs.delete(gone)
    unlucky = started(farm, rig.ada, "k0")
    rig.fail(unlucky, Failure(FailureClass.INVALID_INPUT, "asset_missing", "'segment.mp4' is not there."))
    assert farm.job(unlucky).state is JobState.FAILED
    again = started(farm, rig.ada, "k0")
    assert done_from_the_start(farm, again) == [False]


def test_a_job_that_is_forgotten_takes_no_file_that_another_one_needs(rig: Rig) -> None:
    """Two jobs took a segment of an old one; the first of them failed, so that nobody takes it any more."""
    farm, retention = rig.farm, Retention(rig.farm.hall, rig.blobs)
    old = started(farm, rig.ada, "k0")
    key = rig.render("k0")
    rig.render(None, "video")
    for _ in range(10):  # renders take it all the time
        rig.pass_s(10 * _DAY_S)
        with farm.store.write() as connection:
            connection.execute(segment_cache.update().values(used_at=farm.clock.now()))
        retention.round()
    failing, needing = started_both(rig, "k0")
    rig.fail(failing, Failure(FailureClass.CORRUPT_OUTPUT, "corrupt", "the segments do not fit"))
    assert cached_keys(farm) == {}
    retention.round()
    assert rig.has(key)
    rig.render(None, "video")
    assert farm.job(needing).state is JobState.COMPLETED

    rig.pass_s(_DAY_S)
    retention.round()  # the files of both
    retention.round()  # and now the old job
    assert not rig.has(key)
    with pytest.raises(NotFound):
        farm.job(old)


def started_both(rig: Rig, key: str) -> tuple[str, str]:
    """Two jobs that have both grown this one segment before any of them goes on."""
    farm = rig.farm
    ids = farm.submit(rig.ada), farm.submit(rig.ada)
    task, begun = segment(0, key), set[str]()
    while begun != {*ids}:
        farm.tick()
        for message in farm.post.take():
            claimed = farm.claim(message)
            assert claimed is not None
            report = work.Report(Outcome.RETURNED)
            if claimed.job_id not in begun:
                report = work.Report(Outcome.SUCCEEDED, tasks=[task, join([task])])
            work.finish(farm.hall, claimed.attempt_id, claimed.token, report)
            begun.add(claimed.job_id)
    return ids


def test_a_job_all_of_whose_tasks_are_there_already_ends_with_the_one_that_grew_them(rig: Rig) -> None:
    farm = rig.farm
    started(farm, rig.ada, "k0", "k1")
    for key in ("k0", "k1"):
        rig.render(key)
    rig.render(None, "video")
    metered = farm.submit(rig.ada, Probe(price_mc=700), max_running=1)
    farm.run_next(tasks=[segment(0, "k0"), segment(1, "k1")])
    job = farm.job(metered)
    assert (job.state, job.progress, len(farm.attempts(metered))) == (JobState.COMPLETED, 1.0, 1)
    assert farm.ledger(metered) == [("hold", -700), ("settle", 0)]
    assert violations(farm.store) == []
