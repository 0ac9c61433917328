"""The part of a protocol server that is the same for all: plans, books, and HTTP that may break.

    with FalServer() as server:
        server.next("busy", "ok")

What becomes of the next purchases is told in order; then all is well.
"""

import hashlib
import json
import re
import threading
import time
from abc import ABC, abstractmethod
from base64 import b64encode
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from email.parser import BytesParser
from email.policy import HTTP
from http.server import BaseHTTPRequestHandler
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit

from tests.loopback import Loopback

REFUSALS = ("busy", "broken", "unavailable", "auth", "credit", "policy", "invalid", "lacking")
# Sold, and what becomes of it: nothing until `release`; a failure; a refusal that comes late; no room.
ENDINGS = ("never", "fails", "late_policy", "memory", "full")
GOODS = ("black", "short", "cut", "page", "still", "gone", "few", "elsewhere")
ELSEWHERE = "http://169.254.169.254/latest/meta-data/film.mp4"
BREAKS = ("drop", "doubt", "slow", "portal")
_GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
PLANS = ("ok", *REFUSALS, *ENDINGS, *GOODS, *BREAKS)


@dataclass
class Sale:
    """Something that was bought. `order` is what was asked; `state` running, done, failed or cancelled."""

    id: str
    order: Mapping[str, Any]
    plan: str
    state: str = "running"
    looks: int = 0
    at: float = field(default_factory=time.time)


