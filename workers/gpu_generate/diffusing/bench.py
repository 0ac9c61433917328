"""Measures the card of this host: a row of JSON a line on stdout, remarks on stderr.

Steps a second by size and batch, what compiling gains, how long loading takes, how soon a cancel is heard,
what becomes of a call that runs out of memory, and what needs less of it (bench_sparing.py). Caches that skip
steps are not measured: with random weights they would tell nothing.
"""

import itertools
import json
import platform
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from diffusers import DiffusionPipeline
from diffusers.utils import logging as diffusers_logging

from workers.context import Cancelled
from workers.gpu_generate.diffusing.bench_sparing import fewer_bits, offloaded
from workers.gpu_generate.diffusing.bench_subjects import FULL, TINY, Subject
from workers.gpu_generate.diffusing.device import GIB, Device, is_out_of_memory
from workers.gpu_generate.diffusing.glimpse import glimpse
from workers.gpu_generate.diffusing.ladder import Placed, climb_down
from workers.gpu_generate.diffusing.loading import denoisers, size_bytes
from workers.gpu_generate.diffusing.watch import watched

_STEPS = 6
_SPARE = 0.75  # GiB left free where a call is to run out of memory


class Bench:
    """All measurements of one device. `say` is called with each row."""

    def __init__(self, device: Device, *, compiles: bool) -> None:
        self.device = device
        self.dtype = device.dtype("auto")
        self._compiles = compiles

    def run(self, subject: Subject) -> None:
        with self.timed(subject, "built on the device"):
            pipeline = self._built(subject)
        self.row(subject, "weights", size_bytes(pipeline) / GIB, "GiB")
        self._steps(subject, pipeline)
        self._glimpses(subject, pipeline)
        self._cancels(subject, pipeline)
        self._recovers(subject, pipeline)
        del pipeline
        self.device.tidy()
        self._loads(subject)

    # --- what is measured -----------------------------------------------------------------------------

    def _steps(self, subject: Subject, pipeline: Any) -> None:
        alone = 0.0
        for batch in subject.batches:
            try:
                each_s = self.step_s(subject, pipeline, batch)
            except RuntimeError as error:
                if not is_out_of_memory(error):
                    raise
                self.device.tidy()
                remark(f"{subject.name}: {batch} together do not fit")
                break
            self.row(subject, f"steps a second, {batch} together", batch / each_s, "1/s", better="higher")
            alone = alone or 1 / each_s
            if batch > 1:
                self.row(subject, f"gain of {batch} together", batch / each_s / alone, "x", better="higher")
        if self._compiles:
            self._compiled(subject, pipeline, alone)

    def _compiled(self, subject: Subject, pipeline: Any, eager: float) -> None:
        for module in denoisers(pipeline).values():
            module.compile_repeated_blocks(fullgraph=True)
        with self.timed(subject, "first call after compiling"):
            self._call(subject, pipeline, 1, 1)
        compiled = 1 / self.step_s(subject, pipeline, 1)
        self.row(subject, "steps a second, compiled", compiled, "1/s", better="higher")
        self.row(subject, "gain of compiling", compiled / eager, "x", better="higher")

    def _glimpses(self, subject: Subject, pipeline: Any) -> None:
        """A preview, once its kernels are there."""
        fitted, each_s = subject.fitted(_STEPS), list[float]()

        def ended(drawer: Any, _number: int, _time: Any, given: dict[str, Any]) -> dict[str, Any]:
            self._wait()
            began = time.perf_counter()
            glimpse(drawer, given["latents"], fitted)
            each_s.append(time.perf_counter() - began)
            return given

        pipeline(**subject.arguments(pipeline, 1, _STEPS), callback_on_step_end=ended)
        self.row(subject, "a preview", statistics.median(each_s[1:]) * 1000, "ms", runs=len(each_s) - 1)

    def _cancels(self, subject: Subject, pipeline: Any) -> None:
        """Within the second step: by raising, and by diffusers' own way, which still decodes."""
        after_s = 1.5 * self.step_s(subject, pipeline, 1)
        for raises in (True, False):
            each_s = [self._cancel_s(subject, pipeline, after_s, raises=raises) for _ in range(3)]
            what = "cancel heard, by raising" if raises else "cancel heard, by _interrupt"
            self.row(subject, what, statistics.median(each_s) * 1000, "ms", runs=3)

    def _cancel_s(self, subject: Subject, pipeline: Any, after_s: float, *, raises: bool) -> float:
        context = _Context()
        pipeline._interrupt = False
        ends = {"output_type": "np"}
        timer = threading.Timer(after_s, context.cancel)
        timer.start()
        if raises:
            try:
                with watched(pipeline, context, _STEPS) as watching:
                    pipeline(**subject.arguments(pipeline, 1, _STEPS, **ends), **watching)
            except Cancelled:
                pass
        else:

            def interrupt(drawer: Any, _number: int, _time: Any, given: dict[str, Any]) -> dict[str, Any]:
                drawer._interrupt = drawer._interrupt or context.is_cancelled
                return given

            pipeline(**subject.arguments(pipeline, 1, _STEPS, **ends), callback_on_step_end=interrupt)
        self._wait()
        timer.join()
        return time.perf_counter() - context.cancelled_at

    def _recovers(self, subject: Subject, pipeline: Any) -> None:
        """With nearly all memory taken by something else, until the ladder has found a rung where it goes."""
        placed, context = Placed(pipeline, self.device, is_settled=True), _Context()
        began = time.perf_counter()
        with self._crowded(pipeline):
            climb_down(
                lambda: self._call(subject, pipeline, 1, 1, output_type="np"), placed, context, lambda: None
            )
        self._wait()
        taken_s = time.perf_counter() - began
        for line in context.lines:
            remark(f"{subject.name}: {line}")
        if context.lines:
            self.row(subject, "drawn after running out of memory", taken_s, "s")
        else:
            remark(f"{subject.name}: {_SPARE} GiB were enough, nothing ran out")

    def _loads(self, subject: Subject) -> None:
        """Through a file, as a model that is needed for the first time; the page cache may hold it."""
        with tempfile.TemporaryDirectory(prefix="kinefarm-gpu-") as folder:
            self._built(subject).save_pretrained(folder, safe_serialization=True)
            self.device.tidy()
            with self.timed(subject, "loaded from a file"):
                pipeline = self.read(folder).to(self.device.name)
            for what in ("first step after loading", "the step after it"):
                with self.timed(subject, what):
                    self._call(subject, pipeline, 1, 1)
            del pipeline
            fewer_bits(self, subject, folder)
            if self.device.is_card:
                offloaded(self, subject, folder)

    # --- how ------------------------------------------------------------------------------------------

    def read(self, folder: str, **more: Any) -> Any:
        """The pipeline saved there, not yet on its device."""
        reader: Any = DiffusionPipeline
        pipeline = reader.from_pretrained(
            folder,
            dtype=self.dtype,
            use_safetensors=True,
            local_files_only=True,
            text_encoder=None,
            tokenizer=None,
            **more,
        )
        pipeline.set_progress_bar_config(disable=True)
        return pipeline

    def _built(self, subject: Subject) -> Any:
        before = torch.get_default_dtype()
        torch.set_default_dtype(self.dtype)
        try:
            with torch.device(self.device.name):
                pipeline = subject.build()
        finally:
            torch.set_default_dtype(before)
        pipeline.set_progress_bar_config(disable=True)
        for part in pipeline.components.values():
            if isinstance(part, torch.nn.Module):
                part.eval()
        self._wait()
        return pipeline

    def _call(self, subject: Subject, pipeline: Any, batch: int, steps: int, **more: Any) -> None:
        pipeline(**subject.arguments(pipeline, batch, steps, **more))
        self._wait()

    def step_s(self, subject: Subject, pipeline: Any, batch: int) -> float:
        """The median of the steps after the first."""
        ends: list[float] = []

        def ended(_drawer: Any, _number: int, _time: Any, given: dict[str, Any]) -> dict[str, Any]:
            self._wait()
            ends.append(time.perf_counter())
            return given

        pipeline._interrupt = False
        pipeline(**subject.arguments(pipeline, batch, _STEPS), callback_on_step_end=ended)
        return statistics.median(after - before for before, after in itertools.pairwise(ends))

    @contextmanager
    def _crowded(self, pipeline: Any) -> Iterator[None]:
        """Hold so much of the card that next to nothing is left; on a processor, fail once instead."""
        if self.device.is_card:
            self.device.tidy()  # what torch keeps for later would be enough
            spare = max(0, self.device.free_bytes() - round(_SPARE * GIB))
            held = torch.empty(spare, dtype=torch.uint8, device=self.device.name)
            yield
            del held
            self.device.tidy()
            return
        left = [torch.OutOfMemoryError("as if there were too little")]

        def fail(_module: Any, _args: Any) -> None:
            if left:
                raise left.pop()

        hook = pipeline.vae.decoder.register_forward_pre_hook(fail)
        yield
        hook.remove()

    @contextmanager
    def timed(self, subject: Subject, what: str) -> Iterator[None]:
        began = time.perf_counter()
        yield
        self._wait()
        self.row(subject, what, time.perf_counter() - began, "s")

    def _wait(self) -> None:
        if self.device.is_card:
            torch.cuda.synchronize(self.device.name)

    def row(
        self, subject: Subject, what: str, value: float, unit: str, *, better: str = "lower", runs: int = 1
    ) -> None:
        row = {"name": f"{subject.name}: {what}", "value": round(value, 4), "unit": unit}
        print(json.dumps({**row, "better": better, "runs": runs}), flush=True)


