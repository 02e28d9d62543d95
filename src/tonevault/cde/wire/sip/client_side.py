"""The requests that we sent: client transactions, with their CANCEL and ACKs (RFC 3261 sections 9.1, 13.2.2.4 and 17.1)."""

from dataclasses import dataclass
from enum import Enum, auto

from tonevault.cde.wire.sip.cseq import CSeq
from tonevault.cde.wire.sip.errors import SipLimitError
from tonevault.cde.wire.sip.events import (
    ClientKey,
    ResponseReceived,
    SipEvent,
    TransactionTimedOut,
    TransportFailed,
)
from tonevault.cde.wire.sip.headers import Headers
from tonevault.cde.wire.sip.limits import MAX_ACKS_PER_INVITE, MAX_CLIENT_TRANSACTIONS, MAX_MESSAGE_BYTES
from tonevault.cde.wire.sip.message import Request, Response
from tonevault.cde.wire.sip.parameters import Parameters
from tonevault.cde.wire.sip.peer import Entropy, LocalAddress, Peer
from tonevault.cde.wire.sip.transaction import TIMER_TRIGGERS, Outlets, Transaction, trigger_of
from tonevault.cde.wire.sip.transitions import Action, Machine, State, Timer, Trigger
from tonevault.cde.wire.sip.typed_headers import add_cseq, prepend_via
from tonevault.cde.wire.sip.via import MAGIC_COOKIE, Via

_InviteId = tuple[str, str | None, int]
"""Call-ID, From tag and CSeq number: by which an ACK finds the INVITE that it belongs to (RFC 3261 section 13.2.2.4)."""


BRANCH_BYTES = 16
"""128 random bits: nobody can guess a branch and answer in the place of the peer."""

MAX_FORWARDS = "70"
"""RFC 3261 section 8.1.1.6."""

_SETTLED = (State.ACCEPTED, State.COMPLETED)
"""States after a final response."""


class _Cancel(Enum):
    NOT_WANTED = auto()
    WANTED = auto()
    SENT = auto()


@dataclass(frozen=True, slots=True, repr=False)
class _Heard:
    """A response and who sent it."""

    response: Response
    source: Peer


class ClientTransaction(Transaction[ClientKey]):
    """A request of ours. `is_internal` marks a CANCEL, whose outcome nobody waits for: the INVITE's own response tells.

    The request is let go of with its final response: what is kept beyond that meets copies of the response.
    """

    __slots__ = ("acks", "cancel", "data", "failure_ack", "heard_tags", "identity", "is_internal", "request")

    def __init__(
        self, key: ClientKey, request: Request, data: bytes, peer: Peer, *, is_internal: bool
    ) -> None:
        super().__init__(Machine.INVITE_CLIENT if request.method == "INVITE" else Machine.CLIENT, key, peer)
        self.request: Request | None = request
        self.data = data
        self.is_internal = is_internal
        self.identity = _invite_id(request) if request.method == "INVITE" else None
        self.cancel = _Cancel.NOT_WANTED
        self.failure_ack = b""
        self.heard_tags: tuple[str, ...] = ()
        self.acks: dict[str, tuple[Peer, bytes]] = {}

    def settle(self) -> None:
        """A final response is in: the request is not sent again."""
        self.request = None
        self.data = b""


