"""A farm without processes that knows providers: scripted ones, of a providers.toml of the test's own."""

import tomllib
from dataclasses import replace
from typing import Any

from sqlalchemy import select

from farm.account import Caller
from farm.catalog import Catalog
from farm.choices import Choice, Decision
from farm.doors import purchases, work
from farm.doors.submit import submit
from farm.errors import FailureClass
from farm.job import Failure, JobSpec
from farm.kinds import Resource, registry
from farm.providers import ProviderBook
from farm.states import Outcome
from farm.store.rows import AnyRow
from farm.store.schema import attempts, breakers, tasks
from schedulers.loop import Scheduler
from tasks.provider_probe import ProviderProbe
from tests.farm import Farm

THREE = """
[providers.own]
pool = "cpu-render"
[providers.rented]
pool = "gpu-generate"
resource = "io"
remote = true
[providers.cheap]
pool = "cpu-render"
remote = true

[routes.probe.big]
fallbacks = ["small"]
offers = [
  { provider = "own", price = "20", estimated_s = 4.0 },
  { provider = "rented", price = "30", estimated_s = 2.0 },
]
[routes.probe.small]
offers = [{ provider = "cheap", price = "8", estimated_s = 1.0 }]
"""
QUIET: dict[str, Any] = {"jitter": 0.0, "retries_per_hour": 1000.0}


def with_providers(catalog: Catalog, toml: str = THREE, **rules: Any) -> Catalog:
    """The catalog with these providers; `rules` replace single keys of [failover]."""
    failover = catalog.providers.failover.model_copy(update=QUIET | rules)
    book = ProviderBook.model_validate({**tomllib.loads(toml), "failover": failover.model_dump()})
    book = book.model_copy(update={"models": catalog.models})
    book.check(catalog.pools)
    return catalog.model_copy(update={"providers": book})


class ProviderFarm:
    """Submits, ticks and plays the workers of every pool: `take` claims the next attempt of a provider."""

    def __init__(self, farm: Farm, toml: str = THREE, **rules: Any) -> None:
        self.farm = farm
        farm.hall = replace(farm.hall, catalog=with_providers(farm.hall.catalog, toml, **rules))
        farm.scheduler = Scheduler(farm.hall, farm.post)
        self.caller = farm.caller()
        self.announce()

    def announce(self, *pools: str, slots: int = 8) -> None:
        for pool in pools or ("cpu-render", "gpu-generate"):
            work.announce(
                self.farm.hall,
                work.WorkerCard(
                    name=f"w-{pool}",
                    pool=pool,
                    host="host",
                    pid=1,
                    queue=f"w-{pool}",
                    slots={resource.value: slots for resource in Resource},
                    kinds=[kind.announced for kind in registry().values()],
                ),
                restarted=False,
            )

    def submit(self, caller: Caller | None = None, **params: Any) -> str:
        options = {name: params.pop(name) for name in ("deadline",) if name in params}
        spec = JobSpec(params=ProviderProbe(**params), **options)
        return submit(self.farm.hall, caller or self.caller, spec).job_id

    def settle(self) -> None:
        """Tick until nothing is left to do now."""
        for _ in range(50):
            if self.farm.scheduler.tick() == 0:
                return
        raise AssertionError("the farm never comes to rest")

    def pass_time(self, s: float) -> None:
        """Let time pass; the workers go on saying that they live."""
        self.farm.clock.advance(s=s)
        self.announce()
        self.settle()

    def take(self) -> work.Claimed:
        """Claim the first message there is."""
        self.settle()
        message = self.farm.post.messages.pop(0)
        with self.farm.store.read() as connection:
            pool = connection.scalar(select(attempts.c.pool).where(attempts.c.id == message.attempt_id))
        claimed = self.farm.claim(message, f"w-{pool}")
        assert claimed is not None
        return claimed

    def fails(
        self,
        claimed: work.Claimed,
        failure: FailureClass,
        *,
        code: str = "broke",
        retry_after_s: float | None = None,
    ) -> None:
        said = Failure(failure, code, "It broke.", retry_after_s)
        self.report(claimed, work.Report(Outcome.FAILED, said))

    def succeeds(self, claimed: work.Claimed) -> None:
        self.report(claimed, work.Report(Outcome.SUCCEEDED))

    def report(self, claimed: work.Claimed, report: work.Report) -> None:
        assert work.finish(self.farm.hall, claimed.attempt_id, claimed.token, report)
        self.settle()

    def accepts(self, claimed: work.Claimed, ref: str) -> bool:
        return purchases.accepted(self.farm.hall, claimed.attempt_id, claimed.token, ref)

    def drops(self, claimed: work.Claimed) -> bool:
        return purchases.dropped(self.farm.hall, claimed.attempt_id, claimed.token)

    def lose(self, claimed: work.Claimed) -> None:
        """Its worker falls silent until the lease has run out."""
        self.pass_time(self.farm.hall.catalog.scheduling.lease_s + 1)

    def went(self, job_id: str) -> list[tuple[str | None, str | None]]:
        """The providers of the job's attempts and how each ended."""
        return [(a.provider, a.failure.failure_class if a.failure else a.outcome) for a in self.rows(job_id)]

    def rows(self, job_id: str) -> Any:
        return self.farm.attempts(job_id)

    def decisions(self, job_id: str) -> list[Decision]:
        seq = self.farm.job(job_id).seq
        query = select(attempts.c.decision).where(attempts.c.job_seq == seq).order_by(attempts.c.id)
        with self.farm.store.read() as connection:
            return [Decision.model_validate(found) for found in connection.scalars(query)]

    def choice(self, job_id: str) -> Choice:
        seq = self.farm.job(job_id).seq
        with self.farm.store.read() as connection:
            return Choice.model_validate(
                connection.scalar(select(tasks.c.choice).where(tasks.c.job_seq == seq))
            )

    def breaker(self, provider: str, phase: str = "submission") -> AnyRow | None:
        query = select(breakers).where(breakers.c.provider == provider, breakers.c.phase == phase)
        with self.farm.store.read() as connection:
            return connection.execute(query).one_or_none()

    def trip(self, provider: str = "own", **params: Any) -> list[str]:
        """Connection errors until the provider's breaker opens. Returns the jobs that saw them."""
        jobs = []
        while (seen := self.breaker(provider)) is None or seen.state == "closed":
            jobs.append(self.submit(**params))
            claimed = self.take()
            assert claimed.provider == provider
            self.fails(claimed, FailureClass.TRANSIENT, code="connection")
            self.farm.post.messages.clear()
        return jobs