class _Context:
    """A performer's context that is stopped by hand."""

    def __init__(self) -> None:
        self.is_cancelled = False
        self.cancelled_at = 0.0
        self.lines: list[str] = []
        self.workdir = Path()

    def cancel(self) -> None:
        self.cancelled_at = time.perf_counter()
        self.is_cancelled = True

    def progress(self, fraction: float, stage: str = "") -> None:
        self.checkpoint()

    def checkpoint(self) -> None:
        if self.is_cancelled:
            raise Cancelled

    def log(self, message: str) -> None:
        self.lines.append(message)

    def preview(self, jpeg: bytes) -> None: ...

    def warm(self, *models: str) -> None: ...

    def accepted(self, ref: str) -> None: ...

    def dropped(self) -> None: ...


def measure(*, tiny: bool, only: str) -> None:
    """Print the rows of all models whose names have `only` in them."""
    device = Device("cuda:0" if torch.cuda.is_available() else "cpu")
    remark(f"{_name(device)}, torch {torch.__version__}")
    diffusers_logging.set_verbosity_error()
    if not device.is_card:
        torch.set_num_threads(1)  # tiny models are done before a second thread has begun
    for subject in TINY if tiny else FULL:
        if only not in subject.name:
            continue
        if device.is_card and device.free_bytes() < 1.5 * subject.gib * GIB:
            remark(f"{subject.name} is left out: it needs {1.5 * subject.gib:.0f} GiB")
            continue
        Bench(device, compiles=device.is_card).run(subject)


def _name(device: Device) -> str:
    return torch.cuda.get_device_name(device.name) if device.is_card else platform.processor() or "processor"


def remark(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
