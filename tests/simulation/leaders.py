"""Two schedulers, one of which leads. Each may die or freeze anywhere in its turn, and is then followed.

A turn is one round of the scheduler's own loop, lead and errors and all. A leader that freezes before its
commit keeps the turn until its transaction is ended, or goes on after a while with what it read before; one
that freezes before it publishes is overtaken, and says late what the other has said by then.
"""

import itertools
import math
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING
from unittest import mock

from sqlalchemy import Connection

from farm.broker.message import Message
from farm.doors.hall import Hall
from farm.store.engine import StoreAway
from schedulers.lead import Lead
from schedulers.loop import Publish, Scheduler
from tests.simulation.memory import Crash, Cut, nothing

if TYPE_CHECKING:
    from tests.simulation.world import World

_MOST_STATEMENTS = 30  # of a turn that does something
_LONGEST_FREEZE_S = 12.0  # in a turn: then somebody ends it (farm/store/turn.py)
_LONGEST_IDLE_S = 4.0  # longer than the real one: turns that find nothing are dear here
_CRASHES = {"lead": 0.003, "tick": 0.01, "not_said": 0.15}
_NEXT_DUE = """
    SELECT min(at) FROM (
        SELECT min(lease_at) AS at FROM attempts WHERE state IN ('published', 'running')
        UNION ALL SELECT min(due_at) FROM tasks WHERE state = 'waiting'
        UNION ALL SELECT min(deadline_at) FROM jobs WHERE ended_at IS NULL
        UNION ALL SELECT min(seen_at) + 15 FROM workers WHERE state <> 'offline')
"""


class _Watched(Scheduler):
    """The real one; an error that its loop would only log is a broken promise here."""

    def __init__(self, world: "World", hall: Hall, publish: Publish) -> None:
        super().__init__(hall, publish)
        self._world = world

    def tick(self) -> int:
        self._world.leaders.commits = "tick"
        try:
            return super().tick()
        except (StoreAway, Cut):
            raise
        except Exception as error:
            where = traceback.extract_tb(error.__traceback__)[-1]
            self._world.wrong(f"a tick failed: {error!r} at {where.filename}:{where.lineno}")
            raise

    def _not_said(self, messages: Sequence[Message]) -> None:
        self._world.leaders.commits = "not_said"
        super()._not_said(messages)


class _Lasting(Lead):
    """A lead that outlives one round of the loop."""

    def leave(self) -> None:
        return


@dataclass
class Seat:
    """One scheduler's process: its loop pauses and waits for the bell here."""

    number: int
    scheduler: Scheduler = field(init=False)
    lead: Lead = field(init=False)
    frozen_until: float = 0.0
    planned_at: float = math.inf
    paused_s: float | None = None  # what the last round of its loop ended with; None: at once again
    is_cut_off: bool = False  # it froze, and its connection died meanwhile

    def pause(self, seconds: float) -> None:
        self.paused_s = seconds

    def ring(self) -> None:
        raise AssertionError("Schedulers do not ring.")

    def wait(self, timeout_s: float) -> bool:
        self.paused_s = timeout_s
        return False


