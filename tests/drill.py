"""Failover drills: real kinds, the real scheduler and the real engines, before providers that misbehave.

`first` and `second` are servers of two APIs; `first` sells the model that is asked for, `second` its cheaper
stand-in. The worker's part is played here, without processes: what an engine says goes through its doors.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from farm.doors import purchases, work
from farm.doors.jobs import list_jobs
from farm.doors.served import served
from farm.errors import FailureClass, TaskFailure
from farm.job import Failure
from farm.provider_facts import Served
from farm.states import JobState, Outcome
from tasks.generate_video import GenerateVideo
from tests.contract.engine_bench import Attempt
from tests.farm import Farm
from tests.provider_farm import ProviderFarm
from tests.provider_protocols.fal import FalServer
from tests.provider_protocols.openai import OpenAiServer
from tests.provider_protocols.replicate import ReplicateServer
from tests.provider_protocols.server import ProtocolServer
from workers.context import Cancelled, TaskInput
from workers.failures import failure_of
from workers.gpu_generate.generate import perform

# Each provider with the model that it sells.
Servers = Mapping[str, tuple[str, ProtocolServer]]

KLING, SEEDANCE, V3 = "kling-o3-pro-t2v", "seedance-t2v", "kling-v3-t2v"
ENGINES: Mapping[type[ProtocolServer], tuple[str, str]] = {
    FalServer: (
        "fal",
        'name = "fal-ai/kling-video/o3/text-to-video"\nlengths_s = [5, 10]\nas_text = ["duration"]',
    ),
    ReplicateServer: ("replicate", 'name = "kwaivgi/kling:v1"'),
    OpenAiServer: ("openai", 'name = "sora-2"\nlengths_s = [4, 8, 12]\nsizes = ["1280x720"]'),
}
_PROVIDER = """
[providers.{name}]
pool = "gpu-generate"
resource = "io"
remote = true
engine = "{engine}"
url = "{url}"
key_env = "TEST_PROVIDER_KEY"
[providers.{name}.models.{model}]
{told}
[routes.text-to-video.{model}]
fallbacks = {fallbacks}
offers = [{{ provider = "{name}", price = "1", estimated_s = 60.0 }}]
"""
_LOOKS = 3  # that an impatient worker waits for


def providers_toml(servers: Servers) -> str:
    """Each provider with its model; all models stand in for the first, in order."""
    models = [model for model, _ in servers.values()]
    parts = []
    for number, (name, (model, server)) in enumerate(servers.items()):
        engine, told = ENGINES[type(server)]
        others = str([*models[number + 1 :]]).replace("'", '"')
        fields = {"name": name, "engine": engine, "url": server.url, "model": model, "told": told}
        parts.append(_PROVIDER.format(**fields, fallbacks=others))
    return "".join(parts)


@dataclass
class Context(Attempt):
    """The doors behind an engine's words. An impatient one stops what was accepted and is not done soon."""

    note: Callable[[str], bool] = bool
    drop: Callable[[], bool] = bool
    is_impatient: bool = False
    looked: int = 0

    def checkpoint(self) -> None:
        self.looked += bool(self.refs)
        if self.is_impatient and self.looked > _LOOKS:
            raise Cancelled

    def accepted(self, ref: str) -> None:
        super().accepted(ref)
        assert self.note(ref)

    def dropped(self) -> None:
        super().dropped()
        assert self.drop()


class Drill:
    """A farm with these providers. Every attempt of theirs is performed as soon as it is published."""

    def __init__(self, farm: Farm, folder: Path, servers: Servers) -> None:
        self.house = ProviderFarm(farm, providers_toml(servers), rest_s=30.0)
        self.farm = farm
        self.folder = folder
        self.impatient_at = ""
        self.contexts: list[Context] = []

    def film(self, **params: Any) -> str:
        asked = GenerateVideo.model_validate({"prompt": "a lighthouse in a storm", **params})
        return self.farm.submit(self.house.caller, asked)

    def play(self, *, most_s: float = 900.0, step_s: float = 2.0) -> None:
        """Perform what there is until every job has ended, or so much time has gone by."""
        until = self.farm.clock.now() + most_s
        while self.farm.clock.now() < until:
            self.house.settle()
            if not self.farm.post.messages:
                self.house.pass_time(step_s)
            while self.farm.post.messages:
                self.perform(self.house.take())
            if not self.unended():
                return

    def unended(self) -> bool:
        return any(not job.ended for job in list_jobs(self.farm.hall, None, limit=1000))

    def perform(self, claimed: work.Claimed) -> None:
        """One attempt from claim to finish, as the runner and its engine do it."""
        self.house.report(claimed, self.report(claimed))

    def report(self, claimed: work.Claimed) -> work.Report:
        context = self.context(claimed)
        try:
            done = perform(self.task(claimed), context)
        except Cancelled:
            said = Failure(FailureClass.TIMEOUT, "timeout", "It took too long.")
        except TaskFailure as failure:
            said = failure_of(failure)
        else:
            return work.Report(Outcome.SUCCEEDED, result=done.result)
        return work.Report(Outcome.FAILED, said)

    def context(self, claimed: work.Claimed) -> Context:
        workdir = self.folder / f"attempt-{claimed.attempt_id}"
        workdir.mkdir()
        hall, mine = self.farm.hall, (claimed.attempt_id, claimed.token)
        made = Context(
            workdir,
            note=lambda ref: purchases.accepted(hall, *mine, ref),
            drop=lambda: purchases.dropped(hall, *mine),
            is_impatient=claimed.provider == self.impatient_at,
        )
        self.contexts.append(made)
        return made

    def task(self, claimed: work.Claimed) -> TaskInput:
        return TaskInput(
            kind=claimed.kind,
            step=claimed.step,
            params=claimed.params,
            attempt=claimed.attempt_no,
            provider=claimed.provider,
            model=claimed.model,
            idempotency_key=claimed.idempotency_key,
            provider_ref=claimed.provider_ref,
            in_doubt=claimed.in_doubt,
        )

    def served(self, job_id: str) -> Served:
        return served(self.farm.hall, None, job_id)

    def state(self, job_id: str) -> JobState:
        return self.farm.job(job_id).state

    def trips(self, provider: str) -> tuple[str, int]:
        """The worse of a provider's two breakers: its state, and how many failures it has counted."""
        found = [self.house.breaker(provider, phase) for phase in ("submission", "completion")]
        seen = [row for row in found if row is not None]
        state = "open" if any(row.state == "open" for row in seen) else "closed"
        return state, sum(part[2] for row in seen for part in row.calls)
