"""A storm: customers want jobs over HTTP while a monkey kills every part of the farm, PostgreSQL included."""

import random
import threading
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy import select

from farm.account import Account
from farm.doors.accounts import ensure_account
from farm.doors.webhooks import add_endpoint
from farm.store.schema import attempts
from farm.webhook import NewEndpoint
from tests.chaos.customer import Customer
from tests.chaos.house import House, house
from tests.chaos.monkey import VICTIMS, Blow, Monkey, blows
from tests.chaos.plan import ACCOUNTS, PICTURES, POOLS, Wanted, jobs
from tests.chaos.postbox import Postbox, postbox
from tests.chaos.verdict import Storm, doubles, has_ended, judge
from tests.media import quadrants, write_jpeg
from tests.postgres import Postgres

OPENING_MC = 1_000_000
_SLOTS = {pool: 1 if pool == "cpu-render" else 2 for pool in POOLS}
_CLERKS = 6  # calls at once
_LOOK_S = 0.1
_PATIENCE_S = 120.0
# Faults come too often here for the shipped caps: a job that is hit again and again must still end right, and
# no worker is to blame for what the monkey does. All else is the shipped farm with shorter times.
CONFIG = """
[scheduling]
lease_s = 6.0
beat_s = 0.5
publish_lease_s = 2.0
sweep_s = 0.5
kill_grace_s = 1.0
worker_gone_s = 4.0
quarantine_after = 0
[retry.crash]
max_attempts = 20
[retry.lost]
max_attempts = 20
[retry.transient]
max_attempts = 20
[idempotency]
lease_s = 5.0
[retention]
enabled = false
[outbound]
allow_hosts = ["127.0.0.1:{port}"]
total_s = 10.0
[webhooks]
job_retry_after_s = [0.5, 2.0]
endpoint_retry_after_s = [0.5, 2.0]
lease_s = 15.0
look_s = 0.2
"""


@dataclass
class Report:
    """What came of it. `problems` is empty when every promise held."""

    seed: int
    problems: list[str]
    kills: Counter[str]
    retries: Counter[str]
    outcomes: Counter[str]
    doubles: int
    seconds: dict[str, float] = field(default_factory=dict)

    def __str__(self) -> str:
        lines = [
            f"seed {self.seed}: {len(self.problems)} broken promises",
            "kills: " + ", ".join(f"{name} {self.kills[name]}" for name in VICTIMS),
            f"calls made again: {dict(self.retries)}",
            f"attempts: {dict(self.outcomes)}",
            f"webhooks that came again after they were taken, as documented: {self.doubles}",
            "seconds: " + ", ".join(f"{name} {took:.0f}" for name, took in self.seconds.items()),
        ]
        return "\n".join([*lines, *(f"  BROKEN: {problem}" for problem in self.problems)])


def storm(seed: int, count: int, kills: int, folder: Path, postgres: Postgres) -> Report:
    """Let `count` jobs through a farm that is hit `kills` times."""
    wanted, plan = jobs(seed, count), blows(seed, kills)
    began = time.monotonic()
    with ExitStack() as stack:
        box = stack.enter_context(postbox())
        config = CONFIG.replace("{port}", str(box.port))
        farm = stack.enter_context(house(folder / "farm", config, _SLOTS, postgres=postgres, apis=2))
        customers = {name: _customer(farm, box, name, seed) for name in ACCOUNTS}
        for customer in customers.values():
            stack.callback(customer.close)
        ready = time.monotonic()
        monkey = Monkey(farm, plan)
        ids = _through(wanted, plan, monkey, customers, box, _pictures(folder))
        calm = time.monotonic()
        _until_all_ended(farm)
        ended = time.monotonic()
        over = Storm(farm, wanted, ids, OPENING_MC, monkey.kills, monkey.outages, box.letters)
        problems = [*judge(over, customers, folder), *monkey.gave_up]
        retries: Counter[str] = sum((customer.retries for customer in customers.values()), Counter())
        report = Report(seed, problems, monkey.counts(), retries, _outcomes(farm), doubles(box.letters))
        report.seconds = {
            "start": ready - began,
            "storm": calm - ready,
            "until all ended": ended - calm,
            "verdict": time.monotonic() - ended,
        }
        return report


def _customer(farm: House, box: Postbox, name: str, seed: int) -> Customer:
    key = farm.key(name, balance_mc=OPENING_MC)
    account: Account = ensure_account(farm.hall, name, "enterprise")
    add_endpoint(farm.hall, account, NewEndpoint(box.url(f"/account/{name}")))
    return Customer(farm.urls, key, f"{name} {seed}")


def _through(
    wanted: Sequence[Wanted],
    plan: Sequence[Blow],
    monkey: Monkey,
    customers: Mapping[str, Customer],
    box: Postbox,
    pictures: Sequence[Path],
) -> dict[int, str]:
    """Submit everything while the monkey rages. Returns the ids by number once the last was answered."""
    lasts_s = plan[-1].at_s
    dice, began = random.Random("moments"), time.monotonic()
    moments = sorted(dice.uniform(0.0, lasts_s) for _ in wanted)
    ids: dict[int, str] = {}
    stopping = threading.Event()

    def order(job: Wanted) -> None:
        customer = customers[job.account]
        ids[job.number] = customer.submit(job, pictures, box.url(f"/job/{job.number}"))
        if job.cancel_after_s is not None:
            stopping.wait(job.cancel_after_s)
            customer.cancel(ids[job.number])

    with ThreadPoolExecutor(_CLERKS) as clerks:
        orders: list[Future[None]] = []
        rage = monkey.rage()
        try:
            raging = True
            while raging or len(orders) < len(wanted):
                while len(orders) < len(wanted) and time.monotonic() >= began + moments[len(orders)]:
                    orders.append(clerks.submit(order, wanted[len(orders)]))
                raging = next(rage, StopIteration) is None
                time.sleep(_LOOK_S)
            for done in orders:
                done.result()
        finally:
            stopping.set()
            for customer in customers.values():
                customer.stopping.set()
    for customer in customers.values():
        customer.stopping.clear()
    return ids


def _until_all_ended(farm: House) -> None:
    """Or for so long that somebody should look: the verdict then says what has not."""
    deadline = time.monotonic() + _PATIENCE_S
    while not has_ended(farm) and time.monotonic() < deadline:
        time.sleep(_LOOK_S)


def _outcomes(farm: House) -> Counter[str]:
    with farm.store.read() as connection:
        return Counter(str(outcome) for outcome in connection.scalars(select(attempts.c.outcome)))


def _pictures(folder: Path) -> list[Path]:
    return [write_jpeg(folder / f"{number}.jpg", quadrants(320, 200)) for number in range(PICTURES)]
