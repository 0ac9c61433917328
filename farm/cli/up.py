"""`farm up`: a whole farm on this machine, in one terminal."""

import hashlib
import importlib.util
import os
import socket
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from farm.broker.valkey import EmbeddedValkey
from farm.catalog import Catalog, read_catalog
from farm.cli import console, running
from farm.cli.child import FARM, Part
from farm.cli.client import FarmClient
from farm.cli.pools import install_command, runnable_pools
from farm.cli.ports import ANYWHERE, callable_host, free_port, require_free
from farm.cli.running import RunningFarm
from farm.cli.supervisor import Server, Supervisor
from farm.doors.accounts import caller_of, create_key, ensure_account
from farm.doors.hall import Hall, open_hall
from farm.errors import FarmError, NotSignedIn
from farm.settings import Settings

app = typer.Typer()

_READY_S = 120.0
_ANSWER_S = 2.0
_LOCAL_ACCOUNT = "local"


@dataclass(frozen=True, slots=True)
class UpOptions:
    """What `farm up` was asked for. `port` 0 takes a free one; `slots` None leaves it to each pool."""

    host: str
    port: int
    flower: bool
    slots: int | None
    pools: tuple[str, ...]
    quiet: bool


@app.command(rich_help_panel="Use the farm")
def up(
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port of the API; 0 takes a free one.")] = 8000,
    host: Annotated[str, typer.Option(help="Address of the API.")] = "127.0.0.1",
    flower: Annotated[
        bool,
        typer.Option(
            "--flower/--no-flower", help="Flower, a page that shows the workers, where it is installed."
        ),
    ] = True,
    slots: Annotated[
        int | None, typer.Option(min=1, help="Tasks at once per worker; default: the pool's.")
    ] = None,
    pools: Annotated[str, typer.Option(help="Only these pools, separated by commas.")] = "",
    quiet: Annotated[
        bool, typer.Option("--quiet", help="Print the ready line and trouble, nothing else.")
    ] = False,
) -> None:
    """Run a whole farm on this machine until Ctrl-C; prints its address.

    It is the API, the scheduler, a worker per installed pool and, where it is installed, Flower.
    """
    settings = Settings()
    wanted = tuple(name.strip() for name in pools.split(",") if name.strip())
    options = UpOptions(host, port or free_port(host), flower, slots, wanted, quiet)
    with running.ownership(settings):
        _run(settings, options)


def _run(settings: Settings, options: UpOptions) -> None:
    catalog = read_catalog(settings)
    pools = runnable_pools(catalog, options.pools)
    if not pools:
        mend = install_command(catalog, next(iter(catalog.pools)))
        console.remark(f"No pool is installed here, so this farm runs no jobs: {mend}")
    require_free(options.host, options.port)
    with _redis(settings) as (redis_url, server):
        url = f"http://{callable_host(options.host)}:{options.port}"
        settings = _completed(settings, redis_url, url, options.host)
        key = _local_key(settings)
        parts = _parts(settings, catalog, pools, options)
        supervisor = Supervisor(parts, settings.environment(), settings.root / "logs", console)
        supervisor.listen_to_signals()
        if server is not None:
            supervisor.keep(server)
        farm = RunningFarm(url, redis_url, os.getpid(), time.time())
        with FarmClient(url, key, timeout_s=_ANSWER_S) as client:
            _serve(settings, supervisor, farm, client, pools, options)


def _serve(
    settings: Settings,
    supervisor: Supervisor,
    farm: RunningFarm,
    client: FarmClient,
    pools: Sequence[str],
    options: UpOptions,
) -> None:
    try:
        supervisor.start()
        if supervisor.run_until(lambda: _is_ready(client, pools, farm.started_at), _READY_S):
            running.write_note(settings, farm)
            if not options.quiet:
                _show(settings, supervisor, farm)
            print(f"ready {farm.url}", flush=True)
            supervisor.run()
        if not options.quiet:
            console.say("stopping …", style="dim")
    finally:
        running.forget_note(settings)
        supervisor.stop()


