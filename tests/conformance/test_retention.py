"""Retention on both engines: what expired goes, what is needed stays, and a crash anywhere is mended."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from sqlalchemy import Connection, Table, func, insert, select, update

from farm.account import Caller
from farm.asset import Asset, NewAsset
from farm.batch import NewBatch
from farm.blobs import Blobs, BlobsUnavailable, open_blobs
from farm.doors import assets as asset_door
from farm.doors import batch_rows, batches, deliveries, jobs, money, work
from farm.doors.batch_rows import NewRow
from farm.doors.hall import Hall
from farm.doors.submit import order, submit_to_project
from farm.errors import BadRequest, FailureClass, NotFound
from farm.job import Failure, JobSpec
from farm.rules.running import RetentionRules
from farm.settings import Settings
from farm.states import JobState, Outcome
from farm.store import schema
from farm.store.engine import Store, StoreAway
from farm.store.schema import artifacts, assets, attempts, media_projects, segment_cache, tasks
from schedulers.retention.rounds import Retention
from tasks.probe import Probe
from tests.api import png
from tests.farm import Farm
from tests.invariants import violations

DAY_S = 86_400.0
PRO_DAYS, ASSET_DAYS, JOB_DAYS = 30.0, 7.0, 90.0
GRACE_S = 3_600.0
STEPS = 15  # writes and deletes of the round below
OF_A_JOB = (schema.jobs, tasks, attempts, artifacts, schema.task_needs, schema.job_needs, schema.outbox)


@dataclass
class House:
    """A farm whose files are real, and its retention."""

    farm: Farm
    blobs: Blobs
    folder: Path
    retention: Retention

    def store(self, key: str, content: bytes = b"bytes", content_type: str = "video/mp4") -> str:
        path = self.folder / "local"
        path.write_bytes(content)
        self.blobs.put(key, path, content_type)
        return key

    def upload(self, caller: Caller, name: str = "a.png") -> Asset:
        """A picture that has arrived and was checked."""
        content = png()
        new = NewAsset(name, "image/png", len(content), {})
        made = asset_door.declare(self.farm.hall, caller.account, [new])[0]
        self.store(made.blob_key, content, "image/png")
        asset_door.require_uploaded(self.farm.hall, self.blobs, [made])
        return made

    def claim(self) -> work.Claimed:
        self.farm.tick()
        claimed = self.farm.claim(self.farm.post.take()[0])
        assert claimed is not None
        return claimed

    def finish(self, claimed: work.Claimed, *names: str, outcome: Outcome = Outcome.SUCCEEDED) -> list[str]:
        """End an attempt that stored these files. Returns their keys."""
        keys = [self.store(f"{claimed.blob_prefix}/{name}") for name in names]
        outputs = [
            work.StoredOutput(n, key, "cut.mp4", "video/mp4", 5, "0" * 64, {})
            for n, key in zip(names, keys, strict=True)
        ]
        failure = None if outcome is Outcome.SUCCEEDED else Failure(FailureClass.POLICY, "policy", "no")
        report = work.Report(outcome, failure, outputs if outcome is Outcome.SUCCEEDED else ())
        assert work.finish(self.farm.hall, claimed.attempt_id, claimed.token, report)
        self.farm.tick()
        return keys

    def pass_days(self, days: float) -> None:
        self.farm.clock.advance(days * DAY_S)
        work.seen(self.farm.hall, "w1")

    def has(self, key: str) -> bool:
        return self.blobs.stat(key) is not None

    def count(self, table: Table) -> int:
        with self.farm.store.read() as connection:
            return connection.scalar(select(func.count()).select_from(table)) or 0

    def files(self) -> list[str]:
        top = self.folder / "blobs" / "objects"
        return sorted(str(path.relative_to(top)) for path in top.rglob("*") if path.is_file())


@pytest.fixture
def house(farm: Farm, tmp_path: Path) -> House:
    blobs = open_blobs(Settings(blobs_url=str(tmp_path / "blobs")), farm.hall.secrets, farm.clock)
    farm.worker()
    return House(farm, blobs, tmp_path, Retention(farm.hall, blobs))


def test_outputs_and_uploads_go_after_their_window_d_007(house: House) -> None:
    """D-007: outputs and uploaded inputs are deleted after the scheduled cleanup window."""
    ada = house.farm.caller()
    asset = house.upload(ada)
    job_id = house.farm.submit(ada, Probe(inputs=(asset.id,)))
    key = house.finish(house.claim(), "video")[0]
    assert house.retention.round() == {}

    house.pass_days(ASSET_DAYS)
    with pytest.raises(BadRequest, match=r"a\.png has expired; upload it again"):
        asset_door.require_uploaded(house.farm.hall, house.blobs, [asset])
    assert house.has(asset.blob_key)  # what was accepted before may still be on its way
    house.farm.clock.advance(GRACE_S)
    assert house.retention.round() == {"assets": 1}
    assert house.files() == [key]
    with pytest.raises(NotFound):
        asset_door.asset(house.farm.hall, ada.account, asset.id)

    house.pass_days(PRO_DAYS - ASSET_DAYS)
    assert jobs.job_artifacts(house.farm.hall, None, job_id) == []
    assert house.retention.round() == {"artifacts": 1}
    assert house.files() == []
    assert house.farm.job(job_id).state is JobState.COMPLETED
    assert jobs.had_output(house.farm.hall, None, job_id, "video")
    assert not jobs.had_output(house.farm.hall, None, job_id, "audio")


def test_a_file_that_an_open_job_needs_waits_for_it(house: House) -> None:
    ada = house.farm.caller()
    needed, other = house.upload(ada, "needed.png"), house.upload(ada, "other.png")
    house.farm.submit(ada, Probe(inputs=(needed.id,)))
    claimed = house.claim()
    house.pass_days(ASSET_DAYS + 1)
    assert house.retention.round() == {"assets": 1}
    assert (house.has(needed.blob_key), house.has(other.blob_key)) == (True, False)
    assert house.retention.round() == {}  # put off, not asked about in every round

    house.finish(claimed)
    house.farm.clock.advance(GRACE_S)
    assert house.retention.round() == {"assets": 1}
    assert not house.has(needed.blob_key)


def test_a_file_that_another_job_of_the_batch_needs_waits_for_it(house: House) -> None:
    farm, ada = house.farm, house.farm.caller()
    batch = batches.create(farm.hall, ada, NewBatch())
    plan = order(farm.hall, JobSpec(params=Probe()))
    rows = [NewRow(1, "clean", "clean", plan), NewRow(2, "cut", "cut", plan, ("clean",))]
    batch_rows.take(farm.hall, ada, batch.id, rows)
    key = house.finish(house.claim(), "image")[0]
    batches.pause(farm.hall, None, batch.id)
    house.pass_days(PRO_DAYS + 1)
    assert house.retention.round() == {}
    assert house.has(key)

    batches.cancel(farm.hall, None, batch.id)
    for _ in range(4):
        farm.clock.advance(2)
        farm.tick()
    house.pass_days(1)
    assert house.retention.round()["artifacts"] == 1
    assert not house.has(key)


def test_a_blob_goes_with_the_last_row_that_uses_it(house: House) -> None:
    ada = house.farm.caller()
    house.farm.submit(ada)
    key = house.finish(house.claim(), "segment")[0]
    keep_segment(house, ada, key, used_at=house.farm.clock.now() + PRO_DAYS * DAY_S)
    house.pass_days(PRO_DAYS + 1)
    assert house.retention.round() == {"artifacts": 1}
    assert house.has(key)
    house.pass_days(7)
    refer(house, segment_cache, 1)
    assert house.retention.round() == {}
    refer(house, segment_cache, 0)
    assert house.retention.round() == {"segments": 1}
    assert house.files() == []


def test_an_artifact_that_others_use_outlives_its_day(house: House) -> None:
    house.farm.submit(house.farm.caller())
    key = house.finish(house.claim(), "video")[0]
    refer(house, artifacts, 2)
    house.pass_days(PRO_DAYS + 1)
    assert house.retention.round() == {}
    refer(house, artifacts, 1)
    assert house.retention.round() == {"artifacts": 1}
    assert not house.has(key)


def test_what_failed_attempts_left_goes_after_a_day(house: House) -> None:
    ada = house.farm.caller()
    house.farm.submit(ada)
    left = house.finish(house.claim(), "half", outcome=Outcome.FAILED)[0]
    house.farm.submit(ada)
    won = house.finish(house.claim(), "video")[0]
    house.farm.clock.advance(DAY_S - 1)
    assert house.retention.round() == {}
    house.farm.clock.advance(2)
    assert house.retention.round() == {"attempts": 1}
    assert (house.has(left), house.has(won)) == (False, True)
    assert house.retention.round() == {}


def test_an_ended_job_is_forgotten_and_the_ledger_is_not(house: House) -> None:
    ada = house.farm.caller(balance_mc=10_000)
    job_id = house.farm.submit(ada, Probe(price_mc=2_500), webhook_url="https://example.com/hook")
    late = house.finish(house.claim(), "video")[0]
    house.store(late.replace("/video", "/forgotten"))
    tell_all(house)
    before = money.history(house.farm.hall, ada.account.id)

    house.pass_days(JOB_DAYS - 1)
    assert house.retention.round() == {"artifacts": 1}
    house.pass_days(1)
    assert house.retention.round() == {"jobs": 1}
    assert {table.name: house.count(table) for table in OF_A_JOB} == {table.name: 0 for table in OF_A_JOB}
    assert house.files() == []
    with pytest.raises(NotFound):
        house.farm.job(job_id)
    after = money.history(house.farm.hall, ada.account.id)
    assert [(entry.amount_mc, entry.job_id) for entry in after] == [
        (entry.amount_mc, entry.job_id) for entry in before
    ]
    assert job_id in {entry.job_id for entry in after}
    assert house.farm.caller().account.balance_mc == 7_500
    assert violations(house.farm.store) == []


def test_a_job_whose_webhook_is_still_to_be_sent_stays(house: House) -> None:
    house.farm.submit(house.farm.caller(), webhook_url="https://example.com/hook")
    house.finish(house.claim())
    house.pass_days(JOB_DAYS + 1)
    assert "jobs" not in house.retention.round()
    tell_all(house, delivery="pending")
    assert "jobs" not in house.retention.round()
    told(house, "delivered")
    assert house.retention.round()["jobs"] == 1
    assert house.count(schema.deliveries) == 0
    assert deliveries.list_deliveries(house.farm.hall, None) == []


def test_a_batch_is_forgotten_as_a_whole_once_it_has_ended_long_ago(house: House) -> None:
    farm, ada = house.farm, house.farm.caller()
    batch = batches.create(farm.hall, ada, NewBatch())
    plan = order(farm.hall, JobSpec(params=Probe()))
    rows = [NewRow(1, "clean", "clean", plan), NewRow(2, "cut", "cut", plan, ("clean",))]
    batch_rows.take(farm.hall, ada, batch.id, [*rows, NewRow(3, "bad", "bad", plan, ("nobody",))])
    for _ in rows:
        house.finish(house.claim())
        farm.tick()
    house.pass_days(JOB_DAYS + 1)
    assert "jobs" not in house.retention.round()  # still open: a row sent again must be known
    batches.close(farm.hall, None, batch.id)
    farm.clock.advance(2)
    farm.tick()
    assert house.retention.round() == {}
    house.pass_days(JOB_DAYS + 1)
    assert house.retention.round() == {"jobs": 2, "batches": 2}  # with its refused row
    with pytest.raises(NotFound):
        batches.batch(farm.hall, None, batch.id)


def test_a_media_project_lives_as_long_as_its_render(house: House) -> None:
    farm, ada = house.farm, house.farm.caller()
    project = asset_door.create_project(farm.hall, ada.account, "Trip")
    new = NewAsset("a.png", "image/png", 10, {})
    asset_door.declare(farm.hall, ada.account, [new], project)
    submit_to_project(farm.hall, ada, JobSpec(params=Probe()), project.id)
    house.finish(house.claim())
    house.pass_days(ASSET_DAYS + 1)
    assert house.retention.round() == {"assets": 1}
    assert asset_door.project(farm.hall, ada.account, project.id).id == project.id
    house.pass_days(JOB_DAYS)
    assert house.retention.round() == {"jobs": 1, "projects": 1}
    assert house.count(media_projects) == 0


@pytest.mark.parametrize("crash", range(STEPS * 2))
def test_a_crash_at_any_step_is_mended_by_the_next_round(
    house: House, monkeypatch: pytest.MonkeyPatch, crash: int
) -> None:
    """Writes and blob deletes, counted together, fail before they are done or after."""
    ada = house.farm.caller(balance_mc=10_000)
    asset = house.upload(ada)
    house.farm.submit(ada, Probe(price_mc=500, inputs=(asset.id,)))
    house.finish(house.claim(), "video", "poster")
    house.farm.submit(ada)
    house.finish(house.claim(), "half", outcome=Outcome.FAILED)
    house.pass_days(JOB_DAYS + 1)

    failing = Crash(crash)
    with monkeypatch.context() as patch, failing.within(patch, house):
        house.retention.round()
    assert failing.left < 0
    hall = house.farm.hall
    shown = [file for job in jobs.list_jobs(hall, None) for file in jobs.job_artifacts(hall, None, job.id)]
    assert all(house.has(file.blob_key) for file in shown)
    visible = asset_door.assets_named(house.farm.hall, ada.account, [asset.id])
    assert all(house.has(found.blob_key) for found in visible.values())

    house.retention.round()
    assert house.files() == []
    assert [house.count(table) for table in (*OF_A_JOB, assets)] == [0] * (len(OF_A_JOB) + 1)
    assert violations(house.farm.store) == []
    assert house.retention.round() == {}


def test_a_dry_run_tells_and_changes_nothing(house: House) -> None:
    ada = house.farm.caller()
    house.upload(ada)
    house.farm.submit(ada)
    house.finish(house.claim(), "video")
    house.farm.submit(ada)
    house.finish(house.claim(), "half", outcome=Outcome.FAILED)
    house.pass_days(JOB_DAYS + 1)
    before = house.files()
    said = house.retention.preview()
    assert {name: rows for name, (rows, _) in said.items() if rows} == {
        "artifacts": 1,
        "assets": 1,
        "attempts": 1,
        "jobs": 1,  # the other one's file goes first
    }
    assert said["artifacts"][1] == 5
    assert house.files() == before
    assert house.count(artifacts) == 1


def test_a_round_keeps_to_its_pace_and_its_share(house: House) -> None:
    ada = house.farm.caller()
    for number in range(7):
        house.upload(ada, f"{number}.png")
    house.pass_days(ASSET_DAYS + 1)
    rules = house.farm.hall.catalog.retention.model_copy(
        update={"at_once": 2, "rows_per_s": 4.0, "rows_per_round": 5}
    )
    waited: list[float] = []
    slow = Retention(with_rules(house, rules), house.blobs, note(waited))
    assert slow.round() == {"assets": 6}  # the page in hand is finished
    assert waited == [0.5] * 3
    assert slow.round() == {"assets": 1}


def test_telling_it_to_stop_ends_the_round(house: House) -> None:
    ada = house.farm.caller()
    for number in range(3):
        house.upload(ada, f"{number}.png")
    house.pass_days(ASSET_DAYS + 1)
    rules = house.farm.hall.catalog.retention.model_copy(update={"at_once": 1})
    stopped = Retention(with_rules(house, rules), house.blobs, lambda _seconds: True)
    stopped.run()
    assert house.count(assets) == 2


class Crash(Exception):
    """Fails the step of that number; the even ones before they happen, the odd ones after."""

    def __init__(self, number: int) -> None:
        super().__init__(f"step {number}")
        self.left = number // 2
        self.after = bool(number % 2)

    @contextmanager
    def within(self, patch: pytest.MonkeyPatch, house: House) -> Iterator[None]:
        write, delete, delete_prefix = Store.write, house.blobs.delete, house.blobs.delete_prefix

        @contextmanager
        def writing(store: Store, **options: bool) -> Iterator[Connection]:
            here = self._comes()
            if here and not self.after:
                raise StoreAway("killed before")
            with write(store, **options) as connection:
                yield connection
            if here:
                raise StoreAway("killed after")

        patch.setattr(Store, "write", writing)
        patch.setattr(house.blobs, "delete", self._around(delete))
        patch.setattr(house.blobs, "delete_prefix", self._around(delete_prefix))
        try:
            yield
        except (StoreAway, BlobsUnavailable):
            return

    def _around(self, act: Callable[[str], None]) -> Callable[[str], None]:
        def acting(key: str) -> None:
            here = self._comes()
            if here and not self.after:
                raise BlobsUnavailable("killed before")
            act(key)
            if here:
                raise BlobsUnavailable("killed after")

        return acting

    def _comes(self) -> bool:
        self.left -= 1
        return self.left == -1


def keep_segment(house: House, caller: Caller, key: str, used_at: float) -> None:
    values = {"key": "s1", "blob_key": key, "size_bytes": 5, "created_at": used_at, "used_at": used_at}
    with house.farm.store.write() as connection:
        connection.execute(insert(segment_cache).values(account_id=caller.account.id, **values))


def refer(house: House, table: Table, number: int) -> None:
    with house.farm.store.write() as connection:
        connection.execute(update(table).values(references=number))


def tell_all(house: House, delivery: str = "delivered") -> None:
    """Play the deliverer: every event was fanned out, with one delivery each."""
    now = house.farm.clock.now()
    with house.farm.store.write() as connection:
        connection.execute(update(schema.outbox).values(state="told"))
        for event in connection.execute(select(schema.outbox)).all():
            values = {
                "public_id": f"dlv_{event.id}",
                "account_id": event.account_id,
                "outbox_id": event.id,
                "target": "job",
                "webhook_id": f"w{event.id}",
                "subject": "job",
                "state": delivery,
                "due_at": now,
                "created_at": now,
            }
            connection.execute(insert(schema.deliveries).values(values))


def told(house: House, state: str) -> None:
    with house.farm.store.write() as connection:
        connection.execute(update(schema.deliveries).values(state=state))


def with_rules(house: House, rules: RetentionRules) -> Hall:
    catalog = house.farm.hall.catalog.model_copy(update={"retention": rules})
    return replace(house.farm.hall, catalog=catalog)


def note(waited: list[float]) -> Callable[[float], bool]:
    def wait(seconds: float) -> bool:
        if seconds:
            waited.append(seconds)
        return False

    return wait
