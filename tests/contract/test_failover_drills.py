"""Failover drills: for each class of failure who is asked, who is not, breaker and bill.

The kind `generate-video`, the real scheduler, and the real engines before servers of the providers' published
schemas. `first` sells Kling at 60 credits, `second` Seedance at 30, which may stand in. Rows C-081, C-086,
C-102 to C-106 and C-112 to C-115 are what the customer is told of it.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from farm.errors import FailureClass
from farm.states import JobState
from tests.drill import KLING, SEEDANCE, V3, Drill, Servers, providers_toml
from tests.farm import Farm
from tests.invariants import violations
from tests.provider_protocols.fal import FalServer
from tests.provider_protocols.replicate import ReplicateServer
from tests.provider_protocols.server import ProtocolServer
from workers.gpu_generate.generate import perform
from workers.gpu_generate.remote import buying

pytestmark = pytest.mark.slow

DONE, FAILED = JobState.COMPLETED, JobState.FAILED
FIRST, SECOND = "first", "second"


@dataclass(frozen=True)
class Row:
    """What `first` does, and what must follow.

    `went` is each attempt; `sold` how many sales each made; `submission` and `later` the reasons that debug
    tells; `breaker` the first provider's, with the failures it counted.
    """

    plans: tuple[str, ...]
    went: tuple[tuple[str, str], ...]
    sold: tuple[int, int]
    ends: JobState = DONE
    credits: int = 30
    submission: str | None = None
    later: str | None = None
    breaker: tuple[str, int] = ("closed", 0)
    is_impatient: bool = False


TO_SECOND = (SECOND, "succeeded")
ROWS = {
    "nothing is wrong": Row(("ok",), ((FIRST, "succeeded"),), (1, 0), credits=60),
    "transient: once more, then another": Row(
        ("unavailable", "unavailable"),
        ((FIRST, "transient"), (FIRST, "transient"), TO_SECOND),
        (0, 1),
        submission="provider_unavailable",
        breaker=("closed", 2),
    ),
    "transient: the second try does": Row(
        ("broken",), ((FIRST, "transient"), (FIRST, "succeeded")), (1, 0), credits=60, breaker=("closed", 1)
    ),
    "transient after acceptance": Row(
        ("fails", "fails"),
        ((FIRST, "transient"), (FIRST, "transient"), TO_SECOND),
        (2, 1),
        later="provider_unavailable",
        breaker=("closed", 2),
    ),
    "capacity: a short pause is waited for": Row(
        ("busy",), ((FIRST, "capacity"), (FIRST, "succeeded")), (1, 0), credits=60
    ),
    "capacity: a pause in vain, then another": Row(
        ("busy", "busy"),
        ((FIRST, "capacity"), (FIRST, "capacity"), TO_SECOND),
        (0, 1),
        submission="capacity",
    ),
    "capacity after acceptance: a pause in vain, then another": Row(
        ("full", "full"),
        ((FIRST, "capacity"), (FIRST, "capacity"), TO_SECOND),
        (2, 1),
        later="capacity",
    ),
    "out of memory: once more, then another": Row(
        ("memory", "memory"),
        ((FIRST, "oom"), (FIRST, "oom"), TO_SECOND),
        (2, 1),
        later="oom",
    ),
    "too slow: called off, then another": Row(
        ("never",),
        ((FIRST, "timeout"), TO_SECOND),
        (1, 1),
        later="timeout",
        breaker=("closed", 1),
        is_impatient=True,
    ),
    "invalid input: nobody else": Row(
        ("invalid",), ((FIRST, "invalid_input"),), (0, 0), ends=FAILED, credits=0
    ),
    "policy: nobody else, ever": Row(("policy",), ((FIRST, "policy"),), (0, 0), ends=FAILED, credits=0),
    "policy after acceptance: nobody else, ever": Row(
        ("late_policy",), ((FIRST, "policy"),), (1, 0), ends=FAILED, credits=0
    ),
    "auth: opens, another at once": Row(
        ("auth",),
        ((FIRST, "provider_auth"), TO_SECOND),
        (0, 1),
        submission="provider_unavailable",
        breaker=("open", 0),
    ),
    "credit there: opens, another at once": Row(
        ("credit",),
        ((FIRST, "provider_auth"), TO_SECOND),
        (0, 1),
        submission="provider_unavailable",
        breaker=("open", 0),
    ),
    "an option that it lacks: another at once": Row(
        ("lacking",),
        ((FIRST, "unsupported_option"), TO_SECOND),
        (0, 1),
        submission="unsupported_option",
    ),
    "corrupt: once with a new seed, then another": Row(
        ("black", "short"),
        ((FIRST, "corrupt_output"), (FIRST, "corrupt_output"), TO_SECOND),
        (2, 1),
        later="provider_unavailable",
        breaker=("closed", 2),
    ),
    "ambiguous and sold: found, not bought again": Row(
        ("doubt",),
        ((FIRST, "ambiguous"), (FIRST, "succeeded")),
        (1, 0),
        credits=60,
        breaker=("closed", 1),
    ),
    "ambiguous and not sold: proven absent, bought once": Row(
        ("drop",),
        ((FIRST, "ambiguous"), (FIRST, "succeeded")),
        (1, 0),
        credits=60,
        breaker=("closed", 1),
    ),
    "ambiguous, then proven absent and refused: another": Row(
        ("drop", "auth"),
        ((FIRST, "ambiguous"), (FIRST, "provider_auth"), TO_SECOND),
        (0, 1),
        submission="provider_unavailable",
        breaker=("open", 0),
    ),
}


@dataclass(frozen=True)
class Shops:
    """The servers of a module's tests, and configs of both orders, which are read once."""

    replicate: ReplicateServer
    fal: FalServer
    folder: Path

    def configs(self, servers: Servers) -> Path:
        configs = self.folder / "-".join(model for model, _ in servers.values())
        configs.mkdir(exist_ok=True)
        (configs / "providers.toml").write_text(providers_toml(servers))
        return configs


