"""The envelope around every answer: a request id, and what is left of the caller's rate."""

import re
from typing import Any

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from structlog.contextvars import bind_contextvars

from farm.api.limits import Allowance
from farm.ids import Ids

_OWN_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")


class Envelope:
    """ASGI middleware. A caller's own x-request-id is kept when it is a plain word."""

    def __init__(self, app: ASGIApp, ids: Ids) -> None:
        self._app = app
        self._ids = ids

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        state: dict[str, Any] = scope.setdefault("state", {})
        state["request_id"] = request_id = self._request_id(scope)
        bind_contextvars(request_id=request_id)  # on its own log lines: each call has a context of its own

        async def seal(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers["x-request-id"] = request_id
                allowance = state.get("allowance")
                if isinstance(allowance, Allowance):
                    headers.update(allowance.headers())
            await send(message)

        await self._app(scope, receive, seal)

    def _request_id(self, scope: Scope) -> str:
        sent = Headers(scope=scope).get("x-request-id", "")
        return sent if _OWN_ID.fullmatch(sent) else self._ids.public("req")
