"""The capture window: which field the keys belong to, what they say so far, and how long it waits. It refuses keys pressed outside it."""

from typing import Final

from tonevault.boundary.captures import FieldName
from tonevault.cde.capture.press_row import SETTLED_S, PressRow
from tonevault.cde.capture.reading import Reading, read
from tonevault.cde.capture.telling import Telling
from tonevault.cde.media import Carrier

NEVER: Final = float("inf")


class CaptureWindow:
    """At most one field at a time. Times are in monotonic seconds."""

    def __init__(self, *, first_digit_timeout_s: float, inter_digit_timeout_s: float) -> None:
        self._first_digit_timeout_s = first_digit_timeout_s
        self._inter_digit_timeout_s = inter_digit_timeout_s
        self._row = PressRow()
        self._field: FieldName | None = None
        self._touched_at = 0.0
        self._forget_at = NEVER

    @property
    def field(self) -> FieldName | None:
        """Whose window is open."""
        return self._field

    @property
    def reading(self) -> Reading:
        """What the presses of the open window say. Raises RuntimeError when none is open."""
        if self._field is None:
            raise RuntimeError("capture window: none is open")
        return read(self._row.presses, self._field)

    @property
    def deadline(self) -> float:
        """When the window's own time is up next: an answer is due, or old keys are to be forgotten."""
        if self._field is None:
            return self._forget_at
        reading = self.reading
        if reading.confirmed_by is not None:
            return self._row.awaited_until(reading.confirmed_by)
        patience = self._inter_digit_timeout_s if reading.digits else self._first_digit_timeout_s
        return self._touched_at + patience

    def open(self, field: FieldName, now: float) -> None:
        """From now on keys belong to `field`."""
        self._field = field
        self._touched_at = now
        self._row.open_window(now)

    def close(self, now: float) -> None:
        """Keys belong to nothing. Those pressed last are remembered a moment longer, so that their late twins are known."""
        self._field = None
        self._row.close_window()
        self._forget_at = now + SETTLED_S

    def tell(self, telling: Telling) -> None:
        """A carrier tells of a press, inside the window or outside."""
        self._row.tell(telling)
        self._touched_at = telling.told_at

    def held(self, carrier: Carrier, until: float, now: float) -> None:
        """A key was let go, or is down again: the wait for the next begins there."""
        self._row.held(carrier, until, now)
        self._touched_at = max(self._touched_at, min(until, now))

    def forget_old(self, now: float) -> None:
        """Let go of keys that no telling can pair with any more."""
        if self._field is None and now >= self._forget_at:
            self._row.settle(now)
            self._forget_at = self._row.settled_at

    def wipe(self) -> None:
        """Forget every key at once."""
        self._field = None
        self._forget_at = NEVER
        self._row.wipe()
