"""What still happens to a session whose machine is gone: a crash ended it, or a charge that was unknown is settled. Works on views."""

from datetime import datetime
from typing import Final

from tonevault.boundary.captures import CaptureState, CaptureView, EndReason
from tonevault.boundary.charges import ChargeResult
from tonevault.cde.capture.model import SESSION_TRANSITIONS, Outcome, SessionEvent, verdict_on

COMPLETED_REASONS: Final = frozenset(
    {
        None,
        EndReason.TOKENIZATION_FAILED,
        EndReason.AUTHORISATION_DECLINED,
        EndReason.AUTHORISATION_UNKNOWN,
        EndReason.AUTHORISATION_FAILED,
    }
)
"""How a session can end that was completed; every other end came before."""


def interrupt(view: CaptureView, now: datetime) -> CaptureView:
    """The process died in mid-capture, and no charge was begun: what was keyed is gone."""
    state = SESSION_TRANSITIONS[view.state, SessionEvent.INTERRUPT]
    return _changed(view, now, state=state, reason=EndReason.INTERRUPTED)


def conclude(view: CaptureView, outcome: Outcome, now: datetime) -> CaptureView:
    """The process died while the card was with the till; this is what came of it. The view may date from before `complete`."""
    event, reason = verdict_on(outcome)
    state = SESSION_TRANSITIONS[CaptureState.COMPLETING, event]
    return _changed(
        view,
        now,
        state=state,
        reason=reason,
        token=outcome.token,
        existing=outcome.existing,
        charge=outcome.charge,
    )


def settle(view: CaptureView, charge: ChargeResult, now: datetime) -> CaptureView:
    """A look-up told what became of the charge. The token goes where the charge says that it left none."""
    token = view.token if charge.token_id is not None else None
    event, reason = verdict_on(Outcome(token, view.existing, charge))
    state = SESSION_TRANSITIONS[view.state, event]
    return _changed(view, now, state=state, reason=reason, token=token, charge=charge)


def _changed(view: CaptureView, now: datetime, **changes: object) -> CaptureView:
    return view.model_copy(
        update={"revision": view.revision + 1, "updated_at": now, "can_complete": False, "mismatch": ()}
        | changes
    )
