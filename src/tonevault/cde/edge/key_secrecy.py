"""Keys of SRTP stand in the description, so they are as secret as the signalling: over TLS alone, unless the operator says otherwise."""

from collections.abc import Mapping
from typing import Final

from tonevault.cde.edge.call import Call
from tonevault.cde.edge.leg import CallLeg
from tonevault.cde.edge.routes import Route
from tonevault.cde.media import Leg
from tonevault.cde.wire.sdp.leg_keys import LegKeys, SrtpTerms
from tonevault.cde.wire.sip.peer import Peer, Transport
from tonevault.kernel.ids import Entropy

KEY_MARK: Final = b"a=crypto:"
"""What every key in a description of ours stands behind."""


def may_carry_keys(peer: Peer | None, *, in_clear: bool) -> bool:
    """Whether a description with keys may come from, or go to, this far end (RFC 4568 section 8.3). `in_clear` is what the route says."""
    return in_clear or (peer is not None and peer.transport is Transport.TLS)


def leg_keys(route: Route, peers: Mapping[Leg, Peer], entropy: Entropy) -> dict[Leg, LegKeys]:
    """What each leg of a new call may have of SRTP."""
    return {
        leg: LegKeys(
            SrtpTerms(route.srtp(leg), may_carry_keys(peer, in_clear=route.srtp_over_plain_sip)), entropy
        )
        for leg, peer in peers.items()
    }


def follow_transport(call: Call, leg: CallLeg, peer: Peer | None) -> None:
    """A new offer came from, or is to go to, this far end, which may be another than the call began with."""
    call.sdp.allow_keys(leg.leg, allowed=may_carry_keys(peer, in_clear=call.route.srtp_over_plain_sip))


def would_show_keys(peer: Peer, body: bytes, *, in_clear: bool) -> bool:
    """The last look before a message leaves: whether it would carry keys in clear."""
    return KEY_MARK in body and not may_carry_keys(peer, in_clear=in_clear)
