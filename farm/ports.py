"""Ports for servers on this machine that are started again while their clients keep calling."""

import random
import socket

_FIRST, _LAST = 20_000, 29_999  # below what Linux, macOS and Windows give to outgoing connections
_TRIES = 50


def steady_port(host: str = "127.0.0.1") -> int:
    """A port that is free now, and that no outgoing connection will be given while its server is away.

    A port that the system chose can be lost so, even to a client that calls the server itself. When none of
    some tried at random is free, it is one that the system chooses.
    """
    for port in random.sample(range(_FIRST, _LAST + 1), _TRIES):
        if (bound := _bound(host, port)) is not None:
            return bound
    return _bound(host, 0) or 0


def _bound(host: str, port: int) -> int | None:
    """The port that could be bound, None when it is in use."""
    with socket.socket() as probe:
        try:
            probe.bind((host, port))
        except OSError:
            return None
        return int(probe.getsockname()[1])
