"""Looks at a page as people do: Chromium without a window runs its scripts, and tells what it then shows."""

import html
import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import pytest

from tests.running import eventually

_NAMES = ("chromium", "chromium-browser", "google-chrome")
_SETTLE_MS = 8000  # of the page's own time, which runs as fast as it can
_PATIENCE_S = 120
_INLINE = re.compile(r"</?(a|abbr|b|em|i|mark|small|span|strong|wbr)\b[^>]*>")  # no space where these stand
_HIDDEN = re.compile(r"<(script|style|template|head)\b.*?</\1>", re.DOTALL)


@dataclass(frozen=True)
class Page:
    """What a page shows once its scripts have run."""

    dom: str

    @property
    def text(self) -> str:
        return _text(self.dom)

    @property
    def rows(self) -> list[list[str]]:
        """The cells of every table row, as they read; the heads' rows are empty."""
        rows = re.findall(r"<tr\b.*?</tr>", _HIDDEN.sub("", self.dom), re.DOTALL)
        return [[_text(cell) for cell in re.findall(r"<td\b.*?</td>", row, re.DOTALL)] for row in rows]


@dataclass(frozen=True)
class Browser:
    """A Chromium with a profile of its own under `folder`."""

    program: str
    folder: Path

    @classmethod
    def found(cls, folder: Path) -> Self:
        """The one that is installed; without one the test is skipped."""
        program = next((found for name in _NAMES if (found := shutil.which(name))), None)
        if program is None:
            pytest.skip("Chromium is not installed: tests/install-tools.sh")
        return cls(program, folder)

    def page(self, url: str) -> Page:
        return Page(self._run("--dump-dom", url))

    def eventually(self, url: str, words: str) -> Page:
        """The page, once it shows these words."""
        seen: list[Page] = []

        def shows() -> bool:
            seen[:] = [self.page(url)]
            return words in seen[0].text

        eventually(shows, f"{url} shows {words!r}", _PATIENCE_S)
        return seen[0]

    def screenshot(self, url: str) -> Path:
        """A PNG of the page, 1600 pixels wide."""
        path = self.folder / "page.png"
        self._run("--window-size=1600,900", "--hide-scrollbars", f"--screenshot={path}", url)
        return path

    def _run(self, *words: str) -> str:
        command = [self.program, "--headless", "--disable-gpu", "--disable-dev-shm-usage"]
        command += ["--no-first-run", f"--user-data-dir={self.folder / 'profile'}"]
        command += [f"--virtual-time-budget={_SETTLE_MS}"]
        command += ["--no-sandbox"] if os.geteuid() == 0 else []  # it refuses to run as root otherwise
        done = subprocess.run([*command, *words], capture_output=True, text=True, timeout=_PATIENCE_S)
        assert done.returncode == 0, done.stderr
        return done.stdout


def _text(dom: str) -> str:
    bare = re.sub(r"<[^>]+>", " ", _INLINE.sub("", _HIDDEN.sub("", dom)))
    return re.sub(r"\s+", " ", html.unescape(bare)).strip()
