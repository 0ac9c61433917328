"""Fixtures that every folder of tests may take."""

import gc
import os
import signal
from pathlib import Path

import pytest

# Nothing is called over TLS but servers whose certificates a test names. A folder without any is read in no
# time; httpx would read all of the web's for every client, which takes longer than most calls.
os.environ["SSL_CERT_DIR"] = str(Path(__file__).parent)
os.environ.pop("SSL_CERT_FILE", None)

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


@pytest.hookimpl(tryfirst=True)
def pytest_collection() -> None:
    """What is collected stays to the end: it is not searched for garbage, now or while tests run."""
    gc.disable()


@pytest.hookimpl(trylast=True)
def pytest_collection_finish() -> None:
    gc.freeze()
    gc.enable()
