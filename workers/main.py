"""One worker process: announces itself, takes attempts of its pool, and goes in good order."""

import os
import platform
import socket
import threading
from collections.abc import Mapping

import structlog

import farm
from farm.blobs import open_blobs
from farm.broker.consumer import Consumer
from farm.doors.hall import open_hall
from farm.doors.work import WorkerCard
from farm.errors import BadRequest, FarmUnavailable
from farm.kinds import POOLS
from farm.settings import Settings
from farm.sleep import TIMEZONE
from workers.host_zone import host_zone
from workers.presence import Presence, runnable
from workers.runner import Runner
from workers.workdir import Workshop

_log = structlog.get_logger(__name__)
_PATIENCE_S = 2.0  # for engines killed at the end to be answered for
_LEAVE_S = 5.0  # then the process ends, whatever hangs


def run_worker(
    settings: Settings,
    pool: str,
    *,
    name: str,
    slots: Mapping[str, int],
    labels: Mapping[str, str] | None = None,
) -> None:
    """Work for one pool until SIGTERM or SIGINT; call it in the main thread. `slots` are by resource.

    On the signal every attempt is given back at once and the process ends within seconds. A broker or a
    store that goes away meanwhile is waited for. Raises FarmUnavailable when it cannot even start.
    """
    url = _check(settings, pool, name)
    hall = open_hall(settings, durable=False)
    blobs = open_blobs(settings, hall.secrets)
    card = _card(name, pool, slots, labels or {}, runnable(hall.catalog, pool))
    presence = Presence(hall, card)
    with Workshop(settings.root / "work") as workshop:
        runner = Runner(hall, blobs, workshop, name, slots)
        departure = _Departure(presence, runner)
        events = hall.catalog.broker.task_events
        threads = sum(slots.values())
        consumer = Consumer(url, _node(name), card.queue, pool, threads, runner.run, departure.begin, events)
        consumer.heed_signals()  # before anybody hears that we are here
        with presence:
            presence.tell(consumer.take_shared, lambda: runner.models)
            _log.info("worker_ready", worker=name, pool=pool, kinds=list(card.kinds))
            try:
                status = consumer.consume()
            finally:
                departure.finish()
    hall.close()
    if status != os.EX_OK:
        raise FarmUnavailable(f"The Celery worker ended with status {status}; its log says why.")


class _Departure:
    """Says goodbye and gives everything back, in a thread of its own: a signal handler only sets a flag."""

    def __init__(self, presence: Presence, runner: Runner) -> None:
        self._presence = presence
        self._runner = runner
        self._begun = threading.Event()
        self._thread = threading.Thread(target=self._depart, name="departure", daemon=True)
        self._thread.start()

    def begin(self) -> None:
        self._begun.set()

    def finish(self) -> None:
        """Wait until everything is given back."""
        self._begun.set()
        self._thread.join()

    def _depart(self) -> None:
        self._begun.wait()
        last = threading.Timer(_LEAVE_S, os._exit, [os.EX_OK])  # the leases end by themselves
        last.daemon = True
        last.start()
        self._presence.leave()  # first, so that what is given back does not come here again
        self._runner.close(_PATIENCE_S)


def _check(settings: Settings, pool: str, name: str) -> str:
    if pool not in POOLS:
        raise BadRequest(f"There is no pool {pool!r}; the pools are {', '.join(POOLS)}.", param="pool")
    if name in POOLS:
        raise BadRequest(f"A worker cannot be named as the pool {name!r} is.", param="name")
    if settings.redis_url is None:
        raise FarmUnavailable("A worker needs FARM_REDIS_URL.", param="FARM_REDIS_URL")
    return settings.redis_url


def _card(
    name: str, pool: str, slots: Mapping[str, int], labels: Mapping[str, str], kinds: list[str]
) -> WorkerCard:
    return WorkerCard(
        name=name,
        pool=pool,
        host=socket.gethostname(),
        pid=os.getpid(),
        queue=name,
        slots=dict(slots),
        kinds=kinds,
        labels={"python": platform.python_version(), TIMEZONE: host_zone(), **labels},
        software=farm.__version__,
    )


def _node(name: str) -> str:
    """The Celery node name, `name@host`: what Flower shows."""
    return name if "@" in name else f"{name}@{socket.gethostname()}"
