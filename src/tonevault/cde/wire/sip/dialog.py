"""A dialog (RFC 3261 section 12): who talks to whom, by which route, in which sequence. It sends nothing itself."""

from dataclasses import dataclass

from tonevault.cde.wire.sip.message import Request, Response
from tonevault.cde.wire.sip.name_addr import NameAddr
from tonevault.cde.wire.sip.reticent import Reticent
from tonevault.cde.wire.sip.uri import SipUri


@dataclass(frozen=True, slots=True, repr=False)
class DialogId(Reticent):
    """Call-ID, our tag and the peer's tag; "" for a tag that is not known yet."""

    call_id: str
    local_tag: str
    remote_tag: str


class Dialog:
    """One dialog of ours. `local` and `remote` are the From and To of our requests, tags included; `remote_target` is their Request-URI."""

    id: DialogId
    local: NameAddr
    remote: NameAddr
    remote_target: SipUri
    route_set: list[NameAddr]
    confirmed: bool

    @classmethod
    def as_caller(cls, invite: Request, response: Response) -> "Dialog":
        """From the INVITE (or SUBSCRIBE, REFER) that we sent and a 101–299 response with a To tag. Raises SipParseError."""
        raise NotImplementedError

    @classmethod
    def as_callee(cls, invite: Request, response: Response) -> "Dialog":
        """From the INVITE that we received and our 101–299 response to it (its To tag is ours). Raises SipParseError."""
        raise NotImplementedError

    def request(
        self, method: str, *, contact: SipUri | None = None, body: bytes = b"", content_type: str = ""
    ) -> Request:
        """A request within the dialog: next CSeq, route set, tags. Give `contact` for INVITE, UPDATE, SUBSCRIBE, REFER, NOTIFY."""
        raise NotImplementedError

    def ack(self, invite: Request, *, body: bytes = b"", content_type: str = "") -> Request:
        """The ACK to a 2xx to this INVITE of ours (first or re-INVITE): its CSeq number and credentials (RFC 3261 section 13.2.2.4)."""
        raise NotImplementedError

    @property
    def next_hop(self) -> SipUri:
        """Where a request goes first: the first route, or the remote target."""
        raise NotImplementedError

    def receive_request(self, request: Request) -> None:
        """Check a request's sequence and take over its Contact. Raises SipDialogError with the status to answer (500 out of order)."""
        raise NotImplementedError

    def receive_response(self, request: Request, response: Response) -> None:
        """Take over from a response to our request: an early dialog becomes confirmed, a 2xx refreshes the target."""
        raise NotImplementedError


def dialog_id_of_request(request: Request) -> DialogId:
    """The dialog that an incoming request names."""
    raise NotImplementedError


def dialog_id_of_response(response: Response) -> DialogId:
    """The dialog that a response to a request of ours names."""
    raise NotImplementedError
