"""Addresses to listen on: which are free, and how they are called."""

import socket

from farm.errors import FarmUnavailable

ANYWHERE = ("0.0.0.0", "::")


def free_port(host: str, preferred: int = 0) -> int:
    """A port that is free now: the preferred one, else any."""
    if preferred and _can_bind(host, preferred):
        return preferred
    with socket.create_server((host, 0), family=_family(host)) as listener:
        port: int = listener.getsockname()[1]
        return port


def require_free(host: str, port: int) -> None:
    """Raise FarmUnavailable, naming the option, when nothing can listen there."""
    if not _can_bind(host, port):
        raise FarmUnavailable(f"Port {port} on {host} is in use or not allowed; choose another with --port.")


def callable_host(host: str) -> str:
    """How a URL on this machine names a host that is listened on."""
    if host in ANYWHERE:
        return "127.0.0.1"
    return f"[{host}]" if ":" in host else host


def _can_bind(host: str, port: int) -> bool:
    try:
        with socket.create_server((host, port), family=_family(host)):
            return True
    except OSError:
        return False


def _family(host: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in host else socket.AF_INET