class ClientSide:
    """All client transactions."""

    def __init__(self, outlets: Outlets, entropy: Entropy, local_address: LocalAddress) -> None:
        self._outlets = outlets
        self._entropy = entropy
        self._local_address = local_address
        self._transactions: dict[ClientKey, ClientTransaction] = {}
        self._invites: dict[_InviteId, ClientKey] = {}

    def __len__(self) -> int:
        return len(self._transactions)

    def send(self, request: Request, peer: Peer, now: float) -> ClientKey:
        """Start a transaction. Raises SipLimitError, and ValueError for ACK, CANCEL and requests without From, Call-ID or CSeq."""
        if request.method in ("ACK", "CANCEL"):
            raise ValueError("method: ACK and CANCEL are sent by send_ack and cancel")
        if len(self._transactions) >= MAX_CLIENT_TRANSACTIONS:
            raise SipLimitError(
                f"{MAX_CLIENT_TRANSACTIONS} requests await their answers; no further one is sent"
            )
        sent = self._with_via(request, peer)
        transaction = self._start(sent, peer, now, is_internal=False)
        if transaction.identity is not None:
            self._invites[transaction.identity] = transaction.key
        return transaction.key

    def send_ack(self, request: Request, peer: Peer) -> None:
        """Send the ACK to a 2xx, and keep it for the next copy of that 2xx."""
        sent = self._with_via(request, peer)
        data = _encode(sent)
        self._outlets.send(peer, data)
        key = self._invites.get(_invite_id(sent))
        transaction = None if key is None else self._transactions.get(key)
        if transaction is not None and len(transaction.acks) < MAX_ACKS_PER_INVITE:
            transaction.acks[sent.to.tag or ""] = (peer, data)

    def cancel(self, key: ClientKey, now: float) -> None:
        """Cancel an INVITE, now or once it is PROCEEDING; nothing happens when it has its final response."""
        transaction = self._transactions.get(key)
        if (
            transaction is None
            or transaction.machine is not Machine.INVITE_CLIENT
            or transaction.cancel is not _Cancel.NOT_WANTED
        ):
            return
        transaction.cancel = _Cancel.WANTED
        if transaction.state is State.PROCEEDING:
            self._send_cancel(transaction, now)

    def receive(self, response: Response, peer: Peer, now: float) -> None:
        """A checked response. One that matches no transaction is dropped (RFC 6026 section 8.9)."""
        transaction = self._transactions.get(ClientKey(response.via.branch, response.cseq.method))
        if transaction is not None:
            self._fire(transaction, trigger_of(response), now, _Heard(response, peer))

    def handle_timer(self, key: ClientKey, timer: Timer, now: float) -> None:
        """A timer of this transaction is due."""
        transaction = self._transactions.get(key)
        if transaction is not None:
            self._fire(transaction, TIMER_TRIGGERS[timer], now)

    def transport_failed(self, peer: Peer, now: float) -> None:
        """What was sent to this peer does not arrive."""
        for transaction in [known for known in self._transactions.values() if known.peer == peer]:
            self._fire(transaction, Trigger.TRANSPORT_FAILURE, now)

    def _start(self, request: Request, peer: Peer, now: float, *, is_internal: bool) -> ClientTransaction:
        data = _encode(request)
        key = ClientKey(request.via.branch, request.method)
        transaction = ClientTransaction(key, request, data, peer, is_internal=is_internal)
        self._transactions[key] = transaction
        transaction.start(self._outlets, now)
        self._outlets.send(peer, data)
        return transaction

    def _fire(
        self, transaction: ClientTransaction, trigger: Trigger, now: float, heard: _Heard | None = None
    ) -> None:
        for action in transaction.advance(trigger, self._outlets, now):
            match action:
                case Action.RESEND_REQUEST:
                    self._outlets.send(transaction.peer, transaction.data)
                case Action.REPORT_TIME_OUT:
                    self._report(transaction, TransactionTimedOut(transaction.key))
                case Action.REPORT_TRANSPORT:
                    self._report(transaction, TransportFailed(transaction.key))
                case _ if heard is not None:
                    self._act_on_response(transaction, action, heard)
                case _:
                    raise AssertionError("the table gives no such action to a client without a response")
        if transaction.cancel is _Cancel.WANTED and transaction.state is State.PROCEEDING:
            self._send_cancel(transaction, now)
        if transaction.state is State.TERMINATED:
            self._forget(transaction)
        elif transaction.state in _SETTLED:
            transaction.settle()

    def _act_on_response(self, transaction: ClientTransaction, action: Action, heard: _Heard) -> None:
        match action:
            case Action.DELIVER:
                self._report(transaction, ResponseReceived(transaction.key, heard.response, heard.source))
            case Action.DELIVER_OR_ACKNOWLEDGE:
                self._take_success(transaction, heard)
            case Action.ACKNOWLEDGE_FAILURE:
                if transaction.request is not None:
                    transaction.failure_ack = _failure_ack(transaction.request, heard.response).encode()
                self._outlets.send(transaction.peer, transaction.failure_ack)
            case _:
                raise AssertionError("the table gives no such action to a client")

    def _take_success(self, transaction: ClientTransaction, heard: _Heard) -> None:
        """A 2xx to an INVITE: reported once for each phone that answers, and from then on met with its ACK (section 13.2.2.4)."""
        tag = heard.response.to.tag or ""
        if tag in transaction.acks:
            self._outlets.send(*transaction.acks[tag])
        elif tag not in transaction.heard_tags and len(transaction.heard_tags) < MAX_ACKS_PER_INVITE:
            transaction.heard_tags = (*transaction.heard_tags, tag)
            self._report(transaction, ResponseReceived(transaction.key, heard.response, heard.source))

    def _report(self, transaction: ClientTransaction, event: SipEvent) -> None:
        if not transaction.is_internal:
            self._outlets.events.append(event)

    def _send_cancel(self, transaction: ClientTransaction, now: float) -> None:
        transaction.cancel = _Cancel.SENT
        if transaction.request is not None:
            self._start(_cancel_of(transaction.request), transaction.peer, now, is_internal=True)
        # RFC 3261 section 9.1: without a final response within 64*T1 the INVITE counts as cancelled.
        self._outlets.timers.set((transaction.key, Timer.GIVE_UP), now + self._outlets.timings.timeout_s)

    def _forget(self, transaction: ClientTransaction) -> None:
        del self._transactions[transaction.key]
        if transaction.identity is not None and self._invites.get(transaction.identity) == transaction.key:
            del self._invites[transaction.identity]

    def _with_via(self, request: Request, peer: Peer) -> Request:
        """A copy with our Via on top: fresh branch, and rport so that the answer comes back through any NAT (RFC 3581)."""
        address = self._local_address(peer)
        branch = MAGIC_COOKIE + self._entropy(BRANCH_BYTES).hex()
        via = Via(
            peer.transport.value,
            address.host,
            address.port,
            Parameters((("branch", branch), ("rport", None))),
        )
        sent = request.copy()
        prepend_via(sent.headers, via)
        if "Max-Forwards" not in sent.headers:
            sent.headers.add("Max-Forwards", MAX_FORWARDS)
        return sent


