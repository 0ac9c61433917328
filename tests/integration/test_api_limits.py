"""Rate counters: shared through Valkey, kept at home when it is away, and never the reason of a failure."""

import socket

import pytest

from farm.api.limits import RateLimits
from farm.broker.valkey import EmbeddedValkey
from farm.clock import SystemClock
from farm.errors import RateLimited

RATES = {"few": "3/minute", "many": "100/minute"}


def limits(url: str | None = None) -> RateLimits:
    return RateLimits(RATES, SystemClock(), url)


def refusals(one: RateLimits, calls: int) -> int:
    refused = 0
    for _ in range(calls):
        try:
            one.take("few", 7)
        except RateLimited:
            refused += 1
    return refused


def test_a_bucket_empties_and_tells_when_it_is_full_again():
    own = limits()
    left = [own.take("few", 7).remaining for _ in range(3)]
    assert left == [2, 1, 0]
    with pytest.raises(RateLimited) as refused:
        own.take("few", 7)
    assert refused.value.limit == 3
    assert 0 <= refused.value.reset_at - SystemClock().now() <= 61
    assert own.take("many", 7).remaining == 99
    assert own.take("few", 8).remaining == 2


@pytest.mark.slow
def test_two_api_processes_count_together(valkey: EmbeddedValkey):
    one, other = limits(valkey.url), limits(valkey.url)
    assert refusals(one, 2) == 0
    assert refusals(other, 2) == 1


@pytest.mark.slow
def test_without_its_counters_the_api_counts_for_itself(valkey: EmbeddedValkey):
    one = limits(valkey.url)
    assert refusals(one, 3) == 0
    valkey.stop()
    assert refusals(one, 4) == 1  # its own three, then the refusal


def test_a_server_that_never_answers_costs_one_wait_not_one_a_call():
    with socket.create_server(("127.0.0.1", 0)) as mute:
        one = limits(f"redis://127.0.0.1:{mute.getsockname()[1]}")
        assert refusals(one, 4) == 1
