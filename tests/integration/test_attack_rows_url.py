"""URL attacks against every field that takes a customer's URL, one test per row, through a running API.

What a URL shows of itself is refused when it is handed in. What only the call shows (a name that is rebound,
a redirect, an answer without end) ends in a delivery that failed and says why, never in a call inside.
"""

import gzip
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from farm.rules.running import OutboundRules
from farm.store.rows import AnyRow
from schedulers.webhooks.deliverer import delivering
from tests.api import Api, api_under
from tests.integration.test_api_envelope import check_error
from tests.live_farm import LiveFarm, live_farm, probe
from tests.receiver import Behave, Receiver, answer, endless, raw, receiving

pytestmark = pytest.mark.slow

PUBLIC = "93.184.216.34"
HEAD = b"HTTP/1.1 200 OK\r\n"
GIGABYTE = 1 << 30

# The row's name, and the attack.
REFUSED = {
    "127.0.0.1": "http://127.0.0.1/",
    "decimal": "http://2130706433/",
    "hex": "http://0x7f000001/",
    "octal": "http://0177.0.0.1/",
    "127.1": "http://127.1/",
    "0": "http://0/",
    "unicode digits": "http://①②⑦.0.0.1/",
    "[::]": "http://[::]/",
    "mapped": "http://[::ffff:127.0.0.1]/",
    "compatible": "http://[::127.0.0.1]/",
    "NAT64": "http://[64:ff9b::7f00:1]/",
    "6to4": "http://[2002:7f00:1::]/",
    "Teredo": "http://[2001:0:7f00:1::]/",
    "fec0": "http://[fec0::1]/",
    "fc00": "http://[fc00::1]/",
    "fe80 with a zone": "http://[fe80::1%25eth0]/",
    "169.254.169.254": "http://169.254.169.254/latest/meta-data/",
    "fd00:ec2::254": "http://[fd00:ec2::254]/",
    "168.63.129.16": "http://168.63.129.16/",
    "100.100.100.200": "http://100.100.100.200/",
    "a name of this machine": "http://localhost/",
    "user:p@": "http://user:p@127.0.0.1/",
    "user:p@ before a good host": "http://user:p@example.com/",
    "a backslash": "http://example.com\\@127.0.0.1/",
    "#@": "http://example.com#@127.0.0.1/",
    "file": "file:///etc/passwd",
    "gopher": "gopher://example.com/",
    "data": "data:text/plain,hello",
    "ftp": "ftp://example.com/",
    "port 6379": "http://93.184.216.34:6379/",
    "CRLF": "http://example.com/a\r\nHost: evil",
    "CRLF escaped in the host": "http://example.com%0d%0aHost:evil/",
}


def doors(url: str) -> Sequence[tuple[str, dict[str, Any], str]]:
    """Every place that takes a URL of the customer's: path, body, and the field's name."""
    return (
        ("/farm/v1/jobs", {"kind": "probe", "params": {}, "webhook_url": url}, "webhook_url"),
        ("/farm/v1/batches", {"kind": "probe", "webhook_url": url}, "webhook_url"),
        ("/farm/v1/webhooks/endpoints", {"url": url}, "url"),
    )


def nothing_was_made(client: httpx.Client) -> None:
    for path in ("/farm/v1/jobs", "/farm/v1/batches", "/farm/v1/webhooks/endpoints"):
        assert client.get(path).json()["data"] == [], path


# --- what the URL shows of itself --------------------------------------------------------------------


@pytest.mark.parametrize("row", REFUSED)
def test_a_url_that_leads_inside_is_refused_by_name(api: Api, row: str) -> None:
    with api.client() as client:
        for path, body, param in doors(REFUSED[row]):
            check_error(client.post(path, json=body), 400, "url_refused", param)
        nothing_was_made(client)


def test_an_endpoint_cannot_be_moved_inside_later(api: Api) -> None:
    with api.client() as client:
        made = client.post("/farm/v1/webhooks/endpoints", json={"url": f"https://{PUBLIC}/hook"}).json()
        path = f"/farm/v1/webhooks/endpoints/{made['endpoint']['id']}"
        for url in REFUSED.values():
            check_error(client.patch(path, json={"url": url}), 400, "url_refused", "url")
        assert client.get(path).json() == made["endpoint"]


def test_a_url_of_10_mb_is_not_even_read(api: Api) -> None:
    url = "https://example.com/" + "a" * 10_000_000
    with api.client() as client:
        for path, body, _ in doors(url):
            check_error(client.post(path, json=body), 413, "payload_too_large")
        for path, body, param in doors(url[:2001]):
            answered = client.post(path, json=body)
            assert answered.status_code == 400
            assert answered.json()["error"]["param"] == param
        nothing_was_made(client)


@pytest.mark.parametrize("row", ["own API host", "own storage host"])
def test_the_farm_does_not_call_itself(tmp_path: Path, row: str) -> None:
    places = {"own API host": "http://93.184.216.35/x", "own storage host": "http://93.184.216.36/bucket"}
    settings = {"public_url": "http://93.184.216.35", "blobs_public_url": "http://93.184.216.36"}
    with api_under(tmp_path / "farm", **settings) as api, api.client() as client:
        for path, body, param in doors(places[row]):
            check_error(client.post(path, json=body), 400, "url_refused", param)
        nothing_was_made(client)


# --- what only the call shows ------------------------------------------------------------------------


@dataclass
class Names:
    """A resolver in the test's hands: the answers to each question in turn, the last one again."""

    answers: dict[str, list[Sequence[str]]] = field(default_factory=dict)

    def __call__(self, host: str, _port: int) -> Sequence[str]:
        left = self.answers[host]
        return left.pop(0) if len(left) > 1 else left[0]


