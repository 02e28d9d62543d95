"""Time as an argument: the protocol that pure code asks for the hour. The wall clock itself lives in plumbing."""

from datetime import datetime
from typing import Protocol


class Clock(Protocol):
    """Two readings of time: `monotonic` for spans, `utc` for the calendar."""

    def monotonic(self) -> float:
        """Seconds from an arbitrary start that never go back."""

    def utc(self) -> datetime:
        """The time of day, aware, in UTC."""


def epoch_ms(moment: datetime) -> int:
    """Whole milliseconds since 1970-01-01 UTC."""
    return int(moment.timestamp() * 1000)
