"""The one place where an attempt moves on: attempt, charge, job and token change in one transaction, then the desk is told."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection

from tonevault.boundary.charges import ChargeResult, ChargeState
from tonevault.cde.charging import jobs, store
from tonevault.cde.charging.model import TRANSITIONS, Attempt, AttemptEvent, AttemptState, Fault, StoredCharge
from tonevault.cde.charging.settling import backoff_s
from tonevault.cde.gateway import GatewayAnswer
from tonevault.cde.vault.service import Vault
from tonevault.plumbing.log import get_logger
from tonevault.plumbing.sql import Database

OnChange = Callable[[ChargeResult], None]

log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Moved:
    """What became of an event: `attempt_state` after it, and whether it was this event that led there."""

    charge: StoredCharge
    attempt_state: AttemptState
    by_this: bool


class Recorder:
    """Records what happens to attempts, and tells who listens of every charge that changes."""

    def __init__(self, database: Database, vault: Vault, on_change: OnChange) -> None:
        self._database = database
        self._vault = vault
        self._on_change = on_change

    async def record(
        self,
        attempt: Attempt,
        event: AttemptEvent,
        now: datetime,
        *,
        answer: GatewayAnswer | None = None,
        fault: Fault | None = None,
    ) -> Moved:
        """Carry out an event by the table. An event that the table does not know of in this state changes nothing."""
        before, moved = await self._database.transact(
            lambda c: self._move(c, attempt, event, now, answer=answer, fault=fault)
        )
        if moved.charge.state is not before:
            self.tell(moved.charge)
        return moved

    def tell(self, charge: StoredCharge) -> None:
        """Log a charge's new state and hand it on. A listener that fails does not undo what is recorded."""
        log.info(
            "charge changed",
            account=charge.account_id,
            charge=charge.charge_id,
            state=charge.state.value,
            code=charge.code,
        )
        try:
            self._on_change(charge.result())
        except Exception as error:  # noqa: BLE001 - any fault of a listener; money must not depend on it
            log.error("a listener of charges failed", error=type(error).__name__)  # noqa: TRY400 - no traceback

    def _move(
        self,
        connection: Connection,
        attempt: Attempt,
        event: AttemptEvent,
        now: datetime,
        *,
        answer: GatewayAnswer | None,
        fault: Fault | None,
    ) -> tuple[ChargeState, Moved]:
        standing = store.find_attempt(connection, attempt.account_id, attempt.attempt_id, lock=True)
        charge = store.find_charge(connection, attempt.account_id, attempt.charge_id)
        if standing is None or charge is None:
            raise LookupError("an attempt or its charge has left the database; restore it from a backup")
        state = TRANSITIONS.get((standing.state, event))
        if state is None:
            return charge.state, Moved(charge, standing.state, by_this=False)
        changed = charge.after(state, answer, fault, now)
        store.move_attempt(connection, standing, state, now)
        store.update_charge(connection, changed)
        if state.is_settled:
            jobs.done(connection, attempt.account_id, attempt.attempt_id)
        elif state is AttemptState.UNKNOWN:
            due = now + timedelta(seconds=backoff_s(0))
            jobs.put_off(connection, attempt.account_id, attempt.attempt_id, due, step=0)
        if changed.drops_token:
            self._vault.revoke_in(connection, changed.account_id, changed.token_id, now)
        return charge.state, Moved(changed, state, by_this=True)
