"""Hears over a WebSocket how far ComfyUI is, and what it draws looks like by now.

What it misses matters not: the queue and the history decide.
"""

import json
import socket
import threading
from collections.abc import Mapping
from contextlib import suppress
from typing import Self
from urllib.parse import urlsplit

from websockets.exceptions import WebSocketException
from websockets.sync.client import ClientConnection, connect

from farm.net.guard import UrlRefused
from workers.gpu_generate.previews import Previews
from workers.media.previewing import opened
from workers.provider_http import Service, guard_of, tls

_OPEN_S = 5.0
_MOST_BYTES = 32 << 20  # previews come as pictures
# BinaryEventTypes.PREVIEW_IMAGE (protocol.py), then JPEG or PNG (send_image in server.py), four bytes each.
_PREVIEWS = (b"\0\0\0\1\0\0\0\1", b"\0\0\0\1\0\0\0\2")


class Listener:
    """One connection for one prompt, of so many nodes. `fraction` is None until something was heard."""

    def __init__(
        self, service: Service, client_id: str, prompt_id: str, nodes: int, previews: Previews
    ) -> None:
        self.fraction: float | None = None
        self._previews = previews
        self._prompt_id = prompt_id
        self._nodes = max(1, nodes)
        self._begun: set[str] = set()
        self._connection: ClientConnection | None = None
        self._tried = threading.Event()
        self._thread = threading.Thread(target=self._listen, args=[service, client_id], daemon=True)

    def __enter__(self) -> Self:
        """Wait until it is connected or cannot be, so that nothing of a short prompt is missed."""
        self._thread.start()
        self._tried.wait(_OPEN_S)
        return self

    def __exit__(self, *_: object) -> None:
        if self._connection is not None:
            self._connection.close()
            self._thread.join(_OPEN_S)

    def _listen(self, service: Service, client_id: str) -> None:
        with suppress(WebSocketException, OSError, UrlRefused, ValueError):
            try:
                with _connected(service, client_id) as self._connection:
                    self._tried.set()
                    for message in self._connection:
                        if isinstance(message, str):
                            self.hear(json.loads(message))
                        elif message.startswith(_PREVIEWS) and self._previews.are_due:
                            self._see(message[8:])
            finally:
                self._tried.set()

    def hear(self, message: object) -> None:
        """One message: {"type": …, "data": …}. Those of other prompts and of no matter are passed over."""
        said = message.get("data") if isinstance(message, Mapping) else None
        if not isinstance(message, Mapping) or not isinstance(said, Mapping):
            return
        if said.get("prompt_id") != self._prompt_id:
            return
        match message.get("type"):
            case "execution_cached" if isinstance(said.get("nodes"), list):
                self._begun.update(str(node) for node in said["nodes"])
                self._is_at(1.0)
            case "executing" if said.get("node") is not None:
                self._begun.add(str(said["node"]))
                self._is_at(0.0)
            case "progress":
                self._begun.add(str(said.get("node")))
                value, most = said.get("value"), said.get("max")
                if isinstance(value, int | float) and isinstance(most, int | float) and most > 0:
                    self._is_at(min(1.0, value / most))

    def _see(self, picture: bytes) -> None:
        """ComfyUI sends a client those of its own prompts, and ours has no other."""
        self._previews.make(lambda: opened(picture))

    def _is_at(self, of_node: float) -> None:
        done = (max(0, len(self._begun) - 1) + of_node) / self._nodes
        self.fraction = max(self.fraction or 0.0, min(1.0, done))


def _connected(service: Service, client_id: str) -> ClientConnection:
    """A connection to an address that the guard has checked."""
    parts = urlsplit(service.url)
    is_safe = parts.scheme == "https"
    host, port = parts.hostname or "", parts.port or (443 if is_safe else 80)
    address = guard_of(service, _OPEN_S).addresses(host, port)[0]
    return connect(
        f"{'wss' if is_safe else 'ws'}://{parts.netloc}{parts.path}/ws?clientId={client_id}",
        sock=socket.create_connection((address, port), _OPEN_S),
        ssl=tls() if is_safe else None,
        additional_headers={"Authorization": f"Bearer {service.key}"} if service.key else None,
        open_timeout=_OPEN_S,
        close_timeout=1.0,
        max_size=_MOST_BYTES,
        compression=None,
        proxy=None,
    )