def _encode(request: Request) -> bytes:
    data = request.encode()
    if len(data) > MAX_MESSAGE_BYTES:
        raise SipLimitError(f"a request holds at most {MAX_MESSAGE_BYTES} bytes")
    return data


def _invite_id(request: Request) -> _InviteId:
    return request.call_id, request.from_.tag, request.cseq.number


def _failure_ack(invite: Request, response: Response) -> Request:
    """RFC 3261 section 17.1.1.3: same branch, Request-URI and route as the INVITE, with the To of the response."""
    return _sibling(invite, "ACK", response.headers.get("To") or "")


def _cancel_of(invite: Request) -> Request:
    """RFC 3261 section 9.1: everything by which the peer finds the INVITE is the same."""
    return _sibling(invite, "CANCEL", invite.headers.get("To") or "")


def _sibling(invite: Request, method: str, to: str) -> Request:
    headers = Headers([("Max-Forwards", MAX_FORWARDS)])
    prepend_via(headers, invite.via)
    for value in invite.headers.get_all("Route"):
        headers.add("Route", value)
    headers.add("From", invite.headers.get("From") or "")
    headers.add("To", to)
    headers.add("Call-ID", invite.call_id)
    add_cseq(headers, CSeq(invite.cseq.number, method))
    return Request(method, invite.uri, headers)
