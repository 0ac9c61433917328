"""The CLI's client at a farm that says "too many calls": it waits as told, and goes on."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from farm.cli.answers import Refused
from farm.cli.client import FarmClient

BUSY = 429


class Desk:
    """A farm that has `refusals` left, each with its Retry-After, and then answers every call."""

    def __init__(self, *refusals: str) -> None:
        self.refusals = list(refusals)
        self.bodies: list[bytes] = []
        self.url = ""

    def answer(self, body: bytes) -> tuple[int, dict[str, str], object]:
        self.bodies.append(body)
        if not self.refusals:
            return 200, {}, {"id": "job_1", "data": [], "stopped_at": None}
        error = {"code": "rate_limited", "message": "This key has used its 600 calls."}
        return BUSY, {"Retry-After": self.refusals.pop(0)}, {"error": error}


@contextmanager
def served(desk: Desk) -> Iterator[Desk]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def answer(self) -> None:
            status, headers, said = desk.answer(self._body())
            body = json.dumps(said).encode()
            self.send_response(status)
            for name, value in (headers | {"Content-Length": str(len(body))}).items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST = do_PUT = answer

        def _body(self) -> bytes:
            if self.headers.get("Transfer-Encoding") != "chunked":
                return self.rfile.read(int(self.headers.get("Content-Length", 0)))
            body = b""
            while size := int(self.rfile.readline(), 16):
                body += self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
            return body

        def log_message(self, *_: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    desk.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield desk
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def send_rows(client: FarmClient) -> object:
    return client.send_rows("/batches/b/rows", lambda: [b"sku\n", b"A-1\n"], "text/csv", [])


def put(client: FarmClient) -> object:
    path = Path(__file__)
    return client.put(f"{client.url}/blob", path, "image/png", path.stat().st_size, lambda _: None)


CALLS: dict[str, Callable[[FarmClient], object]] = {
    "get": lambda client: client.job("job_1"),
    "submit": lambda client: client.submit("probe", {}),
    "rows": send_rows,
    "put": put,
    "stream": lambda client: list(client.stream("/batches/b/results")),
    "events": lambda client: list(client.follow_logs("job_1")),
}


@pytest.mark.parametrize("name", CALLS)
def test_every_call_waits_as_long_as_it_is_told_and_is_made_again_whole(name: str) -> None:
    waits: list[float] = []
    with served(Desk("7", "1")) as desk, FarmClient(desk.url, "key", pause=waits.append) as client:
        CALLS[name](client)
    assert waits == [7.0, 1.0]
    assert len(desk.bodies) == 3
    assert len(set(desk.bodies)) == 1


def test_a_wait_that_is_told_wrongly_is_a_short_one(capsys: pytest.CaptureFixture[str]) -> None:
    waits: list[float] = []
    with served(Desk("soon")) as desk, FarmClient(desk.url, "key", pause=waits.append) as client:
        assert client.job("job_1")["id"] == "job_1"
    assert waits == [5.0]
    assert "going on in 5 s" in capsys.readouterr().err


def test_nobody_waits_for_ever() -> None:
    waits: list[float] = []
    with (
        served(Desk(*["60"] * 20)) as desk,
        FarmClient(desk.url, "key", pause=waits.append) as client,
        pytest.raises(Refused, match="600 calls") as told,
    ):
        client.job("job_1")
    assert (told.value.status, told.value.public_code) == (BUSY, "rate_limited")
    assert sum(waits) == 600
