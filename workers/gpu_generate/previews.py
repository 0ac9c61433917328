"""When previews of what is generated are shown: seldom, at next to no cost, and never what would be refused.

Whether it is drawn here or by a service. One that fails is the last of its call, and fails nothing else.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Self

import numpy as np
import structlog
from PIL import Image

from farm.catalog import Catalog
from workers.context import Context
from workers.media.decency import looker
from workers.media.previewing import jpeg_of, shrunk
from workers.media.rgb import Picture

_log = structlog.get_logger(__name__)
_MOST_SHARE = 0.02  # of the time, whatever a preview takes
_FAILURES = (RuntimeError, ValueError, TypeError, LookupError, AttributeError, MemoryError, OSError)


@dataclass
class Previews:
    """One call's. The first is due once `every_s` have gone by; 0: none ever.

    `is_refused` looks as the check of what was made does; after one that it refuses there are no more.
    """

    show: Callable[[bytes], None]
    every_s: float
    is_refused: Callable[[Picture], bool] | None = None
    clock: Callable[[], float] = time.monotonic
    _next_at: float = field(init=False)

    def __post_init__(self) -> None:
        self._next_at = self.clock() + self.every_s

    @classmethod
    def of(cls, context: Context, catalog: Catalog) -> Self:
        return cls(context.preview, catalog.generate.preview_every_s, looker(catalog.moderation))

    @property
    def are_due(self) -> bool:
        return self.every_s > 0 and self.clock() >= self._next_at

    def make(self, draw: Callable[[], Image.Image | None]) -> None:
        """Draw one and show it; how long that takes decides when there may be another."""
        began = self.clock()
        try:
            picture = draw()
            if picture is not None:
                self._show(picture)
        except _FAILURES:
            _log.warning("preview_failed", exc_info=True)
            self.every_s = 0.0
        ended = self.clock()
        self._next_at = ended + max(self.every_s, (ended - began) / _MOST_SHARE)

    def _show(self, picture: Image.Image) -> None:
        small = shrunk(picture)
        if self.is_refused is not None and self.is_refused(np.asarray(small)):
            self.every_s = 0.0
        else:
            self.show(jpeg_of(small))
