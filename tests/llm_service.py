"""Services with OpenAI's chat API on one loopback port: each streams, counts, and misbehaves as it is told.

    with LlmServices() as services:
        services.at("first").next("busy", "ok")

A service is reached at `services.url(name)`, with `KEY` as its key. What it does with the next calls is told
in order; then all is well.
"""

import json
import select
import threading
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Any, Self

from tests.loopback import Loopback

KEY = "sk-a-key-of-the-tests"
WORDS = ("Hello", " from", " the", " other", " side", ".")
NOTHING: Mapping[str, str] = {}
USAGE = {"prompt_tokens": 1000, "completion_tokens": 2000, "total_tokens": 3000}
PLANS = (
    "ok",  # answers, and counts when asked to
    "uncounted",  # never says what it used
    "busy",  # 429 with Retry-After
    "broken",  # 500
    "drop",  # hangs up before anything
    "mute",  # takes the call and says nothing
    "refuse",  # 401, telling the key
    "missing",  # 404: no such model
    "bad",  # 400 about a field
    "policy",  # 400: a policy
    "garbage",  # 200 with something else
    "error_event",  # a stream that begins with an error
    "breaks",  # a stream that breaks off after two words
    "fails",  # a stream that says after two words what went wrong, and then that it is done
    "garbled",  # a stream that goes on with bytes that are no text
    "half",  # a stream of two choices that breaks off when the first has ended
    "stays",  # a stream that is done and is left open
    "hums",  # nothing but spaces for ever; of a stream, two words and then only comments
    "waits",  # a stream that goes on after two words only when released
)


@dataclass
class LlmService:
    """One of them. `asked` are the bodies so far; `hung_up` is set once a caller left a waiting stream."""

    name: str
    plans: deque[str] = field(default_factory=deque)
    asked: list[dict[str, Any]] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)
    hung_up: threading.Event = field(default_factory=threading.Event)
    released: threading.Event = field(default_factory=threading.Event)

    def next(self, *plans: str) -> Self:
        assert set(plans) <= set(PLANS)
        self.plans.extend(plans)
        return self


class LlmServices(Loopback):
    """All of them."""

    def __init__(self) -> None:
        self._services: dict[str, LlmService] = {}
        outer = self

        class Handler(_Handler):
            services = outer

        super().__init__(Handler, daemon_threads=True)

    def at(self, name: str) -> LlmService:
        return self._services.setdefault(name, LlmService(name))

    def url(self, name: str) -> str:
        return f"http://127.0.0.1:{self.port}/{name}/v1"


