"""The capture of every call of this node, as the desk commands it. Refuses what does not fit the state, and never says what was keyed."""

import asyncio
from collections.abc import Collection
from typing import Final

from tonevault.boundary.calls import CallState, CallView
from tonevault.boundary.captures import CaptureRequest, CaptureRetry, CaptureState, CaptureView, FieldName
from tonevault.boundary.charges import UNSETTLED, ChargeResult
from tonevault.boundary.notices import CaptureChanged, ChargeChanged
from tonevault.cde.capture import epilogue, refusals
from tonevault.cde.capture.archive import Archive
from tonevault.cde.capture.call_register import CallRegister
from tonevault.cde.capture.call_watch import CallWatch
from tonevault.cde.capture.finisher import Finisher
from tonevault.cde.capture.live_sessions import LiveSession, LiveSessions
from tonevault.cde.capture.mask_keeper import MaskKeeper
from tonevault.cde.capture.model import Outcome
from tonevault.cde.capture.notice_board import NoticeBoard
from tonevault.cde.capture.ports import CaptureStore, MaskSwitch, Timers
from tonevault.cde.capture.session import CaptureSession
from tonevault.cde.capture.timers import LoopTimers
from tonevault.cde.gateway import CardInHand
from tonevault.cde.media import MaskMode
from tonevault.kernel.clock import Clock
from tonevault.kernel.ids import CallId, SessionId
from tonevault.plumbing.log import get_logger

COMPLETE_WAIT_S: Final = 45.0
"""How long `complete` waits for the outcome before it answers `completing`; the outcome is then a notice. Gateways take 30 s at most."""

log = get_logger(__name__)


