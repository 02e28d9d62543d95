"""The whole edge as a target: the core and the switch in simulated time, between a customer and an agent who mean it no good."""

from collections import deque
from datetime import UTC, datetime, timedelta
from ipaddress import ip_network
from random import Random
from typing import Final

from tests.fuzz import corpus
from tests.fuzz.mutation import Mutator
from tonevault.cde.edge.observer import CallInfo
from tonevault.cde.edge.routes import Route, RouteTable
from tonevault.cde.edge.switch import Switch
from tonevault.cde.media import Carrier, KeyReport, Leg, LegMedia, MaskMode, MediaAddress, MediaPorts
from tonevault.cde.sealed.key import Key
from tonevault.cde.wire.sip.dialog import Dialog
from tonevault.cde.wire.sip.errors import SipError
from tonevault.cde.wire.sip.events import ClientKey, ServerKey
from tonevault.cde.wire.sip.message import Request, Response
from tonevault.cde.wire.sip.parser import parse_message
from tonevault.cde.wire.sip.peer import Address, Peer, Transport
from tonevault.cde.wire.sip.response import make_response
from tonevault.cde.wire.sip.stack import SipStack
from tonevault.cde.wire.sip.uri import SipUri
from tonevault.kernel.ids import AccountId, CallId

EDGE, CUSTOMER, AGENT = "198.51.100.1", "192.0.2.10", "203.0.113.20"
LONGEST_WAIT_S: Final = 4_000.0
"""Session timers run for half an hour, and what they set off for a minute more."""
KEPT: Final = 24
"""Messages of the edge that are still to be answered; older ones never are."""
STEPS: Final = 100_000
"""Timers in the end: more would be one that sets itself for ever."""
IN_CALL: Final = (
    "BYE",
    "INFO",
    "INVITE",
    "UPDATE",
    "REFER",
    "NOTIFY",
    "MESSAGE",
    "OPTIONS",
    "SUBSCRIBE",
    "PRACK",
    "CANCEL",
    "FOO",
)


class CountedMedia:
    """A media plane that counts what is open."""

    def __init__(self) -> None:
        self.open_calls: set[CallId] = set()
        self._port = 20_000

    def open(self, call_id: CallId) -> MediaPorts:
        self.open_calls.add(call_id)
        self._port = 20_000 + (self._port + 4) % 20_000
        first, second = (MediaAddress(EDGE, port, port + 1) for port in (self._port, self._port + 2))
        return MediaPorts(first, second)

    def configure(self, call_id: CallId, leg: Leg, media: LegMedia) -> None: ...
    def start_capture(self, call_id: CallId, mode: MaskMode) -> None: ...
    def set_mask(self, call_id: CallId, mode: MaskMode) -> None: ...
    def stop_capture(self, call_id: CallId) -> None: ...
    def beep(self, call_id: CallId, key: Key, onset: float) -> None: ...

    def close(self, call_id: CallId) -> None:
        self.open_calls.discard(call_id)


class Silence:
    """An observer who keeps nothing."""

    def call_arrived(self, call: CallInfo) -> None: ...
    def call_ringing(self, call: CallInfo) -> None: ...
    def call_answered(self, call: CallInfo) -> None: ...
    def legs_secured(self, call: CallInfo) -> None: ...
    def call_ended(self, call: CallInfo) -> None: ...
    def key_pressed(self, report: KeyReport) -> None: ...
    def key_held(self, call_id: CallId, carrier: Carrier, until: float) -> None: ...
    def mask_changed(self, call_id: CallId, mode: MaskMode) -> None: ...
    def peer_refused(self, reason: str) -> None: ...


