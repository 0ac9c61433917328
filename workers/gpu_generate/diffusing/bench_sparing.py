"""What it costs that a model needs less of a card: weights in fewer bits, parts of it kept off the card."""

from importlib.util import find_spec
from typing import Any, Protocol

import torch

from workers.gpu_generate.diffusing.bench_subjects import Subject
from workers.gpu_generate.diffusing.device import GIB, Device
from workers.gpu_generate.diffusing.ladder import Placed, Rung
from workers.gpu_generate.diffusing.loading import bits_config, cast_to_float8, size_bytes

_OFFLOADS = {Rung.MODEL: "one part at a time on the card", Rung.GROUP: "one layer at a time on the card"}


class Bench(Protocol):
    """What of the benchmark is needed here."""

    device: Device
    dtype: torch.dtype

    def read(self, folder: str, **more: Any) -> Any: ...

    def step_s(self, subject: Subject, pipeline: Any, batch: int) -> float: ...

    def row(self, subject: Subject, what: str, value: float, unit: str, *, better: str = ...) -> None: ...


def fewer_bits(bench: Bench, subject: Subject, folder: str) -> None:
    """Of the model saved there: what its weights take, and steps a second."""
    packed = ("int8", "nf4") if bench.device.is_card and find_spec("bitsandbytes") else ()
    for how in ("float8", *packed):
        given = {"quantization_config": bits_config(how, bench.dtype)} if how in packed else {}
        pipeline = bench.read(folder, **given)
        if how == "float8":
            cast_to_float8(pipeline, bench.dtype)
        pipeline.to(bench.device.name)
        bench.row(subject, f"weights in {how}", size_bytes(pipeline) / GIB, "GiB")
        _steps(bench, subject, pipeline, how)
        del pipeline
        bench.device.tidy()


def offloaded(bench: Bench, subject: Subject, folder: str) -> None:
    """As an operator has it lie, or as it comes to lie when it runs out of memory."""
    for rung, told in _OFFLOADS.items():
        pipeline = bench.read(folder)
        placed = Placed(pipeline, bench.device)
        placed.bring_to(rung)
        torch.cuda.reset_peak_memory_stats(bench.device.name)
        _steps(bench, subject, pipeline, told)
        peak = torch.cuda.max_memory_allocated(bench.device.name)
        bench.row(subject, f"memory of the card, {told}", peak / GIB, "GiB")
        del pipeline, placed
        bench.device.tidy()


def _steps(bench: Bench, subject: Subject, pipeline: Any, how: str) -> None:
    bench.row(
        subject, f"steps a second, {how}", 1 / bench.step_s(subject, pipeline, 1), "1/s", better="higher"
    )
