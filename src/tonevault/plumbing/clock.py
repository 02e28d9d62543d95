"""The wall clock, as the kernel's Clock protocol."""

import time
from datetime import UTC, datetime


class WallClock:
    """Real time: CLOCK_MONOTONIC (shared by all processes of a machine) and UTC."""

    def monotonic(self) -> float:
        """Seconds of CLOCK_MONOTONIC."""
        return time.monotonic()

    def utc(self) -> datetime:
        """Now, aware, in UTC."""
        return datetime.now(UTC)
