"""Backed up under load, lost whole, put back: what was promised before the backup is kept after it.

Both stores by the commands of deploy/BACKUP.md: `farm backup` for an embedded farm, pg_dump and a copy of the
bucket for PostgreSQL and S3.
"""

import copy
import json
import shutil
import stat
import subprocess
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import boto3.session
import httpx
import pytest
from sqlalchemy import select

from farm.blobs import open_blobs
from farm.blobs.s3 import S3Location
from farm.cli.running import ownership
from farm.secrets import Secrets
from farm.settings import Settings
from farm.store.schema import accounts, artifacts, deliveries
from tests.api import api_under
from tests.command import farm as farm_command
from tests.command import farm_json
from tests.integration.test_api_native import asset, render
from tests.invariants import violations
from tests.leftovers import leftovers, stored_keys
from tests.postgres import Postgres
from tests.processes import is_running
from tests.receiver import Receiver, answer, receiving
from tests.running import RunningFarm, answers, embedded_farm, eventually, production_farm

pytestmark = pytest.mark.slow

POOLS = ("cpu-render", "asr-align")
FREE = POOLS[1]  # the other is kept busy
CREDITS_MC = 100_000
PRICE_MC = 1_000
BYTES = 20_000
WAITING = 6
MOST_LOAD = 50  # a thread; all of it is worked off in the end
# A webhook that failed is still pending when all is lost, and is tried again soon after.
CONFIG = """
[outbound]
allow_hosts = ["127.0.0.1:{port}"]
[webhooks]
job_retry_after_s = [12.0, 600.0]
endpoint_retry_after_s = [12.0, 600.0]
look_s = 0.05
"""


class Keeper(Protocol):
    """Backs a farm up, loses its data once its processes are gone, and puts it back."""

    def back_up(self, farm: RunningFarm) -> None: ...

    def lose(self, farm: RunningFarm) -> None: ...

    def put_back(self, farm: RunningFarm) -> RunningFarm:
        """The farm again, its parts started."""
        ...


@dataclass
class EmbeddedKeeper:
    """`farm backup`, `rm -r`, `farm restore`."""

    backup: Path
    config: str
    stack: ExitStack

    def back_up(self, farm: RunningFarm) -> None:
        told = json.loads(farm.run("backup", str(self.backup), "--json"))
        assert (told["blobs"], told["secret"]) == ("here", "here")
        assert told["blob_files"] > 0

    def lose(self, farm: RunningFarm) -> None:
        shutil.rmtree(farm.settings.root)

    def put_back(self, farm: RunningFarm) -> RunningFarm:
        assert "is as it was at" in farm.run("restore", str(self.backup))
        return self.stack.enter_context(embedded_farm(farm.logs, fast=True, pools=POOLS, config=self.config))


@dataclass
class ProductionKeeper:
    """pg_dump first, then a copy of every object; pg_restore, the objects, `farm restore --in-place`."""

    backup: Path
    postgres: Postgres
    stack: ExitStack

    def back_up(self, farm: RunningFarm) -> None:
        url = farm.environment["FARM_DATABASE_URL"]
        self.postgres.tool("pg_dump", "--format=custom", f"--file={self.backup}", url)
        client, at = _bucket(farm)
        for key in stored_keys(farm):
            _copy(client, at.bucket, at.prefix + key, f"backup/{at.prefix}{key}")

    def lose(self, farm: RunningFarm) -> None:
        """The database is simply not used again."""
        client, at = _bucket(farm)
        for key in stored_keys(farm):
            client.delete_object(Bucket=at.bucket, Key=at.prefix + key)

    def put_back(self, farm: RunningFarm) -> RunningFarm:
        url = self.postgres.fresh()
        self.postgres.tool("pg_restore", "--no-owner", "--exit-on-error", f"--dbname={url}", str(self.backup))
        client, at = _bucket(farm)
        pages = client.get_paginator("list_objects_v2").paginate(
            Bucket=at.bucket, Prefix=f"backup/{at.prefix}"
        )
        for key in [found["Key"] for page in pages for found in page["Contents"]]:
            _copy(client, at.bucket, key, key.removeprefix("backup/"))
        environment = {**farm.environment, "FARM_DATABASE_URL": url}
        again = RunningFarm(
            "production", farm.urls[:1], farm.key, environment, [], farm.logs, farm.valkey, ExitStack()
        )
        self.stack.enter_context(again.stack)
        assert "files are there" in again.run("restore", "--in-place")
        again.start("api", "--port", farm.url.rpartition(":")[2])
        again.start("scheduler")
        for pool in POOLS:
            again.start("worker", pool, "--name", f"{pool} of another host")
        eventually(lambda: answers(farm.url), "the API answers")
        eventually(lambda: len(again.online()) == len(POOLS), "the workers are there", pause_s=0.5)
        return again


