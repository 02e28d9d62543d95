"""What the edge tells of calls and keys, carried to the sessions. Implements the edge's CallObserver: returns at once, raises nothing."""

from tonevault.cde.capture.call_register import CallRegister
from tonevault.cde.capture.live_sessions import LiveSessions
from tonevault.cde.capture.mask_keeper import MaskKeeper
from tonevault.cde.capture.ports import CallFacts
from tonevault.cde.capture.telling import Telling
from tonevault.cde.media import Carrier, KeyReport, MaskMode
from tonevault.kernel.ids import CallId
from tonevault.plumbing.log import get_logger

log = get_logger(__name__)


class CallWatch:
    """Follows every call of the switch."""

    def __init__(self, register: CallRegister, sessions: LiveSessions, masks: MaskKeeper) -> None:
        self._register = register
        self._sessions = sessions
        self._masks = masks

    def call_arrived(self, call: CallFacts) -> None:
        """A known peer called."""
        self._register.changed(call)

    def call_ringing(self, call: CallFacts) -> None:
        """The other leg rings."""
        self._register.changed(call)

    def call_answered(self, call: CallFacts) -> None:
        """Both legs are up: captures are possible."""
        self._register.changed(call)

    def legs_secured(self, call: CallFacts) -> None:
        """Voice is encrypted on other legs than before."""
        self._register.changed(call)

    def call_ended(self, call: CallFacts) -> None:
        """The call is over: what was captured on it is discarded."""
        self._masks.forget(call.call_id)
        live = self._sessions.on_call(call.call_id)
        if live is not None:
            with self._sessions.changing(live) as now:
                live.session.call_ended(now)
        self._register.changed(call)

    def key_pressed(self, report: KeyReport) -> None:
        """The customer pressed a key while the mask was open: one report from each carrier that brought it."""
        self._masks.key_pressed(report.call_id, report.carrier)
        live = self._sessions.on_call(report.call_id)
        if live is not None:
            with self._sessions.changing(live) as now:
                live.session.tell(Telling(report.key, report.carrier, report.onset, now.monotonic), now)

    def key_held(self, call_id: CallId, carrier: Carrier, until: float) -> None:
        """A key was let go, or is down again: what comes at its release by another way is the same press."""
        self._masks.key_held(call_id, carrier, until)
        live = self._sessions.on_call(call_id)
        if live is not None:
            with self._sessions.changing(live) as now:
                live.session.held(carrier, until, now)

    def mask_changed(self, call_id: CallId, mode: MaskMode) -> None:
        """The relay muted the customer by itself, because of noise, or let both talk again."""
        call, live = self._register.find(call_id), self._sessions.on_call(call_id)
        if call is not None and live is not None:
            by_noise = mode is MaskMode.HUSH and not call.hushed
            with self._sessions.changing(live) as now:
                live.session.hush(on=call.hushed, by_noise=by_noise, at=now)

    def peer_refused(self, reason: str) -> None:
        """Somebody who is no peer of ours was turned away. Scanners do it by the hundred, so it is no more than a debug line."""
        log.debug("a peer was turned away", reason=reason)
