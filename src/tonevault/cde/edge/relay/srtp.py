"""SRTP at the edge of one leg (RFC 3711, by libsrtp): what is sent is locked, what comes is opened or dropped. It never sees past a leg."""

from typing import Final

from pylibsrtp import Error, Policy, Session

from tonevault.cde.edge.relay.counters import FlowCounters
from tonevault.cde.edge.relay.direct_path import Datagram, Outbox
from tonevault.cde.media import Srtp, SrtpSuite
from tonevault.cde.sealed.media_key import MediaKey
from tonevault.cde.sealed.media_warrant import open_media_key
from tonevault.cde.wire.rtp import is_rtcp

PROFILES: Final = {
    SrtpSuite.GCM_256: Policy.SRTP_PROFILE_AEAD_AES_256_GCM,
    SrtpSuite.GCM_128: Policy.SRTP_PROFILE_AEAD_AES_128_GCM,
    SrtpSuite.CM_SHA1_80: Policy.SRTP_PROFILE_AES128_CM_SHA1_80,
    SrtpSuite.CM_SHA1_32: Policy.SRTP_PROFILE_AES128_CM_SHA1_32,
}
REPLAY_WINDOW: Final = 1024
"""Packets that may overtake one another: 20 s of voice. RFC 3711 section 3.3.2 asks for 64 at least."""
SOURCES: Final = 256
"""SSRCs that a peer may use under one key: phones change theirs with a hold or a transfer. Each costs some 2 kB, and to forget one would
let its packets be played back."""
FORMER_PACKETS: Final = 100
"""A peer that offers a new key sends under the old one until it has our answer: two seconds of packets are a very long way."""
SSRC: Final = slice(8, 12)
RTCP_SSRC: Final = slice(4, 8)
REPLAYED: Final = "replay"
"""How libsrtp's words for a packet number that was seen, or is too old to tell, begin."""


def _session(suite: SrtpSuite, key: MediaKey, direction: int) -> Session:
    """A libsrtp session. The key goes into libsrtp's memory by no copy of ours but the policy's, which is zeroed at once."""
    policy = Policy(bytes(suite.key_octets), direction, 0, PROFILES[suite])
    policy.window_size = REPLAY_WINDOW
    if policy.key is None or key.length != suite.key_octets:
        raise ValueError("srtp: the key has not the length of its suite")
    place = memoryview(policy.key)
    with open_media_key(key) as octets:
        place[:] = octets
    try:
        return Session(policy)
    finally:
        place[:] = bytes(suite.key_octets)


class _Opener:
    """Opens what the peer sends under one key."""

    def __init__(self, suite: SrtpSuite, key: MediaKey) -> None:
        self._session = _session(suite, key, Policy.SSRC_ANY_INBOUND)
        self._sources: set[bytes] = set()

    def open(self, datagram: bytes) -> bytes:
        """Either kind. Raises Error and ValueError."""
        return self.rtcp(datagram) if is_rtcp(datagram) else self.rtp(datagram)

    def rtp(self, datagram: bytes) -> bytes:
        """Raises Error, and ValueError for what is too long to be a packet."""
        source = datagram[SSRC]
        if source in self._sources:
            return self._session.unprotect(datagram)
        self._check_room()
        opened = self._session.unprotect(datagram)
        self._sources.add(source)
        return opened

    def rtcp(self, datagram: bytes) -> bytes:
        """As `rtp`."""
        source = datagram[RTCP_SSRC]
        if source in self._sources:
            return self._session.unprotect_rtcp(datagram)
        self._check_room()
        opened = self._session.unprotect_rtcp(datagram)
        self._sources.add(source)
        return opened

    def _check_room(self) -> None:
        if len(self._sources) >= SOURCES:
            raise ValueError("srtp: too many sources under one key")


class SecuredLeg:
    """The locks of one leg. They outlast hold and new offers as long as their keys do, for with them go the packet counts beyond 16 bits
    (RFC 3711 section 3.3.1) and the memory of what has been heard."""

    def __init__(self, security: Srtp, outbox: Outbox, counters: FlowCounters) -> None:
        self._outbox = outbox
        self._counters = counters
        """Of what this leg sends."""
        self._security = security
        self._opener = _Opener(security.suite, security.receives)
        self._former: _Opener | None = None
        """Of the key before, until the new one is heard, or FORMER_PACKETS have come."""
        self._former_left = 0
        self._sender = _session(security.suite, security.sends, Policy.SSRC_ANY_OUTBOUND)

    def rekey(self, security: Srtp) -> None:
        """A new agreement: a lock whose key is the same goes on, another begins."""
        before, self._security = self._security, security
        same_suite = security.suite is before.suite
        if not same_suite or not security.receives.matches(before.receives):
            self._former, self._former_left = self._opener, FORMER_PACKETS
            self._opener = _Opener(security.suite, security.receives)
        if not same_suite or not security.sends.matches(before.sends):
            self._sender = _session(security.suite, security.sends, Policy.SSRC_ANY_OUTBOUND)
        if before.receives is not security.receives:
            before.receives.destroy()
        if before.sends is not security.sends:
            before.sends.destroy()

    def opened(self, datagram: bytes) -> bytes | None:
        """The plain packet; None, and counted, for one that was heard before, is forged, or is plain though the leg is secured."""
        try:
            opened = self._opener.open(datagram)
        except (Error, ValueError) as fault:
            late = self._opened_by_former(datagram)
            if late is None:
                self._count(fault)
            return late
        self._former = None
        return opened

    def _opened_by_former(self, datagram: bytes) -> bytes | None:
        former = self._former
        if former is None:
            return None
        self._former_left -= 1
        if self._former_left == 0:
            self._former = None
        try:
            return former.open(datagram)
        except (Error, ValueError):
            return None

    def _count(self, fault: Exception) -> None:
        if not isinstance(fault, Error):
            self._counters.malformed += 1
        elif str(fault).startswith(REPLAYED):
            self._counters.replayed += 1
        else:
            self._counters.forged += 1

    def append(self, item: Datagram, /) -> None:
        """Send an RTP packet to this leg, locked.

        One whose number was used already is dropped: two contents under one number would give both away (RFC 3711 section 9.1).
        """
        socket, datagram, target = item
        try:
            self._outbox.append((socket, self._sender.protect(datagram), target))
        except (Error, ValueError):
            self._counters.unsent += 1

    def append_rtcp(self, item: Datagram) -> None:
        """Send an RTCP packet to this leg, locked."""
        socket, datagram, target = item
        try:
            self._outbox.append((socket, self._sender.protect_rtcp(datagram), target))
        except (Error, ValueError):
            self._counters.unsent += 1

    def destroy(self) -> None:
        """Zero the keys; libsrtp zeroes its own when the sessions go."""
        self._former = None
        self._security.receives.destroy()
        self._security.sends.destroy()
