"""Shows how far something is: live bars on a terminal, a few plain lines in a file or a pipe."""

import sys
import time
from types import TracebackType
from typing import Protocol, Self

from rich.markup import escape
from rich.progress import (
    BarColumn,
    Progress,
    TaskID,
    TaskProgressColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from farm.cli.console import err, remark

_PLAIN_STEP = 0.1
_PLAIN_PAUSE_S = 1.0


class Show(Protocol):
    """A row of steps, one after the other; progress is a fraction 0..1."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    def step(self, title: str) -> None:
        """Begin the next step."""
        ...

    def at(self, fraction: float, detail: str = "") -> None:
        """Say how far the step is, and what it does now."""
        ...


def new_show() -> Show:
    """The one that fits stderr."""
    return Bars() if sys.stderr.isatty() else Lines()


class Bars:
    """One bar per step, with the time left."""

    def __init__(self) -> None:
        self._progress = Progress(
            TextColumn("[bold]{task.description:<10}"),
            BarColumn(bar_width=None),
            TaskProgressColumn(),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            TextColumn("[dim]{task.fields[detail]}"),
            console=err(),
        )
        self._step: TaskID | None = None

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def step(self, title: str) -> None:
        self._step = self._progress.add_task(title, total=1.0, detail="")

    def at(self, fraction: float, detail: str = "") -> None:
        if self._step is not None:
            self._progress.update(self._step, completed=fraction, detail=escape(detail))


class Lines:
    """A line when a step begins, then at most one a second where something is new, and one where it ended."""

    def __init__(self) -> None:
        self._title = ""
        self._said = self._now = (0.0, "")
        self._said_at = 0.0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._say_now()

    def step(self, title: str) -> None:
        self._say_now()
        self._title, self._said, self._now = title, (0.0, ""), (0.0, "")
        remark(title, style="")

    def at(self, fraction: float, detail: str = "") -> None:
        self._now = (fraction, detail)
        fraction_said, detail_said = self._said
        is_new = detail != detail_said or fraction >= fraction_said + _PLAIN_STEP
        if is_new and time.monotonic() >= self._said_at + _PLAIN_PAUSE_S:
            self._say_now()

    def _say_now(self) -> None:
        if self._now != self._said:
            self._said, self._said_at = self._now, time.monotonic()
            fraction, detail = self._now
            remark(f"{self._title} {fraction:.0%} {detail}".rstrip(), style="")
