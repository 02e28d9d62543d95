"""A dialog (RFC 3261 section 12): who talks to whom, by which route, in which sequence. It sends nothing itself."""

from collections.abc import Sequence
from typing import NamedTuple

from tonevault.cde.wire.sip.cseq import CSeq
from tonevault.cde.wire.sip.errors import SipDialogError
from tonevault.cde.wire.sip.headers import Headers
from tonevault.cde.wire.sip.limits import MAX_CSEQ
from tonevault.cde.wire.sip.message import Request, Response
from tonevault.cde.wire.sip.name_addr import NameAddr
from tonevault.cde.wire.sip.reticent import Reticent
from tonevault.cde.wire.sip.typed_headers import add_cseq, add_from, add_to
from tonevault.cde.wire.sip.uri import SipUri

_TARGET_REFRESH = frozenset({"INVITE", "UPDATE", "SUBSCRIBE", "NOTIFY", "REFER"})
"""Methods whose Contact moves the remote target (RFC 3261 section 12.2, RFC 3311 section 5.1, RFC 6665 section 4.4.1)."""

FAREWELL_LEAP = 1_000_000
"""More requests than a dialog ever sends; a gap in the sequence is allowed."""


class DialogId(NamedTuple):
    """Call-ID, our tag and the peer's tag; "" for a tag that is not there (yet, or ever with an RFC 2543 peer)."""

    call_id: str
    local_tag: str
    remote_tag: str

    def __repr__(self) -> str:
        return "<DialogId>"