@dataclass(frozen=True)
class Request:
    """One call. `form` and `files` are of multipart bodies, `json` of others."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    json: Any
    form: Mapping[str, str]
    files: Mapping[str, list[bytes]]


@dataclass(frozen=True)
class Answer:
    """`body` is JSON unless it is bytes."""

    status: int
    body: Any = b""
    headers: Mapping[str, str] = field(default_factory=dict)


class HangUp(Exception):
    """The connection ends without an answer."""


class SchemaBroken(Exception):
    """The request is not what the published schema allows."""


class ProtocolServer(Loopback, ABC):
    """Subclasses answer requests. `looks` is how often a sale is looked at before it is done."""

    key = "secret-key-0123456789"

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.forget()
        super().__init__(_handler(self), daemon_threads=True)

    def forget(self) -> None:
        """Begin anew, as for another test."""
        self.plans: deque[str] = deque()
        self.sales: dict[str, Sale] = {}
        self.asked: list[Request] = []
        self.broken: list[str] = []
        self.called_off: list[str] = []
        self.is_deaf = False
        self.looks = 1
        self.in_call = threading.Event()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def sold(self) -> list[Sale]:
        return list(self.sales.values())

    def next(self, *plans: str) -> Self:
        """What becomes of the next purchases: words of PLANS."""
        assert set(plans) <= set(PLANS)
        self.plans.extend(plans)
        return self

    def always(self, plan: str) -> Self:
        return self.next(*[plan] * 1000)

    def release(self) -> None:
        """What was sold and never done is done now."""
        for sale in self.sales.values():
            if sale.state == "running":
                sale.plan = "ok"

    def sell(self, order: Mapping[str, Any], id: str) -> Sale:
        """Follow the next plan up to the sale. Raises Refused and HangUp before it, and HangUp after."""
        plan = self.plans.popleft() if self.plans else "ok"
        if plan in REFUSALS:
            raise Refused(plan)
        if plan == "portal":
            raise Portal
        if plan == "drop":
            raise HangUp
        if plan == "slow":
            self.in_call.set()
            self.stopping.wait(20)
            raise HangUp
        sale = self.sales[id] = Sale(id, order, plan)
        self.in_call.set()
        if plan == "doubt":
            raise HangUp
        return sale

    def looked(self, sale: Sale) -> Sale:
        """The sale after one more look at it."""
        sale.looks += 1
        if sale.state == "running" and sale.plan != "never" and sale.looks >= self.looks:
            sale.state = "failed" if sale.plan in ENDINGS[1:] else "done"
        return sale

    @abstractmethod
    def answer(self, request: Request) -> Answer:
        """What the API says. Raises Refused, HangUp, SchemaBroken."""

    @abstractmethod
    def refusal(self, word: str) -> Answer:
        """How the API says one of REFUSALS."""

    def messages(self, query: Mapping[str, str]) -> Iterator[Mapping[str, Any] | bytes]:
        """What a WebSocket hears: texts of JSON, or bytes."""
        yield from ()

    def handled(self, request: Request) -> Answer:
        with self.lock:
            self.asked.append(request)
        if self.is_deaf and request.method == "GET":
            raise HangUp
        try:
            return self.answer(request)
        except Refused as refused:
            return self.refusal(str(refused))
        except Portal:
            return Answer(200, b"<html>please sign in</html>", {"Content-Type": "text/html"})
        except SchemaBroken as broken:
            self.broken.append(str(broken))
            return self.refusal("invalid")


class Refused(Exception):
    """One of REFUSALS."""


class Portal(Exception):
    """Something on the way answers instead."""


def require(condition: object, what: str) -> None:
    """Raise SchemaBroken unless the condition holds."""
    if not condition:
        raise SchemaBroken(what)


def matched(pattern: str, path: str) -> re.Match[str] | None:
    return re.fullmatch(pattern, path)


def _handler(server: ProtocolServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            if self.headers.get("Upgrade", "").lower() == "websocket":
                with suppress(OSError):  # the farm hangs up when it has heard enough
                    self._converse()
                return
            try:
                answer = server.handled(self._request())
            except HangUp:
                self.close_connection = True
                return
            data = answer.body if isinstance(answer.body, bytes) else json.dumps(answer.body).encode()
            headers = {"Content-Type": "application/json", **answer.headers}
            with suppress(OSError):  # the farm may have hung up
                self.send_response(answer.status)
                for name, value in {**headers, "Content-Length": str(len(data))}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(data)

        do_POST = do_PUT = do_DELETE = do_GET

        def _converse(self) -> None:
            """RFC 6455, section 4.2.2, and then one text frame after the other."""
            told = self.headers["Sec-WebSocket-Key"] + _GUID
            self.send_response(101)
            accept = b64encode(hashlib.sha1(told.encode()).digest()).decode()
            for name, value in {"Upgrade": "websocket", "Connection": "Upgrade"}.items():
                self.send_header(name, value)
            self.send_header("Sec-WebSocket-Accept", accept)
            self.end_headers()
            self.close_connection = True
            query = {name: values[0] for name, values in parse_qs(urlsplit(self.path).query).items()}
            for message in server.messages(query):
                is_binary = isinstance(message, bytes)
                data = message if isinstance(message, bytes) else json.dumps(message).encode()
                size = bytes([len(data)]) if len(data) < 126 else b"\x7e" + len(data).to_bytes(2)
                self.wfile.write((b"\x82" if is_binary else b"\x81") + size + data)
            self.rfile.read(2)  # that it closes

        def log_message(self, format: str, *args: object) -> None:
            return

        def _request(self) -> Request:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            place = urlsplit(self.path)
            query = {name: values[0] for name, values in parse_qs(place.query).items()}
            headers = {name.lower(): value for name, value in self.headers.items()}
            kind = headers.get("content-type", "")
            form, files = _parts(body, kind) if kind.startswith("multipart/") else ({}, {})
            said = json.loads(body) if body and "json" in kind else None
            return Request(self.command, place.path, query, headers, said, form, files)

    return Handler


def _parts(body: bytes, kind: str) -> tuple[dict[str, str], dict[str, list[bytes]]]:
    """The texts and files of a form."""
    message = BytesParser(policy=HTTP).parsebytes(f"Content-Type: {kind}\r\n\r\n".encode() + body)
    texts: dict[str, str] = {}
    files: dict[str, list[bytes]] = {}
    for part in message.iter_parts():
        name = str(part.get_param("name", header="content-disposition"))
        data = part.get_payload(decode=True)
        assert isinstance(data, bytes)
        if part.get_filename() is None:
            texts[name] = data.decode()
        else:
            files.setdefault(name, []).append(data)
    return texts, files
