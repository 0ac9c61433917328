"""Serves the application with uvicorn, quietly: defects are logged, single calls are not."""

import uvicorn

from farm.api.app import create_app
from farm.settings import Settings

# How long open event streams may keep a stopping server alive.
_GRACE_S = 3


def serve(settings: Settings, host: str, port: int) -> None:
    """Serve until SIGINT or SIGTERM. Raises FarmUnavailable before anything is bound."""
    uvicorn.run(
        create_app(settings),
        host=host,
        port=port,
        log_level="warning",
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=_GRACE_S,
    )
