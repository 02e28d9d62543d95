"""The one place where an attempt moves on: attempt, charge, job and token change in one transaction, then the desk is told."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection

from tonevault.boundary.charges import ChargeResult, Initiator
from tonevault.boundary.operations import OperationResult
from tonevault.cde.charging import credentials, jobs, store
from tonevault.cde.charging.charge import StoredCharge
from tonevault.cde.charging.model import TRANSITIONS, Attempt, AttemptEvent, AttemptState, Fault
from tonevault.cde.charging.operation import operation_result
from tonevault.cde.charging.settling import backoff_s
from tonevault.cde.gateway import GatewayAnswer
from tonevault.cde.vault.service import Vault
from tonevault.plumbing.log import get_logger
from tonevault.plumbing.sql import Database

OnChange = Callable[[ChargeResult], None]
OnOperation = Callable[[OperationResult], None]

log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Moved:
    """What became of an event: charge and attempt after it, and whether it was this event that led there."""

    charge: StoredCharge
    attempt: Attempt
    by_this: bool
    charge_moved: bool = False


class Recorder:
    """Records what happens to attempts, and tells who listens of every charge and operation that changes."""

    def __init__(
        self, database: Database, vault: Vault, on_change: OnChange, on_operation: OnOperation
    ) -> None:
        self._database = database
        self._vault = vault
        self._on_change = on_change
        self._on_operation = on_operation

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
        moved = await self._database.transact(
            lambda c: self._move(c, attempt, event, now, answer=answer, fault=fault)
        )
        if moved.by_this and moved.attempt.operation_id is not None:
            self.tell_operation(moved.attempt, moved.charge.amount.currency)
        if moved.charge_moved:
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

    def tell_operation(self, attempt: Attempt, currency: str) -> None:
        """The same of a capture, void or refund."""
        log.info(
            "operation changed",
            account=attempt.account_id,
            operation=attempt.operation_id,
            state=attempt.state.value,
            code=attempt.code,
        )
        try:
            self._on_operation(operation_result(attempt, currency))
        except Exception as error:  # noqa: BLE001 - as above
            log.error("a listener of operations failed", error=type(error).__name__)  # noqa: TRY400

    def _move(
        self,
        connection: Connection,
        attempt: Attempt,
        event: AttemptEvent,
        now: datetime,
        *,
        answer: GatewayAnswer | None,
        fault: Fault | None,
    ) -> Moved:
        # The charge is locked first, here as everywhere: two that lock in different orders could wait for each other.
        charge = store.find_charge(connection, attempt.account_id, attempt.charge_id, lock=True)
        standing = store.find_attempt(connection, attempt.account_id, attempt.attempt_id, lock=True)
        if standing is None or charge is None:
            raise LookupError("an attempt or its charge has left the database; restore it from a backup")
        state = TRANSITIONS.get((standing.state, event))
        if state is None:
            return Moved(charge, standing, by_this=False)
        moved = standing.after(state, answer, fault, now)
        store.save_attempt(connection, moved)
        if moved.operation_id is None:
            changed = charge.paid(state, answer, fault, now)
        elif state is AttemptState.APPROVED:
            attempts = store.attempts_of(connection, attempt.account_id, attempt.charge_id)
            changed = charge.followed(attempts, now)
        else:
            changed = charge
        if changed is not charge:
            store.update_charge(connection, changed)
        self._see_to_the_rest(connection, changed, moved, answer, now)
        return Moved(changed, moved, by_this=True, charge_moved=_shows(charge, changed))

    def _see_to_the_rest(
        self,
        connection: Connection,
        charge: StoredCharge,
        attempt: Attempt,
        answer: GatewayAnswer | None,
        now: datetime,
    ) -> None:
        if attempt.state.is_settled:
            jobs.done(connection, attempt.account_id, attempt.attempt_id)
        elif attempt.state is AttemptState.UNKNOWN:
            due = now + timedelta(seconds=backoff_s(0))
            jobs.put_off(connection, attempt.account_id, attempt.attempt_id, due, step=0)
        if attempt.operation_id is not None:
            return
        if charge.drops_token:
            self._vault.drop_in(connection, charge.account_id, charge.token_id, now)
        first = charge.keeps_card and charge.initiator is Initiator.CUSTOMER
        if attempt.state is AttemptState.APPROVED and first and answer and answer.scheme_reference:
            credentials.keep(connection, charge, answer.scheme_reference, now)


def _shows(before: StoredCharge, after: StoredCharge) -> bool:
    """Whether a change is one that the merchant sees."""
    mine = (before.state, before.amount_captured, before.amount_refunded)
    return mine != (after.state, after.amount_captured, after.amount_refunded)
