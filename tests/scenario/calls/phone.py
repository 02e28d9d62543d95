"""A scripted telephone over a SipStack: it dials, answers, and remembers every message; a play sets how it behaves."""

from collections.abc import Callable

from tonevault.cde.wire.sip.cseq import CSeq
from tonevault.cde.wire.sip.dialog import Dialog
from tonevault.cde.wire.sip.events import (
    AckReceived,
    CancelReceived,
    ClientKey,
    RequestReceived,
    ResponseReceived,
    ServerKey,
    SipEvent,
    TransactionTimedOut,
)
from tonevault.cde.wire.sip.headers import Headers
from tonevault.cde.wire.sip.message import Request, Response
from tonevault.cde.wire.sip.name_addr import NameAddr
from tonevault.cde.wire.sip.parameters import NO_PARAMETERS, Parameters
from tonevault.cde.wire.sip.peer import Peer, Transport
from tonevault.cde.wire.sip.response import make_response
from tonevault.cde.wire.sip.uri import SipUri
from tonevault.testing.network import SimulatedHost, SimulatedNetwork

SDP = "application/sdp"


def sdp(
    host: str, *, port: int = 4000, formats: str = "0 8 101", direction: str = "sendrecv", version: int = 1
) -> bytes:
    """A phone's description."""
    rows = [
        "v=0",
        f"o=- 9 {version} IN IP4 {host}",
        "s=-",
        f"c=IN IP4 {host}",
        "t=0 0",
        f"m=audio {port} RTP/AVP {formats}",
    ]
    if "101" in formats.split():
        rows += ["a=rtpmap:101 telephone-event/8000", "a=fmtp:101 0-15"]
    rows.append(f"a={direction}")
    return "".join(f"{row}\r\n" for row in rows).encode()


