"""Serves the application with uvicorn, quietly: defects are logged, single calls are not."""

import uvicorn

from farm.api.app import create_app
from farm.settings import Settings

# How long open event streams may keep a stopping server alive.
_GRACE_S = 3


def serve(settings: Settings, host: str, port: int, *, access_log: bool = False) -> None:
    """Serve until SIGINT or SIGTERM. Raises FarmUnavailable before anything is bound.

    Logging is whoever called's (farm.logs), which keeps the queries of signed URLs out of the access log.
    """
    uvicorn.run(
        create_app(settings),
        host=host,
        port=port,
        log_config=None,
        log_level="info" if access_log else "warning",
        access_log=access_log,
        server_header=False,
        timeout_graceful_shutdown=_GRACE_S,
    )
