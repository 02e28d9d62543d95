"""Keypad events of RFC 4733: payload to press, one press an event however often it is told. It refuses to hold an open digit."""

import struct
from collections import deque
from dataclasses import dataclass
from typing import Final

from tonevault.cde.sealed.key import LAST_EVENT, Key
from tonevault.cde.wire.rtp import timestamp_step

PAYLOAD: Final = struct.Struct("!BBH")
"""RFC 4733 section 2.3: event; E bit, R bit and volume; duration in timestamp units."""
END: Final = 0x80
LONGEST_SEGMENT: Final = 0xFFFF
"""RFC 4733 section 2.5.1.3: at this duration a held key goes on as a new segment, whose timestamp is larger by this duration."""
LOST_SEGMENTS: Final = 4
"""A press is still one when up to three whole segments (24 s at 8 kHz) were lost: the fourth is the last that is taken as its sequel."""
UNEVEN_SEGMENT_S: Final = 0.12
"""Senders count in packets, of 120 ms at most: some begin the next segment with the last packet that the longest has room for, others
(browsers) with the first that it has none for."""
REMEMBERED_EVENTS: Final = 16
"""More than a second of the fastest keying (80 ms a key, ITU-T Q.24): repeats of an end packet arrive well within it."""
END_LOST_S: Final = 0.2
"""RFC 4733 section 2.5.1.2 asks for an update every 50 ms or sooner: after four missing updates the end was lost."""
SOURCE_CHANGE_S: Final = 0.2
"""How long after its last packet a key may go on under another SSRC (a peer that re-anchors its media while a key is held)."""


class EventError(ValueError):
    """Octets that are no telephone-event payload. The message never repeats them."""


@dataclass(slots=True, eq=False)
class PressedEvent:
    """One press, as long as its packets may still come. `withheld` marks it as caught: no packet of it may ever pass again.

    `timestamp` and `duration` are those of its newest segment, `began` is the timestamp of its first. It holds no key: the code lives in
    the receiver alone, in octets that are overwritten.
    """

    began: int
    timestamp: int
    duration: int
    ended: bool
    updated_at: float
    withheld: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class EventUpdate:
    """What one packet told: the event it belongs to, and the sealed key if this packet is the first of a new press.

    `key` is None for repeats, for segments, and for events that are no keys (RFC 4733 section 3.2 has 16 for flash).
    `onset` is when the press began, in the seconds of `now`, as far as the arrival tells: that less the duration told so far. `clock_rate`
    is that of the event's timestamp and duration. A `repeated` one was told by the redundancy of a later packet, long after (RFC 2198).
    """

    event: PressedEvent
    key: Key | None
    onset: float
    clock_rate: int
    repeated: bool = False


