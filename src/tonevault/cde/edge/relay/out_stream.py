"""The one stream that a leg hears: its SSRC, and sequence numbers and timestamps that never break. It refuses to know its source."""

from typing import Final

from tonevault.cde.wire.g711 import SAMPLE_RATE_HZ
from tonevault.cde.wire.rtp import HEADER, MARKER, PLAIN_FIRST_OCTET, SEQUENCE_MASK, TIMESTAMP_MASK
from tonevault.kernel.ids import Entropy

CONTINUES_S: Final = 0.06
"""A packet within three of the usual packet times of when the next was due goes on exactly where the last one ended: its lateness is
jitter. Beyond, time has passed in silence and the timestamp says so."""


class OutStream:
    """State of an outgoing stream (RFC 3550 section 5.1: SSRC and both starting points are random). Times are monotonic seconds."""

    __slots__ = ("clock_rate", "octets", "packets", "samples", "sent_at", "sequence", "ssrc", "timestamp")

    def __init__(self, entropy: Entropy) -> None:
        self.ssrc = entropy(1 << 32)
        self.sequence = entropy(1 << 15)
        """Of the last packet. It starts in the lower half, as RFC 3711 section 3.3.1 advises, so that it does not wrap at once."""
        self.timestamp = entropy(1 << 32)
        self.samples = 0
        """Duration of the last packet in units of the timestamp."""
        self.sent_at: float | None = None
        self.clock_rate = SAMPLE_RATE_HZ
        self.packets = 0
        self.octets = 0

    def next_timestamp(self, now: float) -> int:
        """The timestamp of a packet that is sent now, by whoever has the word."""
        if self.sent_at is None:
            return self.timestamp
        elapsed = now - self.sent_at
        due = self.samples / self.clock_rate
        units = (
            self.samples
            if abs(elapsed - due) <= CONTINUES_S
            else max(self.samples, round(elapsed * self.clock_rate))
        )
        return (self.timestamp + units) & TIMESTAMP_MASK

    def timestamp_at(self, now: float) -> int:
        """Where the stream's clock stands at `now`: what a sender report pairs with its NTP time (RFC 3550 section 6.4.1)."""
        if self.sent_at is None:
            return self.timestamp
        return (self.timestamp + round((now - self.sent_at) * self.clock_rate)) & TIMESTAMP_MASK

    def settle(self, sequence: int, timestamp: int, samples: int, sent_at: float) -> None:
        """Take over where a direct flow left the stream."""
        self.sequence = sequence
        self.timestamp = timestamp
        self.samples = samples
        self.sent_at = sent_at

    def frame(
        self,
        payload_type: int,
        payload: bytes,
        samples: int,
        now: float,
        *,
        clock_rate: int = SAMPLE_RATE_HZ,
        marker: bool = False,
    ) -> bytes:
        """Build the next packet of audio made here, of `samples` units of its codec's clock."""
        if self.sent_at is not None:
            self.timestamp = (self.timestamp + self.samples) & TIMESTAMP_MASK
        self.sequence = sequence = (self.sequence + 1) & SEQUENCE_MASK
        self.samples, self.sent_at, self.clock_rate = samples, now, clock_rate
        self.packets += 1
        self.octets += len(payload)
        mark_type = payload_type | MARKER if marker else payload_type
        return HEADER.pack(PLAIN_FIRST_OCTET, mark_type, sequence, self.timestamp, self.ssrc) + payload

    def skip(self, samples: int) -> None:
        """Let time pass without a packet."""
        self.samples += samples
