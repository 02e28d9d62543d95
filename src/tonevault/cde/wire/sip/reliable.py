"""Reliable provisional responses (RFC 3262): what we sent and the peer has yet to PRACK, and what we received and have to PRACK."""

from enum import Enum, auto

from tonevault.cde.wire.sip.cseq import CSeq, RAck
from tonevault.cde.wire.sip.errors import SipParseError
from tonevault.cde.wire.sip.limits import MAX_DELTA_SECONDS, MAX_QUEUED_RELIABLE
from tonevault.cde.wire.sip.message import Request, Response

OPTION = "100rel"
"""The option tag, in Supported and Require (RFC 3262 section 8.1)."""


def is_reliable(response: Response) -> bool:
    """Whether this response asks for a PRACK: 101–199 with RSeq and `Require: 100rel`."""
    if not 100 < response.status < 200 or "RSeq" not in response.headers:
        return False
    try:
        return response.headers.has_option("Require", OPTION)
    except SipParseError:
        return False


def rseq_of(response: Response) -> int:
    """The number of a reliable response. Raises SipParseError."""
    number = response.number("RSeq", MAX_DELTA_SECONDS)
    if number is None or number == 0:
        raise SipParseError("RSeq", "is a number from 1 on (RFC 3262 section 7.1)")
    return number


def rack_of(request: Request) -> RAck:
    """Which response a PRACK acknowledges. Raises SipParseError."""
    value = request.headers.get("RAck")
    if value is None:
        raise SipParseError("RAck", "is missing")
    return RAck.parse(value)


def make_reliable(response: Response, rseq: int) -> None:
    """Mark our provisional response as reliable under this number: one more than that of the last, the first from 1 to 2**31 - 1."""
    if not 100 < response.status < 200:
        raise ValueError("status: only 101 to 199 can be sent reliably (RFC 3262 section 3)")
    response.headers.set("RSeq", str(rseq))
    if not response.headers.has_option("Require", OPTION):
        response.headers.add("Require", OPTION)


class ReliableSender:
    """Our reliable responses to one INVITE: one is outstanding, later ones wait for its PRACK (RFC 3262 section 3)."""

    __slots__ = ("_outstanding_rseq", "_queued", "outstanding_data")

    def __init__(self) -> None:
        self._outstanding_rseq: int | None = None
        self._queued: list[Response] = []
        self.outstanding_data = b""

    def offer(self, response: Response) -> bool:
        """Whether to send this response now. Otherwise it waits; when too many wait, the oldest of those is given up."""
        if self._outstanding_rseq is None:
            self._outstanding_rseq = rseq_of(response)
            self.outstanding_data = response.encode()
            return True
        if len(self._queued) == MAX_QUEUED_RELIABLE:
            self._queued.pop(0)
        self._queued.append(response)
        return False

    def acknowledge(self, rseq: int) -> bool:
        """Whether the PRACK of this number is the one that is waited for."""
        if rseq != self._outstanding_rseq:
            return False
        self._outstanding_rseq = None
        self.outstanding_data = b""
        return True

    def take_queued(self) -> Response | None:
        """The next response that waited; it is to be offered again."""
        return self._queued.pop(0) if self._queued else None


class Order(Enum):
    """What to do with a reliable provisional response that came in (RFC 3262 section 4)."""

    NEW = auto()
    """Use it and send its PRACK."""

    AGAIN = auto()
    """A retransmission: the PRACK is under way in its own transaction."""

    EARLY = auto()
    """One before it is missing: neither used nor acknowledged; the peer sends it again."""


class ReliableReceiver:
    """The reliable responses within one early dialog of a request of ours."""

    __slots__ = ("_last",)

    def __init__(self) -> None:
        self._last: int | None = None

    def receive(self, response: Response) -> Order:
        """Place a response that `is_reliable`. Raises SipParseError."""
        number = rseq_of(response)
        if self._last is None or number == self._last + 1:
            self._last = number
            return Order.NEW
        return Order.AGAIN if number <= self._last else Order.EARLY


def rack_for(response: Response) -> str:
    """The RAck value of the PRACK to this response. Raises SipParseError."""
    return RAck(rseq_of(response), CSeq(response.cseq.number, response.cseq.method)).text()
