"""Time, injected: every decision of the farm reads a `Clock`, never the system clock."""

import time
from typing import Protocol


class Clock(Protocol):
    """Tells the time. The store's clock judges leases; tests and simulations bring their own."""

    def now(self) -> float:
        """Seconds since the Unix epoch."""
        ...


class SystemClock:
    """The machine's wall clock."""

    def now(self) -> float:
        return time.time()
