"""The device that this process computes on: a card that no other process has, or the processor."""

import fcntl
import gc
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import torch

from farm.diffusing import DiffusionRules, Dtype
from farm.errors import FailureClass, TaskFailure
from workers.media.memory import give_back
from workers.media.models import available_bytes

GIB = 1 << 30
_LACKING = ("not enough memory", "out of memory")
_PLENTY = 1 << 50  # where nobody tells how much there is


@dataclass(frozen=True, slots=True)
class Device:
    """Where models lie and compute. `lock` keeps a card this process's own for as long as it lives."""

    name: str
    lock: IO[bytes] | None = None

    @property
    def is_card(self) -> bool:
        return self.name != "cpu"

    def use(self) -> None:
        """Make it the calling thread's: some libraries know no other (bitsandbytes)."""
        if self.is_card:
            torch.cuda.set_device(self.name)

    def dtype(self, wanted: Dtype) -> torch.dtype:
        if wanted == "auto":
            return torch.bfloat16 if self.is_card else torch.float32
        found: torch.dtype = getattr(torch, wanted)
        return found

    def free_bytes(self) -> int:
        """What may still be taken."""
        if self.is_card:
            return int(torch.cuda.mem_get_info(self.name)[0])
        available = available_bytes()
        return _PLENTY if available is None else available

    def tidy(self) -> None:
        """Give back what is held in vain: torch's caches, what Python has not collected."""
        gc.collect()
        if self.is_card:
            torch.cuda.empty_cache()
        give_back()


def take_device(rules: DiffusionRules, run_dir: Path) -> Device:
    """By the rules. Raises TaskFailure where there is none, or others have taken all."""
    cards = [*_cards()] if rules.device != "cpu" else []
    if not cards:
        if rules.device == "cuda":
            raise TaskFailure("This worker has no CUDA device.", FailureClass.INTERNAL, code="device_missing")
        torch.set_num_threads(rules.threads)
        return Device("cpu")
    number, lock = take_card(cards, run_dir)
    device = Device(f"cuda:{number}", lock)
    device.use()
    return device


def take_card(cards: Sequence[str], run_dir: Path) -> tuple[int, IO[bytes]]:
    """The first of these cards (by their own names) that nobody has, and the file that says so."""
    run_dir.mkdir(parents=True, exist_ok=True)
    for number, card in enumerate(cards):
        lock = (run_dir / f"card-{card}.lock").open("wb")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.close()
            continue
        return number, lock
    taken = "Every card of this host has a process already: start no more device slots than there are cards."
    raise TaskFailure(taken, FailureClass.INTERNAL, code="device_taken")


def is_out_of_memory(error: BaseException) -> bool:
    """Whether this is how a lack of memory is told; a processor's allocator has no class for it."""
    if isinstance(error, (torch.OutOfMemoryError, MemoryError)):
        return True
    return isinstance(error, RuntimeError) and any(words in str(error) for words in _LACKING)


def _cards() -> Iterator[str]:
    if torch.cuda.is_available():
        for number in range(torch.cuda.device_count()):
            yield str(torch.cuda.get_device_properties(number).uuid)
