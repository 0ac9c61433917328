"""Fixtures that every folder of tests may take."""

pytest_plugins = ("tests.api", "tests.postgres", "tests.s3", "tests.valkey")