class Phone:
    """One far end of a call. Lists hold what came in; `on_invite` and `on_request` may be replaced by a play."""

    def __init__(
        self,
        network: SimulatedNetwork,
        host: str,
        *,
        transport: Transport = Transport.UDP,
        answer_after: float | None = 1.0,
    ) -> None:
        self.network = network
        self.node = SimulatedHost(network, host)
        self.node.on_event = self._event
        self.transport = transport
        self.answer_after = answer_after
        self.offer = sdp(host)
        self.answer = sdp(host)
        self.requests: list[Request] = []
        self.responses: list[Response] = []
        self.acks: list[Request] = []
        self.timeouts = 0
        self.dialog: Dialog | None = None
        self.invites: dict[ClientKey, Request] = {}
        self.ringing: list[tuple[ServerKey, Request]] = []
        self.cancelled = False
        self.extra: list[tuple[str, str]] = []
        self.hold_ack = False
        self.hops = "70"
        self.ack_body = b""
        self.tag = self.node.new_tag()
        self.on_invite: Callable[[ServerKey, Request], None] = self._ring
        self.on_request: Callable[[ServerKey, Request], bool] = lambda _key, _request: False

    @property
    def uri(self) -> SipUri:
        return SipUri(user="phone", host=self.node.host, port=self.node.port, parameters=self._parameters())

    def _parameters(self) -> Parameters:
        if self.transport is Transport.UDP:
            return NO_PARAMETERS
        return Parameters((("transport", self.transport.value.lower()),))

    # Doing.

    def dial(
        self,
        edge: Peer,
        user: str = "4420",
        *,
        body: bytes | None = None,
        headers: tuple[tuple[str, str], ...] = (),
    ) -> ClientKey:
        """An INVITE to the edge."""
        body = self.offer if body is None else body
        fields = Headers(
            [
                ("Max-Forwards", self.hops),
                ("From", f"<sip:+441632960001@{self.node.host}>;tag={self.node.new_tag()}"),
                ("To", f"<sip:{user}@{edge.host}>"),
                ("Call-ID", self.node.new_call_id()),
                ("CSeq", CSeq(1, "INVITE").text()),
                ("Contact", NameAddr(self.uri).text()),
                *headers,
            ]
        )
        if body:
            fields.add("Content-Type", SDP)
        return self._invite(
            Request("INVITE", SipUri(user=user, host=edge.host, port=edge.port), fields, body), edge
        )

    def _invite(self, request: Request, peer: Peer) -> ClientKey:
        key = self.node.send_request(request, peer)
        self.invites[key] = request
        return key

    def send(
        self,
        method: str,
        *,
        body: bytes = b"",
        content_type: str = "",
        headers: tuple[tuple[str, str], ...] = (),
    ) -> ClientKey:
        """A request in the dialog."""
        assert self.dialog is not None
        request = self.dialog.request(method, contact=self.uri, body=body, content_type=content_type)
        for name, value in headers:
            request.headers.add(name, value)
        if method == "INVITE":
            return self._invite(request, self.hop())
        return self.node.send_request(request, self.hop())

    def hop(self) -> Peer:
        assert self.dialog is not None
        hop = self.dialog.next_hop
        return Peer(self.transport, hop.host, hop.port or 5060)

    def accept(
        self,
        key: ServerKey,
        request: Request,
        *,
        status: int = 200,
        body: bytes | None = None,
        headers: tuple[tuple[str, str], ...] = (),
    ) -> None:
        """Answer a request; 101 to 299 to an INVITE with our Contact, which makes the dialog."""
        makes_dialog = request.method in {"INVITE", "UPDATE"} and status < 300
        content = (self.answer if body is None else body) if makes_dialog and status != 180 else (body or b"")
        response = make_response(
            request, status, to_tag=self.tag, body=content, content_type=SDP if content else ""
        )
        if makes_dialog:
            response.headers.add("Contact", NameAddr(self.uri).text())
        for name, value in (*headers, *self.extra):
            response.headers.add(name, value)
        if makes_dialog and request.method == "INVITE" and self.dialog is None:
            self.dialog = Dialog.as_callee(request, response)
        self.node.respond(key, response)

    def _ring(self, key: ServerKey, request: Request) -> None:
        self.accept(key, request, status=180)
        self.ringing.append((key, request))
        if self.answer_after is not None:
            self.network.after(self.answer_after, self.pick_up)

    def pick_up(self) -> None:
        if self.ringing:
            self.accept(*self.ringing.pop())

    # Hearing.

    def _event(self, event: SipEvent) -> None:
        match event:
            case RequestReceived():
                self._request(event.key, event.request)
            case ResponseReceived():
                self._response(event)
            case AckReceived():
                self.acks.append(event.request)
            case CancelReceived():
                self.cancelled = True
                self.ringing = [entry for entry in self.ringing if entry[0] != event.key]
                self.accept(event.key, self.requests[-1], status=487)
            case TransactionTimedOut():
                self.timeouts += 1
            case _:
                pass

    def _request(self, key: ServerKey, request: Request) -> None:
        self.requests.append(request)
        if self.dialog is not None and request.to.tag is not None:
            self.dialog.receive_request(request)
        if self.on_request(key, request):
            return
        if request.method == "INVITE" and request.to.tag is None:
            self.on_invite(key, request)
        else:
            self.accept(key, request)

    def _response(self, event: ResponseReceived) -> None:
        response = event.response
        self.responses.append(response)
        invite = self.invites.get(event.key)
        if invite is None or not response.is_success:
            return
        if self.dialog is None:
            self.dialog = Dialog.as_caller(invite, response)
        self.dialog.receive_response(invite, response)
        if not self.hold_ack:
            self.node.send_ack(
                self.dialog.ack(invite, body=self.ack_body, content_type=SDP if self.ack_body else ""),
                self.hop(),
            )

    # Asking.

    def methods(self) -> list[str]:
        return [request.method for request in self.requests]

    def statuses(self, method: str = "INVITE") -> list[int]:
        return [response.status for response in self.responses if response.cseq.method == method]

    def last(self, method: str) -> Request:
        return next(request for request in reversed(self.requests) if request.method == method)
