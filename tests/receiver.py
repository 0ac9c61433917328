"""A webhook receiver on loopback: remembers what came, and answers as a test says, also very badly."""

import random
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

Behave = Callable[[socket.socket], None]

_UNUSED_PORTS = range(20_000, 32_000)  # below those that a kernel gives out
_TRIES = 50


@dataclass(frozen=True)
class Heard:
    """One request as it came. Header names are in lower case."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes


def answer(status: int, body: bytes = b"", **headers: str) -> Behave:
    """A well-behaved answer; `x_y` names the header x-y."""
    lines = [f"HTTP/1.1 {status} Said", f"Content-Length: {len(body)}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return raw("\r\n".join(lines).encode() + b"\r\n\r\n" + body)


def raw(data: bytes) -> Behave:
    """Exactly these bytes, then the end."""

    def behave(connection: socket.socket) -> None:
        connection.sendall(data)

    return behave


def endless(head: bytes, more: bytes, pause_s: float = 0.0) -> Behave:
    """`head`, then `more` again and again until the caller hangs up or the receiver is stopped."""

    def behave(connection: socket.socket) -> None:
        connection.sendall(head)
        waiting = threading.Event()
        with suppress(OSError):
            while True:
                connection.sendall(more)
                waiting.wait(pause_s)

    return behave


@dataclass
class Receiver:
    """`script` is used up answer by answer; after it every request gets 200."""

    port: int
    script: list[Behave] = field(default_factory=list)
    heard: list[Heard] = field(default_factory=list)
    connections: int = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook"


@contextmanager
def receiving(tls: ssl.SSLContext | None = None, *, apart: bool = False) -> Iterator[Receiver]:
    """Listen on a free loopback port for as long as the block runs.

    `apart` is for who must not be called at all: on a port that no other test's server had before, whose
    callers may still be trying.
    """
    with _listener_apart() if apart else socket.create_server(("127.0.0.1", 0)) as listener:
        receiver = Receiver(listener.getsockname()[1])
        opened: list[socket.socket] = []
        thread = threading.Thread(target=_accept, args=[listener, receiver, opened, tls])
        thread.start()
        try:
            yield receiver
        finally:
            with suppress(OSError):
                listener.shutdown(socket.SHUT_RDWR)
            for connection in opened:
                with suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)
            thread.join()


def _listener_apart() -> socket.socket:
    for port in random.sample(_UNUSED_PORTS, _TRIES):
        with suppress(OSError):
            return socket.create_server(("127.0.0.1", port))
    raise OSError("no port is free")


def _accept(
    listener: socket.socket, receiver: Receiver, opened: list[socket.socket], tls: ssl.SSLContext | None
) -> None:
    threads = []
    with suppress(OSError):
        while True:
            connection, _ = listener.accept()
            receiver.connections += 1
            opened.append(connection)
            threads.append(threading.Thread(target=_serve, args=[connection, receiver, tls]))
            threads[-1].start()
    for thread in threads:
        thread.join()


def _serve(connection: socket.socket, receiver: Receiver, tls: ssl.SSLContext | None) -> None:
    with connection, suppress(OSError):
        plain = tls.wrap_socket(connection, server_side=True) if tls else connection
        with plain:
            heard = _read(plain)
            if heard is None:
                return
            behave = receiver.script.pop(0) if receiver.script else answer(200, b"ok")
            receiver.heard.append(heard)
            behave(plain)


def _read(connection: socket.socket) -> Heard | None:
    with connection.makefile("rb") as file:
        first = file.readline().decode().split()
        if len(first) < 2:
            return None
        headers = {}
        while line := file.readline().strip():
            name, _, value = line.decode().partition(":")
            headers[name.lower()] = value.strip()
        return Heard(first[0], first[1], headers, file.read(int(headers.get("content-length", "0"))))