class CaptureService:
    """Commands raise SecureZoneError (refusals.py). All methods run on one event loop; those that are not `async` return at once.

    Order of a start: `recover` (after the cashier's own), `attach` the switch whose observer is `observer`, then serve.
    """

    def __init__(
        self,
        *,
        finisher: Finisher,
        store: CaptureStore,
        clock: Clock,
        timers: Timers | None = None,
        hushed_routes: Collection[str] = (),
    ) -> None:
        """`hushed_routes`: names of routes whose captures mute the customer towards the agent from the start."""
        timers = timers or LoopTimers()
        self.board = NoticeBoard()
        self._finisher = finisher
        self._store = store
        self._clock = clock
        self._archive = Archive(store)
        self._register = CallRegister(self.board, hushed_routes)
        self._masks = MaskKeeper(timers, clock)
        self._sessions = LiveSessions(self.board, self._archive, self._masks, timers, clock)
        self.observer = CallWatch(self._register, self._sessions, self._masks)
        self._closing = False

    # Starting and stopping.

    def attach(self, switch: MaskSwitch) -> None:
        """Connect the switch, which has `observer` for its observer."""
        self._masks.attach(switch)

    async def recover(self) -> int:
        """Once at start: end the sessions that a crash left open. How many there were."""
        left = await self._store.left_open()
        for view, charge_id in left:
            outcome = await self._finisher.standing(view.account_id, charge_id)
            now = self._clock.utc()
            ended = (
                epilogue.interrupt(view, now) if outcome is None else epilogue.conclude(view, outcome, now)
            )
            self._archive.keep(ended, charge_id)
        if left:
            log.warning("captures were interrupted", count=len(left))
        return len(left)

    async def close(self) -> None:
        """Stop: open captures read `interrupted`, cards that are with the gateway get their answer, everything is written."""
        self._closing = True
        for live in self._sessions.all():
            with self._sessions.changing(live) as now:
                live.session.interrupt(now)
        working = [live.completing for live in self._sessions.all() if live.completing is not None]
        await asyncio.gather(*working, return_exceptions=True)
        self.board.close()
        await self._archive.close()

    # What stands.

    def calls(self) -> list[CallView]:
        """Every call that is up."""
        return self._register.all()

    def captures(self) -> list[CaptureView]:
        """Every session that is open or completing, after those that ended lately."""
        lately = self._archive.recent(self._clock.utc())
        return [*lately, *(live.session.view() for live in self._sessions.all())]

    async def find(self, session_id: SessionId) -> CaptureView:
        """How a session stands, over or not."""
        live = self._sessions.find(session_id)
        view = live.session.view() if live else await self._archive.find(session_id)
        if view is None:
            raise refusals.not_found("session_id")
        return view

    # Commands.

    async def open(self, request: CaptureRequest) -> CaptureView:
        """Open a session on an answered call. The same request again answers how its session stands."""
        if self._sessions.find(request.session_id) is None:
            ended = await self._archive.find(request.session_id)
            if ended is not None:
                if (ended.account_id, ended.call_id) != (request.account_id, request.call_id):
                    raise refusals.session_id_reused()
                return ended
        # The look-up took its time: the same request may have come twice.
        known = self._sessions.find(request.session_id)
        if known is not None:
            if known.session.request != request:
                raise refusals.session_id_reused()
            return known.session.view()
        live = self._admit(request)
        try:
            # What is opened must be known after a crash.
            await self._store.save(live.session.view(), request.charge_id)
        except BaseException:
            with self._sessions.changing(live) as now:
                live.session.interrupt(now)
            raise
        return live.session.view()

    async def start_field(self, session_id: SessionId, field: FieldName) -> CaptureView:
        """Open the capture window of a field, or take it again."""
        live = self._sessions.find(session_id)
        if live is None:
            await self.find(session_id)
            raise refusals.session_over()
        if live.session.state is not CaptureState.OPEN:
            raise refusals.session_over()
        if field not in live.session.request.fields:
            raise refusals.field_unknown()
        call = self._register.find(live.session.request.call_id)
        if call is None:
            raise refusals.call_not_live()
        with self._sessions.changing(live) as now:
            # The mask first: from here on no key passes towards the agent.
            if self._masks.open(call.call_id, _mode(call)):
                live.session.hush(on=call.hushed, by_noise=False, at=now)
            live.session.start(field, now)
        return live.session.view()

    async def complete(self, session_id: SessionId) -> CaptureView:
        """Vault the card and charge it where there is an amount. Asked again, it answers the same outcome."""
        live = self._sessions.find(session_id)
        if live is None:
            view = await self.find(session_id)
            if view.reason not in epilogue.COMPLETED_REASONS:
                raise refusals.session_over()
            return view
        if live.completing is None:
            if live.session.awaits_correction:
                raise refusals.correction_needed()
            if not live.session.can_complete:
                raise refusals.fields_missing()
            with self._sessions.changing(live) as now:
                card = live.session.complete(now)
            live.completing = asyncio.get_running_loop().create_task(self._complete(live, card))
        # Whoever waits may go away: the task goes on, and a second asking waits for the same one.
        await asyncio.wait({live.completing}, timeout=COMPLETE_WAIT_S)
        return live.session.view()

    async def retry(self, session_id: SessionId, retry: CaptureRetry) -> CaptureView:
        """Run the charge again that was declined for its address. Asked again under the same charge id, it answers the same run."""
        live = self._sessions.find(session_id)
        if live is None:
            view = await self.find(session_id)
            if view.charge is None or view.charge.charge_id != retry.charge_id:
                raise refusals.session_over()
            return view
        if live.session.request.charge_id != retry.charge_id:
            if not live.session.awaits_correction:
                raise refusals.nothing_to_correct()
            if not live.session.can_retry(retry):
                raise refusals.correction_missing()
            with self._sessions.changing(live) as now:
                card = live.session.retry(retry, now)
            live.completing = asyncio.get_running_loop().create_task(self._run_again(live, card))
        if live.completing is not None:
            await asyncio.wait({live.completing}, timeout=COMPLETE_WAIT_S)
        return live.session.view()

    async def cancel(self, session_id: SessionId) -> CaptureView:
        """Discard what was captured. Without effect on a session that is over, or whose card is with the gateway."""
        live = self._sessions.find(session_id)
        if live is None:
            return await self.find(session_id)
        with self._sessions.changing(live) as now:
            live.session.cancel(now)
        return live.session.view()

    def set_hush(self, call_id: CallId, *, on: bool) -> CallView:
        """Mute the customer towards the agent during captures of this call, or let both talk."""
        call = self._register.find(call_id)
        if call is None:
            raise refusals.not_found("call_id")
        call = self._register.hush(call, on=on)
        self._masks.set_mode(call_id, _mode(call))
        live = self._sessions.on_call(call_id)
        if live is not None:
            with self._sessions.changing(live) as now:
                live.session.hush(on=on, by_noise=False, at=now)
        return call

    def charge_changed(self, charge: ChargeResult) -> None:
        """For the cashier's `on_change`: the desk is told, and a session that waited for this charge follows."""
        self.board.publish(ChargeChanged(charge=charge))
        if charge.state not in UNSETTLED:
            self._archive.run(self._settle(charge))

    # How it goes about it.

    def _admit(self, request: CaptureRequest) -> LiveSession:
        now = self._sessions.now()
        if self._closing:
            raise refusals.shutting_down()
        refusals.check_request(request, now)
        call = self._register.find(request.call_id)
        if call is None or call.state is not CallState.ANSWERED or call.account_id != request.account_id:
            raise refusals.call_not_live()
        if self._sessions.on_call(request.call_id) is not None:
            raise refusals.session_in_progress()
        return self._sessions.add(CaptureSession(request, now, hushed=call.hushed))

    async def _complete(self, live: LiveSession, card: CardInHand) -> None:
        request = live.session.request
        kept = False
        try:
            outcome = await self._finisher.finish(request, card)
            # A card goes back into the session only while there is somebody on the line to correct its address with.
            stays = not self._closing and self._register.find(request.call_id) is not None
            with self._sessions.changing(live) as now:
                live.completing = None
                kept = live.session.finish(outcome, now, card if stays else None)
            if live.session.state is CaptureState.UNKNOWN:
                self._archive.run(self._settle_late(request))
        finally:
            if not kept:
                card.number.destroy()
            if card.security_code is not None:
                card.security_code.destroy()

    async def _run_again(self, live: LiveSession, card: CardInHand) -> None:
        try:
            # After a crash the session is concluded by its charge, and this run has another one than it was opened with.
            await self._store.save(live.session.view(), live.session.request.charge_id)
        except Exception as error:  # noqa: BLE001 - whatever the database says, the session must not hang
            log.error("a second run could not be written down", error=type(error).__name__)  # noqa: TRY400
            card.number.destroy()
            if card.security_code is not None:
                card.security_code.destroy()
            with self._sessions.changing(live) as now:
                live.session.finish(Outcome(None), now)
            return
        await self._complete(live, card)

    async def _settle_late(self, request: CaptureRequest) -> None:
        """A look-up may have settled the charge while its session was still on its way here, and found nobody who waited."""
        standing = await self._finisher.standing(request.account_id, request.charge_id)
        if standing is not None and standing.charge is not None and standing.charge.state not in UNSETTLED:
            await self._settle(standing.charge)

    async def _settle(self, charge: ChargeResult) -> None:
        view = await self._archive.unknown_of(charge.account_id, charge.charge_id)
        if view is not None:
            settled = epilogue.settle(view, charge, self._clock.utc())
            self.board.publish(CaptureChanged(capture=settled))
            self._archive.keep(settled, charge.charge_id)


def _mode(call: CallView) -> MaskMode:
    return MaskMode.HUSH if call.hushed else MaskMode.TALK
