"""A farm in virtual time: the real doors, schedulers, deliverers and store, and all that can go wrong.

One heap of events, one seed. A world that ran to its end is asked for broken promises; while it runs, some
are watched at every change (tests/simulation/memory.py) and every turn (fair_watch.py).
"""

from contextlib import nullcontext
from dataclasses import dataclass

from farm.account import Caller
from farm.catalog import Catalog, read_catalog
from farm.doors.hall import Hall
from farm.doors.purse import grant_allowances
from farm.doors.work import Claimed
from farm.net.guard import Guard
from farm.secrets import Secrets
from farm.settings import Settings
from tests.farm import SECRET, CountedIds, HandClock
from tests.invariants import violations
from tests.simulation import rush, shop
from tests.simulation.broken import breaking
from tests.simulation.broker import Broker
from tests.simulation.customers import TIERS, Customers, new_callers
from tests.simulation.deliverers import Deliverers
from tests.simulation.fair_watch import FairWatch
from tests.simulation.floor import Floor, Worker
from tests.simulation.leaders import Leaders
from tests.simulation.memory import Crash, MemoryStore
from tests.simulation.receivers import Receivers
from tests.simulation.stage import QUIET_S, START, Stage

_LIMIT_S = 900.0
_AFTER_HOURS_S = 14 * 86_400.0  # for deliveries to be tried again
_CHECK_S = 3.0
_OPEN = """
    SELECT EXISTS (SELECT 1 FROM jobs WHERE ended_at IS NULL)
        OR EXISTS (SELECT 1 FROM batches WHERE ended_at IS NULL)
        OR EXISTS (SELECT 1 FROM attempts WHERE state <> 'settled')
        OR EXISTS (SELECT 1 FROM requests) OR EXISTS (SELECT 1 FROM arrivals)
"""


@dataclass(frozen=True, slots=True)
class _House:
    """What every world of this process begins with."""

    store: MemoryStore
    catalog: Catalog
    rows: dict[str, list[object]]
    callers: list[Caller]


class World(Stage):
    """One seed's farm. `broken` switches off one promise-keeper, to show that the checks can fail.

    `crowd` is the rush it has; None: now and then one.
    """

    def __init__(self, seed: int, broken: str | None = None, crowd: str | None = None) -> None:
        super().__init__(seed)
        self.broken = broken
        self.closed = False
        house = _house()
        self.store = house.store
        self.store.wipe(house.rows)
        self.callers = house.callers[: len(TIERS)]
        self.hall = self._hall(house)
        self.broker = Broker(self)
        self.leaders = Leaders(self)
        self.receivers = Receivers(self)
        self.deliverers = Deliverers(self)
        self.watch = FairWatch(self)
        crowd = crowd or self.random.choices((None, *rush.KINDS), (0.9, 0.04, 0.03, 0.03))[0]
        shopping = self.random.random() < 0.4
        self.floor = Floor(self, self._workers(crowd is not None, shopping))
        self.customers = Customers(self, self.callers)
        self.shop = shop.Shop(self, self.callers if shopping else [])
        if crowd is not None:
            rush.Rush(self, house.callers[len(TIERS) :], crowd)
        for _ in range(0 if crowd else 2):  # what was served is measured by the clock
            self.at(self.up_to(40), self._step_clock)
        self.at(QUIET_S, self.floor.revive)

    # --- a run ------------------------------------------------------------------------------------------

    def run(self) -> list[str]:
        """Run to the end. Returns the broken promises."""
        promise = breaking(self.broken, self._maybe_crash) if self.broken else nullcontext()
        with promise, self.leaders.in_virtual_time():
            self._live()
        self.problems += self.store.broken()
        self.problems += violations(self.store)
        self.problems += self.customers.problems()
        self.problems += self.receivers.problems()
        self.problems += self.shop.problems()
        return self.problems

    def after_turn(self) -> None:
        """Look at what a turn of the scheduler has done."""
        self.watch.look()
        self.shop.look()
        self.deliverers.plan()

    def seconds_of(self, claimed: Claimed) -> float:
        """How long a task runs."""
        if claimed.params.get("pool") == rush.POOL:
            return float(str(claimed.params["estimated_s"])) * self.random.uniform(0.7, 1.3)
        return self.random.expovariate(1 / 2.0)

    def _live(self) -> None:
        """The faults, then the calm until all work has ended, then what is still to be delivered."""
        self.live_until(START + QUIET_S + _CHECK_S)
        while (self.customers.waiting or self._any_open()) and self.now < START + _LIMIT_S:
            self.live_until(self.now + _CHECK_S)
        if self.customers.waiting or self._any_open():
            self.wrong("something is still open, and nothing happens any more")
        self.closed = True
        self.note("closed")
        self.deliverers.plan()
        while self.next_event(START + _AFTER_HOURS_S):
            pass

    def _any_open(self) -> bool:
        ((found,),) = self.store.peek(_OPEN)
        return bool(found)

    def _maybe_crash(self, fault: str) -> None:
        if self.random.random() < 0.01:
            self.note("!", fault)
            raise Crash

    def _step_clock(self) -> None:
        self.hit("clock_step")
        self.skew += self.random.uniform(-8, 8)
        self.watch.clock_stepped()

    # --- making -----------------------------------------------------------------------------------------

    def _hall(self, house: _House) -> Hall:
        return Hall(
            store=self.store,
            catalog=house.catalog,
            secrets=Secrets(SECRET),
            clock=_FarmClock(self),
            ids=CountedIds(),
            bell=_Bell(self),
            pause=lambda _s: None,
            guard=Guard(resolve=lambda _host, _port: ["93.184.216.34"]),
        )

    def _workers(self, crowded: bool, shopping: bool) -> list[Worker]:
        routed = [Worker("w4", shop.POOL, 3, resource="io"), Worker("w5", shop.POOL, 1, resource="device")]
        return [
            *(routed if shopping else []),
            *([Worker("w3", rush.POOL, 1, steady=True)] if crowded else []),
            Worker("w0", "cpu-render", 1, {"memory": "64"}),
            Worker("w1", "asr-align", 2),
            Worker("w2", "cpu-render", 1),
        ]


@dataclass(frozen=True, slots=True)
class _FarmClock:
    world: World

    def now(self) -> float:
        return self.world.farm_now


@dataclass(frozen=True, slots=True)
class _Bell:
    world: World

    def ring(self) -> None:
        self.world.leaders.ring()

    def wait(self, _timeout_s: float) -> bool:
        raise AssertionError("Only schedulers wait, and they have bells of their own.")


_HOUSES: list[_House] = []


def _house() -> _House:
    if not _HOUSES:
        store = MemoryStore()
        hall = Hall(store, _catalog(), Secrets(SECRET), clock=HandClock(START), ids=_Early())
        callers = new_callers(hall, (*TIERS, *rush.TIERS))
        with store.write() as connection:
            grant_allowances(hall, connection, START)  # or each world's first sweep would
        _HOUSES.append(_House(store, hall.catalog, store.dump(), callers))
    return _HOUSES[0]


def _catalog() -> Catalog:
    """As shipped, but for schedulers that look less often who leads: each look costs as much as a job."""
    shipped = read_catalog(Settings())
    scheduling = shipped.scheduling.model_copy(update={"lead_s": 15.0})
    return shop.stocked(shipped.model_copy(update={"scheduling": scheduling}))


class _Early(CountedIds):
    """Ids of what was there before a world begins."""

    def public(self, prefix: str) -> str:
        return super().public(f"{prefix}_early")
