"""Server-sent events: a stream of frames, kept open by comments while nothing is said."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress

from fastapi.responses import StreamingResponse

HEARTBEAT_S = 15.0
_HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}


def event_stream(frames: AsyncIterator[str]) -> StreamingResponse:
    """An answer that sends each frame as it comes, and ends with the last."""
    return StreamingResponse(_kept_open(frames), media_type="text/event-stream", headers=_HEADERS)


def frame(event: str, data: str, event_id: str | None = None) -> str:
    """One event; `data` is one line."""
    head = f"id: {event_id}\n" if event_id is not None else ""
    return f"{head}event: {event}\ndata: {data}\n\n"


async def _kept_open(frames: AsyncIterator[str]) -> AsyncIterator[str]:
    pending: asyncio.Future[str] | None = None
    try:
        while True:
            pending = pending or asyncio.ensure_future(_next(frames))
            done, _ = await asyncio.wait({pending}, timeout=HEARTBEAT_S)
            if not done:
                yield ": still here\n\n"
                continue
            text, pending = pending.result(), None
            yield text
    except StopAsyncIteration:
        return
    finally:
        if pending is not None:
            pending.cancel()
            with suppress(asyncio.CancelledError, StopAsyncIteration):
                await pending


async def _next(frames: AsyncIterator[str]) -> str:
    return await anext(frames)
