"""The stage with SRTP on one leg or both: far ends that lock what they send, and open what they hear with the edge's keys."""

from dataclasses import replace
from random import Random

from pylibsrtp import Policy, Session

from tests.scenario.media.stage import AGENT_SOCKETS, CALL, CUSTOMER_SOCKETS, Act, Stage
from tonevault.cde.edge.relay.call_media import LegSockets
from tonevault.cde.edge.relay.srtp import PROFILES
from tonevault.cde.media import Leg, LegMedia, Srtp, SrtpSuite
from tonevault.cde.sealed.media_key import MediaKey
from tonevault.cde.wire.rtp import is_rtcp

SOCKETS = {Leg.CUSTOMER: CUSTOMER_SOCKETS, Leg.AGENT: AGENT_SOCKETS}


class FarEnd:
    """One peer's side of SRTP. `security` is what the edge is told, with keys that nobody else has."""

    def __init__(self, suite: SrtpSuite, seed: int, *, sends: bytes | None = None) -> None:
        chance = Random(seed)
        self.suite = suite
        self.edge_sends = sends or chance.randbytes(suite.key_octets)
        self.sends = chance.randbytes(suite.key_octets)
        self.locker = self._session(self.sends, Policy.SSRC_ANY_OUTBOUND)
        self.opener = self._session(self.edge_sends, Policy.SSRC_ANY_INBOUND)

    def _session(self, key: bytes, direction: int) -> Session:
        policy = Policy(key, direction, 0, PROFILES[self.suite])
        policy.window_size = 1024
        return Session(policy)

    @property
    def security(self) -> Srtp:
        edge_sends, sends = MediaKey(bytearray(self.edge_sends)), MediaKey(bytearray(self.sends))
        return Srtp(self.suite, sends=edge_sends, receives=sends)

    def lock(self, datagram: bytes) -> bytes:
        return self.locker.protect_rtcp(datagram) if is_rtcp(datagram) else self.locker.protect(datagram)

    def open(self, datagram: bytes) -> bytes:
        return self.opener.unprotect_rtcp(datagram) if is_rtcp(datagram) else self.opener.unprotect(datagram)


class SecuredStage(Stage):
    """A Stage whose legs are secured as told. What a secured leg hears is opened before it is kept, and must open."""

    def __init__(
        self,
        customer: SrtpSuite | None = SrtpSuite.CM_SHA1_80,
        agent: SrtpSuite | None = SrtpSuite.CM_SHA1_80,
        **how: object,
    ) -> None:
        super().__init__(**how)  # type: ignore[arg-type]
        self.ends: dict[Leg, FarEnd] = {}
        self._locked: dict[tuple[int, bytes], bytes] = {}
        for leg, suite in ((Leg.CUSTOMER, customer), (Leg.AGENT, agent)):
            if suite is not None:
                self.secure(leg, FarEnd(suite, len(leg)))

    def media(self, leg: Leg) -> LegMedia:
        return self.customer_media if leg is Leg.CUSTOMER else self.agent_media

    def secure(self, leg: Leg, end: FarEnd, **changes: object) -> None:
        """A new agreement on a leg."""
        self.ends[leg] = end
        media = replace(self.media(leg), security=end.security, **changes)  # type: ignore[arg-type]
        self.engine.configure(CALL, leg, media)

    def _arrival(self, socket: int, datagram: bytes, source: tuple[str, int]) -> Act:
        end = self.ends.get(_leg_of(socket))
        if end is None:
            return super()._arrival(socket, datagram, source)
        if (socket, datagram) not in self._locked:
            # What the network doubles is the same packet twice.
            self._locked[socket, datagram] = end.lock(datagram)
        return self.arrives(self._locked[socket, datagram], socket=socket, source=source)

    def arrives(self, datagram: bytes, *, socket: int, source: tuple[str, int]) -> Act:
        """The arrival of octets as they are."""
        return super()._arrival(socket, datagram, source)

    def _collect(self) -> None:
        opened = []
        for socket, datagram, target in self.engine.outbox:
            end = self.ends.get(_leg_of(socket))
            opened.append((socket, datagram if end is None else end.open(datagram), target))
        self.engine.outbox[:] = opened
        super()._collect()


def _leg_of(socket: int) -> Leg:
    sockets: LegSockets = SOCKETS[Leg.AGENT]
    return Leg.AGENT if socket in (sockets.rtp, sockets.rtcp) else Leg.CUSTOMER
