"""The guard of outbound calls: every URL attack is refused, and rules open only what they name."""

from collections.abc import Iterator, Sequence
from ipaddress import ip_network

import pytest

from farm.net.addresses import is_public, parse_address
from farm.net.guard import Guard, UrlRefused, own_places, system_resolve
from farm.rules.running import OutboundRules
from farm.settings import Settings

PUBLIC = "93.184.216.34"

REFUSED_UNRESOLVED = [
    "http://127.0.0.1/",
    "http://127.0.0.1./",
    "https://127.0.0.1:443/",
    "http://2130706433/",
    "http://0x7f000001/",
    "http://0x7f.1/",
    "http://0177.0.0.1/",
    "http://127.1/",
    "http://0/",
    "http://1.1.1.1.1/",
    "http://①②⑦.0.0.1/",
    "http://127。0。0。1/",
    "http://[::]/",
    "http://[::1]/",
    "http://[::ffff:127.0.0.1]/",
    "http://[::ffff:7f00:1]/",
    "http://[::127.0.0.1]/",
    "http://[64:ff9b::7f00:1]/",
    "http://[64:ff9b:1::1]/",
    "http://[2002:7f00:1::]/",
    "http://[2001:0:7f00:1::]/",
    "http://[fec0::1]/",
    "http://[fc00::1]/",
    "http://[fd00:ec2::254]/",
    "http://[fe80::1]/",
    "http://[fe80::1%25eth0]/",
    "http://[fe80::1%eth0]/",
    "http://[ff02::1]/",
    "http://[3fff::1]/",
    "http://[5f00::1]/",
    "http://[2001:db8::1]/",
    "http://[v1.x]/",
    "http://10.0.0.1/",
    "http://172.16.0.1/",
    "http://192.168.0.1/",
    "http://169.254.169.254/latest/meta-data/",
    "http://100.64.0.1/",
    "http://100.100.100.200/",
    "http://168.63.129.16/",
    "http://192.0.0.192/",
    "http://192.88.99.1/",
    "http://198.18.0.1/",
    "http://224.0.0.1/",
    "http://255.255.255.255/",
    "http://8.8.8.8:6379/",
    "http://example.com:22/",
    "http://example.com:0/",
    "http://example.com:99999/",
    "http://user:p@127.0.0.1/",
    "http://user@example.com/",
    "http://example.com\\@127.0.0.1/",
    "http://127.0.0.1\\@example.com/",
    "http://example.com#@127.0.0.1/",
    "http://example.com/#",
    "file:///etc/passwd",
    "gopher://example.com/",
    "ftp://example.com/",
    "data:text/plain,hello",
    "javascript:alert(1)",
    "//example.com/",
    "example.com/hook",
    "http:///hook",
    "http://",
    "",
    "http://exa mple.com/",
    "http://example.com/a\r\nHost: evil",
    "http://example.com/a\tb",
    "http://example.com\0/",
    "http://-bad-.com/",
    "http://" + "a" * 64 + ".com/",
    "https://example.com/" + "a" * 10_000_000,
    "https://farm.test/farm/v1/jobs",
    "https://FARM.test./farm/v1/jobs",
    "https://s3.farm.test:9000/bucket",
]

OWN = {("farm.test", 443), ("s3.farm.test", 9000)}


class Resolver:
    """Answers from a list, one list per question; the last one again."""

    def __init__(self, *answers: Sequence[str]) -> None:
        self.asked: list[str] = []
        self._answers = list(answers)

    def __call__(self, host: str, port: int) -> Sequence[str]:
        self.asked.append(host)
        answers = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        if not answers:
            raise OSError("no such name")
        return answers


@pytest.fixture
def guard() -> Iterator[Guard]:
    yield Guard(own=OWN, resolve=Resolver([PUBLIC]))


@pytest.mark.parametrize(
    "url", REFUSED_UNRESOLVED, ids=lambda url: url[:40].encode("unicode_escape").decode()
)
def test_a_url_that_needs_no_resolver_to_be_refused(guard: Guard, url: str) -> None:
    with pytest.raises(UrlRefused):
        guard.parse(url)


@pytest.mark.parametrize(
    "answers",
    [
        ["127.0.0.1"],
        ["10.0.0.5"],
        ["::1"],
        ["fe80::1%eth0"],
        [PUBLIC, "10.0.0.5"],
        [PUBLIC, "::ffff:1.1.1.1"],
    ],
)
def test_one_bad_answer_refuses_all(answers: list[str]) -> None:
    guard = Guard(resolve=Resolver(answers))
    guard.parse("https://evil.test/")
    with pytest.raises(UrlRefused, match="private or reserved"):
        guard.addresses("evil.test", 443)
    with pytest.raises(UrlRefused):
        guard.look("https://evil.test/")


