"""A service with OpenAI's POST /chat/completions on a real port: it answers as told, and remembers."""

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Reply = tuple[int, bytes]


@dataclass
class ChatService:
    """`reply` turns what was asked for into an answer's status and body; `asked` are the requests so far."""

    reply: Callable[[dict[str, Any]], Reply]
    url: str = ""
    asked: list[dict[str, Any]] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)

    def brief(self, number: int = -1) -> dict[str, Any]:
        """What the model was told."""
        return dict(json.loads(self.asked[number]["messages"][-1]["content"]))


def said(content: object) -> Reply:
    """An answer whose message is this text, or this as JSON."""
    text = content if isinstance(content, str) else json.dumps(content)
    message = {"role": "assistant", "content": text}
    return 200, json.dumps({"choices": [{"index": 0, "message": message}]}).encode()


def refused(status: int, message: str = "no") -> Reply:
    return status, json.dumps({"error": {"message": message}}).encode()


@contextmanager
def chat_service(reply: Callable[[dict[str, Any]], Reply]) -> Iterator[ChatService]:
    """The service for as long as the block runs."""
    service = ChatService(reply)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            service.keys.append(self.headers.get("Authorization", ""))
            asked: Mapping[str, Any] = json.loads(body)
            service.asked.append(dict(asked))
            is_ours = self.path == "/v1/chat/completions"
            status, answer = service.reply(dict(asked)) if is_ours else refused(404)
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        service.url = f"http://127.0.0.1:{server.server_port}/v1"
        thread = threading.Thread(target=server.serve_forever, args=[0.05], name="chat", daemon=True)
        thread.start()
        try:
            yield service
        finally:
            server.shutdown()
            thread.join()