def _bucket(farm: RunningFarm) -> tuple[Any, S3Location]:
    at = S3Location.parse(farm.environment["FARM_BLOBS_URL"])
    keys = (farm.environment["AWS_ACCESS_KEY_ID"], farm.environment["AWS_SECRET_ACCESS_KEY"])
    session = boto3.session.Session(*keys, region_name=at.region)
    return session.client("s3", endpoint_url=at.endpoint), at


def _copy(client: Any, bucket: str, source: str, target: str) -> None:
    client.copy_object(CopySource={"Bucket": bucket, "Key": source}, Bucket=bucket, Key=target)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as made:
        yield made


@pytest.fixture(params=["embedded", "production"])
def kept(
    request: pytest.FixtureRequest, tmp_path: Path, receiver: Receiver
) -> Iterator[tuple[RunningFarm, Keeper]]:
    """A farm of either shape, and who keeps its backup."""
    config, folder, backup = CONFIG.format(port=receiver.port), tmp_path / "farm", tmp_path / "backup"
    folder.mkdir()
    with ExitStack() as stack:
        if request.param == "embedded":
            farm = stack.enter_context(embedded_farm(folder, fast=True, pools=POOLS, config=config))
            yield farm, EmbeddedKeeper(backup, config, stack)
            return
        postgres, s3 = request.getfixturevalue("postgres"), request.getfixturevalue("s3_server")
        made = production_farm(folder, postgres, s3, fast=True, pools=POOLS, config=config)
        yield stack.enter_context(made), ProductionKeeper(backup, postgres, stack)


@dataclass
class Before:
    """What the customer was promised before the backup: jobs' ids."""

    finished: list[str] = field(default_factory=list)
    untold: str = ""
    running: str = ""
    waiting: list[str] = field(default_factory=list)

    @property
    def all(self) -> list[str]:
        return [*self.finished, self.untold, self.running, *self.waiting]


def order(farm: RunningFarm, receiver: Receiver, *, key: str | None = None, **params: Any) -> str:
    """Submit a paid probe that tells the receiver of its end. Returns the job's id."""
    body = {"kind": "probe", "params": {"price_mc": PRICE_MC, **params}, "webhook_url": receiver.url}
    headers = {"Authorization": f"Bearer {farm.key}"} | ({"Idempotency-Key": key} if key else {})
    made = httpx.post(f"{farm.url}/farm/v1/jobs", json=body, headers=headers, timeout=60)
    assert made.status_code == 202, made.text
    return str(made.json()["id"])


def told_of(receiver: Receiver, job_id: str) -> list[str]:
    """The webhook-ids under which the receiver heard of a job, one for each time."""
    about = [heard.headers for heard in receiver.heard]
    return [sent["webhook-id"] for sent in about if sent["x-creativeai-delivery-id"] == job_id]


def batch_events(receiver: Receiver) -> list[str]:
    about = [heard.headers for heard in receiver.heard]
    return [sent["webhook-id"] for sent in about if sent["x-creativeai-event"] == "batch.completed"]


