"""Structured logs: one JSON line per event, with what is bound, and without the queries of signed URLs."""

import json
import logging
from collections.abc import Iterator

import pytest
import structlog
from structlog.contextvars import bound_contextvars

from farm.logs import configure, readable, without_signatures

SIGNED = "http://host/farm/v1/blobs/a/b.mp4?type=video%2Fmp4&expires=9&signature=abc123"
PRESIGNED = "https://s3.example.com/bucket/key?X-Amz-Algorithm=AWS4&X-Amz-Signature=abc123"


@pytest.fixture(autouse=True)
def untouched_access_log(monkeypatch: pytest.MonkeyPatch) -> None:
    """Other tests serve with uvicorn in this process, which sets its loggers up."""
    access = logging.getLogger("uvicorn.access")
    for name, value in {
        "propagate": True,
        "disabled": False,
        "level": logging.NOTSET,
        "handlers": [],
    }.items():
        monkeypatch.setattr(access, name, value)
    monkeypatch.setattr(logging.getLogger("uvicorn"), "propagate", True)
    access.manager._clear_cache()  # type: ignore[attr-defined]  # levels are remembered per logger


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    """Leave logging to the other tests as it was."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()


def said(capsys: pytest.CaptureFixture[str]) -> list[dict[str, object]]:
    return [json.loads(line) for line in capsys.readouterr().err.splitlines()]


def test_an_event_and_a_librarys_line_carry_what_is_bound(capsys: pytest.CaptureFixture[str]) -> None:
    configure("worker", "json")
    with bound_contextvars(attempt=7, job="job_1", worker="w1"):
        structlog.get_logger("workers.runner").warning("attempt_failed", reason="no")
        logging.getLogger("some.library").info("took %d ms", 5)
    structlog.get_logger("x").info("after")
    ours, theirs, after = said(capsys)
    assert {
        "event": "attempt_failed",
        "reason": "no",
        "level": "warning",
        "role": "worker",
    }.items() <= ours.items()
    assert theirs["event"] == "took 5 ms"
    for line in (ours, theirs):
        assert (line["attempt"], line["job"], line["worker"]) == (7, "job_1", "w1")
    assert "attempt" not in after


def test_an_exception_is_one_line_with_its_traceback(capsys: pytest.CaptureFixture[str]) -> None:
    configure("scheduler", "json")
    try:
        raise ValueError("odd")
    except ValueError:
        structlog.get_logger("x").exception("tick_failed")
    (line,) = said(capsys)
    assert (line["event"], line["level"]) == ("tick_failed", "error")
    assert "ValueError: odd" in str(line["exception"])


@pytest.mark.parametrize("url", [SIGNED, PRESIGNED])
@pytest.mark.parametrize("log_format", ["json", "text"])
def test_signed_urls_lose_their_query(url: str, log_format: str, capsys: pytest.CaptureFixture[str]) -> None:
    configure("api", "json" if log_format == "json" else "text")
    access = '%s - "%s %s HTTP/%s" %d'  # as uvicorn says it
    logging.getLogger("uvicorn.access").warning(access, "1.2.3.4:5", "PUT", url, "1.1", 200)
    structlog.get_logger("x").warning("call", url=url)
    text = capsys.readouterr().err
    assert "abc123" not in text
    assert text.count(url.partition("?")[0] + "?…") == 2


def test_other_queries_stay() -> None:
    assert without_signatures("GET /farm/v1/jobs?limit=5 ok?") == "GET /farm/v1/jobs?limit=5 ok?"


def test_a_terminal_gets_text_and_a_json_line_can_be_read_aloud(capsys: pytest.CaptureFixture[str]) -> None:
    configure("worker", "text")
    structlog.get_logger("x").warning("disk_nearly_full", left_mb=12)
    assert "disk_nearly_full" in capsys.readouterr().err
    configure("worker", "json")
    structlog.get_logger("x").warning("disk_nearly_full", left_mb=12)
    line = capsys.readouterr().err.strip()
    assert readable(line) == "[warning] disk_nearly_full left_mb=12"
    assert readable("plain text") == "plain text"
    assert readable("{no json") == "{no json"
