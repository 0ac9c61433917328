"""Who is told of events: endpoints and webhook_urls that are slow, fail, do not answer, or answer 410.

Their owners turn endpoints off and on, remove them and change their secrets meanwhile. Everything that
arrives is kept, to be compared with what should have.
"""

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from farm.account import Account
from farm.doors import webhooks
from farm.doors.webhooks import EndpointChange
from farm.errors import Conflict, NotFound
from farm.net.http import CallFailed, Reply
from farm.webhook import NewEndpoint

if TYPE_CHECKING:
    from tests.simulation.world import World

_EVENTS_LOST = """
    SELECT o.event || ' of ' || coalesce(j.id, 'a batch') || ' for ' || e.public_id
    FROM outbox o JOIN webhook_endpoints e ON e.account_id = o.account_id
    LEFT JOIN jobs j ON j.seq = o.job_seq
    WHERE e.public_id = ? AND e.state = 'enabled'
      AND (e.events = '[]' OR e.events LIKE '%"' || o.event || '"%')
      AND (SELECT count(*) FROM deliveries d WHERE d.outbox_id = o.id AND d.endpoint_id = e.id) <> 1
"""
_UNTOLD = """
    SELECT 'job ' || j.id || ' ended and no event says so' FROM jobs j
    WHERE j.ended_at IS NOT NULL
      AND (j.webhook_url IS NOT NULL OR j.account_id IN
           (SELECT account_id FROM webhook_endpoints WHERE public_id = ? AND state = 'enabled'))
      AND (SELECT count(*) FROM outbox o WHERE o.job_seq = j.seq AND o.event = 'job.' || j.state) <> 1
"""
_WITHOUT_URL = """
    SELECT o.event || ' went ' || count(d.id) || ' times to ' || o.endpoint
    FROM outbox o LEFT JOIN deliveries d ON d.outbox_id = o.id AND d.target = 'webhook_url'
    WHERE o.endpoint <> '' GROUP BY o.id HAVING count(d.id) <> 1
"""
_UNENDED = """
    SELECT 'delivery ' || public_id || ' never ended' FROM deliveries WHERE state = 'pending'
    UNION ALL SELECT 'event ' || id || ' was never told' FROM outbox WHERE state = 'pending'
"""
_DELIVERED = "SELECT webhook_id, state, tries FROM deliveries"


@dataclass(frozen=True, slots=True)
class Arrival:
    """One request that reached a receiver, and whether it was answered with success."""

    url: str
    webhook_id: str
    try_number: int
    body: bytes
    welcome: bool


@dataclass(slots=True)
class _Owned:
    """An endpoint, and whether its owner ever touched it."""

    account: Account
    id: str
    touched: bool = False


