"""Rate counters: shared through Valkey, kept at home when it is away, and never the reason of a failure."""

import socket
from pathlib import Path

import pytest

from farm.api.limits import RateLimits
from farm.broker.valkey import EmbeddedValkey
from farm.catalog import read_catalog
from farm.clock import SystemClock
from farm.errors import FarmUnavailable, RateLimited
from farm.settings import Settings

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


def test_c008_to_c013_a_bucket_goes_by_tier_and_by_key():
    book = RateLimits(
        RATES,
        SystemClock(),
        by_tier={"few": {"pro": "30/minute"}},
        by_key={"farm_live_x": {"few": "500/minute"}},
    )
    assert book.take("few", 1, tier="free").limit == 3
    assert book.take("few", 2, tier="pro").limit == 30
    assert book.take("many", 2, tier="pro").limit == 100
    assert book.take("few", 3, tier="free", key_prefix="farm_live_x").limit == 500


def test_c008_to_c012_what_the_document_promises_is_what_ships():
    catalog = read_catalog(Settings())
    book = RateLimits(catalog.rates, SystemClock(), by_tier=catalog.tier_rates)
    limit = {
        (name, tier): book.take(name, 1, tier=tier).limit
        for name in ("generations", "video_create", "video_status", "generation_status")
        for tier in ("free", "pro", "enterprise")
    }
    assert [limit["generations", tier] for tier in ("free", "pro", "enterprise")] == [10, 100, 1000]
    assert limit["video_create", "free"] == limit["video_create", "pro"] == 5
    assert limit["video_status", "free"] == limit["generation_status", "free"] == 120


@pytest.mark.parametrize(
    ("line", "what"),
    [
        ('[tier_rates.nothing]\npro = "1/minute"', "there is no 'nothing'"),
        ('[tier_rates.generations]\ngold = "1/minute"', "there is no 'gold'"),
        ('[key_rates.farm_live_x]\nnothing = "1/minute"', "there is no 'nothing'"),
    ],
)
def test_c013_a_rate_that_leads_nowhere_is_said_at_the_start(tmp_path: Path, line: str, what: str):
    (tmp_path / "farm.toml").write_text(line)
    with pytest.raises(FarmUnavailable, match=what):
        read_catalog(Settings(config_dir=tmp_path))


def test_c013_a_rate_that_is_none_is_said_at_the_start():
    with pytest.raises(FarmUnavailable, match="count/period"):
        RateLimits(RATES, SystemClock(), by_key={"farm_live_x": {"few": "many"}})
