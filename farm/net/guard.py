"""Decides whether a URL that a customer named may be called, and at which addresses. Sends nothing.

A host is resolved once; one bad answer among good ones refuses all, and the caller connects to the
answers that were checked, never to the name again.
"""

import re
import socket
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from ipaddress import AddressValueError, IPv4Address, IPv6Address
from urllib.parse import parse_qs, urlsplit

from farm.errors import BadRequest
from farm.net.addresses import Address, is_public, parse_address
from farm.rules.running import OutboundRules
from farm.settings import Settings

MAX_URL = 2000
_PORTS = {"http": 80, "https": 443}
_PLAIN = re.compile(r"[!-~]+")  # printable ASCII, no space
_NAME = re.compile(r"(?=.{1,253}\.?$)([a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?\.)*[a-z0-9_-]{1,63}\.?")
_NUMERIC = re.compile(r"[0-9]+|0x[0-9a-f]*")
_LOOK_S = 2.0
_LOOKERS = 4

Resolve = Callable[[str, int], Sequence[str]]


class UrlRefused(BadRequest):
    """The farm does not call this URL. The message says why, and never which address it found."""

    code = "url_refused"


@dataclass(frozen=True, slots=True)
class Destination:
    """A URL taken apart once, so that no second parser reads it differently. An IPv6 host has no brackets."""

    scheme: str
    host: str
    port: int
    target: str

    @property
    def authority(self) -> str:
        """The Host header."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _PORTS[self.scheme] else f"{host}:{self.port}"


def system_resolve(host: str, port: int) -> list[str]:
    """Ask the system's resolver; blocks. Raises OSError when the name has no address now."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(info[4][0]) for info in found))


class Guard:
    """The rules of one farm. `own` are the farm's own (host, port) pairs, which nobody may have it call."""

    def __init__(
        self,
        rules: OutboundRules | None = None,
        *,
        own: Collection[tuple[str, int]] = (),
        resolve: Resolve = system_resolve,
    ) -> None:
        self.rules = rules or OutboundRules()
        self._own = frozenset((_same(host), port) for host, port in own)
        self._hosts = frozenset(_same(host) for host in self.rules.allow_hosts)
        self._resolve = resolve
        self._lookers = ThreadPoolExecutor(_LOOKERS, thread_name_prefix="look")

    def parse(self, url: str) -> Destination:
        """Take the URL apart and check all that needs no resolver. Raises UrlRefused."""
        if len(url) > MAX_URL:
            raise UrlRefused(f"The URL is longer than {MAX_URL} characters.")
        if not _PLAIN.fullmatch(url) or "\\" in url:
            raise UrlRefused(
                "The URL must be plain ASCII without spaces or backslashes; write other characters as %XX, "
                "and a host name as xn--…."
            )
        destination = _destination(url)
        self._admit(destination.host, destination.port)
        literal = _literal(destination.host)
        if literal is not None:
            self._check(destination.host, destination.port, [literal])
        return destination

    def addresses(self, host: str, port: int) -> list[str]:
        """Where to connect for this host: every answer of the resolver, all of them checked. Blocks.

        Raises UrlRefused, and OSError when the name does not resolve.
        """
        self._admit(host, port)
        literal = _literal(host)
        answers = [literal] if literal is not None else [_parsed(text) for text in self._resolve(host, port)]
        self._check(host, port, answers)
        return [str(address) for address in answers]

    def look(self, url: str) -> None:
        """Check a URL when it is handed in. Raises UrlRefused.

        A name that does not resolve now, or only slowly, passes: it is checked again at each call.
        """
        destination = self.parse(url)
        asked = self._lookers.submit(self.addresses, destination.host, destination.port)
        try:
            asked.result(_LOOK_S)
        except TimeoutError:
            asked.cancel()
        except OSError:
            return

    def within(self, total_s: float) -> "Guard":
        """The same rules, for calls that may take so long."""
        rules = self.rules.model_copy(update={"total_s": total_s})
        return Guard(rules, own=self._own, resolve=self._resolve)

    def leads_here(self, url: str) -> bool:
        """Whether it is one of the farm's own places."""
        return place_of(url) in self._own

    def _admit(self, host: str, port: int) -> None:
        if (_same(host), port) in self._own:
            raise UrlRefused("The URL leads back to this farm.")
        if port not in self.rules.ports and f"{_same(host)}:{port}" not in self._hosts:
            allowed = ", ".join(str(number) for number in self.rules.ports)
            raise UrlRefused(f"The farm does not call port {port}; it calls {allowed}.")

    def _check(self, host: str, port: int, answers: Sequence[Address]) -> None:
        if not answers:
            raise OSError("no address")
        if self._hosts & {_same(host), f"{_same(host)}:{port}"}:
            return
        if not all(self._may_reach(address) for address in answers):
            raise UrlRefused(
                "The URL leads to a private or reserved address. The farm's operator can allow it: "
                "[outbound] in farm.toml."
            )

    def _may_reach(self, address: Address) -> bool:
        return is_public(address) or any(
            address.version == network.version and address in network for network in self.rules.allow_networks
        )


def own_places(settings: Settings) -> set[tuple[str, int]]:
    """The (host, port) pairs at which this farm itself and its storage are reached."""
    urls = [settings.public_url, settings.blobs_public_url]
    urls += parse_qs(urlsplit(settings.blobs_location).query).get("endpoint", [])
    return {place for url in urls if url and (place := place_of(url)) is not None}


def place_of(url: str) -> tuple[str, int] | None:
    """The host and port that a URL names; None for one that names none."""
    try:
        parts = urlsplit(url)
        port = parts.port or _PORTS.get(parts.scheme, 443)
    except ValueError:
        return None
    return (_same(parts.hostname), port) if parts.hostname is not None else None


def _destination(url: str) -> Destination:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise UrlRefused("The URL cannot be read.") from None
    if parts.scheme not in _PORTS:
        raise UrlRefused("The URL must begin with https:// or http://.")
    if parts.netloc.startswith("[") and ":" not in (parts.hostname or ""):
        raise UrlRefused("The URL's host is not an IPv6 address.")
    if "@" in parts.netloc:
        raise UrlRefused("The URL must not carry a user name or password.")
    if parts.fragment or "#" in url:
        raise UrlRefused("The URL must not have a #fragment.")
    host = _host(parts.hostname or "")
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return Destination(parts.scheme, host, _PORTS[parts.scheme] if port is None else port, target)


def _host(host: str) -> str:
    """A name or an address in its plain spelling; what only some parsers take for an address is refused."""
    if "%" in host:
        raise UrlRefused("The URL's host must not have a zone or an escape.")
    if ":" in host:
        try:
            return str(IPv6Address(host))
        except AddressValueError:
            raise UrlRefused("The URL's host is not an IPv6 address.") from None
    if not _NAME.fullmatch(host):
        raise UrlRefused("The URL has no valid host name.")
    if _NUMERIC.fullmatch(host.rstrip(".").rpartition(".")[2]):
        try:
            return str(IPv4Address(host))
        except AddressValueError:
            raise UrlRefused("Write an IPv4 address as four decimal numbers.") from None
    return host


def _literal(host: str) -> Address | None:
    try:
        return parse_address(host)
    except ValueError:
        return None


def _parsed(text: str) -> Address:
    try:
        return parse_address(text)
    except ValueError:
        raise UrlRefused("The URL's host resolves to something that is no address.") from None


def _same(host: str) -> str:
    return host.lower().rstrip(".")
