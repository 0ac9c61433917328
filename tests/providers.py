"""A little HTTP provider that misbehaves on demand, and keeps its books: who bought what, how often.

    with Shop() as shop:
        shop.at("first").next("busy", "ok")

Every counter serves at `shop.url(name)`; several counters are several providers. What each is to do with the
next purchases is told in order; then all is well.
"""

import json
import threading
from collections import deque
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Any, Self
from urllib.parse import parse_qs, unquote, urlsplit

from tests.loopback import Loopback

PLANS = ("ok", "busy", "broken", "drop", "doubt", "never", "wrong", "fails", "refuse", "policy")


@dataclass
class Call:
    """Something that was bought."""

    id: str
    key: str
    content: Any
    state: str


@dataclass
class Counter:
    """One provider. `sold` are the keys of its sales in order: a key that is there twice was bought twice."""

    name: str
    plans: deque[str] = field(default_factory=deque)
    calls: dict[str, Call] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    sold: list[str] = field(default_factory=list)
    called_off: list[str] = field(default_factory=list)
    is_deaf: bool = False

    def next(self, *plans: str) -> Self:
        """What becomes of the next purchases.

        `busy` 429 with Retry-After 1, `broken` 500, `drop` hangs up unsold, `doubt` sells and hangs up,
        `never` sells and does nothing until `release`, `wrong` delivers something else, `fails` sells and
        fails, `refuse` 401, `policy` 400.
        """
        assert set(plans) <= set(PLANS)
        self.plans.extend(plans)
        return self

    def always(self, plan: str) -> Self:
        return self.next(*[plan] * 1000)

    def release(self) -> None:
        """What was sold and never done is done now."""
        for call in self.calls.values():
            if call.state == "running":
                call.state = "done"

    def sell(self, key: str, plan: str, prompt: Any) -> Call:
        """As real ones do, a key that is known gets what it bought before; `asked` tells of it."""
        known = next((call for call in self.calls.values() if call.key == key), None)
        if known is not None:
            return known
        self.sold.append(key)
        state = {"never": "running", "fails": "failed"}.get(plan, "done")
        call = Call(f"{self.name}-{len(self.sold)}", key, "nonsense" if plan == "wrong" else prompt, state)
        self.calls[call.id] = call
        return call


class Shop(Loopback):
    """All counters behind one port on loopback."""

    def __init__(self) -> None:
        self._counters: dict[str, Counter] = {}
        self._lock = threading.Lock()
        super().__init__(_handler(self), daemon_threads=True)

    def at(self, name: str) -> Counter:
        with self._lock:
            return self._counters.setdefault(name, Counter(name))

    def url(self, name: str) -> str:
        self.at(name)
        return f"http://127.0.0.1:{self.port}/{name}"

    @property
    def sold(self) -> list[str]:
        """Every sale of every counter."""
        return [key for counter in self._counters.values() for key in counter.sold]


def _handler(shop: Shop) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            counter, key = self._counter(), self.headers["Idempotency-Key"]
            order = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            counter.asked.append(key)
            plan = counter.plans.popleft() if counter.plans else "ok"
            match plan:
                case "busy":
                    self._say(429, {"error": "later"}, {"Retry-After": "1"})
                case "broken":
                    self._say(500, {"error": "oops"})
                case "refuse":
                    self._say(401, {"error": "who are you?"})
                case "policy":
                    self._say(400, {"error": "against our policy"})
                case "drop":
                    self._hang_up()
                case "doubt":
                    counter.sell(key, plan, order["prompt"])
                    self._hang_up()
                case _:
                    self._say(202, {"id": counter.sell(key, plan, order["prompt"]).id})

        def do_GET(self) -> None:
            counter, place = self._counter(), urlsplit(self.path)
            if counter.is_deaf:
                self._hang_up()
            elif place.query:
                (key,) = parse_qs(place.query)["key"]
                found = [{"id": call.id} for call in counter.calls.values() if call.key == key]
                self._say(200, {"calls": found})
            else:
                call = counter.calls[unquote(place.path.rpartition("/")[2])]
                self._say(200, {"state": call.state, "content": call.content})

        def do_DELETE(self) -> None:
            counter = self._counter()
            call = counter.calls[unquote(self.path.rpartition("/")[2])]
            call.state = "cancelled"
            counter.called_off.append(call.id)
            self._say(200, {})

        def log_message(self, format: str, *args: object) -> None:
            return

        def _counter(self) -> Counter:
            return shop.at(self.path.split("/")[1])

        def _say(self, status: int, body: object, headers: dict[str, str] | None = None) -> None:
            data = json.dumps(body).encode()
            self.send_response(status)
            for name, value in {"Content-Length": str(len(data)), **(headers or {})}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(data)

        def _hang_up(self) -> None:
            self.close_connection = True

    return Handler
