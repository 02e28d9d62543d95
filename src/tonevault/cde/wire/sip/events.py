"""What the stack tells its owner, and the keys by which transactions are named. None of it shows text of the peer's."""

from dataclasses import dataclass
from typing import NamedTuple

from tonevault.cde.wire.sip.message import Request, Response
from tonevault.cde.wire.sip.peer import Peer


class ClientKey(NamedTuple):
    """Names a request that we sent (RFC 3261 section 17.1.3)."""

    branch: str
    method: str

    def __repr__(self) -> str:
        return "<ClientKey>"


class ServerKey(NamedTuple):
    """Names a request that we received (RFC 3261 section 17.2.3). `branch` holds more than a branch for RFC 2543 peers."""

    branch: str
    sent_by: str
    method: str

    def __repr__(self) -> str:
        return "<ServerKey>"


@dataclass(frozen=True, slots=True)
class RequestReceived:
    """A new request, checked, never a retransmission, an ACK or a CANCEL. Answer it by `respond`; an INVITE already had its 100."""

    key: ServerKey
    request: Request
    peer: Peer


@dataclass(frozen=True, slots=True)
class CancelReceived:
    """The INVITE named by `key` is cancelled before its final answer. The CANCEL has been answered; answer the INVITE with 487."""

    key: ServerKey
    request: Request


@dataclass(frozen=True, slots=True)
class AckReceived:
    """The ACK to our 2xx to the INVITE named by `key`, once. Its body may hold the answer to an offer made in the 2xx."""

    key: ServerKey
    request: Request
    peer: Peer


@dataclass(frozen=True, slots=True)
class ResponseReceived:
    """A response to the request named by `key`. Provisional ones come as often as sent; a 2xx to an INVITE once a To tag."""

    key: ClientKey
    response: Response
    peer: Peer


@dataclass(frozen=True, slots=True)
class TransactionTimedOut:
    """No final response came (timers B and F of RFC 3261, or 64*T1 after a CANCEL). Treat it as 408."""

    key: ClientKey


@dataclass(frozen=True, slots=True)
class TransportFailed:
    """A request could not be delivered (treat as 503), or a response found no way back. A client transaction ends."""

    key: ClientKey | ServerKey


@dataclass(frozen=True, slots=True)
class AckTimedOut:
    """No ACK came within 64*T1 of the final response to this INVITE. After a 2xx, end the dialog by BYE (RFC 3261, 13.3.1.4)."""

    key: ServerKey
    status: int


@dataclass(frozen=True, slots=True)
class PrackTimedOut:
    """No PRACK came within 64*T1 of a reliable provisional response. The owner answers the INVITE with 5xx (RFC 3262 section 3)."""

    key: ServerKey


SipEvent = (
    RequestReceived
    | CancelReceived
    | AckReceived
    | ResponseReceived
    | TransactionTimedOut
    | TransportFailed
    | AckTimedOut
    | PrackTimedOut
)
