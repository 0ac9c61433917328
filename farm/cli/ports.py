"""Addresses to listen on: which are free, and how they are called."""

import errno
import socket

from farm.errors import FarmUnavailable

ANYWHERE = ("0.0.0.0", "::")


def free_port(host: str, preferred: int = 0) -> int:
    """A port that is free now: the preferred one, else any. Raises FarmUnavailable, naming --host."""
    if preferred and _can_bind(host, preferred):
        return preferred
    with _listener(host, 0) as listener:
        port: int = listener.getsockname()[1]
        return port


def require_free(host: str, port: int) -> None:
    """Raise FarmUnavailable, naming the option, when nothing can listen there."""
    with _listener(host, port):
        return


def callable_host(host: str) -> str:
    """How a URL on this machine names a host that is listened on."""
    if host in ANYWHERE:
        return "127.0.0.1"
    return f"[{host}]" if ":" in host else host


def _can_bind(host: str, port: int) -> bool:
    try:
        with _listener(host, port):
            return True
    except FarmUnavailable:
        return False


def _listener(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family)
    except OSError as error:
        raise FarmUnavailable(_refusal(error, host, port)) from error


def _refusal(error: OSError, host: str, port: int) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"Port {port} on {host} is in use; choose another with --port."
    if error.errno == errno.EACCES:
        return f"Only root may listen on port {port}; choose one above 1023 with --port."
    return f"This machine has no address {host!r} to listen on; choose one with --host."