@dataclass
class Attacked:
    """A whole farm that may call `friend`. `inside` is what an attacker would like it to call."""

    farm: LiveFarm
    client: httpx.Client
    friend: Receiver
    inside: Receiver
    names: Names

    def told(self, url: str) -> AnyRow:
        """What came of telling a job's end to this URL. The job itself goes well."""
        job_id = probe(self.client, url)
        told = self.farm.told(job_id)
        assert self.farm.farm.job(job_id).state == "completed"
        return told


@pytest.fixture(scope="module")
def standing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Attacked]:
    """Ports and a resolver let every attack come as far as the call."""
    with receiving() as friend, receiving(apart=True) as inside:
        rules = OutboundRules(
            ports=(80, 443, inside.port), allow_hosts=(f"127.0.0.1:{friend.port}",), total_s=1.0
        )
        names = Names()
        folder = tmp_path_factory.mktemp("attacked")
        with live_farm(folder, rules, names) as farm, farm.client("eve", is_operator=True) as client:
            yield Attacked(farm, client, friend, inside, names)


@pytest.fixture
def attacked(standing: Attacked, monkeypatch: pytest.MonkeyPatch) -> Iterator[Attacked]:
    """Fresh receivers, and a deliverer that begins under HTTP_PROXY and its like, which lead inside."""
    for name in ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, standing.inside.url)
    for receiver in (standing.friend, standing.inside):
        receiver.heard.clear()
        receiver.script.clear()
    before = standing.inside.connections
    with delivering(standing.farm.settings, standing.farm.hall):
        yield standing
    assert standing.inside.connections == before, f"something inside was called: {standing.inside.heard}"


def test_a_name_that_is_rebound_inside_is_not_called(attacked: Attacked) -> None:
    attacked.names.answers["rebound.test"] = [[PUBLIC], ["127.0.0.1"]]
    told = attacked.told(f"http://rebound.test:{attacked.inside.port}/")
    assert (told.state, told.tries, told.last_status) == ("failed", 3, None)
    assert "private or reserved" in told.last_error
    assert "127.0.0.1" not in told.last_error


def test_one_record_inside_among_good_ones_refuses_all(attacked: Attacked) -> None:
    url = f"http://mixed.test:{attacked.inside.port}/"
    attacked.names.answers["mixed.test"] = [[PUBLIC, "127.0.0.1"]]
    for path, body, param in doors(url):
        check_error(attacked.client.post(path, json=body), 400, "url_refused", param)
    attacked.names.answers["mixed.test"] = [[PUBLIC], [PUBLIC, "127.0.0.1"]]
    assert attacked.told(url).state == "failed"


@pytest.mark.parametrize("status", [302, 307], ids=["302 to internal", "307 POST to internal"])
def test_a_redirect_is_not_followed(attacked: Attacked, status: int) -> None:
    attacked.friend.script = [answer(status, location=attacked.inside.url)] * 3
    told = attacked.told(attacked.friend.url)
    assert (told.state, told.tries, told.last_status) == ("failed", 3, status)


ANSWERS: Mapping[str, tuple[Behave, str]] = {
    "a slow drip before the status": (endless(b"", b"H", pause_s=0.05), "failed"),
    "a slow drip in the head": (endless(HEAD + b"X: ", b"a", pause_s=0.05), "failed"),
    "a slow drip in the body": (
        endless(HEAD + b"Content-Length: 9999\r\n\r\n", b"a", pause_s=0.05),
        "delivered",
    ),
    "an endless body": (endless(HEAD + b"\r\n", b"x" * 65_536), "delivered"),
    "an endless head": (endless(HEAD, b"X: " + b"a" * 1000 + b"\r\n"), "failed"),
    "a Content-Length that promises more": (raw(HEAD + b"Content-Length: 99\r\n\r\nok"), "delivered"),
    "a Content-Length that promises less": (raw(HEAD + b"Content-Length: 1\r\n\r\nokokok"), "delivered"),
    "a Content-Length that is no number": (raw(HEAD + b"Content-Length: -1\r\n\r\nok"), "failed"),
    "two Content-Lengths": (raw(HEAD + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\nok"), "failed"),
}


@pytest.mark.parametrize("row", ANSWERS)
def test_an_answer_that_lies_or_never_ends_costs_a_bounded_time_and_nothing_else(
    attacked: Attacked, row: str
) -> None:
    """The status line decides: a body that goes on and on comes too late to change it."""
    behave, state = ANSWERS[row]
    attacked.friend.script = [behave] * 3
    told = attacked.told(attacked.friend.url)
    assert told.state == state
    assert len(told.response or "") <= attacked.farm.hall.catalog.outbound.read_bytes
    assert attacked.told(attacked.friend.url).state == "delivered"  # the next is as ever


def test_a_gzip_bomb_is_never_unpacked(attacked: Attacked) -> None:
    bomb = gzip.compress(bytes(GIGABYTE >> 6)) * 64
    head = HEAD + f"Content-Encoding: gzip\r\nContent-Length: {len(bomb)}\r\n\r\n".encode()
    attacked.friend.script = [raw(head + bomb)]
    told = attacked.told(attacked.friend.url)
    assert told.state == "delivered"
    assert len(told.response or "") <= attacked.farm.hall.catalog.outbound.read_bytes
    assert attacked.friend.heard[0].headers["accept-encoding"] == "identity"


def test_http_proxy_in_the_environment_is_not_used(attacked: Attacked) -> None:
    """`attacked` sets them all, and in the end nothing inside was called."""
    told = attacked.told(attacked.friend.url)
    assert (told.state, told.tries) == ("delivered", 1)
    host = urlsplit(attacked.friend.url).netloc
    assert attacked.friend.heard[0].headers["host"] == host
