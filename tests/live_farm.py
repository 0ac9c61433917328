"""A whole farm with its insides in a test's hands: API, scheduler and deliverer here, workers as processes.

For what a farm of real processes cannot be told: a resolver that lies, webhook pauses of no time, a message
put into its Redis. Use it as a block: `with live_farm(folder, rules) as farm:`.
"""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx
from sqlalchemy import select

from farm.api.app import create_app
from farm.broker.valkey import EmbeddedValkey
from farm.doors.accounts import create_key, ensure_account
from farm.doors.hall import Hall
from farm.net.guard import Guard, Resolve, system_resolve
from farm.rules.running import OutboundRules
from farm.settings import Settings
from farm.store.rows import AnyRow
from farm.store.schema import deliveries
from tests.api import serving
from tests.worker_farm import WorkerFarm, WorkerProcess, until


@dataclass
class LiveFarm:
    """Everything but the deliverer runs: `with delivering(farm.settings, farm.hall)` starts one."""

    farm: WorkerFarm
    hall: Hall
    url: str
    valkey: EmbeddedValkey
    worker: WorkerProcess

    @property
    def settings(self) -> Settings:
        return self.farm.settings

    def client(
        self, account: str, *, is_operator: bool = False, balance_mc: int | None = None
    ) -> httpx.Client:
        """A client with a new key of that account, which is made when missing. It uses no proxy."""
        owner = ensure_account(self.hall, account, "enterprise", balance_mc=balance_mc)
        key = create_key(self.hall, owner, is_operator=is_operator).text
        headers = {"Authorization": f"Bearer {key}"}
        return httpx.Client(base_url=self.url, headers=headers, trust_env=False, timeout=30)

    def told(self, job_id: str) -> AnyRow:
        """The one delivery of the job's end, once there is nothing more to try."""
        self.farm.ended(job_id)
        until(lambda: [row.ended_at for row in self.deliveries(job_id)] not in ([], [None]), "it was told")
        (row,) = self.deliveries(job_id)
        return row

    def deliveries(self, job_id: str) -> list[AnyRow]:
        with self.hall.store.read() as connection:
            return list(connection.execute(select(deliveries).where(deliveries.c.subject == job_id)))


def probe(client: httpx.Client, webhook_url: str | None = None, **params: Any) -> str:
    """Submit a probe; an operator's key is needed. Returns the job's id."""
    body = {"kind": "probe", "params": params, "webhook_url": webhook_url}
    made = client.post("/farm/v1/jobs", json=body)
    assert made.status_code == 202, made.text
    return str(made.json()["id"])


@contextmanager
def live_farm(
    folder: Path, rules: OutboundRules, resolve: Resolve = system_resolve, *, providers: str = ""
) -> Iterator[LiveFarm]:
    """Run it with one worker; webhooks are tried three times, at once. `providers` is a providers.toml."""
    with ExitStack() as stack:
        valkey = EmbeddedValkey(folder / "valkey")
        valkey.start()
        stack.callback(valkey.stop)
        farm = stack.enter_context(WorkerFarm(folder, valkey.url, providers=providers))
        kept = farm.hall.catalog
        webhooks = kept.webhooks.model_copy(update={"job_retry_after_s": (0.05, 0.05), "look_s": 0.05})
        catalog = kept.model_copy(update={"outbound": rules, "webhooks": webhooks})
        hall = replace(farm.hall, catalog=catalog, guard=Guard(rules, resolve=resolve))
        url = stack.enter_context(serving(create_app(farm.settings, hall)))
        yield LiveFarm(farm, hall, url, valkey, farm.worker())