class Leaders:
    """Whose turn it is, and what becomes of it. It is the farm's bell as well."""

    def __init__(self, world: "World") -> None:
        self._world = world
        self._seats = [Seat(number) for number in (0, 1)]
        self._locked_until = 0.0
        self._in_turn: Seat | None = None
        self._must_commit = False
        self.commits = "lead"  # what the round commits next
        for seat in self._seats:
            self._begin(seat)
            self._plan(seat, 0.01 * seat.number)

    def ring(self) -> None:
        """The leader's bell, for everybody to ring."""
        if not self._world.chance("ring_lost", 0.05):
            for seat in self._seats:
                if seat.lead.is_ours:
                    self._plan(seat, self._world.up_to(0.3))

    @contextmanager
    def in_virtual_time(self) -> Iterator[None]:
        """What the schedulers take from the system is the world's while this runs."""
        clock = mock.Mock(monotonic=lambda: self._world.now)
        with (
            mock.patch("schedulers.loop.time", clock),
            mock.patch("schedulers.lead.time", clock),
            mock.patch("schedulers.loop.Lead", lambda _hall: self._in_turn and self._in_turn.lead),
        ):
            yield

    # --- turns ------------------------------------------------------------------------------------------

    def _plan(self, seat: Seat, delay: float) -> None:
        """Have a round by then."""
        at = max(self._world.now + delay, seat.frozen_until)
        if at < seat.planned_at and not self._world.closed:
            seat.planned_at = at
            self._world.at(at - self._world.now, self._round, seat, at)

    def _round(self, seat: Seat, planned_at: float) -> None:
        world = self._world
        if planned_at != seat.planned_at or world.closed:
            return  # an earlier one was planned since, and has been
        seat.planned_at = math.inf
        if seat.frozen_until > world.now:
            self._plan(seat, 0.001)
        elif self._in_turn is not None or self._locked_until > world.now:
            with world.store.hooked(nothing):
                self._notice(seat, seat.lead.ours)  # its turn waits for the other's to end
            self._plan(seat, 1.0)
        else:
            self._have(seat)
            world.after_turn()
            self._plan(seat, self._pause(seat))

    def _have(self, seat: Seat) -> None:
        """One round of its loop."""
        world = self._world
        seat.paused_s, self.commits, self._must_commit, self._in_turn = None, "lead", False, seat
        asked = itertools.count()
        try:
            with world.store.hooked(self._around):
                if not seat.lead.is_ours and world.chance("two_schedulers_lead", 0.02):
                    world.watch.forget()
                    seat.scheduler.tick()
                else:
                    self._notice(seat, lambda: seat.scheduler.run(lambda: next(asked) > 0))
        except StoreAway:
            pass  # of the one that did not lead
        except Crash:
            world.note("scheduler", seat.number, "is gone")
            seat.frozen_until = max(seat.frozen_until, world.now + world.up_to(20))
            self._begin(seat)
            world.watch.forget()
        finally:
            self._in_turn = None

    def _notice(self, seat: Seat, call: Callable[[], object]) -> None:
        """Count takeovers."""
        led, others = seat.lead.is_ours, any(other.lead.is_ours for other in self._seats)
        self._world.store.at_statement = self._at_statement(seat) if led else None
        call()
        self._world.store.at_statement = None
        self._world.note("scheduler", seat.number, "leads" if led else "stands by", seat.paused_s)
        if seat.lead.is_ours and not led and others:
            self._world.hit("second_scheduler_takes_over")
            self._world.watch.forget()  # turns are counted in memory

    def _pause(self, seat: Seat) -> float:
        if seat.paused_s is None:
            return 0.01 + self._world.up_to(0.5)
        if not seat.lead.is_ours:
            return seat.paused_s
        ((due_at,),) = self._world.store.peek(_NEXT_DUE)
        wait_s = _LONGEST_IDLE_S if due_at is None else due_at - self._world.farm_now + 0.01
        return max(1.0, min(wait_s, _LONGEST_IDLE_S))

    def _begin(self, seat: Seat) -> None:
        """A new process on the same host, the old one's memory gone."""
        world = self._world
        hall = replace(world.hall, pause=seat.pause, bell=seat)
        seat.scheduler = _Watched(world, hall, lambda messages: self._publish(seat, messages))
        seat.lead = _Lasting(hall, f"host-{seat.number}")

    # --- what goes wrong --------------------------------------------------------------------------------

    def _around(self, point: str) -> None:
        """A process that dies, or a connection that breaks, around a commit of this turn."""
        if self._must_commit and point == "before_commit":
            return
        if self._world.chance(f"{self.commits}_crash_{point}", _CRASHES[self.commits]):
            raise Crash
        if self.commits == "tick" and self._world.chance(f"tick_break_{point}", 0.006):
            raise StoreAway("the connection broke")

    def _at_statement(self, seat: Seat) -> Callable[[Connection], None] | None:
        world = self._world
        if seat.is_cut_off:
            seat.is_cut_off = False
            return _cut_off
        if world.calm or world.random.random() >= 0.03:
            return None
        freeze = self._freeze_for_good if world.random.random() < 0.4 else self._freeze_a_while
        left = itertools.count(world.random.randrange(1, _MOST_STATEMENTS), -1)

        def count(connection: Connection) -> None:
            if next(left) == 0:
                freeze(seat, connection)

        return count

    def _freeze_for_good(self, seat: Seat, _connection: Connection) -> None:
        """Its transaction is ended after a while; until then it keeps the turn."""
        world = self._world
        world.hit("leader_freezes_and_is_rolled_back")
        self._locked_until = world.now + world.up_to(_LONGEST_FREEZE_S)
        seat.frozen_until = self._locked_until + world.up_to(20)
        seat.is_cut_off = True
        raise Cut

    def _freeze_a_while(self, _seat: Seat, connection: Connection) -> None:
        """Everybody else goes on; then it does, with what it has read."""
        world = self._world
        world.hit("leader_freezes_and_commits_late")
        self._must_commit = True
        with world.store.inside(connection), world.store.hooked(nothing):
            world.live_until(world.now + world.up_to(_LONGEST_FREEZE_S))
        world.note("the leader goes on")

    def _publish(self, seat: Seat, messages: Sequence[Message]) -> bool:
        world = self._world
        if world.chance("broker_away", 0.02):
            return False
        late_s = 0.0
        if world.chance("leader_freezes_before_it_publishes", 0.01):
            late_s = world.up_to(30)
            seat.frozen_until = world.now + late_s
        for message in messages:
            world.broker.carry(message, late_s)
        if world.chance("crash_after_publish", 0.006):
            raise Crash
        return True


def _cut_off(_connection: Connection) -> None:
    raise StoreAway("the server ended this connection")
