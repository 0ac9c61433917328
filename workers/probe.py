"""Performs the kind `probe`: behaves, and misbehaves, exactly as its parameters say."""

import ctypes
import os
import time
from collections.abc import Sequence

from farm.errors import FailureClass, TaskFailure
from farm.kinds import TaskSpec
from tasks.probe import Probe, task
from workers.context import Cancelled, Context, Done, Output, TaskInput

_MEGABYTE = 1 << 20
_NAP_S = 0.02  # between two looks for cancellation
_CHUNK = 1 << 16


def perform(given: TaskInput, context: Context) -> Done:
    """Do what the parameters say."""
    params = Probe.model_validate(given.params)
    ballast = b"\xa5" * (params.allocate_mb * _MEGABYTE)
    if params.model is not None:
        context.warm(params.model)
    _spend(params, context)
    if params.fail_times is None or given.attempt <= params.fail_times:
        _misbehave(params, context)
    if ballast:
        context.log(f"the probe ends, {len(ballast)} bytes held")
    sizes = {name: file.path.stat().st_size for name, file in given.inputs.items()}
    result = {"echo": params.echo, "attempt": given.attempt, "pid": os.getpid(), "inputs": sizes}
    return Done(outputs=_outputs(params, context), result=result, tasks=_grown(params))


def _spend(params: Probe, context: Context) -> None:
    for step in range(params.progress_steps):
        _report(step / params.progress_steps, params, context)
        if params.say is not None:
            context.log(f"{params.say} {step + 1}/{params.progress_steps}")
        _sleep(params.sleep_s / params.progress_steps, params, context)
        _burn(params.burn_s / params.progress_steps, params, context)
    _report(1.0, params, context)


def _report(fraction: float, params: Probe, context: Context) -> None:
    try:
        context.progress(fraction, "probing")
    except Cancelled:
        if not params.ignore_cancel:
            raise


def _sleep(seconds: float, params: Probe, context: Context) -> None:
    until = time.monotonic() + seconds
    while (left := until - time.monotonic()) > 0:
        time.sleep(min(_NAP_S, left))
        _look(params, context)


def _burn(seconds: float, params: Probe, context: Context) -> None:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        sum(range(10_000))
        _look(params, context)


def _look(params: Probe, context: Context) -> None:
    if not params.ignore_cancel:
        context.checkpoint()


def _misbehave(params: Probe, context: Context) -> None:
    if params.hang_c_s:
        context.log("the probe hangs in C")
        ctypes.PyDLL(None).poll(None, 0, int(params.hang_c_s * 1000))  # PyDLL keeps the interpreter's lock
    if params.kill_signal is not None:
        os.kill(os.getpid(), params.kill_signal)
    if params.exit_code is not None:
        os._exit(params.exit_code)
    if params.fail_class is FailureClass.OOM:
        raise MemoryError
    if params.fail_class is not None:
        raise TaskFailure(f"The probe fails as {params.fail_class}.", params.fail_class, code="probe")


def _outputs(params: Probe, context: Context) -> Sequence[Output]:
    if params.write_bytes is None:
        return ()
    path = context.workdir / "bytes.bin"
    with path.open("wb") as file:
        for start in range(0, params.write_bytes, _CHUNK):
            file.write(b"\x5a" * min(_CHUNK, params.write_bytes - start))
    return (
        Output("bytes", path, "bytes.bin", "application/octet-stream", {"size_bytes": params.write_bytes}),
    )


def _grown(params: Probe) -> Sequence[TaskSpec]:
    plain = params.model_copy(update={"grow": 0})
    return [task(plain, f"grown-{number}") for number in range(params.grow)]
