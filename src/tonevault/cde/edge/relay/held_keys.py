"""Whether the key that a capture was told of last is still down, as each carrier has it. It refuses to know which key."""

from dataclasses import dataclass
from typing import Final

from tonevault.cde.media import Carrier
from tonevault.cde.wire.telephone_event import END_LOST_S, PressedEvent

STILL_DOWN: Final = float("inf")


@dataclass(frozen=True, slots=True)
class Held:
    """The key that this carrier told of last was down until then, in monotonic seconds; STILL_DOWN: it is down again, after a hole."""

    carrier: Carrier
    until: float


class HeldKeys:
    """Of one capture. A press that was told is followed until its key is up, and on if the carrier was only interrupted. Its tone and its
    event are followed each by itself: which of them are one press is not known here."""

    def __init__(self) -> None:
        self._event: PressedEvent | None = None
        self._follows_tone = False
        self.awaits_end = False
        """Whether an event was told to be down: time may tell that it is not any more."""

    def event_told(self, event: PressedEvent) -> None:
        """An event was told as a press, whose key is down."""
        self._event, self.awaits_end = event, True

    def tone_told(self, *, as_press: bool) -> None:
        """A tone began. One that is no press of this capture is not followed."""
        self._follows_tone = as_press

    def tone(self, until: float) -> list[Held]:
        """The tone ended then, or goes on after a hole."""
        return [Held(Carrier.TONE, until)] if self._follows_tone else []

    def events(self, now: float) -> list[Held]:
        """What the events tell by now: their end can be lost, and only their absence shows it."""
        event = self._event
        if event is None:
            return []
        down = not event.ended and now - event.updated_at <= END_LOST_S
        if down is self.awaits_end:
            return []
        self.awaits_end = down
        return [Held(Carrier.EVENT, STILL_DOWN if down else event.updated_at)]
