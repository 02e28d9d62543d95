"""Payload types of one direction: what a packet of the sender becomes for the receiver. It refuses what the receiver did not negotiate."""

from typing import Final, NamedTuple

from tonevault.cde.media import Codec, LegMedia
from tonevault.cde.wire.g711 import Law, decode, encode
from tonevault.cde.wire.rtp import MARKER
from tonevault.cde.wire.voice_codec import is_spoken

COMFORT_NOISE: Final = "CN"
"""RFC 3389: the sender pauses, and describes the noise of the pause."""


class Route(NamedTuple):
    """How a voice packet goes on: its second octet (marker and payload type), the table that changes its law, if it must change, and
    the clock of its timestamps in Hz."""

    mark_type: int
    table: bytes | None
    clock_rate: int


class EventRoute(NamedTuple):
    """How a telephone-event goes on: its payload type on the other leg, if that leg knows events, and the clock of its durations in Hz."""

    payload_type: int | None
    clock_rate: int


_ALL_OCTETS: Final = bytes(range(256))
_LAW_CHANGE: Final = {
    (Law.ULAW, Law.ALAW): encode(Law.ALAW, decode(Law.ULAW, _ALL_OCTETS)),
    (Law.ALAW, Law.ULAW): encode(Law.ULAW, decode(Law.ALAW, _ALL_OCTETS)),
}
"""One law's octets as the other's, by index: what `bytes.translate` takes, so that transcoding costs next to nothing."""


def law_of(codec: Codec) -> Law | None:
    """The G.711 law of a codec, or None for every other codec."""
    name = codec.name.upper()
    if codec.clock_rate != 8000 or codec.channels != 1 or name not in (Law.ULAW, Law.ALAW):
        return None
    return Law(name)


class PayloadMap:
    """All payload types that one leg may send, and what they become on the other leg."""

    __slots__ = ("events", "known", "pauses", "redundant", "spoken", "spoken_back", "voice")

    def __init__(self, sender: LegMedia, receiver: LegMedia) -> None:
        self.voice: list[Route | None] = [None] * 256
        """Indexed by the second octet of the packet, marker included: one look-up a packet."""
        self.events: dict[int, EventRoute] = {}
        self.spoken = {codec.payload_type: codec for codec in sender.codecs if is_spoken(codec)}
        """The sender's codecs that can be decoded here, by payload type."""
        self.spoken_back = tuple(codec for codec in receiver.codecs if is_spoken(codec))
        """The receiver's codecs that can be encoded here, its preferred one first."""
        for codec in sender.codecs:
            self._add_voice(codec, receiver)
        for codec in sender.telephone_events:
            self.events[codec.payload_type] = EventRoute(_event_type(codec, receiver), codec.clock_rate)
        self.pauses = frozenset(
            codec.payload_type for codec in sender.codecs if codec.name.upper() == COMFORT_NOISE
        )
        """Payload types that say that nothing is said."""
        self.redundant = frozenset(codec.payload_type for codec in sender.redundancy)
        """Payload types of packets that repeat former ones (RFC 2198). The receiver is never sent them."""
        self.known = self.redundant | {
            codec.payload_type for codec in (*sender.codecs, *sender.telephone_events)
        }

    def _add_voice(self, codec: Codec, receiver: LegMedia) -> None:
        law = law_of(codec)
        same = _same_codec(codec, receiver)
        other = next((known for known in receiver.codecs if law_of(known) is not None), None)
        if same is not None:
            route = Route(same, None, codec.clock_rate)
        elif law is not None and other is not None:
            route = Route(other.payload_type, _LAW_CHANGE[law, Law(other.name.upper())], codec.clock_rate)
        else:
            return
        self.voice[codec.payload_type] = route
        self.voice[codec.payload_type | MARKER] = route._replace(mark_type=route.mark_type | MARKER)


def _same_codec(codec: Codec, receiver: LegMedia) -> int | None:
    """The receiver's payload type of the same codec: name, clock and channels; of several, the one with the same parameters."""
    same = [
        known
        for known in receiver.codecs
        if (known.name.upper(), known.clock_rate, known.channels)
        == (codec.name.upper(), codec.clock_rate, codec.channels)
    ]
    exact = [known for known in same if known.fmtp == codec.fmtp]
    found = exact or same
    return found[0].payload_type if found else None


def _event_type(codec: Codec, receiver: LegMedia) -> int | None:
    """RFC 4733 section 2.1: events keep the clock of the stream, so only a telephone-event of the same clock will do."""
    return next(
        (known.payload_type for known in receiver.telephone_events if known.clock_rate == codec.clock_rate),
        None,
    )
