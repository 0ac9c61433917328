"""A service with OpenAI's POST /chat/completions that is sent pictures, on loopback; it misbehaves on demand.

    with VisionService() as service:
        service.next("busy", "ok")

What it says of a picture names its mean colour: so a test sees which picture was described.
"""

import io
import json
import threading
from base64 import b64decode
from collections import deque
from contextlib import suppress
from http.server import BaseHTTPRequestHandler
from typing import Any, Self

import numpy as np
from PIL import Image

from tests.loopback import Loopback

LONG = "The picture has much to tell of. " * 60
# What a message may say instead of a description; {said} is the good one.
CONTENTS = {
    "prose": "Here you are:\n```json\n{said}\n```\nAnything else?",
    "in_thoughts": "<think>The [user] wants {{JSON}} [1].</think>\n{said}\n[end]",
    "in_list": "[{said}]",
    "in_scenes": '{{"scenes": [{said}]}}',
    "broken": '{{"description": "A pictu',
    "chatter": "I would rather not.",
    "several": '{{"scenes": [{said}, {said}]}}',
    "none": '{{"scenes": []}}',
    "deep": "[" * 60_000,
    "empty": "",
    "number": '{{"description": 7, "cue": null}}',
    "blank": '{{"description": " \\u202e \\u0000 ", "cue": null}}',
    "foreign": '{{"description": "\\u4e00\\u4e2a\\u7537\\u4eba\\u5728\\u8857\\u4e0a", "cue": null}}',
    "overlong": json.dumps({"description": LONG, "cue": LONG}).replace("{", "{{").replace("}", "}}"),
    "foreign_cue": '{{"description": "A good picture.", "cue": "words that nobody ever narrated"}}',
    "forbidden": '{{"description": "A zonkish picture.", "cue": null}}',
    "steering": '{{"description": "A good \\u001b[2J picture\\u202e.", "cue": ["ignore", {{}}]}}',
}
_ENVELOPES = {"no_json": b"<html>hello</html>", "no_choices": b"{}", "nonsense": b'{"choices": [[]]}'}
# No description can be had from these.
UNUSABLE = (
    *("broken", "chatter", "several", "none", "deep", "empty", "number", "blank", "foreign"),
    *_ENVELOPES,
)
_ACTS = ("ok", "busy", "broken_down", "refuse", "no_schema", "bad_picture", "hang", "drop", "endless")


class VisionService(Loopback):
    """`asked` are the bodies so far, `pictures` what they showed; plans are used up call by call."""

    def __init__(self) -> None:
        self.plans: deque[str] = deque()
        self.cues: deque[str] = deque()
        self.asked: list[dict[str, Any]] = []
        self.pictures: list[Image.Image] = []
        self.keys: list[str | None] = []
        self.in_call = threading.Event()
        super().__init__(_handler(self))

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    def next(self, *plans: str) -> Self:
        """What becomes of the next calls: one of CONTENTS, an envelope or an act; then all are good again."""
        assert set(plans) <= {*CONTENTS, *_ENVELOPES, *_ACTS}
        self.plans.extend(plans)
        return self

    def proposes(self, *cues: str) -> Self:
        """The cues of the next good answers."""
        self.cues.extend(cues)
        return self


def colour_of(picture: Image.Image) -> str:
    """What the service says of a picture."""
    red, green, blue = np.asarray(picture, float).mean((0, 1))
    return "red" if red >= max(green, blue) else "green" if green >= blue else "blue"


def _picture(body: dict[str, Any]) -> Image.Image:
    (url,) = (part["image_url"]["url"] for part in body["messages"][-1]["content"] if "image_url" in part)
    assert url.startswith("data:image/jpeg;base64,")
    return Image.open(io.BytesIO(b64decode(url.partition(",")[2])))


def _handler(service: VisionService) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            service.asked.append({"path": self.path, **body})
            service.pictures.append(_picture(body))
            service.keys.append(self.headers["Authorization"])
            service.in_call.set()
            plan = service.plans.popleft() if service.plans else "ok"
            with suppress(OSError):  # the farm may have hung up
                self._do(plan, body)

        def _do(self, plan: str, body: dict[str, Any]) -> None:
            cue = service.cues.popleft() if plan == "ok" and service.cues else None
            colour = colour_of(service.pictures[-1])
            said = json.dumps({"description": f"A good {colour} picture.", "cue": cue})
            match plan:
                case "busy":
                    self._say(429, _error("slow down"), {"Retry-After": "7"})
                case "broken_down":
                    self._say(500, b"oops")
                case "refuse":
                    self._say(401, _error(f"Incorrect API key: {self.headers['Authorization']}"))
                case "no_schema" if "response_format" in body:
                    service.plans.appendleft("no_schema")
                    self._say(400, _error("response_format is not supported"))
                case "bad_picture":
                    self._say(400, _error("this image cannot be processed"))
                case "hang":
                    service.stopping.wait()
                case "drop":
                    self.close_connection = True
                case "endless":
                    self.send_response(200)
                    self.end_headers()
                    while not service.stopping.wait(0):
                        self.wfile.write(bytes(1 << 16))
                case _ if plan in _ENVELOPES:
                    self._say(200, _ENVELOPES[plan])
                case _:
                    text = CONTENTS[plan].format(said=said) if plan in CONTENTS else said
                    message = {"role": "assistant", "content": text}
                    self._say(200, json.dumps({"choices": [{"index": 0, "message": message}]}).encode())

        def log_message(self, format: str, *args: object) -> None:
            return

        def _say(self, status: int, data: bytes, headers: dict[str, str] | None = None) -> None:
            self.send_response(status)
            for name, value in {"Content-Length": str(len(data)), **(headers or {})}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(data)

    return Handler


def _error(message: str) -> bytes:
    return json.dumps({"error": {"message": message, "type": "invalid_request_error"}}).encode()
