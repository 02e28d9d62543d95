"""What is fed: each reader of peers' input, with the refusals that it documents, and what it must have let go of at the end."""

from collections.abc import Sequence
from random import Random
from typing import Final, Protocol

from tests.fuzz import corpus
from tests.fuzz.mutation import Mutator
from tonevault.cde.edge.relay.call_media import LegSockets
from tonevault.cde.edge.relay.engine import MediaEngine
from tonevault.cde.media import Codec, Leg, LegMedia, MaskMode, MediaAddress, MediaPorts
from tonevault.cde.wire.rtcp import RtcpError, parse_rtcp
from tonevault.cde.wire.rtp import RtpError, build_rtp, parse_rtp
from tonevault.cde.wire.sdp.errors import SdpError
from tonevault.cde.wire.sdp.offer_answer import OfferAnswer
from tonevault.cde.wire.sdp.parse import parse
from tonevault.cde.wire.sdp.serialise import serialise
from tonevault.cde.wire.sip.errors import SipParseError
from tonevault.cde.wire.sip.framing import StreamFramer
from tonevault.cde.wire.sip.message import Request
from tonevault.cde.wire.sip.parser import parse_message
from tonevault.cde.wire.sip.validation import check_request, check_response


class Target(Protocol):
    """One reader of hostile input."""

    name: str

    def make(self) -> bytes:
        """The next input."""

    def feed(self, data: bytes) -> bool:
        """Whether it was taken. False for a documented refusal; anything that is raised is a crash."""

    def left(self) -> dict[str, int]:
        """What is still held once every time-out has passed, by name: all must be 0."""


class _Stateless:
    """A pure function of its input: nothing can be left."""

    def left(self) -> dict[str, int]:
        """Nothing."""
        return {}


class RtpParser(_Stateless):
    """RTP packets; what was read is written again and read to the same."""

    name = "RTP packet"

    def __init__(self, random: Random) -> None:
        self._random, self._mutator = random, Mutator(random)

    def make(self) -> bytes:
        """See Target."""
        return self._mutator.octets(self._random.choice(corpus.RTP))

    def feed(self, data: bytes) -> bool:
        """See Target."""
        try:
            packet = parse_rtp(data)
        except RtpError:
            return False
        assert parse_rtp(build_rtp(packet)) == packet
        return True


class RtcpParser(_Stateless):
    """Compound RTCP packets."""

    name = "RTCP packet"

    def __init__(self, random: Random) -> None:
        self._random, self._mutator = random, Mutator(random)

    def make(self) -> bytes:
        """See Target."""
        return self._mutator.octets(self._random.choice(corpus.RTCP))

    def feed(self, data: bytes) -> bool:
        """See Target."""
        try:
            parse_rtcp(data)
        except RtcpError:
            return False
        return True


class SdpReader(_Stateless):
    """Descriptions: read and written again, offered by either leg and answered by the other."""

    name = "SDP, offer and answer"

    def __init__(self, random: Random) -> None:
        self._random, self._mutator = random, Mutator(random)

    def make(self) -> bytes:
        """See Target."""
        return self._mutator.text(self._random.choice(corpus.SDP), corpus.SDP)

    def feed(self, data: bytes) -> bool:
        """See Target."""
        ports = MediaPorts(
            MediaAddress("198.51.100.1", 20_000, 20_001), MediaAddress("198.51.100.1", 20_002, 20_003)
        )
        exchange = OfferAnswer(ports, {Leg.CUSTOMER: 1, Leg.AGENT: 2})
        try:
            description = parse(data)
            assert serialise(parse(serialise(description))) == serialise(description)
            parse(exchange.offer(Leg.CUSTOMER, data))
            parse(exchange.answer(Leg.AGENT, self._random.choice((data, self.make(), corpus.SDP[0]))))
            exchange.settle()
        except SdpError:
            return False
        finally:
            exchange.destroy()
        return True


class SipParser(_Stateless):
    """Messages: every typed header asked for; what was read is written again and read to the same."""

    name = "SIP message"

    def __init__(self, random: Random) -> None:
        self._random, self._mutator = random, Mutator(random)

    def make(self) -> bytes:
        """See Target."""
        return self._mutator.text(self._random.choice(corpus.SIP), corpus.SIP)

    def feed(self, data: bytes) -> bool:
        """See Target."""
        try:
            message = parse_message(data)
            if isinstance(message, Request):
                check_request(message)
            else:
                check_response(message)
            again = parse_message(message.encode())
            assert type(again) is type(message)
            assert (again.cseq, again.from_, again.to, again.vias) == (
                message.cseq,
                message.from_,
                message.to,
                message.vias,
            )
            assert again.body == message.body
        except SipParseError:
            return False
        return True


