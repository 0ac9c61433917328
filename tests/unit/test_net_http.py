"""Outbound calls over real sockets: a hostile receiver costs a bounded time and a bounded buffer."""

import asyncio
import gzip
import ssl
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from farm.errors import FarmError
from farm.net.guard import Guard, Resolve, UrlRefused
from farm.net.http import AnswerTooLong, CallFailed, CallTooSlow, GuardedHttp, Reply
from farm.rules.running import OutboundRules
from tests.receiver import Behave, Receiver, answer, endless, raw, receiving

HEAD = b"HTTP/1.1 200 OK\r\n"


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as made:
        yield made


def call(
    receiver: Receiver, url: str | None = None, *, resolve: Resolve | None = None, **changes: object
) -> Reply:
    """POST to the receiver, which the rules allow; nothing else on this machine."""
    rules = OutboundRules(
        allow_hosts=(f"127.0.0.1:{receiver.port}", f"hooks.test:{receiver.port}"),
        **changes,
    )
    guard = Guard(rules, resolve=resolve or (lambda _host, _port: ["127.0.0.1"]))
    with GuardedHttp(guard) as http:
        return asyncio.run(http.send("POST", url or receiver.url, {"X-Own": "1"}, b'{"a":1}'))


def test_a_call_arrives_with_its_host_and_body(receiver: Receiver) -> None:
    receiver.script = [answer(201, b"thanks", x_seen="yes")]
    reply = call(receiver, f"http://hooks.test:{receiver.port}/hook?x=1")
    assert (reply.status, reply.body, reply.headers["x-seen"], reply.succeeded) == (
        201,
        b"thanks",
        "yes",
        True,
    )
    heard = receiver.heard[0]
    assert (heard.method, heard.target, heard.body) == ("POST", "/hook?x=1", b'{"a":1}')
    assert heard.headers["host"] == f"hooks.test:{receiver.port}"
    assert heard.headers["accept-encoding"] == "identity"
    assert heard.headers["x-own"] == "1"