class EventReceiver:
    """Hears the telephone-events of one source. The first packet counts, whichever of the press's packets that is."""

    __slots__ = ("_codes", "_events", "_moved")

    def __init__(self) -> None:
        self._events: deque[PressedEvent] = deque(maxlen=REMEMBERED_EVENTS)
        self._codes = bytearray(REMEMBERED_EVENTS)
        self._moved = False

    def source_changed(self) -> None:
        """The stream goes on under another SSRC, whose timestamps have nothing to do with those before."""
        self._moved = True

    def in_progress(self, now: float) -> bool:
        """Whether a key is down: its end was neither told nor lost."""
        if not self._events:
            return False
        last = self._events[-1]
        return not last.ended and now - last.updated_at <= END_LOST_S

    def wipe(self) -> None:
        """Forget everything, and overwrite the codes."""
        self._events.clear()
        self._codes[:] = bytes(REMEMBERED_EVENTS)

    def knows(self, payload: bytes, timestamp: int) -> bool:
        """Whether any packet of this event was heard."""
        codes = zip(self._events, self._codes, strict=False)
        return any(event.timestamp == timestamp and code == payload[0] for event, code in codes)

    def receive(
        self,
        payload: bytes,
        timestamp: int,
        marker: bool,
        clock_rate: int,
        now: float,
        *,
        repeated: bool = False,
    ) -> EventUpdate:
        """Take one packet of a telephone-event payload type. Raises EventError if it holds no event.

        `clock_rate` in Hz gives durations their unit (RFC 4733 section 2.1: that of the audio beside it).
        """
        if len(payload) < PAYLOAD.size:
            raise EventError("telephone-event: shorter than the 4 octets of one event")
        code, flags, duration = PAYLOAD.unpack_from(payload)
        onset = now - duration / clock_rate
        if self._moved:
            event = self._after_move(code, timestamp, marker, now)
        else:
            event = self._known(code, timestamp) or self._held(code, timestamp, marker, clock_rate, now)
        key = None
        if event is None:
            event = PressedEvent(timestamp, timestamp, 0, False, now)
            self._remember(event, code)
            key = Key.from_event(code) if code <= LAST_EVENT else None
        step = timestamp_step(timestamp, event.timestamp)
        if step > 0:
            event.timestamp, event.duration = timestamp, duration
        elif step == 0:
            event.duration = max(event.duration, duration)
        event.ended = event.ended or bool(flags & END)
        event.updated_at = now
        return EventUpdate(event, key, onset, clock_rate, repeated)

    def _known(self, code: int, timestamp: int) -> PressedEvent | None:
        """The event that this packet belongs to, if any packet of it was seen."""
        for index in range(len(self._events) - 1, -1, -1):
            event = self._events[index]
            since = timestamp_step(timestamp, event.began)
            if 0 <= since <= timestamp_step(event.timestamp, event.began) and self._codes[index] == code:
                return event
        return None

    def _held(
        self, code: int, timestamp: int, marker: bool, clock_rate: int, now: float
    ) -> PressedEvent | None:
        """The event whose key is held for so long that this packet begins another segment of it."""
        if marker or not self._events or self._codes[len(self._events) - 1] != code:
            return None
        last = self._events[-1]
        if last.ended:
            return None
        step = timestamp_step(timestamp, last.timestamp)
        if step > 0 and step % LONGEST_SEGMENT == 0 and step // LONGEST_SEGMENT <= LOST_SEGMENTS:
            return last
        uneven = UNEVEN_SEGMENT_S * clock_rate
        is_full = last.duration >= LONGEST_SEGMENT - uneven and now - last.updated_at <= END_LOST_S
        return last if is_full and last.duration <= step <= LONGEST_SEGMENT + uneven else None

    def _after_move(self, code: int, timestamp: int, marker: bool, now: float) -> PressedEvent | None:
        """The event held while the source moved, if this packet goes on with it; all others are forgotten, as their timestamps are."""
        self._moved = False
        last = self._events[-1] if self._events else None
        last_code = self._codes[len(self._events) - 1] if self._events else 0
        self.wipe()
        if (
            last is None
            or marker
            or last_code != code
            or last.ended
            or now - last.updated_at > SOURCE_CHANGE_S
        ):
            return None
        last.began, last.timestamp, last.duration = timestamp, timestamp, 0
        self._remember(last, code)
        return last

    def _remember(self, event: PressedEvent, code: int) -> None:
        if len(self._events) == REMEMBERED_EVENTS:
            self._codes[:-1] = self._codes[1:]
        self._events.append(event)
        self._codes[len(self._events) - 1] = code


def build_event(code: int, duration: int, *, end: bool = False, volume: int = 10) -> bytes:
    """The payload of one packet of an event, for phones: `duration` in timestamp units, `volume` in −dBm0 (RFC 4733 section 2.3)."""
    if not (0 <= code <= 0xFF and 0 <= duration <= LONGEST_SEGMENT and 0 <= volume <= 63):
        raise EventError("telephone-event: code is 0-255, duration 0-65535, volume 0-63")
    return PAYLOAD.pack(code, volume | (END if end else 0), duration)
