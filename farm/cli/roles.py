"""The long-running parts of a farm, one command each: api, scheduler, worker; and migrate.

Each imports its part inside its own command, so that a host installs only what it runs.
"""

import logging
import os
import socket
from typing import Annotated

import typer

from farm.catalog import read_catalog
from farm.cli.console import say
from farm.cli.pools import require_pool
from farm.doors import upkeep
from farm.errors import BadRequest
from farm.settings import Settings

app = typer.Typer()

# Libraries whose INFO tells nothing of the farm.
_CHATTY = ("alembic", "botocore", "httpx", "kombu", "urllib3")
_PARTS = "Run one part"


@app.command(rich_help_panel=_PARTS)
def api(
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port to listen on.")] = 8000,
) -> None:
    """Serve the HTTP API."""
    from farm.api.serve import serve

    _log_to_stderr()
    serve(Settings(), host, port)


@app.command(rich_help_panel=_PARTS)
def scheduler() -> None:
    """Run the scheduler: it decides what runs next, and settles what has ended."""
    from schedulers.loop import run_scheduler

    _log_to_stderr()
    run_scheduler(Settings())


@app.command(rich_help_panel=_PARTS)
def worker(
    pool: Annotated[str, typer.Argument(help="cpu-render, gpu-generate, asr-align or vision-describe.")],
    slots: Annotated[int | None, typer.Option(min=1, help="Tasks at once; default: the pool's.")] = None,
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
    _log_to_stderr()
    count = slots or catalog.pools[pool].default_slots
    run_worker(
        settings, pool, name=name or _name_of_its_own(pool), slots=count, labels=labels_of(label or [])
    )


@app.command(rich_help_panel=_PARTS)
def flower(
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port on the loopback address.")] = 5555,
) -> None:
    """Run Flower on this machine's loopback address, without a password."""
    from farm.broker.app import celery_app

    settings = Settings()
    if settings.redis_url is None:
        raise BadRequest("Flower needs FARM_REDIS_URL.", param="FARM_REDIS_URL")
    celery_app(settings.redis_url).start(["flower", "--address=127.0.0.1", f"--port={port}"])


@app.command(rich_help_panel=_PARTS)
def migrate() -> None:
    """Bring the database to this version's schema."""
    say(f"The schema is at {upkeep.migrate(Settings())}.")


def _name_of_its_own(pool: str) -> str:
    """Two workers of one name would count each other's work as lost."""
    return f"{pool}-{os.getpid()}@{socket.gethostname()}"


def _log_to_stderr() -> None:
    logging.basicConfig(level=logging.INFO, format="%(asctime)s [%(levelname)s] %(name)s: %(message)s")
    for chatty in _CHATTY:
        logging.getLogger(chatty).setLevel(logging.WARNING)


def labels_of(pairs: list[str]) -> dict[str, str]:
    """`key=value` words as a mapping. Raises BadRequest on anything else."""
    labels = {}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not (key and equals):
            raise BadRequest(f"A label reads key=value, not {pair!r}.", param="label")
        labels[key] = value
    return labels