class Dialog(Reticent):
    """One dialog of ours. `local` and `remote` are the From and To of our requests, tags included; `remote_target` is their Request-URI."""

    __slots__ = (
        "_local_cseq",
        "_remote_cseq",
        "call_id",
        "confirmed",
        "local",
        "remote",
        "remote_target",
        "route_set",
    )

    def __init__(
        self,
        *,
        call_id: str,
        local: NameAddr,
        remote: NameAddr,
        remote_target: SipUri,
        route_set: Sequence[NameAddr],
        local_cseq: int,
        remote_cseq: int | None,
        confirmed: bool,
    ) -> None:
        self.call_id = call_id
        self.local = local
        self.remote = remote
        self.remote_target = remote_target.without_headers()
        self.route_set = list(route_set)
        self.confirmed = confirmed
        self._local_cseq = local_cseq
        self._remote_cseq = remote_cseq

    @classmethod
    def as_caller(cls, invite: Request, response: Response) -> "Dialog":
        """From the INVITE (or SUBSCRIBE, REFER) that we sent and a 101–299 response to it. Raises SipParseError."""
        contact = response.contact
        return cls(
            call_id=invite.call_id,
            local=invite.from_,
            remote=response.to,
            remote_target=contact.uri if contact is not None else invite.uri,
            route_set=list(reversed(response.record_routes)),
            local_cseq=invite.cseq.number,
            remote_cseq=None,
            confirmed=response.is_success,
        )

    @classmethod
    def as_callee(cls, invite: Request, response: Response) -> "Dialog":
        """From the INVITE that we received and our 101–299 response to it, whose To tag is ours. Raises SipParseError."""
        contact = invite.contact
        return cls(
            call_id=invite.call_id,
            local=response.to,
            remote=invite.from_,
            # RFC 2543 callers may leave the Contact out: then From is all there is.
            remote_target=contact.uri if contact is not None else invite.from_.uri,
            route_set=invite.record_routes,
            local_cseq=0,
            remote_cseq=invite.cseq.number,
            confirmed=response.is_success,
        )

    @property
    def id(self) -> DialogId:
        """By which messages of the dialog are found."""
        return DialogId(self.call_id, self.local.tag or "", self.remote.tag or "")

    @property
    def next_hop(self) -> SipUri:
        """Where a request goes first: the first route, or the remote target."""
        return self.route_set[0].uri if self.route_set else self.remote_target

    def request(
        self, method: str, *, contact: SipUri | None = None, body: bytes = b"", content_type: str = ""
    ) -> Request:
        """A request within the dialog: next CSeq, route set, tags. Give `contact` for INVITE, UPDATE, SUBSCRIBE, NOTIFY and REFER.

        Add further headers to the result. ACK has its own verb, CANCEL is the stack's.
        """
        if method in ("ACK", "CANCEL"):
            raise ValueError("method: use Dialog.ack, or SipStack.cancel")
        return self._build(method, self._next_cseq(), contact, body, content_type)

    def farewell(self) -> Request:
        """A BYE to be kept for later: numbered far ahead, so that it is in order after whatever is still sent (RFC 3261 section 12.2.2)."""
        return self._build("BYE", min(self._local_cseq + FAREWELL_LEAP, MAX_CSEQ), None, b"", "")

    def ack(self, invite: Request, *, body: bytes = b"", content_type: str = "") -> Request:
        """The ACK to a 2xx to this INVITE of ours: its CSeq number and credentials (RFC 3261 section 13.2.2.4)."""
        ack = self._build("ACK", invite.cseq.number, None, body, content_type)
        for name in ("Authorization", "Proxy-Authorization"):
            for value in invite.headers.get_all(name):
                ack.headers.add(name, value)
        return ack

    def again(self, request: Request) -> Request:
        """A request of ours to send once more, under the next CSeq: after 401, 407, 422 or 491. Change its other headers as needed."""
        repeated = request.copy()
        repeated.headers.set("CSeq", CSeq(self._next_cseq(), request.method).text())
        return repeated

    def receive_request(self, request: Request) -> None:
        """Check a request's sequence and take over its Contact. Raises SipDialogError with the status to answer (500 out of order)."""
        number = request.cseq.number
        if request.method not in ("ACK", "CANCEL"):
            if self._remote_cseq is not None and number < self._remote_cseq:
                raise SipDialogError("CSeq: lower than one before (RFC 3261 section 12.2.2)", status=500)
            self._remote_cseq = number
        if request.method in _TARGET_REFRESH:
            self._refresh_target(request.contact)

    def receive_response(self, request: Request, response: Response) -> None:
        """Take over from a response to our request: a 2xx to its INVITE confirms an early dialog, any 2xx refreshes the target."""
        if request.method == "INVITE" and not self.confirmed and response.status > 100:
            # RFC 3261 section 13.2.2.4: the route set of the 2xx replaces that of the provisional response.
            if response.is_success:
                self.confirmed = True
                self.route_set = list(reversed(response.record_routes))
            if not self.remote.tag:
                self.remote = response.to
        if response.is_success and request.method in _TARGET_REFRESH:
            self._refresh_target(response.contact)

    def _refresh_target(self, contact: NameAddr | None) -> None:
        if contact is not None:
            self.remote_target = contact.uri.without_headers()

    def _next_cseq(self) -> int:
        if self._local_cseq >= MAX_CSEQ:
            raise SipDialogError("CSeq: used up (RFC 3261 section 8.1.1.5); end the dialog", status=500)
        self._local_cseq += 1
        return self._local_cseq

    def _build(
        self, method: str, cseq: int, contact: SipUri | None, body: bytes, content_type: str
    ) -> Request:
        uri, routes = self.remote_target, self.route_set
        if routes and not routes[0].uri.is_loose_router:
            # RFC 3261 section 12.2.1.1: a strict router wants itself in the Request-URI and the target as the last route.
            uri, routes = routes[0].uri.without_headers(), [*routes[1:], NameAddr(self.remote_target)]
        headers = Headers([("Max-Forwards", "70")])
        for route in routes:
            headers.add("Route", route.text())
        add_from(headers, self.local)
        add_to(headers, self.remote)
        headers.add("Call-ID", self.call_id)
        add_cseq(headers, CSeq(cseq, method))
        if contact is not None:
            headers.add("Contact", NameAddr(contact).text())
        if body:
            headers.add("Content-Type", content_type or "application/sdp")
        return Request(method, uri, headers, body)


def dialog_id_of_request(request: Request) -> DialogId:
    """The dialog that an incoming request names: its To tag is ours."""
    return DialogId(request.call_id, request.to.tag or "", request.from_.tag or "")


def dialog_id_of_response(response: Response) -> DialogId:
    """The dialog that a response to a request of ours names: its From tag is ours."""
    return DialogId(response.call_id, response.from_.tag or "", response.to.tag or "")
