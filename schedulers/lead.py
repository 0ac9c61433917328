"""Which of several schedulers leads: one ticks, the others stand by and take over when it falls silent.

The lead saves work and tells operators who decides; it is not what keeps ticks apart. That is the turn
(farm/store/turn.py): a scheduler that freezes and comes back still believing that it leads does no harm.
Silence is counted in looks, not in seconds, so that no clock and no pause of our own can end another's lead.
"""

import errno
import os
import socket
import time

import structlog
from sqlalchemy import Connection, bindparam, delete, insert, select, update
from sqlalchemy.exc import IntegrityError

import farm
from farm.doors.hall import Hall
from farm.store.engine import StoreAway
from farm.store.rows import AnyRow
from farm.store.schema import schedulers
from farm.store.turn import break_frozen_turn, let_go_soon

log = structlog.get_logger(__name__)

_LOOKS = 5  # within lead_s
_FORGET_S = 600.0

_BEAT = (
    update(schedulers)
    .where(schedulers.c.name == bindparam("me"))
    .values(beats=schedulers.c.beats + 1, seen_at=bindparam("now"))
    .returning(schedulers.c.lead)
)
_LEADER = select(schedulers).where(schedulers.c.lead == 1)
_DEPOSE = (
    update(schedulers)
    .where(schedulers.c.name == bindparam("who"), schedulers.c.beats == bindparam("heard"))
    .where(schedulers.c.lead == 1)
    .values(lead=None, led_since=None)
)
_TAKE = (
    update(schedulers).where(schedulers.c.name == bindparam("me")).values(lead=1, led_since=bindparam("now"))
)
_FORGET = delete(schedulers).where(schedulers.c.lead.is_(None), schedulers.c.seen_at < bindparam("since"))
_LEAVE = delete(schedulers).where(schedulers.c.name == bindparam("me"))


class Lead:
    """One scheduler's part in it. `is_ours` is what the last look found."""

    def __init__(self, hall: Hall, host: str | None = None) -> None:
        self.every_s = hall.catalog.scheduling.lead_s / _LOOKS
        self._hall = hall
        self._host = host or socket.gethostname()
        self._name = hall.ids.public("scheduler")
        self.is_ours = False
        self._look_at = float("-inf")
        self._heard: tuple[str, int] | None = None
        self._silent = 0

    def ours(self) -> bool:
        """Whether we lead. Tells the store that we live, and looks there, every `every_s`.

        Raises StoreAway; what was heard before it counts for nothing then.
        """
        if time.monotonic() < self._look_at:
            return self.is_ours
        led = self.is_ours
        try:
            self.is_ours = self.look()
        except StoreAway:
            self._heard = None
            raise
        self._look_at = time.monotonic() + self.every_s
        if self.is_ours != led:
            log.info("lead_taken" if self.is_ours else "lead_lost", scheduler=self._name)
        return self.is_ours

    def leave(self) -> None:
        """Say goodbye, so that another takes over at its next look."""
        try:
            with self._hall.store.write() as connection:
                connection.execute(_LEAVE, {"me": self._name})
        except StoreAway as away:  # then it is found silent
            log.warning("store_away", error=away.message)

    def look(self) -> bool:
        """Say that we live; take the lead where nobody has it. Whether it is ours now. Raises StoreAway."""
        now = self._hall.clock.now()
        try:
            with self._hall.store.write() as connection:
                let_go_soon(connection)
                return self._beat(connection, now) or self._may_take(connection, now)
        except IntegrityError:  # another took it in this very moment
            return False

    def _beat(self, connection: Connection, now: float) -> bool:
        row = connection.execute(_BEAT, {"me": self._name, "now": now}).one_or_none()
        if row is None:
            connection.execute(insert(schedulers), self._card(now))
        return row is not None and row.lead == 1

    def _may_take(self, connection: Connection, now: float) -> bool:
        leader = connection.execute(_LEADER).one_or_none()
        if leader is not None:
            if not self._is_gone(leader):
                return False
            if connection.execute(_DEPOSE, {"who": leader.name, "heard": leader.beats}).rowcount == 0:
                return False
            broken = break_frozen_turn(connection)
            log.warning("leader_silent", leader=leader.name, pid=leader.pid, turns_broken=broken)
        connection.execute(_TAKE, {"me": self._name, "now": now})
        connection.execute(_FORGET, {"since": now - _FORGET_S})
        return True

    def _is_gone(self, leader: AnyRow) -> bool:
        """Silent for so many looks; fewer will do when its process was on this host and has ended."""
        heard = (leader.name, leader.beats)
        first = self._heard is None
        self._silent = self._silent + 1 if heard == self._heard else 0
        self._heard = heard
        return self._silent >= _LOOKS or ((first or self._silent >= 2) and self._ended_here(leader))

    def _ended_here(self, leader: AnyRow) -> bool:
        if leader.host != self._host:
            return False
        if leader.pid == os.getpid():  # an earlier process of this container
            return True
        try:
            os.kill(leader.pid, 0)
        except OSError as error:
            return error.errno == errno.ESRCH
        return False

    def _card(self, now: float) -> dict[str, object]:
        return {
            "name": self._name,
            "host": self._host,
            "pid": os.getpid(),
            "software": farm.__version__,
            "beats": 0,
            "started_at": now,
            "seen_at": now,
        }
