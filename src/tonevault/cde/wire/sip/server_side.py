"""The requests that we received: server transactions, with ACK, CANCEL and PRACK (RFC 3261 sections 8.2.2.2, 9.2 and 17.2; RFC 3262)."""

from collections import Counter
from collections.abc import Callable

from tonevault.cde.wire.sip.errors import SipParseError
from tonevault.cde.wire.sip.events import (
    AckReceived,
    AckTimedOut,
    CancelReceived,
    PrackTimedOut,
    RequestReceived,
    ServerKey,
    SipEvent,
    TransportFailed,
)
from tonevault.cde.wire.sip.limits import (
    MAX_SERVER_TRANSACTIONS,
    MAX_SERVER_TRANSACTIONS_A_SOURCE,
    RESERVED_FOR_DIALOGS,
)
from tonevault.cde.wire.sip.matching import (
    MergeId,
    ReplyId,
    fallback_peer,
    merge_id,
    reply_id,
    reply_peer,
    server_key,
    stamp_source,
)
from tonevault.cde.wire.sip.message import Request, Response
from tonevault.cde.wire.sip.peer import Peer
from tonevault.cde.wire.sip.refusal import make_refusal
from tonevault.cde.wire.sip.reliable import ReliableSender, is_reliable, rack_of
from tonevault.cde.wire.sip.response import make_response
from tonevault.cde.wire.sip.transaction import TIMER_TRIGGERS, Outlets, Transaction, trigger_of
from tonevault.cde.wire.sip.transitions import Action, Machine, State, Timer, Trigger
from tonevault.cde.wire.sip.typed_headers import has_sound_via

RETRY_AFTER_S = "5"
"""What a request beyond our limits is told: the time in which most transactions of a burst have gone."""

_UNANSWERED = (State.TRYING, State.PROCEEDING)
_MERGING = (*_UNANSWERED, State.ACCEPTED, State.ACKNOWLEDGED)
"""States in which a copy of the request by another way is a merged one. After a refusal it is a proxy's next attempt instead."""

StatelessTag = Callable[[Request], str]
"""A To tag that comes out the same for every copy of one request."""


class ServerTransaction(Transaction[ServerKey]):
    """A request of the peer's. `peer` is where its responses go. The request itself is not kept: a flood of them fills no memory."""

    __slots__ = (
        "call_id",
        "caller_tag",
        "cseq_number",
        "is_cancelled",
        "last_data",
        "last_status",
        "merge_id",
        "reliable",
        "reply_ids",
        "source_host",
        "to_tag",
        "way_back",
    )

    def __init__(self, key: ServerKey, request: Request, source: Peer) -> None:
        super().__init__(
            Machine.INVITE_SERVER if request.method == "INVITE" else Machine.SERVER,
            key,
            reply_peer(request, source),
        )
        self.source_host = source.host
        self.call_id = request.call_id
        self.caller_tag = request.from_.tag or ""
        self.cseq_number = request.cseq.number
        self.way_back = fallback_peer(request, source)
        self.merge_id = merge_id(request)
        self.reply_ids: tuple[ReplyId, ...] = ()
        self.last_data = b""
        self.last_status = 0
        self.to_tag = ""
        self.is_cancelled = False
        self.reliable = ReliableSender() if self.machine is Machine.INVITE_SERVER else None


