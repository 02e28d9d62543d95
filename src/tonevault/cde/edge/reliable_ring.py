"""Rings that must be confirmed (RFC 3262), on each leg by itself: PRACKs for the dialled side's, numbers for those the caller requires."""

from typing import Final

from tonevault.cde.edge.board import Board
from tonevault.cde.edge.call import Call
from tonevault.cde.wire.sip.dialog import Dialog, DialogId
from tonevault.cde.wire.sip.errors import SipParseError
from tonevault.cde.wire.sip.message import Request, Response
from tonevault.cde.wire.sip.reliable import (
    OPTION,
    Order,
    ReliableReceiver,
    make_reliable,
    rack_for,
    rack_of,
)

FIRST_RSEQ: Final = 1
"""RFC 3262 section 3 allows any start below 2**31; nobody but the caller sees it."""


class ReliableRings:
    """Our rings to the caller. Only a caller that requires 100rel gets them reliably: others hear each again from the dialled side."""

    def __init__(self, invite: Request) -> None:
        self._required = invite.headers.has_option("Require", OPTION)
        self._next = FIRST_RSEQ
        self._waiting: dict[int, bool] = {}
        self.answer_is_out = False
        """The answer went out reliably, so no later response repeats it (RFC 6337 section 3.1.1)."""

    @property
    def holds_final(self) -> bool:
        """Whether a description is on its way unconfirmed, for which a 2xx has to wait."""
        return any(self._waiting.values())

    def mark(self, ring: Response) -> None:
        """Make a ring reliable where the caller requires it."""
        if not self._required:
            return
        make_reliable(ring, self._next)
        self._waiting[self._next] = bool(ring.body)
        self.answer_is_out = self.answer_is_out or bool(ring.body)
        self._next += 1

    def confirm(self, prack: Request) -> bool:
        """Whether a PRACK names a ring of ours that waited for it."""
        try:
            rseq = rack_of(prack).rseq
        except SipParseError:
            return False
        return self._waiting.pop(rseq, None) is not None


class RingConfirmer:
    """The dialled side's reliable rings: each is confirmed once, in order, within its early dialog."""

    def __init__(self, board: Board, call: Call) -> None:
        self._board = board
        self._call = call
        self._receivers: dict[DialogId, ReliableReceiver] = {}

    def confirm(self, dialog: Dialog, ring: Response) -> bool:
        """Whether the ring is new and in its turn: then its PRACK is sent and it may be used."""
        receiver = self._receivers.setdefault(dialog.id, ReliableReceiver())
        try:
            if receiver.receive(ring) is not Order.NEW:
                return False
            prack = dialog.request("PRACK")
            prack.headers.add("RAck", rack_for(ring))
        except SipParseError:
            return False
        self._board.send_quietly(self._call, prack, self._call.dialled.way(dialog), _Confirmed())
        return True


class _Confirmed:
    """Waits for the answer to a PRACK, from which nothing follows: the ring has been heard."""

    def responded(self, response: Response, now: float) -> None:
        """Nothing is left to do."""

    def failed(self, status: int, now: float) -> None:
        """Nothing is left to do: the INVITE's own answer tells how the call goes on."""
