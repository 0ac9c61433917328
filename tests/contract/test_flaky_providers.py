"""500 films over three flaky providers: nothing is bought twice, nobody pays more than was quoted.

The first test is scripted, on the real scheduler and store, with every way that a purchase and its worker can
go wrong; the second is smaller, with the real engines before servers of the published schemas.
"""

import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from sqlalchemy import func, select

from farm.doors import purchases, work
from farm.doors.jobs import list_jobs
from farm.doors.served import served_all
from farm.errors import FailureClass
from farm.job import Failure, Job
from farm.states import TERMINAL_JOBS, JobState, Outcome
from farm.store.schema import jobs as jobs_table
from tasks.generate_video import GenerateVideo
from tests.drill import KLING, SEEDANCE, V3, Drill, Servers, providers_toml
from tests.farm import Farm
from tests.invariants import violations
from tests.provider_farm import ProviderFarm
from tests.provider_protocols.fal import FalServer
from tests.provider_protocols.openai import OpenAiServer
from tests.provider_protocols.replicate import ReplicateServer
from tests.provider_protocols.server import ProtocolServer
from workers.gpu_generate.remote import buying

pytestmark = pytest.mark.slow

JOBS = 500
REAL_JOBS = 24
PRICES_MC = {KLING: 60_000, SEEDANCE: 30_000, V3: 30_000}
THREE = """
[providers.alpha]
pool = "gpu-generate"
resource = "io"
remote = true
max_running = 20
[providers.beta]
pool = "gpu-generate"
resource = "io"
remote = true
[providers.gamma]
pool = "gpu-generate"
resource = "io"
remote = true
[routes.text-to-video.kling-o3-pro-t2v]
fallbacks = ["seedance-t2v"]
offers = [
  { provider = "alpha", price = "1", estimated_s = 20.0 },
  { provider = "beta", price = "0.9", estimated_s = 30.0 },
]
[routes.text-to-video.seedance-t2v]
offers = [{ provider = "gamma", price = "1", estimated_s = 20.0 }]
"""
F = FailureClass
# What becomes of a purchase, and how often.
FATES = {
    "ok": 60, "busy": 8, "broken": 6, "drop": 4, "doubt": 4, "fails": 5, "corrupt": 4, "policy": 1,
    "dies_buying": 3, "dies_waiting": 4, "auth": 1,
}  # fmt: skip
REFUSED = {
    "busy": Failure(F.CAPACITY, "provider_429", "later", 20.0),
    "broken": Failure(F.TRANSIENT, "provider_503", "oops"),
    "policy": Failure(F.POLICY, "provider_400", "no"),
    "auth": Failure(F.PROVIDER_AUTH, "provider_401", "who?"),
}
_UNENDED = select(func.count()).select_from(jobs_table).where(jobs_table.c.state.not_in(TERMINAL_JOBS))
UNTOLD = Failure(F.AMBIGUOUS, "connection", "no answer")


@dataclass
class Purchase:
    """`is_over`: it came to nothing, or was delivered."""

    job: str
    ref: str
    fate: str
    is_over: bool = False


@dataclass
class Market:
    """Three providers with their books, and workers that die. `delivered` counts by job."""

    house: ProviderFarm
    dice: random.Random
    books: dict[str, Purchase] = field(default_factory=dict)
    delivered: Counter[str] = field(default_factory=Counter)

    def play(self, claimed: work.Claimed) -> work.Report | None:
        """An attempt; None: its worker died."""
        if claimed.provider_ref is not None:
            bought = next(one for one in self.books.values() if one.ref == claimed.provider_ref)
            return self._waited(claimed, bought)
        key = claimed.idempotency_key or ""
        if claimed.in_doubt and self.dice.random() < 0.15:
            return failed(UNTOLD)
        if claimed.in_doubt and key in self.books:
            return self._accepted(claimed, self.books[key])
        return self._bought(claimed, key)

    def _bought(self, claimed: work.Claimed, key: str) -> work.Report | None:
        assert key not in self.books, "bought twice under one key"
        open_ones = [one for one in self.books.values() if one.job == claimed.job_id and not one.is_over]
        assert not open_ones, "bought again while the first may still come"
        fate = self.dice.choices([*FATES], [*FATES.values()])[0]
        if fate in REFUSED:
            return failed(REFUSED[fate])
        if fate == "drop":
            return failed(UNTOLD)
        self.books[key] = bought = Purchase(claimed.job_id, f"ref-{len(self.books)}", fate)
        if fate == "doubt":
            return failed(UNTOLD)
        return None if fate == "dies_buying" else self._accepted(claimed, bought)

    def _accepted(self, claimed: work.Claimed, bought: Purchase) -> work.Report | None:
        assert purchases.accepted(self.house.farm.hall, claimed.attempt_id, claimed.token, bought.ref)
        if bought.fate == "dies_waiting":
            bought.fate = "ok"
            return None
        return self._waited(claimed, bought)

    def _waited(self, claimed: work.Claimed, bought: Purchase) -> work.Report:
        assert not bought.is_over, "resumed what was over"
        bought.is_over = True
        if bought.fate == "fails":
            assert purchases.dropped(self.house.farm.hall, claimed.attempt_id, claimed.token)
            return failed(Failure(F.TRANSIENT, "provider_failed", "it failed there"))
        if bought.fate == "corrupt":
            return failed(Failure(F.CORRUPT_OUTPUT, "provider_output_corrupt", "black"))
        self.delivered[bought.job] += 1
        return work.Report(Outcome.SUCCEEDED)


