"""Fixtures that every folder of tests may take."""

import signal

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
