"""Ending a call from any state: what each leg is owed (final answer, CANCEL, ACK, BYE), media closed, the observer told once."""

from collections.abc import Sequence

from tonevault.cde.edge.board import Board
from tonevault.cde.edge.call import Call, CallPhase
from tonevault.cde.edge.header_policy import add_all
from tonevault.cde.edge.leg import CallLeg, LegState
from tonevault.cde.edge.media_setup import close_media
from tonevault.cde.edge.observer import EndReason
from tonevault.cde.edge.refusal import RefusalError, refuse
from tonevault.cde.wire.sip.dialog import Dialog
from tonevault.cde.wire.sip.message import Request, Response

CANCELLED = RefusalError(487)
"""RFC 3261 section 15.1.2 and section 9.2: what an INVITE without a final answer gets."""


class HungUp:
    """Waits for the answer to a BYE. Whatever it is, or none, the dialog is over (RFC 3261 section 15.1.1)."""

    def responded(self, response: Response, now: float) -> None:
        """Nothing is left to do."""

    def failed(self, status: int, now: float) -> None:
        """Nothing is left to do."""


def end_call(
    board: Board,
    call: Call,
    reason: EndReason,
    *,
    by: CallLeg | None = None,
    refusal: RefusalError = CANCELLED,
    headers: Sequence[tuple[str, str]] = (),
) -> None:
    """End a call, once. `by` is the leg that ended it and needs nothing but the answer to an open INVITE.

    `refusal` answers a caller whose INVITE is open; `headers` go with a BYE, such as Reason (RFC 3326).
    """
    if call.is_over:
        return
    call.become(CallPhase.OVER)
    call.capture = None
    board.release(call)
    board.alarms.cancel_all(call)
    for key in call.running:
        # An INVITE that is cancelled is sure to end; one that was told to wait might not (RFC 3261 section 9.1).
        if key.method == "INVITE":
            board.signalling.cancel(key)
    for leg in call.legs.values():
        _end_leg(board, call, leg, refusal, () if leg is by else headers, gone=leg is by)
    close_media(board, call)
    board.wills.burn(call.id)
    call.info = call.info.ended(board.clock.utc(), reason)
    board.observer.call_ended(call.info)
    board.forget_if_done(call)


def _end_leg(
    board: Board,
    call: Call,
    leg: CallLeg,
    refusal: RefusalError,
    headers: Sequence[tuple[str, str]],
    *,
    gone: bool,
) -> None:
    match leg.state:
        case LegState.EARLY if leg.server_key is not None:
            leg.become(LegState.OVER)
            refuse(board.signalling, leg.server_key, leg.invite, refusal, to_tag=leg.local_tag)
        case LegState.EARLY:
            leg.become(LegState.OVER)
        case LegState.ANSWERED if not gone and leg.dialog is not None:
            # RFC 3261 section 15: the callee's side sends no BYE before the ACK to its 2xx.
            leg.bye_due = bye(leg.dialog, headers)
        case LegState.UP if leg.dialog is not None:
            if leg.ack_due is not None:
                board.acknowledge(leg, leg.dialog, leg.ack_due)
                leg.ack_due = None
            if not gone:
                send_bye(board, call, leg, leg.dialog, bye(leg.dialog, headers))
            leg.become(LegState.OVER)
        case _:
            if leg.state is not LegState.OVER:
                leg.become(LegState.OVER)


def bye(dialog: Dialog, headers: Sequence[tuple[str, str]] = ()) -> Request:
    """A BYE with the headers that go with it."""
    request = dialog.request("BYE")
    add_all(request.headers, headers)
    return request


def send_bye(board: Board, call: Call, leg: CallLeg, dialog: Dialog, request: Request) -> None:
    """Send a BYE; one that finds no way needs no answer."""
    board.send_quietly(call, request, leg.way(dialog), HungUp())


def send_due_bye(board: Board, call: Call, leg: CallLeg) -> None:
    """The ACK that a BYE waited for has come, or will not come."""
    request, leg.bye_due = leg.bye_due, None
    if request is not None and leg.dialog is not None:
        send_bye(board, call, leg, leg.dialog, request)
        leg.become(LegState.OVER)
    board.forget_if_done(call)
