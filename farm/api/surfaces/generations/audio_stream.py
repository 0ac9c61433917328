"""Speech and transcripts as server-sent events, named as OpenAI's clients read them."""

import json
from base64 import b64encode
from collections.abc import Iterator

from starlette.responses import StreamingResponse

from farm.api.desk import Desk
from farm.job import Artifact

_CHUNK_BYTES = 48 << 10
_SSE = "text/event-stream"
_NO_STORE = {"Cache-Control": "no-store"}


def speech_events(desk: Desk, file: Artifact) -> StreamingResponse:
    """The file's bytes in pieces, then its end."""
    return StreamingResponse(_spoken(desk, file), media_type=_SSE, headers=_NO_STORE)


def text_events(text: str) -> StreamingResponse:
    """The text, then all of it again with its end."""
    events = (
        {"type": "transcript.text.delta", "delta": text},
        {"type": "transcript.text.done", "text": text},
    )
    return StreamingResponse(
        (_event(event) for event in events if text or "text" in event), media_type=_SSE, headers=_NO_STORE
    )


def _spoken(desk: Desk, file: Artifact) -> Iterator[str]:
    for start in range(0, file.size_bytes, _CHUNK_BYTES):
        piece = desk.blobs.read(file.blob_key, start, _CHUNK_BYTES)
        yield _event({"type": "speech.audio.delta", "audio": b64encode(piece).decode()})
    usage = {"input_tokens": 0, "output_tokens": 0, "total_tokens": 0}
    yield _event({"type": "speech.audio.done", "usage": usage})


def _event(value: object) -> str:
    return f"data: {json.dumps(value)}\n\n"