def test_the_refusal_never_tells_the_address() -> None:
    with pytest.raises(UrlRefused) as refused:
        Guard(resolve=Resolver(["10.9.8.7"])).look("https://intranet.test/")
    assert "10.9" not in refused.value.message


def test_a_name_that_is_rebound_is_resolved_anew_and_refused() -> None:
    guard = Guard(resolve=Resolver([PUBLIC], ["127.0.0.1"]))
    guard.look("https://evil.test/")
    with pytest.raises(UrlRefused):
        guard.addresses("evil.test", 443)


def test_a_name_that_does_not_resolve_now_is_let_in_and_checked_later() -> None:
    guard = Guard(resolve=Resolver([], ["10.0.0.5"]))
    guard.look("https://soon.test/")
    with pytest.raises(UrlRefused):
        guard.addresses("soon.test", 443)


def test_the_systems_resolver_finds_this_machine() -> None:
    with pytest.raises(UrlRefused):
        Guard(resolve=system_resolve).look("http://localhost/")


@pytest.mark.parametrize(
    ("url", "host", "port", "target", "authority"),
    [
        ("https://example.com", "example.com", 443, "/", "example.com"),
        ("http://EXAMPLE.com:80/a?b=c%20d", "example.com", 80, "/a?b=c%20d", "example.com"),
        ("https://example.com:80/", "example.com", 80, "/", "example.com:80"),
        ("https://[2606:4700::1]/x", "2606:4700::1", 443, "/x", "[2606:4700::1]"),
        ("https://xn--nxasmq6b.example/", "xn--nxasmq6b.example", 443, "/", "xn--nxasmq6b.example"),
        ("https://a_b.example/", "a_b.example", 443, "/", "a_b.example"),
    ],
)
def test_a_good_url_is_taken_apart_once(
    guard: Guard, url: str, host: str, port: int, target: str, authority: str
) -> None:
    found = guard.parse(url)
    assert (found.host, found.port, found.target, found.authority) == (host, port, target, authority)


def test_an_allowed_host_is_called_wherever_it_lies_and_on_its_own_port() -> None:
    rules = OutboundRules(allow_hosts=("N8N.internal:5678", "hooks.internal"))
    guard = Guard(rules, resolve=Resolver(["10.0.0.5"]))
    assert guard.addresses("n8n.internal", 5678) == ["10.0.0.5"]
    assert guard.addresses("hooks.internal", 443) == ["10.0.0.5"]
    for url in ("http://n8n.internal/", "http://hooks.internal:5678/", "http://other.internal:5678/"):
        with pytest.raises(UrlRefused):
            guard.look(url)


def test_an_allowed_network_is_reached_on_the_common_ports_only() -> None:
    rules = OutboundRules(allow_networks=(ip_network("10.20.0.0/16"), ip_network("fd00:1::/32")))
    guard = Guard(rules, resolve=Resolver(["10.20.3.4", "fd00:1::7"], ["10.20.3.4", "10.21.0.1"]))
    guard.look("https://hooks.internal/")
    guard.look("http://10.20.0.9/")
    for url in ("https://hooks.internal/", "http://10.20.0.9:8080/", "http://10.21.0.9/"):
        with pytest.raises(UrlRefused):
            guard.look(url)


def test_the_farms_own_places_are_refused_even_where_allowed() -> None:
    rules = OutboundRules(ports=(80, 443, 8000), allow_hosts=("farm.test",))
    with pytest.raises(UrlRefused, match="this farm"):
        Guard(rules, own=OWN).parse("https://farm.test/hook")


def test_the_farms_own_places_come_from_its_settings() -> None:
    settings = Settings(
        public_url="https://farm.test/",
        blobs_public_url="http://media.farm.test",
        blobs_url="s3://bucket/prefix?endpoint=https://s3.farm.test:9000&region=x",
    )
    assert own_places(settings) == {("farm.test", 443), ("media.farm.test", 80), ("s3.farm.test", 9000)}
    assert own_places(Settings()) == set()


@pytest.mark.parametrize("address", ["1.1.1.1", PUBLIC, "2606:4700:4700::1111", "192.0.1.1"])
def test_the_internet_stays_open(address: str) -> None:
    assert is_public(parse_address(address))