class _Handler(BaseHTTPRequestHandler):
    services: LlmServices
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        name, _, path = self.path.removeprefix("/").partition("/v1/")
        service = self.services.at(name)
        service.asked.append(body)
        service.paths.append(path)
        service.keys.append(self.headers.get("Authorization", ""))
        plan = service.plans.popleft() if service.plans else "ok"
        match plan:
            case "busy":
                self._refuse(429, {"message": "slow down"}, {"Retry-After": "7"})
            case "broken":
                self._refuse(500, {"message": "oops"})
            case "refuse":
                self._refuse(
                    401, {"message": f"Incorrect API key provided: {KEY}", "code": "invalid_api_key"}
                )
            case "missing":
                self._refuse(404, {"message": "no such model", "code": "model_not_found"})
            case "bad":
                said = {
                    "message": f"temperature is too high, {KEY}",
                    "param": "temperature",
                    "code": "too_high",
                }
                self._refuse(400, said)
            case "policy":
                self._refuse(400, {"message": "not that", "code": "content_policy_violation"})
            case "garbage":
                self._send(200, b"<html>hello</html>", {"Content-Type": "text/html"})
            case "drop":
                self.close_connection = True
            case "mute":
                self._until_left(service)
                self.close_connection = True
            case _ if body.get("stream"):
                self._stream(service, body, plan, path)
            case "hums":
                self._begin("application/json")
                self._hum(service, b" ")
            case _:
                self._whole(body, plan, path)

    def _whole(self, body: Mapping[str, Any], plan: str, path: str) -> None:
        text = "".join(WORDS)
        choice: dict[str, Any] = {"index": 0, "finish_reason": "stop"}
        choice |= (
            {"message": {"role": "assistant", "content": text}} if path.startswith("chat") else {"text": text}
        )
        usage = {} if plan == "uncounted" else {"usage": USAGE}
        answer = {**_head(body, path), "choices": [choice], **usage}
        self._send(200, json.dumps(answer).encode(), {"Content-Type": "application/json"})

    def _stream(self, service: LlmService, body: Mapping[str, Any], plan: str, path: str) -> None:
        self._begin("text/event-stream")
        self._chunk(b": keep-alive\n\n")
        if plan == "error_event":
            self._event({"error": {"message": "overloaded"}})
            self.close_connection = True
            return
        for number, word in enumerate(WORDS):
            if number == 2 and plan in ("breaks", "half", "hums", "fails", "garbled"):
                self._end_badly(service, body, plan, path)
                return
            if number == 2 and plan == "waits" and self._until_left(service):
                return
            delta = {"delta": {"content": word}} if path.startswith("chat") else {"text": word}
            self._event({**_head(body, path), "choices": [{"index": 0, **delta, "finish_reason": None}]})
        self._event({**_head(body, path), "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]})
        if (body.get("stream_options") or {}).get("include_usage") and plan != "uncounted":
            self._event({**_head(body, path), "choices": [], "usage": USAGE})
        self._chunk(b"data: [DONE]\n\n")
        if plan == "stays" and self._until_left(service):
            return
        self._chunk(b"")

    def _end_badly(self, service: LlmService, body: Mapping[str, Any], plan: str, path: str) -> None:
        self.close_connection = True
        match plan:
            case "half":
                ended = {"index": 1, "delta": {"content": "."}, "finish_reason": "stop"}
                self._event({**_head(body, path), "choices": [ended]})
            case "fails":
                self._event({"error": {"message": f"overloaded, {KEY}", "type": "server_error"}})
                self._chunk(b"data: [DONE]\n\n")
            case "garbled":
                self._chunk(b"data: \xff\xfe\n\n")
            case "hums":
                self._hum(service, b": still here\n\n")

    def _begin(self, content_type: str) -> None:
        self.send_response(200)
        self.send_header("Content-Type", content_type)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()

    def _hum(self, service: LlmService, said: bytes) -> None:
        self.close_connection = True
        while not self._has_left(service):
            self._chunk(said)

    def _until_left(self, service: LlmService) -> bool:
        """Wait for the release; True when the caller hung up meanwhile."""
        while not service.released.is_set():
            if self._has_left(service):
                return True
        return False

    def _has_left(self, service: LlmService) -> bool:
        """Whether the caller has hung up by now, or the tests are over. Waits a moment."""
        readable, _, _ = select.select([self.connection], [], [], 0.02)
        if readable and self.connection.recv(1) == b"":
            service.hung_up.set()
            self.close_connection = True
            return True
        return self.services.stopping.is_set()

    def _event(self, value: Mapping[str, Any]) -> None:
        self._chunk(b"data: " + json.dumps(value).encode() + b"\n\n")

    def _chunk(self, data: bytes) -> None:
        self.wfile.write(f"{len(data):x}\r\n".encode() + data + b"\r\n")
        self.wfile.flush()

    def _refuse(
        self, status: int, error: Mapping[str, Any], headers: Mapping[str, str] | None = None
    ) -> None:
        self._send(status, json.dumps({"error": error}).encode(), {**(headers or {})})

    def _send(self, status: int, body: bytes, headers: Mapping[str, str]) -> None:
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


def _head(body: Mapping[str, Any], path: str) -> dict[str, Any]:
    kind = "chat.completion" if path.startswith("chat") else "text_completion"
    part = ".chunk" if body.get("stream") and path.startswith("chat") else ""
    return {"id": "cmpl-1", "object": kind + part, "created": 1, "model": body["model"]}
