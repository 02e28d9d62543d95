"""Symmetric RTP: which address a leg's packets may come from, and where they are answered. It refuses all but the signalled peer."""

from ipaddress import ip_address
from typing import Final

Address = tuple[str, int]
"""IP address in its canonical text and UDP port, as a socket gives them."""

SILENCE_S: Final = 2.0
"""A latched port that has been silent this long may be another one by now (a NAT binding that moved). Shorter would let a second sender
behind the same address take the stream in a pause; longer would leave the call mute."""


def canonical_host(host: str) -> str:
    """An IP address as sockets write it. Raises ValueError, which does not repeat the input, for anything but an address."""
    try:
        return str(ip_address(host))
    except ValueError:
        raise ValueError("media host: must be an IP address, not a name; resolve it before") from None


class Latch:
    """The rule of symmetric RTP (RFC 4961), narrowed to the signalled peer.

    A packet is admitted only from the signalled IP address. Its port may differ, because a NAT changes ports and because some peers send
    from another port than they receive on: the first such port is latched. The exactly signalled port always wins over a guessed one. After
    that, another port is admitted only when the latched one has been silent for `SILENCE_S`. No other address is ever admitted, so a
    stranger who guesses the relay's port can neither be heard nor draw the stream to himself.
    """

    __slots__ = ("_heard_at", "signalled", "source")

    def __init__(self, signalled: Address) -> None:
        self.signalled: Address = (canonical_host(signalled[0]), signalled[1])
        self.source: Address | None = None
        self._heard_at = 0.0

    @property
    def target(self) -> Address | None:
        """Where this leg's packets are sent: the latched source, before that the signalled address; None while there is none."""
        if self.signalled[1] == 0 or ip_address(self.signalled[0]).is_unspecified:
            return None
        return self.source or self.signalled

    def settled_on(self, now: float) -> Address | None:
        """The signalled address, if at present no packet from any other would be admitted; else None."""
        if self.source == self.signalled and now - self._heard_at < SILENCE_S:
            return self.signalled
        return None

    def heard(self, now: float) -> None:
        """The latched source sent a packet. The caller may tell this now and then rather than for each packet."""
        self._heard_at = max(self._heard_at, now)

    def admits(self, source: Address, now: float) -> bool:
        """Whether a valid packet from `source` belongs to the leg; latches to it if so."""
        if source == self.source:
            self._heard_at = now
            return True
        if source[0] != self.signalled[0]:
            return False
        if self.source is None or source == self.signalled or now - self._heard_at >= SILENCE_S:
            self.source = source
            self._heard_at = now
            return True
        return False
