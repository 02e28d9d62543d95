"""What the relays count, for metrics and support. It refuses anything by which one key could be told from another."""

from dataclasses import dataclass, fields


@dataclass(slots=True)
class FlowCounters:
    """One direction of a call. All are counts of packets, but `presses` and `concealed_ms`."""

    received: int = 0
    """Admitted RTP packets."""
    relayed: int = 0
    """RTP packets sent on, or made here in their stead."""
    strangers: int = 0
    """Datagrams from an address that is not the signalled peer's."""
    malformed: int = 0
    """Datagrams that are no RTP."""
    unknown: int = 0
    """Packets of a payload type that was not negotiated, or that the other leg does not know."""
    held: int = 0
    """Packets that came while the direction was on hold."""
    late: int = 0
    """Packets too late to be used."""
    lost: int = 0
    """Packets missing by their sequence numbers, as reported last."""
    events: int = 0
    """Packets of telephone-events."""
    withheld: int = 0
    """Packets of telephone-events that a capture kept back."""
    presses: int = 0
    """Presses reported by a capture, each carrier counted by itself."""
    recovered: int = 0
    """Packets that never came, or events, taken from the redundancy of later packets (RFC 2198)."""
    concealed_ms: int = 0
    """Audio that a capture filled in for packets that did not come."""
    forged: int = 0
    """Packets on a secured leg that its key does not open: made by somebody else, changed on the way, or plain."""
    replayed: int = 0
    """Packets on a secured leg whose number came before, by whomever they were sent."""
    unsent: int = 0
    """Packets that a secured leg could not be sent, because their number was used already or they were too long."""

    def add(self, other: "FlowCounters") -> None:
        """Add another's counts to these."""
        for item in fields(self):
            setattr(self, item.name, getattr(self, item.name) + getattr(other, item.name))
