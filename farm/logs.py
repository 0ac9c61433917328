"""Structured logs on stderr: one event a line, as JSON for machines or as text on a terminal.

FARM_LOG_FORMAT=json or =text decides; unset, a terminal gets text. What is bound while an attempt or a call
is under way (attempt, job, worker, request_id) stands on every line, those of libraries included. Signed
URLs lose their query: whoever reads a log may not fetch what it tells of.
"""

import json
import logging
import re
import sys
from collections.abc import Mapping, MutableMapping
from typing import Any, Literal

import structlog
from structlog.stdlib import ProcessorFormatter
from structlog.typing import EventDict, Processor

LogFormat = Literal["json", "text"]

# Libraries whose INFO tells nothing of the farm.
_CHATTY = ("alembic", "botocore", "httpx", "kombu", "urllib3")
_SIGNED = re.compile(r"\?[^\s\"'<>]*(?:signature|x-amz-|sig)=[^\s\"'<>]*", re.IGNORECASE)
_MEANT_FOR_MACHINES = ("event", "level", "at", "logger", "role")


def configure(role: str, log_format: LogFormat | None = None, *, level: int = logging.INFO) -> None:
    """Send this process's logs, its libraries' included, to stderr. Call it once, first."""
    as_json = log_format == "json" or (log_format is None and not sys.stderr.isatty())
    shared = _shared(role)
    structlog.configure(
        processors=[structlog.stdlib.filter_by_level, *shared, ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[ProcessorFormatter.remove_processors_meta, *_rendering(as_json)],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for chatty in _CHATTY:
        logging.getLogger(chatty).setLevel(logging.WARNING)


def readable(line: str) -> str:
    """A logged line as people read it: JSON becomes `event key=value …`, anything else stays."""
    if not line.startswith("{"):
        return line
    try:
        said = json.loads(line)
    except ValueError:
        return line
    if not isinstance(said, dict) or "event" not in said:
        return line
    rest = " ".join(f"{key}={value}" for key, value in said.items() if key not in _MEANT_FOR_MACHINES)
    return f"[{said.get('level', 'info')}] {said['event']} {rest}".rstrip()


def without_signatures(text: str) -> str:
    """The text with the queries of signed URLs cut off."""
    return _SIGNED.sub("?…", text) if "?" in text else text


def _shared(role: str) -> list[Processor]:
    def with_role(_logger: Any, _method: str, event: EventDict) -> EventDict:
        event["role"] = role
        return event

    return [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.stdlib.PositionalArgumentsFormatter(),
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="at"),
        with_role,
    ]


def _rendering(as_json: bool) -> list[Processor]:
    if as_json:
        return [
            structlog.processors.format_exc_info,
            _without_signatures,
            structlog.processors.JSONRenderer(default=str, ensure_ascii=False),
        ]
    renderer = structlog.dev.ConsoleRenderer(
        colors=sys.stderr.isatty(), timestamp_key="at", exception_formatter=structlog.dev.plain_traceback
    )
    return [_without_signatures, renderer]


def _without_signatures(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> Mapping[str, Any]:
    for key, value in event.items():
        if isinstance(value, str):
            event[key] = without_signatures(value)
    return event
