"""When a tone on the line was keyed, and whether it is a new press at all. It refuses to part a press because the network did."""

from typing import Final

from tonevault.cde.sealed.key import Key
from tonevault.cde.wire.line_time import LineTime
from tonevault.cde.wire.tone.report import ToneEnded, ToneStarted

CLOSE: Final = 120
"""15 ms: so exactly does the ear know where a tone that meets a hole begins and ends."""
LONGEST_LOSS_S: Final = 0.12
"""Six packets of 20 ms. A key that sounds right into a loss and right out of it is the same press, if the loss is no longer: whoever keys a
digit twice lets it go for longer than what is left of this when either edge must meet the loss."""


class PressTime:
    """One line. Positions count its samples from 0; times are monotonic seconds."""

    def __init__(self, now: float) -> None:
        self._time = LineTime(now)
        self.went_on = self._time.mark
        """As `mark`, of samples that are not lost: the position, and when they were spoken."""
        self._hole = (-CLOSE, -CLOSE)
        """The last stretch that was lost."""
        self._key: Key | None = None
        self._began = now
        self._ended: int | None = None
        """Where the last tone ended; None while it sounds."""

    def mark(self, position: int, at: float, samples: int, *, lost: bool) -> None:
        """The next `samples`, from `position` on, were spoken at `at`, or are lost."""
        self._time.mark(position, at)
        if lost:
            start, end = self._hole
            self._hole = (start if end == position else position, position + samples)

    def when(self, position: int) -> float:
        """When a tone that begins at `position` was keyed: if it goes on after a loss, when it first was."""
        return self._began if self._goes_on(position) else self._time.when(position)

    def is_press(self, started: ToneStarted) -> bool:
        """Whether the tone is a press, and not one that goes on after a loss. To be asked once, of each in order."""
        goes_on = self._goes_on(started.onset) and self._key is not None and self._key.matches(started.key)
        if not goes_on:
            self._began = self._time.when(started.onset)
        self._key, self._ended = started.key, None
        return not goes_on

    def ended(self, report: ToneEnded) -> float:
        """The tone that was asked about last ended: when that was."""
        self._ended = report.end
        return self._time.when(report.end)

    def _goes_on(self, position: int) -> bool:
        start, end = self._hole
        if self._key is None or not -CLOSE <= position - end <= CLOSE:
            return False
        sounded = self._ended is None or abs(self._ended - start) <= CLOSE
        return sounded and self._time.when(position) - self._time.when(start) <= LONGEST_LOSS_S + CLOSE / 8000