class SipStream:
    """A connection that brings sound and hostile messages in pieces, and is closed at the first that cannot be framed."""

    name = "SIP over a stream"

    def __init__(self, random: Random) -> None:
        self._random, self._mutator = random, Mutator(random)
        self._framer = StreamFramer()

    def make(self) -> bytes:
        """See Target."""
        seeds: Sequence[bytes] = (*corpus.SIP, b"\r\n\r\n", b"\r\n")
        data = self._random.choice(seeds)
        return data if self._random.random() < 0.5 else self._mutator.text(data, corpus.SIP)

    def feed(self, data: bytes) -> bool:
        """See Target."""
        at = 0
        while at < len(data):
            step = self._random.choice((1, 7, 100, len(data)))
            self._framer.receive(data[at : at + step])
            at += step
            try:
                while self._framer.next_message() is not None:
                    pass
            except SipParseError:
                self._framer = StreamFramer()
                return False
            self._framer.take_pings()
        return True

    def left(self) -> dict[str, int]:
        """A connection holds one unfinished message, no more than the limit; a new one holds nothing."""
        self._framer = StreamFramer()
        return {"unfinished messages": not self._framer.is_between_messages}


_CUSTOMER, _AGENT, _STRANGER = ("192.0.2.10", 4000), ("192.0.2.20", 5000), ("203.0.113.9", 6000)
_SOCKETS: Final = (LegSockets(1, 2), LegSockets(3, 4))
_CALL_PACKETS: Final = 2_000
"""After so many datagrams the call is over and another begins: what the first has left shows."""


class RelayedCall:
    """The relay's engine with one call after another, in and out of captures: RTP and RTCP of both peers and of strangers."""

    name = "relay, RTP and RTCP"

    def __init__(self, random: Random) -> None:
        self._random, self._mutator = random, Mutator(random)
        self._engine = MediaEngine(random.randrange)
        self._now = 100.0
        self._fed = 0

    def make(self) -> bytes:
        """See Target."""
        seed = self._random.choice((*corpus.RTP, *corpus.RTP, *corpus.RTCP))
        return seed if self._random.random() < 0.3 else self._mutator.octets(seed)

    def feed(self, data: bytes) -> bool:
        """See Target."""
        engine, roll = self._engine, self._random.random()
        if self._fed % _CALL_PACKETS == 0:
            self._begin()
        self._fed += 1
        self._now += self._random.choice((0.0, 0.001, 0.02, 0.02, 0.3))
        if roll < 0.002:
            engine.start_capture(1, self._random.choice((MaskMode.TALK, MaskMode.HUSH)), self._now)
        elif roll < 0.004:
            engine.stop_capture(1, self._now)
        socket = self._random.choice((1, 1, 1, 2, 3, 3, 4))
        source = self._random.choice(
            (_CUSTOMER, _CUSTOMER, _STRANGER) if socket < 3 else (_AGENT, _AGENT, _STRANGER)
        )
        if socket in {2, 4}:
            source = (source[0], source[1] + 1)
        engine.receive(socket, data, source, self._now)
        engine.tick(self._now)
        sent = len(engine.outbox)
        engine.outbox.clear()
        engine.take_reports()
        return sent > 0

    def left(self) -> dict[str, int]:
        """See Target."""
        if self._engine.calls:
            self._engine.close(1, self._now)
        return {
            "calls": self._engine.calls,
            "inlets": len(self._engine._inlets),
            "flows": len(self._engine._flows),
        }

    def _begin(self) -> None:
        if self._engine.calls:
            self._engine.close(1, self._now)
        self._engine.open(1, *_SOCKETS, self._now)
        events = (Codec(101, "TELEPHONE-EVENT", 8000),)
        for leg, (host, port) in ((Leg.CUSTOMER, _CUSTOMER), (Leg.AGENT, _AGENT)):
            remote = MediaAddress(host, port, port + 1)
            codecs = (Codec(0, "PCMU", 8000), Codec(8, "PCMA", 8000))
            self._engine.configure(1, leg, LegMedia(remote, codecs, events))