def recorded(farm: RunningFarm, state: str) -> None:
    """Every delivery so far is in this state."""

    def so() -> bool:
        with farm.store.read() as connection:
            return set(connection.scalars(select(deliveries.c.state))) == {state}

    eventually(so, f"every delivery is {state}", pause_s=0.2)


def batch_ends(farm: RunningFarm, receiver: Receiver) -> str:
    """Run a batch to its end. Returns the webhook-id of the event, which is one of the account's own."""
    before = len(batch_events(receiver))
    body = {"kind": "probe", "jobs": [{"params": {"pool": FREE}}]}
    made = farm.call("POST", "/farm/v1/batches", json=body)
    assert made.status_code == 201, made.text
    eventually(lambda: len(batch_events(receiver)) > before, "the batch's end is told")
    return batch_events(receiver)[-1]


@contextmanager
def under_load(farm: RunningFarm) -> Iterator[None]:
    """Others submit as fast as they can while the block runs, and their jobs store files."""
    stopping = threading.Event()

    def load() -> None:
        for _ in range(MOST_LOAD):
            if not stopping.is_set():
                farm.submit("probe", pool=FREE, write_bytes=BYTES)

    threads = [threading.Thread(target=load) for _ in range(2)]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stopping.set()
        for thread in threads:
            thread.join()


def prepared(farm: RunningFarm, receiver: Receiver) -> Before:
    """Jobs that ended and were told of, one that could not be told, one that runs, and some behind it.

    The one that runs keeps its pool's only slot as long as this farm lives.
    """
    before = Before()
    for number in range(3):
        before.finished.append(order(farm, receiver, key=f"order-{number}", write_bytes=BYTES))
        farm.ended(before.finished[-1])
    eventually(lambda: all(told_of(receiver, job_id) for job_id in before.finished), "all are told")
    recorded(farm, "delivered")
    receiver.script = [answer(503)]
    before.untold = order(farm, receiver, pool=FREE)
    eventually(lambda: told_of(receiver, before.untold), "it was tried to tell")
    before.running = order(farm, receiver, hang_c_s=600.0, fail_times=1)
    farm.well_under_way(before.running, 0.0)
    before.waiting = [order(farm, receiver, write_bytes=BYTES) for _ in range(WAITING)]
    return before


def killed(farm: RunningFarm) -> None:
    """Every process at once, as by a power cut."""
    pids = farm.processes(r"farm\.cli\.main|engine_main|valkey")
    for root in farm.roots:
        root.kill()
        root.wait()
    eventually(lambda: not any(is_running(pid) for pid in pids), "nothing of it runs")


def contents(farm: RunningFarm, job_ids: Sequence[str], folder: Path) -> list[bytes]:
    return [farm.download(job_id, "bytes", folder / "file").read_bytes() for job_id in job_ids]


