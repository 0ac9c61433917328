"""The pools of workers: what configs/pools.toml says. Values only."""

from pydantic import Field

from farm.noun import Noun


class Pool(Noun):
    """Like workers; see configs/pools.toml. `extra` is the install extra that brings the pool's engines."""

    extra: str
    modules: tuple[str, ...] = ()
    default_slots: int = Field(default=1, gt=0)
    device_slots: int = Field(default=0, ge=0)
    io_slots: int = Field(default=0, ge=0)
    interactive_slots: int = Field(default=0, ge=0)
    interactive_min_slots: int = Field(default=8, ge=2)
    interactive_s: float = Field(default=10.0, gt=0)

    @property
    def slots(self) -> dict[str, int]:
        """What a worker announces unless it is told otherwise, by resource."""
        counts = {"cpu": self.default_slots, "device": self.device_slots, "io": self.io_slots}
        return {resource: count for resource, count in counts.items() if count}

    def reserved(self, slots: int) -> int:
        """How many of so many slots of one resource are kept for interactive work."""
        return min(self.interactive_slots, slots - 1) if slots >= self.interactive_min_slots else 0
