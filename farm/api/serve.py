"""Serves the application with uvicorn, quietly: defects are logged, single calls are not."""

import contextlib
import socket
import sys

import structlog
import uvicorn

from farm.api.app import create_app
from farm.settings import Settings

_log = structlog.get_logger(__name__)

# How long open event streams may keep a stopping server alive.
_GRACE_S = 3
_NOT_STARTED = 3  # as uvicorn's own command ends


def serve(settings: Settings, host: str, port: int, *, access_log: bool = False) -> None:
    """Serve until SIGINT or SIGTERM. Raises FarmUnavailable before anything is bound.

    Logging is whoever called's (farm.logs), which keeps the queries of signed URLs out of the access log.
    """
    config = uvicorn.Config(
        create_app(settings),
        host=host,
        port=port,
        log_config=None,
        log_level="info" if access_log else "warning",
        access_log=access_log,
        server_header=False,
        timeout_graceful_shutdown=_GRACE_S,
    )
    server = _Server(config)
    with contextlib.suppress(KeyboardInterrupt):  # Ctrl-C, once everything is closed
        server.run()
    if not server.started:
        sys.exit(_NOT_STARTED)


class _Server(uvicorn.Server):
    """Says when it listens, as the scheduler and the workers do."""

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            _log.info("api_ready", host=self.config.host, port=self.config.port)