def test_a_farm_that_was_lost_whole_keeps_what_it_promised(
    kept: tuple[RunningFarm, Keeper], receiver: Receiver, tmp_path: Path
) -> None:
    farm, keeper = kept
    customer = farm.customer("studio", "local", balance_mc=CREDITS_MC)
    endpoint = {"url": receiver.url, "events": ["batch.completed"]}
    assert customer.call("POST", "/farm/v1/webhooks/endpoints", json=endpoint).status_code == 201
    first_batch = batch_ends(customer, receiver)
    before = prepared(customer, receiver)
    files = contents(customer, before.finished, tmp_path)
    with under_load(farm):
        keeper.back_up(farm)
    later = order(customer, receiver, pool=FREE)
    later_batch = batch_ends(customer, receiver)
    killed(farm)
    keeper.lose(farm)

    farm = keeper.put_back(farm)
    customer = replace_key(farm, customer.key)
    assert customer.call("GET", f"/farm/v1/jobs/{later}").status_code == 404  # it came after the backup
    assert contents(customer, before.finished, tmp_path) == files
    assert order(customer, receiver, key="order-1", write_bytes=BYTES) == before.finished[1]
    for job_id in before.all:
        assert customer.ended(job_id)["state"] == "completed"
    assert [customer.outcomes(job_id) for job_id in before.finished] == [["succeeded"]] * 3
    assert customer.outcomes(before.running) == ["lost", "succeeded"]
    assert [len(content) for content in contents(customer, before.waiting, tmp_path)] == [BYTES] * WAITING

    third_batch = batch_ends(customer, receiver)
    assert len({first_batch, later_batch, third_batch}) == 3  # receivers drop what they know by its id
    recorded(farm, "delivered")
    for job_id in before.all:
        assert len(set(told_of(receiver, job_id))) == 1, "a webhook came under a new id"
    assert [len(told_of(receiver, job_id)) for job_id in before.finished] == [1] * 3
    eventually(lambda: violations(farm.store) == [], "the books are right, and every job has ended")
    assert [lost for lost in leftovers(farm) if lost.startswith("no blob")] == []
    with farm.store.read() as connection:
        balance = connection.scalar(select(accounts.c.balance_mc).where(accounts.c.name == "studio"))
    assert balance == CREDITS_MC - PRICE_MC * len(before.all)


def replace_key(farm: RunningFarm, key: str) -> RunningFarm:
    seen = copy.copy(farm)
    seen.key = key
    return seen


# --- what is refused ---------------------------------------------------------------------------------


@dataclass
class SmallFarm:
    """A stopped embedded farm with one key and one finished file, and its backup."""

    home: Path
    backup: Path
    key: str
    blob_key: str

    def restored(self, home: Path, **variables: str) -> subprocess.CompletedProcess[str]:
        return farm_command(home, "restore", str(self.backup), **variables)


@pytest.fixture
def small(tmp_path: Path) -> SmallFarm:
    with api_under(tmp_path / "home") as api:
        with api.client() as client:
            job_id = client.post("/farm/v1/jobs", json=render(asset(api))).json()["id"]
        api.finish_job(job_id, b"a film", tmp_path / "video.mp4")
        with api.hall.store.read() as connection:
            blob_key = connection.scalar(select(artifacts.c.blob_key))
        made = SmallFarm(tmp_path / "home", tmp_path / "backup", api.key, str(blob_key))
    done = farm_command(made.home, "backup", str(made.backup))
    assert done.returncode == 0, done.stderr
    assert "hard links" in done.stderr and "secret key" in done.stderr
    return made


def test_a_backup_is_for_its_owners_eyes_and_holds_what_it_says(small: SmallFarm, tmp_path: Path) -> None:
    assert stat.S_IMODE(small.backup.stat().st_mode) == 0o700
    assert stat.S_IMODE((small.backup / "secret.key").stat().st_mode) == 0o600
    assert sorted(path.name for path in small.backup.iterdir()) == [
        "blobs",
        "farm.sqlite3",
        "manifest.json",
        "secret.key",
    ]
    done = small.restored(tmp_path / "elsewhere")
    assert (done.returncode, done.stderr) == (0, "")
    assert "2 files are there" in done.stdout  # the film, and what was uploaded for it
    with api_under(tmp_path / "elsewhere") as api, api.client(small.key) as client:
        (job,) = client.get("/farm/v1/jobs").json()["data"]
        url = client.get(f"/farm/v1/jobs/{job['id']}/artifacts/video").json()["download_url"]
        assert httpx.get(url).content == b"a film"
    deeds = farm_json(tmp_path / "elsewhere", "audit", "ls")
    assert "farm.restore" in [deed["action"] for deed in deeds]