def test_proxies_of_the_environment_are_not_used(receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    assert call(receiver).status == 200


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_an_answer_and_is_not_followed(receiver: Receiver, status: int) -> None:
    receiver.script = [answer(status, location=f"http://127.0.0.1:{receiver.port}/secret")]
    reply = call(receiver)
    assert (reply.status, reply.succeeded) == (status, False)
    assert [heard.target for heard in receiver.heard] == ["/hook"]


def test_the_checked_address_is_the_one_that_is_called(receiver: Receiver) -> None:
    """Rebinding: the name is resolved once; a second question would have led elsewhere."""
    answers = [["127.0.0.1"], ["127.0.0.9"]]
    asked: list[str] = []

    def resolve(host: str, _port: int) -> list[str]:
        asked.append(host)
        return answers[len(asked) - 1]

    assert call(receiver, f"http://hooks.test:{receiver.port}/", resolve=resolve).status == 200
    assert asked == ["hooks.test"]


def test_an_address_that_does_not_answer_gives_way_to_the_next(receiver: Receiver) -> None:
    reply = call(
        receiver, f"http://hooks.test:{receiver.port}/", resolve=lambda _h, _p: ["127.0.0.9", "127.0.0.1"]
    )
    assert reply.status == 200


def test_nothing_is_sent_where_the_guard_says_no(receiver: Receiver) -> None:
    with pytest.raises(UrlRefused), GuardedHttp(Guard(OutboundRules(ports=(receiver.port,)))) as http:
        asyncio.run(http.send("POST", f"http://localhost:{receiver.port}/", {}, b""))
    assert receiver.connections == 0


def test_a_name_without_an_address_fails_and_may_be_tried_again(receiver: Receiver) -> None:
    def resolve(_host: str, _port: int) -> list[str]:
        raise OSError("no such name")

    with pytest.raises(CallFailed, match="does not resolve"):
        call(receiver, f"http://hooks.test:{receiver.port}/", resolve=resolve)


def test_a_closed_port_fails(receiver: Receiver) -> None:
    with receiving() as gone:
        pass
    with pytest.raises(CallFailed, match="broke off"):
        call(gone)


@pytest.mark.parametrize(
    "behave",
    [
        endless(b"", b"", pause_s=0.05),
        endless(HEAD + b"X-Drip: ", b"a", pause_s=0.05),
        endless(b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.1 100 Continue\r\n\r\n", pause_s=0.01),
    ],
    ids=["silent", "dripping head", "endless 100s"],
)
def test_an_answer_that_does_not_come_fails_in_time(receiver: Receiver, behave: object) -> None:
    receiver.script = [behave]  # type: ignore[list-item]  # a Behave
    with pytest.raises(CallFailed, match=r"within 0.4 s"):
        call(receiver, total_s=0.4)


@pytest.mark.parametrize(
    "behave",
    [raw(b""), raw(b"\x16\x03\x01nonsense\r\n\r\n"), raw(HEAD + b"X" * 200_000)],
    ids=["hangs up", "no HTTP", "endless header"],
)
def test_an_answer_that_is_none_fails(receiver: Receiver, behave: object) -> None:
    receiver.script = [behave]  # type: ignore[list-item]  # a Behave
    with pytest.raises(CallFailed, match="broke off"):
        call(receiver)


def test_an_endless_body_is_cut_and_the_status_counts(receiver: Receiver) -> None:
    receiver.script = [endless(HEAD + b"\r\n", b"x" * 4096)]
    reply = call(receiver, read_bytes=10_000)
    assert (reply.status, len(reply.body)) == (200, 10_000)


def test_a_dripping_body_is_left_and_the_status_counts(receiver: Receiver) -> None:
    receiver.script = [endless(HEAD + b"\r\n", b"x", pause_s=0.05)]
    reply = call(receiver, total_s=0.4)
    assert reply.status == 200
    assert set(reply.body) == {ord("x")}


@pytest.mark.parametrize("length", [b"99999999999", b"5"])
def test_a_length_that_lies_changes_nothing(receiver: Receiver, length: bytes) -> None:
    receiver.script = [raw(HEAD + b"Content-Length: " + length + b"\r\n\r\nhello, world")]
    reply = call(receiver)
    assert reply.status == 200
    assert b"hello, world".startswith(reply.body)


def test_a_gzip_bomb_stays_packed(receiver: Receiver) -> None:
    bomb = gzip.compress(bytes(50_000_000))
    receiver.script = [answer(200, bomb, content_encoding="gzip")]
    reply = call(receiver)
    assert len(reply.body) == min(len(bomb), 65_536)
    assert bomb.startswith(reply.body)


def test_tls_is_checked_against_the_name_and_tells_it(tmp_path: Path) -> None:
    told: list[str | None] = []
    server, client = certificates(tmp_path, "hooks.test")
    server.sni_callback = lambda _socket, name, _context: told.append(name)
    with receiving(server) as receiver:
        rules = OutboundRules(
            allow_hosts=(f"hooks.test:{receiver.port}", f"other.test:{receiver.port}"),
        )
        guard = Guard(rules, resolve=lambda _host, _port: ["127.0.0.1"])
        with GuardedHttp(guard, ssl_context=client) as http:
            good = asyncio.run(http.send("POST", f"https://hooks.test:{receiver.port}/", {}, b"{}"))
            with pytest.raises(CallFailed, match="certificate"):
                asyncio.run(http.send("POST", f"https://other.test:{receiver.port}/", {}, b"{}"))
    assert good.status == 200
    assert told == ["hooks.test", "other.test"]
    assert [heard.headers["host"] for heard in receiver.heard] == [f"hooks.test:{receiver.port}"]


def certificates(folder: Path, name: str) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """A server's context with a certificate for `name`, and a client's that trusts it."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder(subject, subject, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    certificate, private = folder / "cert.pem", folder / "key.pem"
    certificate.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    private.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(certificate, private)
    return server, ssl.create_default_context(cafile=str(certificate))


# --- answers that become files -----------------------------------------------------------------------


def save(receiver: Receiver, path: Path, most_bytes: int = 1000, **changes: object) -> Reply:
    rules = OutboundRules(allow_hosts=(f"127.0.0.1:{receiver.port}",), **changes)
    with GuardedHttp(Guard(rules)) as http, path.open("wb") as file:
        return asyncio.run(http.save("POST", receiver.url, {}, b"{}", file, most_bytes))


def test_an_answer_comes_whole_into_a_file(receiver: Receiver, tmp_path: Path) -> None:
    receiver.script = [answer(200, b"x" * 1000)]
    assert save(receiver, tmp_path / "out") == Reply(200, {"content-length": "1000"}, b"")
    assert (tmp_path / "out").read_bytes() == b"x" * 1000


def test_a_refusal_is_told_and_becomes_no_file(receiver: Receiver, tmp_path: Path) -> None:
    receiver.script = [answer(429, b"later", retry_after="7")]
    reply = save(receiver, tmp_path / "out")
    assert (reply.status, reply.headers["retry-after"], reply.body) == (429, "7", b"later")
    assert (tmp_path / "out").read_bytes() == b""


@pytest.mark.parametrize(
    ("behave", "error"),
    [
        (answer(200, b"x" * 1001), AnswerTooLong),
        (endless(HEAD + b"\r\n", b"x" * 100), AnswerTooLong),
        (raw(HEAD + b"Content-Length: 10\r\n\r\nfive!"), CallFailed),
        (raw(HEAD + b"Transfer-Encoding: chunked\r\n\r\n5\r\nfive!\r\n"), CallFailed),
        (endless(HEAD + b"\r\n", b"x", pause_s=0.02), CallTooSlow),
    ],
)
def test_what_does_not_come_whole_is_no_answer(
    receiver: Receiver, tmp_path: Path, behave: Behave, error: type[FarmError]
) -> None:
    receiver.script = [behave]
    with pytest.raises(error) as caught:
        save(receiver, tmp_path / "out", total_s=0.5)
    assert type(caught.value) is error
