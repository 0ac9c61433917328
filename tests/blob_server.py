"""The API's blob routes in a process of their own, so that its memory can be looked at and it can be killed.

`python -m tests.blob_server ROOT SECRET FD` is what `serve` starts; FD is a listening socket it inherits.
"""

import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import uvicorn
from starlette.applications import Starlette

from farm.api.blobs import blob_routes
from farm.blobs.folder import FolderBlobs
from farm.clock import SystemClock
from farm.secrets import Secrets

SECRET = "a secret for tests that is long enough"


@dataclass(frozen=True, slots=True)
class BlobServer:
    """A running server. `base_url` is what callers would have as FARM_PUBLIC_URL."""

    base_url: str
    pid: int

    def peak_bytes(self) -> int:
        """The most memory the process has held so far (Linux)."""
        return peak_bytes(self.pid)


def peak_bytes(pid: int | str = "self") -> int:
    """VmHWM of a process: unlike ru_maxrss it does not start at its parent's."""
    status = Path(f"/proc/{pid}/status").read_text()
    line = next(line for line in status.splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) * 1024


@contextmanager
def serve(root: Path, secret: str = SECRET) -> Iterator[BlobServer]:
    """Serve the folder store at `root` on a free loopback port. Calls wait in the socket until it is up."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        command = [sys.executable, "-m", "tests.blob_server", str(root), secret, str(listener.fileno())]
        process = subprocess.Popen(command, pass_fds=[listener.fileno()])
    try:
        yield BlobServer(f"http://127.0.0.1:{port}", process.pid)
    finally:
        process.kill()
        process.wait()


def main(root: str, secret: str, listener: str) -> None:
    secrets, clock = Secrets(secret), SystemClock()
    blobs = FolderBlobs(Path(root), secrets, clock)
    app = Starlette(routes=list(blob_routes(blobs, secrets, clock)))
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning"))
    server.run(sockets=[socket.socket(fileno=int(listener))])


if __name__ == "__main__":
    main(*sys.argv[1:])