@pytest.fixture(scope="module")
def shops(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shops]:
    with ReplicateServer() as replicate, FalServer() as fal:
        yield Shops(replicate, fal, tmp_path_factory.mktemp("configs"))


@pytest.fixture
def farm(shops: Shops, monkeypatch: pytest.MonkeyPatch) -> Iterator[Farm]:
    shops.replicate.forget()
    shops.fal.forget()
    monkeypatch.setenv("TEST_PROVIDER_KEY", ProtocolServer.key)
    monkeypatch.setattr(buying, "_FIRST_S", 0.02)
    made = Farm("sqlite:///:memory:")
    yield made
    made.close()


@pytest.fixture
def first(shops: Shops) -> ProtocolServer:
    return shops.replicate


@pytest.fixture
def second(shops: Shops) -> ProtocolServer:
    return shops.fal


@pytest.fixture
def drill(farm: Farm, shops: Shops, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Drill:
    servers: Servers = {FIRST: (KLING, shops.replicate), SECOND: (SEEDANCE, shops.fal)}
    monkeypatch.setenv("FARM_CONFIG_DIR", str(shops.configs(servers)))
    return Drill(farm, tmp_path, servers)


@pytest.mark.parametrize("name", ROWS)
def test_c081_c086_c102_to_c115_the_tables_outcome(
    drill: Drill, first: ProtocolServer, second: ProtocolServer, name: str
) -> None:
    row = ROWS[name]
    first.next(*row.plans)
    drill.impatient_at = FIRST if row.is_impatient else ""
    job = drill.film(model="kling-o3-pro")
    drill.play()
    assert tuple(drill.house.went(job)) == row.went
    assert (len(first.sold), len(second.sold)) == row.sold
    assert drill.state(job) is row.ends
    assert drill.trips(FIRST) == row.breaker
    told(drill, job, row)
    billed(drill, job, row)
    assert violations(drill.farm.store) == []
    assert (first.broken, second.broken) == ([], [])


def told(drill: Drill, job: str, row: Row) -> None:
    """What the customer is told."""
    found = drill.served(job)
    has_moved = row.submission is not None or row.later is not None
    actual = SEEDANCE if has_moved else KLING
    assert (found.model, found.model_actual) == ("kling-o3-pro", actual)
    assert found.failover_used is has_moved
    debug = found.debug
    assert (debug["provider_requested"], debug["provider_actual"]) == (KLING, actual)
    assert debug["submission_failover_used"] is (row.submission is not None)
    assert debug["submission_failover_reason"] == row.submission
    assert debug["async_capacity_failover_attempted"] is (row.later is not None)
    assert debug["async_capacity_failover_reason"] == row.later
    refs = [ref for context in drill.contexts for ref in context.refs]
    assert debug["prediction_id_current"] == (refs[-1] if refs else None)
    assert debug["prediction_id_original"] == (refs[0] if refs and refs[0] != refs[-1] else None)
    assert debug["routing_legacy_provider"] is None  # not `auto`


def billed(drill: Drill, job: str, row: Row) -> None:
    """Held 60, settled once at what served, or given back."""
    found, ledger = drill.served(job), drill.farm.ledger(job)
    assert found.credits_mc == row.credits * 1000
    assert found.adjusted_mc == (30_000 if row.credits == 30 else None)
    assert found.refunded_mc == (60_000 if row.ends is FAILED else 0)
    end = ("release", 60_000) if row.ends is FAILED else ("settle", 60_000 - row.credits * 1000)
    assert ledger == [("hold", -60_000), end]


def test_corrupt_output_is_asked_for_with_a_new_seed_unless_one_was_chosen(
    drill: Drill, first: ProtocolServer
) -> None:
    first.next("black")
    drill.film(model="kling-o3-pro")
    drill.play()
    seeds = [sale.order["seed"] for sale in first.sold]
    assert len(set(seeds)) == 2
    first.next("black")
    drill.film(model="kling-o3-pro", seed=9)
    drill.play()
    assert [sale.order["seed"] for sale in first.sold[2:]] == [9, 9]


def test_capacity_a_long_pause_is_not_waited_for(drill: Drill, second: ProtocolServer) -> None:
    job = drill.film(model="kling-o3-pro")
    drill.house.fails(drill.house.take(), FailureClass.CAPACITY, retry_after_s=600.0)
    drill.play()
    assert drill.house.went(job) == [(FIRST, "capacity"), TO_SECOND]
    assert drill.served(job).debug["submission_failover_reason"] == "capacity"
    later = drill.film(model="kling-o3-pro")  # nothing more is sent there for as long as it asked
    drill.play()
    assert drill.house.went(later) == [TO_SECOND]
    assert drill.served(later).debug["submission_failover_reason"] == "capacity"
    assert len(second.sold) == 2


def test_an_open_breaker_is_told_as_such_and_lets_one_probe_through(
    drill: Drill, first: ProtocolServer
) -> None:
    first.next("auth")
    drill.film(model="kling-o3-pro")
    drill.play()
    asked = len(first.asked)
    moved = drill.film(model="kling-o3-pro")
    drill.play()
    assert drill.served(moved).debug["submission_failover_reason"] == "circuit_open"
    assert len(first.asked) == asked
    drill.house.pass_time(31.0)
    probe = drill.film(model="kling-o3-pro")
    drill.play()
    assert drill.house.went(probe) == [(FIRST, "succeeded")]
    assert drill.trips(FIRST)[0] == "closed"


def test_c020_a_job_fails_only_when_all_providers_are_down(
    drill: Drill, first: ProtocolServer, second: ProtocolServer
) -> None:
    first.always("unavailable")
    second.always("unavailable")
    job = drill.film(model="kling-o3-pro")
    drill.play()
    assert {provider for provider, _ in drill.house.went(job)} == {FIRST, SECOND}
    found = drill.farm.job(job)
    assert (found.state, found.charged_mc) == (FAILED, 0)
    assert found.failure is not None
    assert found.failure.failure_class == FailureClass.TRANSIENT


def test_c063_without_failover_nobody_else_is_asked(
    drill: Drill, first: ProtocolServer, second: ProtocolServer
) -> None:
    first.always("unavailable")
    job = drill.film(model="kling-o3-pro", failover=False)
    drill.play()
    assert {provider for provider, _ in drill.house.went(job)} == {FIRST}
    assert (drill.state(job), second.asked) == (FAILED, [])
    assert drill.served(job).credits_mc == 0


def test_a_doubt_that_nobody_can_settle_ends_the_job_and_is_never_bought_again(
    farm: Farm, shops: Shops, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """fal lists no queue: here it is the one that is asked first."""
    servers: Servers = {FIRST: (KLING, shops.fal), SECOND: (V3, shops.replicate)}
    monkeypatch.setenv("FARM_CONFIG_DIR", str(shops.configs(servers)))
    drill = Drill(farm, tmp_path, servers)
    shops.fal.next("doubt")
    job = drill.film(model="kling-o3-pro")
    drill.play()
    assert (drill.state(job), len(shops.fal.sold), shops.replicate.asked) == (FAILED, 1, [])
    assert {provider for provider, _ in drill.house.went(job)} == {FIRST}
    assert drill.farm.ledger(job) == [("hold", -60_000), ("release", 60_000)]


def test_a_worker_that_dies_after_acceptance_buys_nothing_twice(drill: Drill, first: ProtocolServer) -> None:
    job = drill.film(model="kling-o3-pro")
    lost = drill.house.take()
    drill.report(lost)  # it buys, and is never heard of again
    drill.house.lose(lost)
    drill.play()
    assert drill.house.went(job) == [(FIRST, "lost"), (FIRST, "succeeded")]
    assert (len(first.sold), drill.state(job)) == (1, DONE)


def test_a_worker_that_dies_in_the_middle_of_buying_buys_nothing_twice(
    drill: Drill, first: ProtocolServer
) -> None:
    job = drill.film(model="kling-o3-pro")
    lost = drill.house.take()
    context = drill.context(lost)
    context.note = lambda ref: False  # it dies before it can say so
    with pytest.raises(AssertionError):
        perform(drill.task(lost), context)
    drill.house.lose(lost)
    drill.play()
    assert drill.house.went(job) == [(FIRST, "lost"), (FIRST, "succeeded")]
    assert (len(first.sold), drill.state(job)) == (1, DONE)
