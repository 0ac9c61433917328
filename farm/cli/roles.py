"""The long-running parts of a farm, one command each: api, scheduler, worker; and migrate.

Each imports its part inside its own command, so that a host installs only what it runs.
"""

import importlib.util
import ipaddress
import os
import socket
from typing import Annotated

import typer

from farm.catalog import read_catalog
from farm.cli.console import say
from farm.cli.pools import require_pool
from farm.cli.ports import require_free
from farm.doors import upkeep
from farm.errors import BadRequest, FarmUnavailable
from farm.logs import configure
from farm.offers import Resource
from farm.rules.pools import Pool
from farm.settings import Settings

app = typer.Typer()

_PARTS = "Run one part"
_MOST_SLOTS = 1024
_FLOWER_COLUMNS = "name,args,state,received,runtime,worker,uuid"  # args: job, account and tier


@app.command(rich_help_panel=_PARTS)
def api(
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port to listen on.")] = 8000,
    access_log: Annotated[
        bool, typer.Option("--access-log", help="Log every call; signed URLs without their query.")
    ] = False,
) -> None:
    """Serve the HTTP API."""
    from farm.api.serve import serve

    settings = Settings()
    require_free(host, port)
    configure("api", settings.log_format)
    serve(settings, host, port, access_log=access_log)


@app.command(rich_help_panel=_PARTS)
def scheduler(
    metrics_port: Annotated[
        int | None, typer.Option(min=1, max=65535, help="Port of /metrics; default: farm.toml's.")
    ] = None,
    metrics_host: Annotated[
        str | None, typer.Option(help="Address of /metrics, which asks for no password.")
    ] = None,
) -> None:
    """Run the scheduler: it decides what runs next, and settles what has ended."""
    from schedulers.loop import run_scheduler

    settings = Settings()
    configure("scheduler", settings.log_format)
    run_scheduler(settings, metrics_host=metrics_host, metrics_port=metrics_port)


@app.command(rich_help_panel=_PARTS)
def worker(
    pool: Annotated[str, typer.Argument(help="cpu-render, gpu-generate, asr-align or vision-describe.")],
    slots: Annotated[
        str | None,
        typer.Option(
            help="Tasks at once: 4, or by what they occupy: cpu=2,io=16,device=1. Default: the pool's."
        ),
    ] = None,
    name: Annotated[
        str | None, typer.Option(help="Unique in the farm; default: made from pool and host.")
    ] = None,
    label: Annotated[
        list[str] | None, typer.Option(help="key=value that tasks may require; repeatable.")
    ] = None,
) -> None:
    """Run a worker of one pool."""
    from workers.main import run_worker

    settings = Settings()
    catalog = read_catalog(settings)
    require_pool(catalog, pool)
    configure("worker", settings.log_format)
    run_worker(
        settings,
        pool,
        name=name or _name_of_its_own(pool),
        slots=slots_of(slots, catalog.pools[pool]),
        labels=labels_of(label or []),
    )


@app.command(rich_help_panel=_PARTS)
def flower(
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port to listen on.")] = 5555,
    address: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
) -> None:
    """Run Flower, a page that shows the workers. For others than this host it needs FARM_FLOWER_AUTH."""
    from farm.broker.app import celery_app, queues

    settings = Settings()
    if settings.redis_url is None:
        raise BadRequest("Flower needs FARM_REDIS_URL.", param="FARM_REDIS_URL")
    credentials = flower_credentials(settings, address)
    if importlib.util.find_spec("flower") is None:
        raise FarmUnavailable("Flower is not installed: pip install 'kinefarm[flower]'.")
    if credentials is not None:
        os.environ["FLOWER_BASIC_AUTH"] = credentials  # as an argument the process list would show it
    app = celery_app(settings.redis_url)
    app.conf.task_queues = queues(tuple(read_catalog(settings).pools))  # the broker's page lists these
    app.conf.task_default_queue = app.conf.task_queues[0].name  # which else would be among them
    app.start(["flower", f"--address={address}", f"--port={port}", f"--tasks-columns={_FLOWER_COLUMNS}"])


@app.command(rich_help_panel=_PARTS)
def migrate() -> None:
    """Bring the database up to this version."""
    say(f"The schema is at {upkeep.migrate(Settings())}.")


def _name_of_its_own(pool: str) -> str:
    """Two workers of one name would count each other's work as lost."""
    return f"{pool}-{os.getpid()}@{socket.gethostname()}"


def flower_credentials(settings: Settings, address: str) -> str | None:
    """FARM_FLOWER_AUTH, or None where nobody else can call. Raises BadRequest when it is needed or no use."""
    said = settings.flower_auth.get_secret_value() if settings.flower_auth else None
    if said is None and _is_loopback(address):
        return None
    user, colon, password = (said or "").partition(":")
    if not (user and colon and password) or "," in (said or ""):
        raise BadRequest(
            f"Flower on {address} lets its callers stop workers: set FARM_FLOWER_AUTH to user:password, "
            "without a comma.",
            param="FARM_FLOWER_AUTH",
        )
    return said


def _is_loopback(address: str) -> bool:
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return address == "localhost"


def slots_of(said: str | None, pool: Pool) -> dict[str, int]:
    """Slots by resource: the pool's own, with as many for cpu as a plain number says, or exactly those named.

    Raises BadRequest on anything else.
    """
    if said is None:
        return pool.slots
    if "=" not in said:
        return {**pool.slots, "cpu": _count(said, least=1)}
    known = [resource.value for resource in Resource]
    slots = {}
    for part in said.split(","):
        resource, _, count = part.strip().partition("=")
        if resource not in known or resource in slots:
            raise BadRequest(f"Slots are of {', '.join(known)}, each once; not {part!r}.", param="slots")
        slots[resource] = _count(count)
    if not any(slots.values()):
        raise BadRequest("A worker needs a slot.", param="slots")
    return {resource: count for resource, count in slots.items() if count}


def _count(said: str, least: int = 0) -> int:
    if not (said.isascii() and said.isdigit() and least <= int(said) <= _MOST_SLOTS):
        raise BadRequest(f"A number of slots is {least} to {_MOST_SLOTS}, not {said!r}.", param="slots")
    return int(said)


def labels_of(pairs: list[str]) -> dict[str, str]:
    """`key=value` words as a mapping. Raises BadRequest on anything else."""
    labels = {}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not (key and equals):
            raise BadRequest(f"A label reads key=value, not {pair!r}.", param="label")
        labels[key] = value
    return labels
