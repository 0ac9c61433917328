"""Several schedulers of one host want the same port for /metrics."""

import socket
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace

import pytest

from farm.doors.hall import Hall
from farm.errors import FarmUnavailable
from farm.metrics import Meter
from farm.ports import steady_port
from schedulers.metering import metering
from tests.farm import Farm
from tests.running import eventually


@pytest.fixture
def farm() -> Iterator[Farm]:
    made = Farm("sqlite:///:memory:")
    yield made
    made.close()


@pytest.fixture
def hall(farm: Farm) -> Hall:
    """With a port in its configs that nobody else has."""
    rules = farm.hall.catalog.metrics.model_copy(update={"port": steady_port()})
    return replace(farm.hall, catalog=farm.hall.catalog.model_copy(update={"metrics": rules}))


def told(hall: Hall) -> str:
    """What is served there; nothing where nobody serves."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{hall.catalog.metrics.port}/metrics") as answer:
            return str(answer.read().decode())
    except urllib.error.URLError:
        return ""


def test_whoever_finds_the_port_taken_serves_it_when_the_other_has_gone(hall: Hall) -> None:
    with ExitStack() as first:
        first.enter_context(metering(Meter(), hall, None, None))
        with metering(Meter(), hall, None, None, again_s=0.01):
            assert "farm_store_up 1.0" in told(hall)
            first.close()
            eventually(lambda: "farm_store_up 1.0" in told(hall), "the other serves it")
            assert told(hall).count("farm_store_up 1.0") == 1
    assert told(hall) == ""


def test_a_port_that_was_asked_for_must_be_free(hall: Hall) -> None:
    port = hall.catalog.metrics.port
    with (
        socket.create_server(("127.0.0.1", port)),
        pytest.raises(FarmUnavailable, match="--metrics-port"),
        metering(Meter(), hall, None, port),
    ):
        pytest.fail("it serves")