class Receivers:
    """The far side: what a deliverer sends through (farm.net.http.GuardedHttp otherwise)."""

    def __init__(self, world: "World") -> None:
        self._world = world
        self.arrivals: list[Arrival] = []
        self.delay_s = 0.0  # how long the last answer took
        self._closed = {name for name in ("hook/0", "job/1") if world.random.random() < 0.04}
        world.skew = (
            -60.0
        )  # a while ago: an endpoint hears of nothing before it, and the clock may be set back
        self._endpoints = [self._register(number) for number in range(world.random.randrange(1, 4))]
        world.skew = 0.0
        for change in (self._turn_off, self._rotate, self._remove):
            if world.random.random() < 0.3:
                world.at(world.up_to(40), change, world.random.choice(self._endpoints))

    async def send(self, method: str, url: str, headers: Mapping[str, str], body: bytes = b"") -> Reply:
        """An answer, after a while that is left in `delay_s`. Raises CallFailed."""
        answer = self._answer(url)
        welcome = isinstance(answer, int) and answer < 300
        number = int(headers["X-Farm-Attempt"])
        self.arrivals.append(Arrival(url, headers["webhook-id"], number, body, welcome))
        self._world.note(method, url, "try", number, "→", answer)
        if isinstance(answer, str):
            raise CallFailed(answer)
        return Reply(answer, {}, b"")

    def problems(self) -> list[str]:
        """Events nobody was told of, deliveries without end, and doubles beyond what is documented."""
        peek = self._world.store.peek
        untouched = [endpoint.id for endpoint in self._endpoints if not endpoint.touched]
        found = [what for query in (_WITHOUT_URL, _UNENDED) for (what,) in peek(query)]
        for endpoint_id in untouched or [""]:
            found += [what for query in (_EVENTS_LOST, _UNTOLD) for (what,) in peek(query, (endpoint_id,))]
        return found + self._doubles()

    def _doubles(self) -> list[str]:
        """One webhook-id is one event at one place, in the same bytes; what was welcome was delivered."""
        found, first, tried = [], dict[str, Arrival](), dict[str, set[int]]()
        for arrival in self.arrivals:
            known = first.setdefault(arrival.webhook_id, arrival)
            if (known.url, known.body) != (arrival.url, arrival.body):
                found.append(f"{arrival.webhook_id} stands for two events or places")
            tried.setdefault(arrival.webhook_id, set()).add(arrival.try_number)
        welcomed = {arrival.webhook_id for arrival in self.arrivals if arrival.welcome}
        for webhook_id, state, tries in self._world.store.peek(_DELIVERED):
            if state == "delivered" and webhook_id not in welcomed:
                found.append(f"{webhook_id} counts as delivered, and nobody has it")
            if tries > len(tried.get(webhook_id, ())):
                found.append(f"{webhook_id} counts {tries} tries, {len(tried.get(webhook_id, ()))} were made")
        known_ids = {webhook_id for webhook_id, _, _ in self._world.store.peek(_DELIVERED)}
        return found + [f"{webhook_id} is no delivery's" for webhook_id in tried.keys() - known_ids]

    def _answer(self, url: str) -> int | str:
        world = self._world
        self.delay_s = 0.05 + world.up_to(0.5)
        if any(url.endswith(name) for name in self._closed):
            world.hits["webhook_never_answered"] += 1
            return 503
        if world.chance("webhook_slow", 0.15):
            self.delay_s = 3 + world.up_to(12)
        if world.chance("webhook_fails", 0.12):
            return world.random.choice((500, 503, 429, 302))
        if world.chance("webhook_times_out", 0.06):
            self.delay_s = 15.0
            return "No answer came within 15 s."
        if world.chance("webhook_refuses", 0.04):
            return "The connection was refused."
        if world.chance("webhook_gone", 0.03):
            return 410
        return 200

    # --- owners -----------------------------------------------------------------------------------------

    def _register(self, number: int) -> _Owned:
        account = self._world.callers[number].account
        events = ("job.failed", "job.cancelled") if number == 2 else ()
        new = NewEndpoint(f"https://example.com/hook/{number}", events=events)
        return _Owned(account, webhooks.add_endpoint(self._world.hall, account, new)[0].id)

    def _turn_off(self, endpoint: _Owned) -> None:
        self._change("endpoint_turned_off", endpoint, self._enable(endpoint, False))
        self._world.at(self._world.up_to(20), self._turn_on, endpoint)

    def _turn_on(self, endpoint: _Owned) -> None:
        self._change("endpoint_turned_on", endpoint, self._enable(endpoint, True))

    def _enable(self, endpoint: _Owned, enabled: bool) -> Callable[[], object]:
        change = EndpointChange(enabled=enabled)
        return partial(webhooks.change_endpoint, self._world.hall, endpoint.account, endpoint.id, change)

    def _rotate(self, endpoint: _Owned) -> None:
        rotate = partial(webhooks.rotate_secret, self._world.hall, endpoint.account, endpoint.id)
        self._change("secret_rotated", endpoint, rotate)

    def _remove(self, endpoint: _Owned) -> None:
        remove = partial(webhooks.remove_endpoint, self._world.hall, endpoint.account, endpoint.id)
        self._change("endpoint_removed", endpoint, remove)

    def _change(self, what: str, endpoint: _Owned, change: Callable[[], object]) -> None:
        self._world.hits[what] += 1
        endpoint.touched = endpoint.touched or what != "secret_rotated"
        with suppress(Conflict, NotFound):
            self._world.customers.calling("endpoint", change)