class ServerSide:
    """All server transactions."""

    def __init__(self, outlets: Outlets, stateless_tag: StatelessTag) -> None:
        self._outlets = outlets
        self._stateless_tag = stateless_tag
        self._transactions: dict[ServerKey, ServerTransaction] = {}
        self._merges: dict[MergeId, ServerKey] = {}
        self._replies: dict[ReplyId, ServerKey] = {}
        self._of_source: Counter[str] = Counter()

    def __len__(self) -> int:
        return len(self._transactions)

    def receive(self, request: Request, source: Peer, now: float) -> None:
        """A checked request: new, again, or an ACK or CANCEL to an earlier one."""
        stamp_source(request, source)
        match request.method:
            case "ACK":
                self._receive_ack(request, source, now)
            case "CANCEL":
                self._receive_cancel(request, source)
            case _:
                known = self._transactions.get(server_key(request, request.method))
                if known is not None:
                    self._fire(known, Trigger.REQUEST, now)
                else:
                    self._receive_new(request, source, now)

    def respond(self, key: ServerKey, response: Response, now: float) -> None:
        """Send the owner's response; nothing happens when the transaction has its final one, or is over."""
        transaction = self._transactions.get(key)
        if transaction is None:
            return
        reliable = transaction.reliable
        if reliable is not None and transaction.state is State.PROCEEDING and is_reliable(response):
            if not reliable.offer(response):
                return
            transaction.await_acknowledgement(self._outlets, now)
        self._fire(transaction, trigger_of(response), now, response)

    def refuse(self, request: Request, fault: SipParseError, source: Peer) -> None:
        """Answer a request that breaks a rule, without keeping anything."""
        if has_sound_via(request.headers):
            # A spoilt Via goes back as it came, so that its sender knows it again.
            stamp_source(request, source)
        self._answer(request, source, make_refusal(request, fault, self._stateless_tag(request)))

    def handle_timer(self, key: ServerKey, timer: Timer, now: float) -> None:
        """A timer of this transaction is due."""
        transaction = self._transactions.get(key)
        if transaction is not None:
            self._fire(transaction, TIMER_TRIGGERS[timer], now)

    def transport_failed(self, peer: Peer, now: float) -> None:
        """What was sent to this peer does not arrive."""
        for transaction in [known for known in self._transactions.values() if known.peer == peer]:
            self._fire(transaction, Trigger.TRANSPORT_FAILURE, now)

    def _receive_new(self, request: Request, source: Peer, now: float) -> None:
        merged = self._merging(request)
        if merged is not None and merged.state in _MERGING:
            self._answer(request, source, make_response(request, 482, to_tag=self._stateless_tag(request)))
            return
        if self._is_full(request, source):
            busy = make_response(request, 503, to_tag=self._stateless_tag(request))
            busy.headers.add("Retry-After", RETRY_AFTER_S)
            self._answer(request, source, busy)
            return
        transaction = ServerTransaction(server_key(request, request.method), request, source)
        self._transactions[transaction.key] = transaction
        self._of_source[source.host] += 1
        if transaction.merge_id is not None:
            self._merges[transaction.merge_id] = transaction.key
        if request.method == "PRACK":
            self._receive_prack(request, now)
        self._outlets.events.append(RequestReceived(transaction.key, request, source))
        if transaction.machine is Machine.INVITE_SERVER:
            # RFC 3261 section 17.2.1: within 200 ms. At once costs nothing and calms the peer's timer A.
            self._fire(transaction, Trigger.PROVISIONAL, now, make_response(request, 100))

    def _is_full(self, request: Request, source: Peer) -> bool:
        reserve = 0 if request.to.tag is None else RESERVED_FOR_DIALOGS
        return (
            len(self._transactions) >= MAX_SERVER_TRANSACTIONS + reserve
            or self._of_source[source.host] >= MAX_SERVER_TRANSACTIONS_A_SOURCE + reserve
        )

    def _merging(self, request: Request) -> ServerTransaction | None:
        identity = merge_id(request)
        key = None if identity is None else self._merges.get(identity)
        return None if key is None else self._transactions.get(key)

    def _receive_ack(self, request: Request, source: Peer, now: float) -> None:
        transaction = self._transactions.get(server_key(request, "INVITE"))
        if transaction is None:
            # The ACK to a 2xx is a transaction of its own: it names the answer by its dialog (section 13.3.1.4).
            key = self._replies.get(reply_id(request, request.to.tag or "", request.cseq.number))
            transaction = None if key is None else self._transactions.get(key)
        if transaction is not None:
            self._fire(transaction, Trigger.ACK, now, event=AckReceived(transaction.key, request, source))

    def _receive_cancel(self, request: Request, source: Peer) -> None:
        transaction = self._transactions.get(server_key(request, "INVITE"))
        if transaction is None:
            self._answer(request, source, make_response(request, 481, to_tag=self._stateless_tag(request)))
            return
        tag = transaction.to_tag or self._stateless_tag(request)
        self._answer(request, source, make_response(request, 200, to_tag=tag))
        if transaction.state in _UNANSWERED and not transaction.is_cancelled:
            transaction.is_cancelled = True
            self._outlets.events.append(CancelReceived(transaction.key, request))

    def _receive_prack(self, request: Request, now: float) -> None:
        try:
            rack = rack_of(request)
        except SipParseError:
            return
        key = self._replies.get(reply_id(request, request.to.tag or "", rack.cseq.number))
        transaction = None if key is None else self._transactions.get(key)
        if transaction is None or transaction.state is not State.PROCEEDING or transaction.reliable is None:
            return
        if not transaction.reliable.acknowledge(rack.rseq):
            return
        self._outlets.timers.cancel((transaction.key, Timer.RESEND))
        self._outlets.timers.cancel((transaction.key, Timer.GIVE_UP))
        queued = transaction.reliable.take_queued()
        if queued is not None:
            self.respond(transaction.key, queued, now)

    def _answer(self, request: Request, source: Peer, response: Response) -> None:
        self._outlets.send(reply_peer(request, source), response.encode())

    def _fire(
        self,
        transaction: ServerTransaction,
        trigger: Trigger,
        now: float,
        response: Response | None = None,
        event: SipEvent | None = None,
    ) -> None:
        for action in transaction.advance(trigger, self._outlets, now):
            match action:
                case Action.SEND_RESPONSE if response is not None:
                    self._send(transaction, response)
                case Action.RESEND_RESPONSE:
                    self._resend(transaction, transaction.last_data)
                case Action.RESEND_RELIABLE if transaction.reliable is not None:
                    self._resend(transaction, transaction.reliable.outstanding_data)
                case Action.DELIVER_ACK if event is not None:
                    self._outlets.events.append(event)
                case Action.REPORT_NO_ACK:
                    self._outlets.events.append(AckTimedOut(transaction.key, transaction.last_status))
                case Action.REPORT_NO_PRACK:
                    self._outlets.timers.cancel((transaction.key, Timer.RESEND))
                    self._outlets.events.append(PrackTimedOut(transaction.key))
                case Action.TRY_OTHER_WAY:
                    self._try_other_way(transaction)
                case _:
                    raise AssertionError("the table gives no such action to a server")
        if transaction.state is State.TERMINATED:
            self._forget(transaction)

    def _send(self, transaction: ServerTransaction, response: Response) -> None:
        transaction.last_data = response.encode()
        transaction.last_status = response.status
        tag = response.to.tag or ""
        if tag and response.status > 100:
            transaction.to_tag = tag
            if transaction.machine is Machine.INVITE_SERVER:
                name = (transaction.call_id, tag, transaction.caller_tag, transaction.cseq_number)
                self._replies[name] = transaction.key
                if name not in transaction.reply_ids:
                    transaction.reply_ids = (*transaction.reply_ids, name)
        self._outlets.send(transaction.peer, transaction.last_data)

    def _resend(self, transaction: ServerTransaction, data: bytes) -> None:
        if data:
            self._outlets.send(transaction.peer, data)

    def _try_other_way(self, transaction: ServerTransaction) -> None:
        """RFC 3261 section 18.2.2: when the connection of the request is gone, a new one to the port of its Via."""
        if not transaction.peer.transport.is_stream or transaction.peer == transaction.way_back:
            self._outlets.events.append(TransportFailed(transaction.key))
            return
        transaction.peer = transaction.way_back
        if transaction.state is State.COMPLETED:
            self._resend(transaction, transaction.last_data)

    def _forget(self, transaction: ServerTransaction) -> None:
        del self._transactions[transaction.key]
        self._of_source[transaction.source_host] -= 1
        if not self._of_source[transaction.source_host]:
            del self._of_source[transaction.source_host]
        for name in transaction.reply_ids:
            self._replies.pop(name, None)
        if transaction.merge_id is not None and self._merges.get(transaction.merge_id) == transaction.key:
            del self._merges[transaction.merge_id]
