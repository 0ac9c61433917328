"""The broker as the farm sees it: queues of messages that may be lost, late or doubled, and flushed."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from farm.broker.message import Message

if TYPE_CHECKING:
    from tests.simulation.world import World


class Broker:
    """Queues by name."""

    def __init__(self, world: "World") -> None:
        self._world = world
        self._queues: dict[str, list[Message]] = {}
        for _ in range(2):
            world.at(world.up_to(40), self.flush)

    def carry(self, message: Message, late_s: float) -> None:
        """Take one message along, or lose it."""
        world = self._world
        if world.chance("message_lost", 0.03):
            return
        delay = late_s + (world.up_to(20) if world.chance("message_late", 0.03) else 0.002)
        world.at(delay, self._deliver, message)
        if world.chance("message_doubled", 0.04):
            world.at(late_s + world.up_to(20), self._deliver, message)

    def take(self, queues: Sequence[str]) -> Message | None:
        """The next message of the first of these queues that has any, most urgent first."""
        for name in queues:
            waiting = self._queues.get(name)
            if waiting:
                first = min(range(len(waiting)), key=lambda number: waiting[number].order)
                return waiting.pop(first)
        return None

    def flush(self) -> None:
        """Everything in it is gone."""
        self._world.hit("broker_flushed")
        self._queues.clear()

    def _deliver(self, message: Message) -> None:
        self._queues.setdefault(message.queue, []).append(message)
        self._world.at(0.001, self._world.floor.pump)  # what comes at one moment may be taken together
