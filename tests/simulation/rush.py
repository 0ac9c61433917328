"""A crowd at a pool of its own, which one slot serves: here shares and waiting can be judged.

`shares`: two tiers and three accounts with more work than the slot can do, after an enterprise account has
had it to itself for long. `newcomers`: an account with ten jobs among many that each come with one;
`tiers`: the same, while a heavier tier takes most of the turns.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from farm.account import Caller
from farm.doors import submit
from farm.job import JobSpec
from tasks.probe import Probe

if TYPE_CHECKING:
    from tests.simulation.world import World

KINDS = ("shares", "newcomers", "tiers")
POOL = "vision-describe"
TIERS = ("free", "free", "pro", "enterprise", "starter", *["free"] * 24)
SHORT_S, LONG_S = 0.3, 10.0


class Rush:
    """What its accounts submit, and when."""

    def __init__(self, world: "World", callers: Sequence[Caller], kind: str) -> None:
        self._world = world
        old, late, pro, enterprise, starter, *newcomers = callers
        if kind == "shares":
            world.at(0.0, self._submit, enterprise, 2, LONG_S)
            world.at(1.0, self._submit, old, 2, SHORT_S)
            for caller, number in ((old, 16), (late, 16), (pro, 24)):
                world.at(15.0, self._submit, caller, number, SHORT_S)
        else:
            heavier = kind == "tiers"
            world.at(0.3, self._submit, old, 10, SHORT_S)  # alone at first: nobody waits for as long as it
            if heavier:
                world.at(2.0, self._submit, starter, 32, SHORT_S)
            for number, caller in enumerate(newcomers[:16] if heavier else newcomers):
                world.at(2.0 + 0.2 * number, self._submit, caller, 1, SHORT_S)

    def _submit(self, caller: Caller, number: int, estimated_s: float) -> None:
        params = Probe(pool=POOL, estimated_s=estimated_s, price_mc=10)
        submit.submit_all(self._world.hall, caller, [JobSpec(params=params)] * number)
