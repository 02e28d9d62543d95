"""What one carrier told of one press, and how far from the truth its onset may be. It refuses to say which carrier is right."""

from dataclasses import dataclass
from typing import Final

from tonevault.cde.media import Carrier
from tonevault.cde.sealed.key import Key

MEDIA_LATE_S: Final = 0.25
"""An event or tone is dated by the packet that began it: a jitter buffer of a gateway (100 to 200 ms) and the 50 ms that a sender may
wait before it starts the event (RFC 4733 section 2.5.1.1) make that late; nothing makes it early."""
INFO_LATE_S: Final = 1.5
"""SIP INFO is dated by its arrival less the duration that it names. Senders wait for key-up, and signalling has hops and retransmission
(RFC 3261 T1 is 500 ms, so one lost packet costs as much)."""
INFO_EARLY_S: Final = 0.1
"""A duration that the sender rounded up dates the press before it began."""
REPORT_DELAY_S: Final = 0.3
"""From what is dated to our hearing of it: the ear is sure of a tone after 50 ms, and worker and event loop take their turns."""

EARLIEST_S: Final = {Carrier.EVENT: 0.0, Carrier.TONE: 0.0, Carrier.INFO: -INFO_EARLY_S}
LATEST_S: Final = {Carrier.EVENT: MEDIA_LATE_S, Carrier.TONE: MEDIA_LATE_S, Carrier.INFO: INFO_LATE_S}
"""The told onset less the true one lies between these two."""


@dataclass(frozen=True, slots=True, eq=False)
class Telling:
    """A carrier's account of a press: `onset` is in seconds of CLOCK_MONOTONIC."""

    key: Key
    carrier: Carrier
    onset: float

    def may_be_the_press_of(self, other: "Telling") -> bool:
        """Whether one press can have been told both ways: the same key, and a moment that fits both onsets."""
        earliest = max(self.onset - LATEST_S[self.carrier], other.onset - LATEST_S[other.carrier])
        latest = min(self.onset - EARLIEST_S[self.carrier], other.onset - EARLIEST_S[other.carrier])
        return earliest <= latest and self.key.matches(other.key)


@dataclass(frozen=True, slots=True, eq=False)
class Press:
    """One press of one key, by whichever carriers told of it. `onset` is the earliest that was told."""

    key: Key
    onset: float
    carriers: frozenset[Carrier]
