"""What a pipeline that ran out of memory does next, each once: less and less of it lies on the device.

Which rung a size needs is remembered: what is as large begins there, what is smaller above it. Where the last
one did not help, what is as large is refused at once, so that the farm asks another worker. It is tried again
after half an hour: another program may have had the card.
"""

import time
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any, TypeVar

from farm.diffusing import OwnModel
from farm.errors import FailureClass, TaskFailure
from workers.context import Context
from workers.gpu_generate.diffusing.device import Device, is_out_of_memory
from workers.gpu_generate.diffusing.loading import run_as_written

T = TypeVar("T")
_REFUSED_S = 1_800.0


class Rung(IntEnum):
    """How little of a model lies on the device at once."""

    WHOLE = 0
    TIDIED = 1
    TILES = 2
    MODEL = 3
    GROUP = 4


_TOLD = {
    Rung.TIDIED: "caches emptied, other models unloaded",
    Rung.TILES: "the VAE works in tiles",
    Rung.MODEL: "one part at a time on the card",
    Rung.GROUP: "one layer at a time on the card",
}


@dataclass
class Caps:
    """What is known of sizes, in frames x pixels: which rung each needs, and which are too large here."""

    clock: Callable[[], float] = time.monotonic
    _least: dict[Hashable, tuple[int, float]] = field(default_factory=dict)  # and until when it counts
    _needed: dict[Hashable, dict[Rung, int]] = field(default_factory=dict)

    def refuse(self, key: Hashable, volume: int) -> None:
        """Raise TaskFailure OOM for what is known to be too large."""
        least, until = self._least.get(key, (volume, 0.0))
        if volume >= least and self.clock() < until:
            raise _too_large(f"this worker ran out of memory at {least} pixels, and these are {volume}")

    def remember(self, key: Hashable, volume: int) -> None:
        """It was too large."""
        least, until = self._least.get(key, (volume, 0.0))
        known = min(volume, least) if self.clock() < until else volume
        self._least[key] = known, self.clock() + _REFUSED_S

    def start(self, key: Hashable, volume: int) -> Rung:
        """Where what is so large is to begin."""
        needed = self._needed.get(key, {})
        return max((rung for rung, least in needed.items() if volume >= least), default=Rung.WHOLE)

    def note(self, key: Hashable, volume: int, rung: Rung) -> None:
        """It was drawn on this rung, and on none above."""
        if rung > self.start(key, volume):
            self._needed.setdefault(key, {})[rung] = volume


@dataclass
class Placed:
    """A loaded pipeline and how it lies on its device."""

    pipeline: Any
    device: Device
    rung: Rung = Rung.WHOLE
    is_settled: bool = False
    load_s: float = 0.0

    def settle(self) -> None:
        """Bring all of it onto the device, unless it is to lie there in parts."""
        if not self.is_settled:
            self.pipeline.to(self.device.name)
            self.is_settled = True

    def bring_to(self, rung: Rung) -> bool:
        """Have it lie as on that rung. False where it must be loaded anew for that."""
        if rung < self.rung:
            if self.rung is Rung.GROUP:
                return False
            self._whole()
        for step in Rung:
            if self.rung < step <= rung:
                self.lower(step, lambda: None)
        return True

    def lower(self, rung: Rung, let_go_of_others: Callable[[], object]) -> bool:
        """Go there. False where that changes nothing for this pipeline or this device."""
        match rung:
            case Rung.TIDIED:
                let_go_of_others()
                return True
            case Rung.TILES:
                changed = self.rung < Rung.TILES and self._tile()
            case Rung.MODEL:
                changed = self.device.is_card and self.rung < Rung.MODEL
                if changed:
                    self.pipeline.enable_model_cpu_offload(device=self.device.name)
                    self.is_settled = True
            case Rung.GROUP:
                changed = self.device.is_card and self.rung < Rung.GROUP
                if changed:
                    self._group()
                    self.is_settled = True
            case _:
                changed = False
        self.rung = max(self.rung, rung) if changed else self.rung
        return changed

    def _whole(self) -> None:
        """As it was when it was loaded; it settles when it is next called."""
        if self.rung is Rung.MODEL:
            self.pipeline.remove_all_hooks()
            self.is_settled = False
        vae: Any = getattr(self.pipeline, "vae", None)
        if getattr(vae, "use_tiling", False):
            vae.disable_tiling()
        self.rung = Rung.WHOLE

    def _tile(self) -> bool:
        vae: Any = getattr(self.pipeline, "vae", None)
        if not hasattr(vae, "enable_tiling"):
            return False
        try:
            vae.enable_tiling()
        except NotImplementedError:
            return False
        return True

    def _group(self) -> None:
        """Layer by layer; the parts that have no layers of diffusers' kind move as a whole, when called.

        Weights that come and go within a call are nothing for a compiler.
        """
        run_as_written(self.pipeline)
        self.pipeline.remove_all_hooks()
        self.pipeline.to("cpu")
        self.device.tidy()
        self.pipeline.enable_group_offload(
            onload_device=self.device.name, offload_type="leaf_level", use_stream=True
        )


def climb_down(
    draw: Callable[[], T],
    placed: Placed,
    context: Context,
    let_go_of_others: Callable[[], object],
) -> T:
    """What `draw` makes, on the first rung where it fits. Raises TaskFailure OOM where it fits on none."""
    further = iter(Rung)
    while True:
        try:
            return draw()
        except (RuntimeError, MemoryError) as error:
            if not is_out_of_memory(error):
                raise
            said = _brief(error)
        # Outside the clause: the error holds whatever was drawn so far.
        placed.device.tidy()
        rung = next((rung for rung in further if placed.lower(rung, let_go_of_others)), None)
        if rung is None:
            raise _too_large(said)
        context.log(f"Out of memory ({said}); tried again: {_TOLD[rung]}.")
        context.checkpoint()


def wanted(own: OwnModel) -> Rung:
    """Where the operator wants it to begin."""
    if own.offload in (None, "none"):
        return Rung.TILES if own.tiled else Rung.WHOLE
    return Rung[own.offload.upper()]


def _brief(error: BaseException) -> str:
    """What torch says first: how much was asked for. The rest is advice to programmers."""
    said = str(error).partition("\n")[0].partition(". GPU ")[0]
    return said.removesuffix(".") or "no word of how much"


def _too_large(said: str) -> TaskFailure:
    return TaskFailure(f"Out of memory: {said}.", FailureClass.OOM, code="out_of_memory")
