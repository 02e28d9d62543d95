"""Takes the secure zone's reports of tokens and charges into the desk's rows, inside the caller's transaction."""

from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import Connection

from tonevault.boundary.charges import ChargeResult, ChargeState
from tonevault.boundary.operations import OperationKind, OperationResult
from tonevault.boundary.tokens import TokenView
from tonevault.desk.events.model import EventType, Numbered, of_charge, of_refund
from tonevault.desk.events.service import EventService
from tonevault.desk.payments import operation_store, store
from tonevault.desk.payments.model import Charge, supersedes, token_of
from tonevault.desk.payments.operation import Operation
from tonevault.desk.payments.operation import supersedes as is_newer
from tonevault.kernel.ids import AccountId, ChargeId, CustomerId

FIRST_ASK: Final = timedelta(seconds=10)
"""A gateway answers within seconds; the one who waits for it needs no help before that."""


class PaymentMirror:
    """Each method answers the events to publish after the commit."""

    def __init__(self, events: EventService) -> None:
        self._events = events

    def token(
        self,
        connection: Connection,
        account_id: AccountId,
        view: TokenView,
        customer_id: CustomerId | None = None,
    ) -> list[Numbered]:
        """A token as the vault sees it. The customer who first gave the card stays with it."""
        known = store.find_token(connection, account_id, view.token_id)
        if known is None:
            token = token_of(view, customer_id)
            store.add_token(connection, account_id, token)
            return [self._events.append(connection, account_id, EventType.TOKEN_CREATED, token)]
        token = token_of(view, known.customer_id or customer_id)
        if token == known:
            return []
        store.save_token(connection, account_id, token)
        return [self._events.append(connection, account_id, EventType.TOKEN_UPDATED, token)]

    def intend(self, connection: Connection, account_id: AccountId, charge: Charge) -> list[Numbered]:
        """A new charge, before anybody is asked to move money; nothing where it is known."""
        if store.find_charge(connection, account_id, charge.id) is not None:
            return []
        store.add_charge(connection, account_id, charge, charge.created_at + FIRST_ASK)
        return [self._events.append(connection, account_id, EventType.CHARGE_CREATED, charge)]

    def charge(
        self, connection: Connection, account_id: AccountId, result: ChargeResult, now: datetime
    ) -> list[Numbered]:
        """A charge as the secure zone sees it; a report that is older than the last changes nothing."""
        found = store.find_charge(connection, account_id, result.charge_id)
        if found is None:
            return []
        known, reported_at = found
        if not supersedes(result, reported_at, known.state):
            return []
        charge = known.reported(result)
        ask_at = None if charge.is_settled else now + FIRST_ASK
        store.save_charge(connection, account_id, charge, reported_at=result.updated_at, ask_at=ask_at)
        mine = (known.state, known.amount_captured, known.amount_refunded)
        if mine == (charge.state, charge.amount_captured, charge.amount_refunded):
            return []
        return [self._events.append(connection, account_id, of_charge(charge.state), charge)]

    def operation(
        self, connection: Connection, account_id: AccountId, result: OperationResult, now: datetime
    ) -> list[Numbered]:
        """A capture, void or refund as the secure zone sees it; one that the desk never asked for is none of its business."""
        wish = operation_store.find(connection, account_id, result.operation_id)
        if wish is None or not is_newer(result, wish):
            return []
        operation = wish.operation.reported(result)
        ask_at = None if operation.is_settled else now + FIRST_ASK
        operation_store.save(connection, account_id, operation, reported_at=result.updated_at, ask_at=ask_at)
        if wish.reported_at is not None and operation.state is wish.operation.state:
            return []
        return self._told(connection, account_id, operation)

    def end_operation(
        self, connection: Connection, account_id: AccountId, ended: Operation
    ) -> list[Numbered]:
        """An operation that the secure zone never began; one that it has spoken of meanwhile stands as reported."""
        wish = operation_store.find(connection, account_id, ended.id)
        if wish is None or wish.reported_at is not None:
            return []
        operation_store.save(connection, account_id, ended, reported_at=None, ask_at=None)
        return self._told(connection, account_id, ended)

    def _told(self, connection: Connection, account_id: AccountId, operation: Operation) -> list[Numbered]:
        """Refunds have events of their own; captures and voids are told by their charge's."""
        if operation.kind is not OperationKind.REFUND:
            return []
        return [self._events.append(connection, account_id, of_refund(operation.state), operation)]

    def end_charge(
        self,
        connection: Connection,
        account_id: AccountId,
        charge_id: ChargeId,
        *,
        state: ChargeState,
        code: str,
        now: datetime,
    ) -> list[Numbered]:
        """A charge that the secure zone never began. Should a report of it come after all, that report counts."""
        found = store.find_charge(connection, account_id, charge_id)
        if found is None or found[0].is_settled:
            return []
        ended = found[0].ended(state, code, now)
        store.save_charge(connection, account_id, ended, reported_at=found[1], ask_at=None)
        return [self._events.append(connection, account_id, of_charge(state), ended)]
