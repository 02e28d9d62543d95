"""By what a request is known again (RFC 3261 sections 8.2.2.2 and 17.2.3), and where its answer goes (section 18.2, RFC 3581)."""

from tonevault.cde.wire.sip.events import ServerKey
from tonevault.cde.wire.sip.message import Request
from tonevault.cde.wire.sip.peer import Peer
from tonevault.cde.wire.sip.typed_headers import restamp_via

MergeId = tuple[str, str, int, str]
"""From tag, Call-ID and CSeq: alike in copies of one request that took different ways."""

ReplyId = tuple[str, str, str, int]
"""Call-ID, our To tag, the peer's From tag and the CSeq number: by which an ACK or a PRACK names the INVITE that we answered."""


def server_key(request: Request, method: str) -> ServerKey:
    """The transaction that this request belongs to, read as `method`: INVITE for an ACK or a CANCEL of one."""
    via = request.via
    if via.has_unique_branch:
        return ServerKey(via.branch, via.sent_by, method)
    # RFC 2543 peers: all that stays the same in retransmissions, in the ACK and in the CANCEL.
    parts = (
        request.uri.text(),
        request.from_.tag or "",
        request.call_id,
        str(request.cseq.number),
        via.text(),
    )
    return ServerKey("\n".join(parts), via.sent_by, method)


def merge_id(request: Request) -> MergeId | None:
    """What merged copies share; None within a dialog, where nothing merges."""
    if request.to.tag is not None:
        return None
    return request.from_.tag or "", request.call_id, request.cseq.number, request.method


def reply_id(request: Request, to_tag: str, cseq_number: int) -> ReplyId:
    """How the peer names our answer to the INVITE of this CSeq number."""
    return request.call_id, to_tag, request.from_.tag or "", cseq_number


def stamp_source(request: Request, source: Peer) -> None:
    """Write into the top Via where the request really came from: `received` (section 18.2.1), and `rport` when asked (RFC 3581)."""
    via = request.via
    stamped = via.stamped(source.host, source.port)
    if stamped is not via:
        restamp_via(request.headers, stamped)


def reply_peer(request: Request, source: Peer) -> Peer:
    """Where responses go: back over the connection, or to the source address and the port that the stamped Via tells.

    A `maddr` is not followed: it would let a request send our answers to any address.
    """
    if source.transport.is_stream:
        return source
    via = request.via
    if via.parameters.get("rport"):
        return source
    return Peer(source.transport, source.host, via.port or source.transport.default_port)


def fallback_peer(request: Request, source: Peer) -> Peer:
    """Where a response goes when its connection is gone: a new one to the port of the Via (section 18.2.2)."""
    return Peer(source.transport, source.host, request.via.port or source.transport.default_port)
