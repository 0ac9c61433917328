"""A receiver of webhooks that notes what came when, and refuses some of it the first time."""

import json
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from zlib import crc32

from tests.chaos.house import now

_ONE_REFUSED_IN = 5


@dataclass(frozen=True, slots=True)
class Letter:
    """One request. `answered` is the status it was given."""

    path: str
    webhook_id: str
    attempt: int
    kind: str
    job_id: str
    at: float
    answered: int


@dataclass
class Postbox:
    """`letters` in the order they came."""

    port: int = 0
    letters: list[Letter] = field(default_factory=list)
    _seen: Counter[str] = field(default_factory=Counter)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.port}{path}"

    def take(self, path: str, headers: dict[str, str], body: bytes) -> int:
        """Note a request. Returns the status to answer: some ids are refused the first time they come."""
        said, webhook_id = json.loads(body), headers["webhook-id"]
        with self._lock:
            self._seen[webhook_id] += 1
            refused = crc32(webhook_id.encode()) % _ONE_REFUSED_IN == 0 and self._seen[webhook_id] == 1
            status = 503 if refused else 200
            attempt = int(headers["x-farm-attempt"])
            self.letters.append(Letter(path, webhook_id, attempt, said["type"], said["id"], now(), status))
        return status


@contextmanager
def postbox() -> Iterator[Postbox]:
    """Listen on a free loopback port for as long as the block runs."""
    box = Postbox()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            status = box.take(self.path, {name.lower(): value for name, value in self.headers.items()}, body)
            self.send_response(status)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            return

    class Server(ThreadingHTTPServer):
        request_queue_size = 128  # a crowd at the door must not look like a receiver that is away

    with Server(("127.0.0.1", 0), Handler) as server:
        box.port = server.server_port
        thread = threading.Thread(target=server.serve_forever, args=[0.05])
        thread.start()
        try:
            yield box
        finally:
            server.shutdown()
            thread.join()