def failed(failure: Failure) -> work.Report:
    return work.Report(Outcome.FAILED, failure)


def test_500_films_over_three_flaky_providers() -> None:
    farm = Farm("sqlite:///:memory:")
    house = ProviderFarm(farm, THREE, rest_s=20.0)
    market = Market(house, random.Random(6))
    asked = GenerateVideo(prompt="a lighthouse", model="kling-o3-pro")
    for _ in range(JOBS):
        farm.submit(house.caller, asked)
    for _ in range(2000):
        house.announce(slots=48)
        house.settle()
        for message in farm.post.take():
            claimed = farm.claim(message, "w-gpu-generate")
            if claimed is not None and (report := market.play(claimed)) is not None:
                assert work.finish(farm.hall, claimed.attempt_id, claimed.token, report)
        house.settle()
        farm.clock.advance(s=5.0)
        if not unended(farm):
            break
    jobs = list_jobs(farm.hall, None, limit=JOBS)
    assert len(jobs) == JOBS
    judge(farm, jobs, market)
    farm.close()


def unended(farm: Farm) -> int:
    with farm.store.read() as connection:
        return connection.scalar(_UNENDED) or 0


def judge(farm: Farm, jobs: list[Job], market: Market) -> None:
    ends = Counter(job.state for job in jobs)
    assert ends[JobState.COMPLETED] > JOBS * 0.9
    assert ends[JobState.COMPLETED] + ends[JobState.FAILED] == JOBS
    assert max(market.delivered.values()) == 1  # no double run
    told = served_all(farm.hall, jobs)
    for job in jobs:
        is_done = job.state is JobState.COMPLETED
        assert market.delivered[job.id] == is_done
        last = farm.attempts(job.id)[-1]
        price_mc = {"alpha": 60_000, "beta": 54_000, "gamma": 30_000}[last.provider or ""]
        assert job.charged_mc == (price_mc if is_done else 0)  # no overcharge
        debug = told[job.id].debug
        has_moved = debug["submission_failover_used"] or debug["async_capacity_failover_attempted"]
        assert told[job.id].failover_used is bool(has_moved)
    asked = {attempt.provider for job in jobs for attempt in farm.attempts(job.id)}
    assert asked == {"alpha", "beta", "gamma"}
    assert violations(farm.store) == []


# --- the same with real engines -----------------------------------------------------------------------------

REAL_FATES = {
    "ok": 60, "busy": 6, "unavailable": 8, "drop": 4, "doubt": 6, "fails": 8, "black": 6, "late_policy": 2,
}  # fmt: skip
GOOD = ("ok", "doubt", "busy")


@pytest.fixture
def three() -> Iterator[Servers]:
    with ReplicateServer() as alpha, FalServer() as beta, OpenAiServer() as gamma:
        yield {"alpha": (KLING, alpha), "beta": (SEEDANCE, beta), "gamma": (V3, gamma)}


def test_real_engines_over_three_flaky_servers(
    three: Servers, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    configs = tmp_path / "configs"
    configs.mkdir()
    (configs / "providers.toml").write_text(providers_toml(three))
    monkeypatch.setenv("FARM_CONFIG_DIR", str(configs))
    monkeypatch.setenv("TEST_PROVIDER_KEY", ProtocolServer.key)
    monkeypatch.setattr(buying, "_FIRST_S", 0.02)
    dice = random.Random(11)
    for _, server in three.values():
        server.next(*dice.choices([*REAL_FATES], [*REAL_FATES.values()], k=4 * REAL_JOBS))
    farm = Farm("sqlite:///:memory:")
    drill = Drill(farm, tmp_path, three)
    for number in range(REAL_JOBS):
        drill.film(model="kling-o3-pro", prompt=f"film number {number}")
    drill.play(most_s=3600.0, step_s=10.0)
    judge_real(drill, three)
    farm.close()


def judge_real(drill: Drill, three: Servers) -> None:
    jobs = list_jobs(drill.farm.hall, None, limit=REAL_JOBS)
    ends = Counter(job.state for job in jobs)
    assert ends[JobState.COMPLETED] > REAL_JOBS // 2
    assert ends[JobState.COMPLETED] + ends[JobState.FAILED] == REAL_JOBS
    good = Counter(
        sale.order["prompt"] for _, server in three.values() for sale in server.sold if sale.plan in GOOD
    )
    assert max(good.values()) == 1  # what was good was bought once
    for job in jobs:
        if job.state is JobState.COMPLETED:
            assert good[job.params["prompt"]] == 1
            actual = drill.served(job.id).model_actual
            assert job.charged_mc == PRICES_MC[actual]
        else:
            assert job.charged_mc == 0
    assert all(server.broken == [] for _, server in three.values())
    assert violations(drill.farm.store) == []