class WholeEdge:
    """Feeds messages of three kinds: mutated ones of the corpus, answers to what the edge sent, and requests within its dialogs."""

    name = "SIP, the whole edge"

    def __init__(self, random: Random) -> None:
        self._random, self._mutator = random, Mutator(random)
        self.now = 0.0
        self.stack = SipStack(entropy=random.randbytes, local_address=self.local_address)
        self.media = CountedMedia()
        route = Route(
            name="inbound",
            account=AccountId("acme"),
            peers=(ip_network("192.0.2.0/24"),),
            destination=SipUri.parse(f"sip:{AGENT}"),
            max_calls=10_000,
            srtp_over_plain_sip=True,
        )
        self.switch = Switch(
            signalling=self,
            media=self.media,
            routes=RouteTable((route,)),
            observer=Silence(),
            clock=self,
            entropy=random.randrange,
        )
        self._said: deque[tuple[Peer, bytes]] = deque(maxlen=KEPT)
        self._dialogs: deque[tuple[Peer, Dialog]] = deque(maxlen=KEPT)
        self._from = Peer(Transport.UDP, CUSTOMER, 5060)
        self._calls = 0

    # What the switch wants of its surroundings.

    def monotonic(self) -> float:
        return self.now

    def utc(self) -> datetime:
        return datetime(2026, 1, 2, tzinfo=UTC) + timedelta(seconds=self.now)

    def local_address(self, peer: Peer) -> Address:
        return Address(EDGE, 5060)

    def new_tag(self) -> str:
        return self.stack.new_tag()

    def new_call_id(self) -> str:
        return self.stack.new_call_id()

    def send_request(self, request: Request, peer: Peer) -> ClientKey:
        return self.stack.send_request(request, peer, self.now)

    def send_ack(self, request: Request, peer: Peer) -> None:
        self.stack.send_ack(request, peer, self.now)

    def cancel(self, key: ClientKey) -> None:
        self.stack.cancel(key, self.now)

    def respond(self, key: ServerKey, response: Response) -> None:
        self.stack.respond(key, response, self.now)

    # The target.

    def make(self) -> bytes:
        """See Target; also chooses who sends it."""
        roll = self._random.random()
        transport = self._random.choice((Transport.UDP, Transport.UDP, Transport.TCP, Transport.TLS))
        self._from = Peer(transport, self._random.choice((CUSTOMER, CUSTOMER, AGENT)), 5060)
        if roll < 0.4 and self._said:
            made = self._answer(*self._random.choice(self._said))
        elif roll < 0.6 and self._dialogs:
            made = self._in_dialog(*self._random.choice(self._dialogs))
        elif roll < 0.7:
            made = self._call()
        else:
            made = self._random.choice(corpus.SIP)
        return made if self._random.random() < 0.3 else self._mutator.text(made, corpus.SIP)

    def feed(self, data: bytes) -> bool:
        """See Target: taken means that the edge had something to say to it."""
        self._pass_time(self._random.choice((0.0, 0.0, 0.05, 0.6, 5.0)))
        self.stack.receive(data, self._from, self.now)
        said = self._pump()
        if self._random.random() < 0.01:
            for call in self.switch.calls()[:2]:
                self._capture(call.call_id)
        return said > 0

    def left(self) -> dict[str, int]:
        """After more than an hour without a word from anybody."""
        end = self.now + LONGEST_WAIT_S
        for _ in range(STEPS):
            due = self._next()
            if due is None or due > end:
                break
            self._pass_time(max(0.0, due - self.now))
        board = self.switch._board
        return {
            "transactions": self.stack.open_transactions,
            "core timers": self.stack.next_timer() is not None,
            "calls": len(board.calls),
            "outcomes": len(board._outcomes),
            "invites": len(board._invites),
            "dialogs": len(board.dialogs._entries) + len(board.dialogs._hosts) + len(board.dialogs._of_call),
            "alarms": len(board.alarms) + len(board.alarms._alarms),
            "media": len(self.media.open_calls),
            "indices": len(self.stack._servers._merges)
            + len(self.stack._servers._replies)
            + len(self.stack._clients._invites),
        }

    # Inside.

    def _capture(self, call_id: CallId) -> None:
        live = {call.call_id for call in self.switch.calls() if call.answered_at is not None}
        if call_id in live:
            if self._random.random() < 0.5:
                self.switch.start_capture(call_id, MaskMode.TALK)
            else:
                self.switch.stop_capture(call_id, self.now)

    def _next(self) -> float | None:
        due = [moment for moment in (self.stack.next_timer(), self.switch.next_alarm()) if moment is not None]
        return min(due, default=None)

    def _pass_time(self, seconds: float) -> None:
        self.now += seconds
        self.stack.handle_timers(self.now)
        self._pump()
        self.switch.ring_alarms(self.now)
        self._pump()

    def _pump(self) -> int:
        said = 0
        while True:
            while (sent := self.stack.next_datagram()) is not None:
                self._said.append(sent)
                said += 1
            event = self.stack.next_event()
            if event is None:
                return said
            self.switch.handle(event, self.now)

    def _call(self) -> bytes:
        self._calls += 1
        body = self._random.choice(corpus.SDP)
        self._from = Peer(self._from.transport, CUSTOMER, 5060)
        head = (
            f"INVITE sip:4420@{EDGE} SIP/2.0",
            f"Via: SIP/2.0/{self._from.transport.value} {CUSTOMER};branch=z9hG4bK{self._calls};rport",
            "Max-Forwards: 70",
            f"From: <sip:+441632960001@{CUSTOMER}>;tag=c{self._calls}",
            f"To: <sip:4420@{EDGE}>",
            f"Call-ID: fuzz-{self._calls}",
            "CSeq: 1 INVITE",
            f"Contact: <sip:me@{CUSTOMER}>",
            "Supported: 100rel, timer",
            "Content-Type: application/sdp",
            f"Content-Length: {len(body)}",
        )
        return "\r\n".join((*head, "", "")).encode() + body

    def _answer(self, to: Peer, data: bytes) -> bytes:
        """A response to a request of the edge's, or the ACK to its answer; either may make a dialog of which requests follow."""
        self._from = to
        message = parse_message(data)
        if isinstance(message, Request):
            body = self._random.choice((b"", *corpus.SDP))
            status = self._random.choice(
                (100, 180, 183, 200, 200, 200, 202, 302, 404, 408, 422, 481, 486, 491, 503, 603)
            )
            response = make_response(message, status, to_tag=self._random.choice(("a", "b")), body=body)
            response.headers.add("Contact", f"<sip:{to.host}>")
            if status in {180, 183} and self._random.random() < 0.3:
                response.headers.add("Require", "100rel")
                response.headers.add("RSeq", str(self._random.randint(1, 3)))
            self._remember(to, lambda: Dialog.as_callee(message, response))
            return response.encode()
        try:
            invite = Request("INVITE", SipUri(host=EDGE), message.headers.copy())
            dialog = Dialog.as_caller(invite, message)
        except SipError:
            return data
        self._remember(to, lambda: dialog)
        return self._with_via(dialog.ack(invite), to)

    def _remember(self, peer: Peer, make: object) -> None:
        try:
            self._dialogs.append((peer, make()))  # type: ignore[operator]
        except SipError:
            return

    def _in_dialog(self, peer: Peer, dialog: Dialog) -> bytes:
        self._from = peer
        method = self._random.choice(IN_CALL)
        body = self._random.choice((b"", b"Signal=5\r\nDuration=160\r\n", *corpus.SDP))
        kind = self._random.choice(
            ("application/sdp", "application/dtmf-relay", "application/dtmf", "message/sipfrag")
        )
        try:
            request = dialog.request(
                "FOO" if method == "CANCEL" else method,
                contact=SipUri(host=peer.host),
                body=body,
                content_type=kind,
            )
        except SipError:
            return b""
        for name, value in (
            ("Refer-To", f"<sip:x@{AGENT}>"),
            ("Event", "refer"),
            ("RAck", "1 1 INVITE"),
            ("Session-Expires", "90"),
        ):
            if self._random.random() < 0.3:
                request.headers.add(name, value)
        return self._with_via(request, peer)

    def _with_via(self, request: Request, peer: Peer) -> bytes:
        branch = self._random.randrange(10**9)
        request.headers.prepend("Via", f"SIP/2.0/{peer.transport.value} {peer.host};branch=z9hG4bK{branch}")
        return request.encode()