def _completed(settings: Settings, redis_url: str, url: str, host: str) -> Settings:
    """The settings as the children get them. Listening everywhere, the API is named as callers call it."""
    public_url = settings.public_url or (None if host in ANYWHERE else url)
    return settings.model_copy(update={"redis_url": redis_url, "public_url": public_url})


@contextmanager
def _redis(settings: Settings) -> Iterator[tuple[str, Server | None]]:
    """The farm's Redis: the one named, or an embedded Valkey for as long as the block runs."""
    if settings.redis_url is not None:
        yield settings.redis_url, None
        return
    server = EmbeddedValkey(settings.root / "valkey")
    server.start()
    try:
        yield server.url, server
    finally:
        server.stop()


def _parts(settings: Settings, catalog: Catalog, pools: Sequence[str], options: UpOptions) -> list[Part]:
    parts = [
        Part("api", (*FARM, "api", "--host", options.host, "--port", str(options.port))),
        _scheduler(catalog),
    ]
    for pool in pools:
        slots = ("--slots", str(options.slots)) if options.slots else ()
        name = _worker_name(settings, pool)
        parts.append(Part(f"worker-{pool}", (*FARM, "worker", pool, *slots, "--name", name)))
    if options.flower and importlib.util.find_spec("flower") is not None:
        parts.append(
            Part("flower", (*FARM, "flower", "--port", str(free_port("127.0.0.1", 5555))), needed=False)
        )
    return parts


def _scheduler(catalog: Catalog) -> Part:
    """Its metrics are at a free port while another farm of this host has the configs'.

    The configs' is not asked for by name: should another farm be quicker, this one's scheduler runs without.
    """
    port = free_port(catalog.metrics.host, catalog.metrics.port)
    asked = () if port == catalog.metrics.port else ("--metrics-port", str(port))
    return Part("scheduler", (*FARM, "scheduler", *asked), at=f"http://127.0.0.1:{port}/metrics")


def _local_key(settings: Settings) -> str:
    """The key of this farm's own user, made once and kept in FARM_HOME/run/key."""
    hall = open_hall(settings)
    try:
        kept = running.local_key(settings)
        if kept is None or not _is_good(hall, kept):
            account = ensure_account(hall, _LOCAL_ACCOUNT, "local")
            kept = create_key(hall, account, name="farm up", is_operator=True, who="farm up").text
            running.write_key(settings, kept)
        return kept
    finally:
        hall.close()


def _is_good(hall: Hall, key: str) -> bool:
    try:
        return caller_of(hall, key).is_operator
    except NotSignedIn:
        return False


def _is_ready(client: FarmClient, pools: Sequence[str], since: float) -> bool:
    """Whether the API answers and a worker of each pool has announced itself since the start."""
    try:
        client.alive()
        online = {
            worker["pool"]
            for worker in client.workers()
            if worker["state"] == "online" and worker["started_at"] >= since
        }
    except FarmError:
        return False
    return online.issuperset(pools)


def _show(settings: Settings, supervisor: Supervisor, farm: RunningFarm) -> None:
    rows = [
        {
            "part": child.part.name,
            "pid": child.pid,
            "at": _where(child.part, farm),
            "log": _short(child.log_path),
        }
        for child in supervisor.children
    ]
    console.out().print(console.table(rows, {"part": "Part", "pid": "Pid", "at": "At", "log": "Log"}))
    console.say(f"home {settings.root} · OpenAPI {farm.url}/openapi.json · Ctrl-C stops it all", style="dim")


def _where(part: Part, farm: RunningFarm) -> str:
    if part.name == "api":
        return farm.url
    return f"http://127.0.0.1:{part.argv[-1]}" if part.name == "flower" else part.at


def _short(path: Path) -> str:
    try:
        return str(path.relative_to(Path.cwd()))
    except ValueError:
        return str(path)


def _worker_name(settings: Settings, pool: str) -> str:
    """The same after a restart, so that what it ran before is known to be lost at once.

    On a shared database two farms of one host need two names.
    """
    host = socket.gethostname()
    if settings.database_url is None:
        return f"{pool}@{host}"
    return f"{pool}-{hashlib.sha256(str(settings.root).encode()).hexdigest()[:6]}@{host}"