def test_nothing_is_overwritten(small: SmallFarm, tmp_path: Path) -> None:
    again = farm_command(small.home, "backup", str(small.backup))
    assert (again.returncode, "is not empty" in again.stderr) == (1, True)
    onto = small.restored(small.home)
    assert (onto.returncode, "is not empty: it has" in onto.stderr) == (1, True)
    none = farm_command(tmp_path / "nothing", "backup", str(tmp_path / "b2"))
    assert (none.returncode, "There is no farm" in none.stderr) == (2, True)
    assert not (tmp_path / "nothing").exists() and not (tmp_path / "b2").exists()


def test_a_farm_that_runs_is_not_restored_over(small: SmallFarm, tmp_path: Path) -> None:
    home = tmp_path / "busy"
    with ownership(Settings(home=home)):
        done = small.restored(home)
    assert (done.returncode, "already runs" in done.stderr) == (1, True)


def _newer(backup: Path) -> None:
    manifest = json.loads((backup / "manifest.json").read_text())
    (backup / "manifest.json").write_text(json.dumps(manifest | {"revision": "9999"}))


def _bent(backup: Path) -> None:
    with (backup / "farm.sqlite3").open("r+b") as file:
        file.seek(5000)
        file.write(b"bent")


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (_newer, "a newer version"),
        (_bent, "is not what was backed up"),
        (lambda backup: (backup / "manifest.json").unlink(), "never finished"),
        (lambda backup: (backup / "secret.key").write_text("another secret key " * 3), "not the one"),
    ],
    ids=["newer", "bent", "unfinished", "another key"],
)
def test_a_backup_that_does_not_fit_is_refused_and_leaves_nothing(
    small: SmallFarm, tmp_path: Path, spoil: Callable[[Path], object], words: str
) -> None:
    spoil(small.backup)
    done = small.restored(tmp_path / "elsewhere")
    assert (done.returncode, words in done.stderr) == (2, True), done.stderr
    assert [path.name for path in (tmp_path / "elsewhere").iterdir()] == ["run"]  # the lock's


def test_another_secret_key_than_the_farms_is_refused(small: SmallFarm, tmp_path: Path) -> None:
    done = small.restored(tmp_path / "elsewhere", FARM_SECRET_KEY="x" * 40)
    assert (done.returncode, "not the one" in done.stderr) == (2, True)
    own = (small.home / "secret.key").read_text().strip()
    done = small.restored(tmp_path / "elsewhere", FARM_SECRET_KEY=own)
    assert done.returncode == 0, done.stderr
    assert not (tmp_path / "elsewhere" / "secret.key").exists()


def test_a_file_that_is_missing_is_named(small: SmallFarm, tmp_path: Path) -> None:
    objects = small.backup / "blobs" / "objects"
    files = [path for path in objects.rglob("*") if path.is_file()]
    assert len(files) == 2  # the film, and what was uploaded for it
    for path in files:
        path.unlink()
    done = small.restored(tmp_path / "elsewhere")
    assert (done.returncode, "2 files are missing" in done.stderr) == (1, True)
    assert all(path.relative_to(objects).as_posix() in done.stderr for path in files)


def test_a_backup_is_not_bent_by_what_the_farm_does_later(small: SmallFarm) -> None:
    """Hard links of files that are replaced or removed, never written again."""
    blobs = open_blobs(Settings(home=small.home), Secrets("a secret key for tests, 32 characters"))
    other = small.home / "other"
    other.write_bytes(b"other bytes")
    blobs.put(small.blob_key, other, "video/mp4")
    assert (small.backup / "blobs" / "objects" / small.blob_key).read_bytes() == b"a film"
    blobs.delete(small.blob_key)
    assert (small.backup / "blobs" / "objects" / small.blob_key).read_bytes() == b"a film"


def test_postgresql_has_its_own_tools(tmp_path: Path) -> None:
    url = "postgresql://farm@127.0.0.1:1/farm"
    done = farm_command(tmp_path, "backup", str(tmp_path / "b"), FARM_DATABASE_URL=url)
    assert (done.returncode, "pg_dump" in done.stderr) == (2, True)
