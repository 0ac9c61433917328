"""A little speech service with OpenAI's POST /audio/speech on loopback, which misbehaves on demand.

    with SpeechService() as service:
        service.next("busy", "ok")

What it says is a tone, longer for longer texts: a voice is known by its pitch.
"""

import io
import json
import threading
import wave
from collections import deque
from contextlib import suppress
from http.server import BaseHTTPRequestHandler
from typing import Any, Self

import numpy as np

from tests.loopback import Loopback

SAMPLE_RATE = 22_050
PITCHES_HZ = {"alloy": 440.0, "onyx": 220.0}
PER_CHARACTER_S = 1 / 15
_TOLD = (
    "busy broken refuse missing policy redirect drop cut slow drip endless page empty short_file silent brief"
)


def spoken_s(text: str, speed: float = 1.0) -> float:
    """How long the service takes to say it."""
    return len(text) * PER_CHARACTER_S / speed


def spoken(text: str, voice: str, speed: float = 1.0, level: float = 0.3) -> bytes:
    """The text as a WAV."""
    at = np.arange(round(spoken_s(text, speed) * SAMPLE_RATE)) / SAMPLE_RATE
    wave_of = np.sin(2 * np.pi * PITCHES_HZ[voice] * at) * level
    file = io.BytesIO()
    with wave.open(file, "wb") as sound:
        sound.setparams((1, 2, SAMPLE_RATE, 0, "NONE", ""))
        sound.writeframes((wave_of * 32_767).astype("<i2").tobytes())
    return file.getvalue()


class SpeechService(Loopback):
    """`asked` are the bodies of the calls, `keys` their Authorization; plans are used up call by call."""

    def __init__(self) -> None:
        self.plans: deque[str] = deque()
        self.asked: list[dict[str, Any]] = []
        self.keys: list[str | None] = []
        self.in_call = threading.Event()
        super().__init__(_handler(self))

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    def next(self, *plans: str) -> Self:
        """What becomes of the next calls; see `_do` for what each word means."""
        assert set(plans) <= {"ok", *_TOLD.split()}
        self.plans.extend(plans)
        return self


def _handler(service: SpeechService) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            service.asked.append({"path": self.path, **body})
            service.keys.append(self.headers["Authorization"])
            service.in_call.set()
            plan = service.plans.popleft() if service.plans else "ok"
            with suppress(OSError):  # the farm may have hung up
                self._do(plan, body)

        def _do(self, plan: str, body: dict[str, Any]) -> None:
            good = spoken(body["input"], body["voice"], body.get("speed", 1.0))
            match plan:
                case "busy":
                    self._say(429, _error("slow down"), {"Retry-After": "1"})
                case "broken":
                    self._say(500, b"oops")
                case "refuse":
                    self._say(401, _error(f"Incorrect API key: {self.headers['Authorization']}"))
                case "missing":
                    self._say(404, _error("no such model"))
                case "policy":
                    self._say(400, _error("voice must be one of alloy, onyx"))
                case "redirect":
                    self._say(302, b"", {"Location": "http://127.0.0.1:1/"})
                case "drop":
                    self.close_connection = True
                case "cut":
                    self._say(200, good[: len(good) // 2], {"Content-Length": str(len(good))})
                    self.close_connection = True
                case "slow":
                    service.stopping.wait()
                case "drip" | "endless":
                    self._flow(bytes(1) if plan == "drip" else bytes(1 << 20), plan == "drip")
                case "page":
                    self._say(
                        200, b"<html>Welcome to the captive portal</html>", {"Content-Type": "audio/wav"}
                    )
                case "empty":
                    self._say(200, b"")
                case "short_file":
                    self._say(200, good[: len(good) // 2])
                case "silent":
                    self._say(200, spoken(body["input"], body["voice"], level=0.0))
                case "brief":
                    self._say(200, spoken(body["input"][:1], body["voice"]))
                case _:
                    self._say(200, good, {"Content-Type": "audio/wav"})

        def log_message(self, format: str, *args: object) -> None:
            return

        def _say(self, status: int, data: bytes, headers: dict[str, str] | None = None) -> None:
            self.send_response(status)
            for name, value in {"Content-Length": str(len(data)), **(headers or {})}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(data)

        def _flow(self, piece: bytes, is_slow: bool) -> None:
            """Piece after piece until the caller hangs up."""
            self.send_response(200)
            self.end_headers()
            while not service.stopping.wait(0.02 if is_slow else 0):
                self.wfile.write(piece)

    return Handler


def _error(message: str) -> bytes:
    return json.dumps({"error": {"message": message, "type": "invalid_request_error"}}).encode()
