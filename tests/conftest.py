"""Fixtures that every folder of tests may take."""

import gc
import os
import signal
from collections.abc import Generator
from pathlib import Path

import pytest
import structlog

# Nothing is called over TLS but servers whose certificates a test names. A folder without any is read in no
# time; httpx would read all of the web's for every client, which takes longer than most calls.
os.environ["SSL_CERT_DIR"] = str(Path(__file__).parent)
os.environ.pop("SSL_CERT_FILE", None)

# Unconfigured, a defect is logged with every local variable of every frame, which takes seconds.
structlog.configure(
    processors=[
        *structlog.get_config()["processors"][:-1],
        structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback),
    ]
)

# A shell that starts the tests in the background has SIGINT ignored, and every child would inherit that.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# tests.running uses the others, so it comes last: pytest rewrites the asserts of what it loads first.
pytest_plugins = (
    "tests.api",
    "tests.postgres",
    "tests.s3",
    "tests.valkey",
    "tests.worker_farm",
    "tests.running",
)


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """What is collected stays to the end: it is not searched for garbage, now or while tests run."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()
