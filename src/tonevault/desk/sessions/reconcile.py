"""Brings sessions and the secure zone together again after either was away, so that no capture and no session hangs."""

from datetime import timedelta
from typing import Final

from sqlalchemy import Connection

from tonevault.boundary.captures import CaptureState, EndReason
from tonevault.boundary.interface import ANSWER_LIMIT_S
from tonevault.boundary.problems import SecureZoneError
from tonevault.boundary.secure_zone import SecureZone
from tonevault.boundary.tokens import TokenView
from tonevault.desk.payments import store as payment_store
from tonevault.desk.sessions import store
from tonevault.desk.sessions.mirror import SessionMirror
from tonevault.desk.sessions.model import NOT_OPENED, SessionRecord
from tonevault.kernel.clock import Clock
from tonevault.kernel.ids import AccountId, ChargeId, TokenId
from tonevault.plumbing.log import get_logger
from tonevault.plumbing.sql import Database

OPENING: Final = timedelta(seconds=ANSWER_LIMIT_S + 5)
"""Longer than anyone waits for the secure zone: a session not confirmed by then was given up by whoever opened it."""
SILENCE_S: Final = 15.0
"""The secure zone restarts faster than this. Past it the agent is told, and the recording goes on."""
BATCH: Final = 100
"""Sessions read at a time."""

_log = get_logger("desk.sessions")


class SessionReconciler:
    """Asks the secure zone after every session whose end it has not reported."""

    def __init__(self, database: Database, zone: SecureZone, clock: Clock, mirror: SessionMirror) -> None:
        self._database = database
        self._zone = zone
        self._clock = clock
        self._mirror = mirror

    async def reconcile(self) -> None:
        """After every (re)connection. Raises SecureZoneUnreachableError; then the next connection does it again."""
        after: tuple[str, str] | None = None
        while True:
            batch = await self._unsettled(after)
            for account_id, record in batch:
                await self._settle(account_id, record)
                after = (account_id, record.id)
            if len(batch) < BATCH:
                return

    async def give_up_unopened(self) -> None:
        """Close sessions whose opening was never confirmed, here and in the secure zone."""
        moment = self._clock.utc() - OPENING
        for account_id, record in await self._database.read(lambda c: store.unopened_before(c, moment)):
            await self._settle(account_id, record)

    async def give_up_silent(self) -> None:
        """The secure zone has been silent for SILENCE_S: end what was at work, until its word says otherwise."""
        for account_id, record in await self._database.read(store.at_work_everywhere):
            if await self._may_have_charged(account_id, record.charge_id):
                state, reason = CaptureState.UNKNOWN, EndReason.AUTHORISATION_UNKNOWN
            else:
                state, reason = CaptureState.FAILED, EndReason.INTERRUPTED
            await self._mirror.give_up(account_id, record.id, state, reason, settled=False)

    async def _settle(self, account_id: AccountId, record: SessionRecord) -> None:
        fresh = record.created_at > self._clock.utc() - OPENING
        if record.revision == NOT_OPENED and fresh:
            return
        unwanted = record.cancel_asked or not record.is_at_work or record.revision == NOT_OPENED
        try:
            view = await self._zone.capture(record.id)
            if unwanted and view.state is CaptureState.OPEN:
                view = await self._zone.cancel(record.id)
        except SecureZoneError as refused:
            if refused.code == "not_found":
                await self._conclude(account_id, record)
            else:
                _log.warning("session_not_reconciled", session=record.id, code=refused.code)
            return
        if view.account_id == account_id:
            await self._mirror.take(view)

    async def _conclude(self, account_id: AccountId, record: SessionRecord) -> None:
        """The secure zone knows the session no more: its charge alone may tell how it came out."""
        if record.charge_id is not None:
            try:
                result = await self._zone.charge_result(account_id, record.charge_id)
            except SecureZoneError as refused:
                if refused.code != "not_found":
                    return
            else:
                token = None if result.token_id is None else await self._token(account_id, result.token_id)
                await self._mirror.conclude(account_id, record.id, result, token)
                return
        await self._mirror.give_up(
            account_id, record.id, CaptureState.FAILED, EndReason.INTERRUPTED, settled=True
        )

    async def _unsettled(self, after: tuple[str, str] | None) -> list[tuple[AccountId, SessionRecord]]:
        return await self._database.read(lambda c: store.unsettled_everywhere(c, after, BATCH))

    async def _token(self, account_id: AccountId, token_id: TokenId) -> TokenView | None:
        try:
            return await self._zone.token(account_id, token_id)
        except SecureZoneError:
            return None

    async def _may_have_charged(self, account_id: AccountId, charge_id: ChargeId | None) -> bool:
        """Whether completing was asked for: the intent of the charge stands from then on."""
        if charge_id is None:
            return False

        def read(connection: Connection) -> bool:
            found = payment_store.find_charge(connection, account_id, charge_id)
            return found is not None and not found[0].is_settled

        return await self._database.read(read)
