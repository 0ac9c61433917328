"""Fixtures that every folder of tests may take."""

# tests.running uses the others, so it comes last: pytest rewrites the asserts of what it loads first.
pytest_plugins = (
    "tests.api",
    "tests.postgres",
    "tests.s3",
    "tests.valkey",
    "tests.worker_farm",
    "tests.running",
)
