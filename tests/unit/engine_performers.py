"""Performers that the engine's tests have performed."""

import os
import subprocess
import sys
import time
from base64 import b64encode
from typing import Any

from farm.errors import AssetUnreadable, BadRequest, FailureClass, TaskFailure
from workers.context import Cancelled, Context, Done, Output, TaskInput
from workers.processors import threads

JPEG = b"\xff\xd8\xff\xe0 as far as anybody looks"


def echo(task: TaskInput, context: Context) -> Done:
    """Answer with what came."""
    path = context.workdir / "out.txt"
    path.write_text(f"{task.params['word']} {task.attempt}")
    context.progress(0.5, "half")
    context.log("wrote it")
    return Done(outputs=[Output("out", path, "out.txt", "text/plain", {"n": 1})], result={"pid": os.getpid()})


def counts_threads(_task: TaskInput, _context: Context) -> Done:
    return Done(result={"threads": threads()})


def refuse(_task: TaskInput, _context: Context) -> Done:
    raise AssetUnreadable("It is no picture.", param="assets.0")


def refuse_by_code(_task: TaskInput, _context: Context) -> Done:
    raise BadRequest("Too wide.", code="too_wide")


def out_of_memory(_task: TaskInput, _context: Context) -> Done:
    raise MemoryError


def full_disk(_task: TaskInput, _context: Context) -> Done:
    raise OSError(28, "No space left on device")


def defect(_task: TaskInput, _context: Context) -> Done:
    raise KeyError("forgotten")


def not_a_number(_task: TaskInput, _context: Context) -> Done:
    return Done(result={"loudness": float("nan")})


def buys(task: TaskInput, context: Context) -> Done:
    """Buy, and show that it goes on only then; a second purchase comes to nothing."""
    context.accepted(f"{task.provider}-1")
    (context.workdir / "went-on").touch()
    context.accepted("p-2")
    context.dropped()
    raise TaskFailure("Too many.", FailureClass.CAPACITY, retry_after_s=7.5)


def listen(_task: TaskInput, context: Context) -> Done:
    """Go on until asked to stop."""
    context.progress(0.0, "listening")
    while True:
        context.checkpoint()
        time.sleep(0.01)


def draws(_task: TaskInput, context: Context) -> Done:
    """Show three previews at once, the first of which is none and the last too soon."""
    context.preview(b"GIF89a")
    context.preview(JPEG)
    context.preview(JPEG + b"2")
    return Done()


def floods(_task: TaskInput, context: Context) -> Done:
    """Show what is far too large, past its own context."""
    line: Any = context
    said = b64encode(JPEG + bytes(1 << 20))
    line._wire._sock.sendall(b'{"say":"shown","jpeg":"' + said + b'"}\n')
    time.sleep(600)
    return Done()


def mutter(_task: TaskInput, context: Context) -> Done:
    """Say the same for ever."""
    while True:
        context.progress(0.5, "the same")
        time.sleep(0.01)


def stages(_task: TaskInput, context: Context) -> Done:
    """Take longer than any one stage may, at one fraction."""
    for number in range(4):
        context.progress(0.5, f"stage {number}")
        time.sleep(0.4)
    return Done()


def deaf(_task: TaskInput, context: Context) -> Done:
    """Never stop."""
    context.progress(0.0, "deaf")
    while True:
        try:
            context.checkpoint()
        except Cancelled:
            context.log("no")
        time.sleep(0.01)


def child(_task: TaskInput, context: Context) -> Done:
    """Leave a program running and hang."""
    program = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    context.progress(0.0, str(program.pid))
    time.sleep(600)
    return Done()


def nonsense(_task: TaskInput, context: Context) -> Done:
    """Write over the engine's own line."""
    for number in range(3, 64):
        try:
            os.write(number, b"}{\n")
        except OSError:
            continue
    time.sleep(600)
    return Done()
