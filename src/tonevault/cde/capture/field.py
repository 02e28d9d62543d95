"""One field as the agent sees it: state, dots, mask, error, attempts. It never holds a key."""

from typing import Final

from tonevault.boundary.captures import FieldError, FieldName, FieldState, FieldView
from tonevault.cde.capture.model import FIELD_TRANSITIONS, FieldEvent

MAX_DOTS: Final = 19
"""The longest card number; a customer who keys on regardless adds no dot."""


class CaptureField:
    """A field's visible side. Methods are the events of FIELD_TRANSITIONS; an event that its state does not know raises RuntimeError."""

    def __init__(self, name: FieldName) -> None:
        self.name = name
        self.state = FieldState.IDLE
        self.dots = 0
        self.masked = ""
        self.error: FieldError | None = None
        self.attempts = 0

    def view(self) -> FieldView:
        """The field as it crosses the boundary."""
        return FieldView(
            name=self.name,
            state=self.state,
            dots=self.dots,
            masked=self.masked,
            error=self.error,
            attempts=self.attempts,
        )

    def start(self) -> None:
        """The capture window opens, with nothing keyed and nothing said."""
        self._move(FieldEvent.START)
        self._clear()

    def show_dots(self, count: int) -> bool:
        """So many digits are keyed. Answers whether that shows."""
        count = min(count, MAX_DOTS)
        changed = count != self.dots
        self.dots = count
        return changed

    def accept(self, masked: str) -> None:
        """The value is good."""
        self._move(FieldEvent.ACCEPT)
        self.masked = masked

    def reject(self, error: FieldError) -> None:
        """What was keyed is wrong, or nothing came."""
        self._fail(FieldEvent.REJECT, error)

    def contradict(self, error: FieldError) -> None:
        """A value that was good alone does not go with another."""
        self._fail(FieldEvent.CONTRADICT, error)

    def leave(self) -> None:
        """The agent went to another field."""
        self._move(FieldEvent.LEAVE)
        self._clear()

    def lapse(self) -> None:
        """The value was kept as long as it may be."""
        self._move(FieldEvent.LAPSE)
        self._clear()

    def discard(self) -> None:
        """The session is over and the value unused. A field that is red stays so, to say what happened."""
        self._move(FieldEvent.DISCARD)
        if self.state is FieldState.IDLE:
            self._clear()

    def _fail(self, event: FieldEvent, error: FieldError) -> None:
        self._move(event)
        self._clear()
        self.error = error
        self.attempts += 1

    def _clear(self) -> None:
        self.dots = 0
        self.masked = ""
        self.error = None

    def _move(self, event: FieldEvent) -> None:
        try:
            self.state = FIELD_TRANSITIONS[self.state, event]
        except KeyError:
            raise RuntimeError(f"field: no way from {self.state} by {event}") from None
