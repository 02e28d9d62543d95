"""Captures, voids and refunds. The intent is committed before the secure zone is asked, and asked again under the same id."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import Connection

from tonevault.boundary.operations import OperationKind, OperationResult, OperationState
from tonevault.boundary.problems import SecureZoneError, SecureZoneUnreachableError
from tonevault.boundary.secure_zone import SecureZone
from tonevault.desk.events.model import Numbered
from tonevault.desk.events.service import EventService
from tonevault.desk.paging import Page, PageRequest
from tonevault.desk.payments import operation_store as store
from tonevault.desk.payments import store as charge_store
from tonevault.desk.payments.mirror import FIRST_ASK, PaymentMirror
from tonevault.desk.payments.operation import Operation, Wish, wish_for
from tonevault.desk.payments.sending import is_last_word
from tonevault.desk.people.audit import AuditLog
from tonevault.desk.people.model import SYSTEM_ACTOR
from tonevault.desk.refusal import Refusal, not_found, refusal_of_zone
from tonevault.kernel.clock import Clock
from tonevault.kernel.ids import AccountId, ChargeId, OperationId
from tonevault.kernel.money import Money
from tonevault.plumbing.log import get_logger
from tonevault.plumbing.sql import Database

MAX_WAIT_S: Final = 60.0
BATCH: Final = 50

_log = get_logger("desk.operations")


@dataclass(frozen=True, slots=True)
class Asked:
    """What is asked for: an amount, or all there is."""

    kind: OperationKind
    amount_minor: int | None = None
    reason: str = ""


class OperationService:
    """The captures, voids and refunds of every account."""

    def __init__(
        self,
        database: Database,
        zone: SecureZone,
        clock: Clock,
        *,
        events: EventService,
        mirror: PaymentMirror,
        audit: AuditLog,
    ) -> None:
        self._database = database
        self._zone = zone
        self._clock = clock
        self._events = events
        self._mirror = mirror
        self._audit = audit

    async def create(
        self, account_id: AccountId, charge_id: ChargeId, asked: Asked, *, letters: str, actor: str
    ) -> Operation:
        """Do it. A decline is an answer; silence leaves it `pending` until the sweep has settled it.

        Raises Refusal where the charge or its gateway does not allow it; then nothing was done.
        """
        operation_id = OperationId(f"{asked.kind.prefix}_{letters}")
        wish = await self._find(account_id, operation_id)
        if wish is None:
            wish = await self._intend(account_id, charge_id, operation_id, asked, actor)
        elif wish.operation.is_settled:
            return wish.operation
        refused = await self._send(account_id, wish)
        if refused is not None:
            await self._database.transact(lambda c: store.drop_unsent(c, account_id, operation_id))
            raise refusal_of_zone(refused)
        return await self.get(account_id, operation_id)

    async def refuse(
        self, account_id: AccountId, charge_id: ChargeId, asked: Asked, *, letters: str, code: str
    ) -> None:
        """Write down as failed what was refused: for whom an operation that is not there would mean *not yet*."""
        operation_id = OperationId(f"{asked.kind.prefix}_{letters}")
        if await self._find(account_id, operation_id) is None:
            wish = await self._intend(account_id, charge_id, operation_id, asked, SYSTEM_ACTOR)
            await self._end(account_id, wish, code)

    async def get(
        self, account_id: AccountId, operation_id: OperationId, what: str = "operation"
    ) -> Operation:
        """One operation."""
        wish = await self._find(account_id, operation_id)
        if wish is None:
            raise not_found(what)
        return wish.operation

    async def page(
        self,
        account_id: AccountId,
        request: PageRequest,
        *,
        kind: OperationKind | None = None,
        charge_id: ChargeId | None = None,
    ) -> Page[Operation]:
        """Operations, newest first."""
        return await self._database.read(
            lambda c: store.page(c, account_id, request, kind=kind, charge_id=charge_id)
        )

    async def take(self, result: OperationResult) -> None:
        """Take in a report of the secure zone."""
        account_id, now = result.account_id, self._clock.utc()
        await self._save(account_id, lambda c: self._mirror.operation(c, account_id, result, now))

    async def ask_after_all(self) -> None:
        """The secure zone is back: every unsettled operation is due."""
        await self._database.transact(lambda c: store.make_all_due(c, self._clock.utc()))

    async def settle(self) -> None:
        """Ask after the unsettled operations that are due. Stops at silence: the rest keeps."""
        due = await self._database.read(lambda c: store.due(c, self._clock.utc(), BATCH))
        for account_id, wish, asked in due:
            wait = timedelta(seconds=min(MAX_WAIT_S, 2.0 ** min(asked + 1, 10)))
            ask_at = self._clock.utc() + wait
            operation = wish.operation
            await self._put_off(account_id, operation.id, ask_at, asked + 1)
            try:
                await self._ask(account_id, wish)
            except SecureZoneUnreachableError:
                return

    async def _put_off(
        self, account_id: AccountId, operation_id: OperationId, ask_at: datetime, asked: int
    ) -> None:
        """Before the question goes out, so that other nodes do not ask it too."""
        await self._database.transact(lambda c: store.ask_again(c, account_id, operation_id, ask_at, asked))

    async def _ask(self, account_id: AccountId, wish: Wish) -> None:
        if wish.reported_at is not None:
            with suppress(SecureZoneError):
                await self.take(await self._zone.operation(account_id, wish.operation.id))
            return
        refused = await self._send(account_id, wish)
        if refused is not None:
            # Whoever asked was told that it is pending, and may look for it: it has failed, and stays to be found.
            await self._end(account_id, wish, refused.code)

    async def _send(self, account_id: AccountId, wish: Wish) -> SecureZoneError | None:
        """Ask the secure zone; the refusal, if it was one that tells for certain that nothing was done."""
        try:
            result = await self._zone.operate(wish.request(account_id))
        except SecureZoneUnreachableError:
            _log.warning("operation_unanswered", operation=wish.operation.id)
            return None
        except SecureZoneError as refused:
            is_last = is_last_word(refused, wish.operation.created_at, self._clock.utc())
            return refused if is_last else None
        await self._take_with_charge(result)
        return None

    async def _take_with_charge(self, result: OperationResult) -> None:
        """What was answered as done is read as done from then on: the charge is not left to its notice, which may come later."""
        charge = None
        if result.state is OperationState.SUCCEEDED:
            with suppress(SecureZoneError, SecureZoneUnreachableError):
                charge = await self._zone.charge_result(result.account_id, result.charge_id)
        account_id, now = result.account_id, self._clock.utc()

        def save(connection: Connection) -> list[Numbered]:
            events = self._mirror.operation(connection, account_id, result, now)
            if charge is not None:
                events += self._mirror.charge(connection, account_id, charge, now)
            return events

        await self._save(account_id, save)

    async def _intend(
        self,
        account_id: AccountId,
        charge_id: ChargeId,
        operation_id: OperationId,
        asked: Asked,
        actor: str,
    ) -> Wish:
        def intend(connection: Connection) -> Wish | Refusal:
            found = charge_store.find_charge(connection, account_id, charge_id)
            if found is None:
                return not_found("charge")
            charge = found[0]
            amount = None if asked.amount_minor is None else Money(asked.amount_minor, charge.currency)
            wish = wish_for(
                operation_id, asked.kind, charge, amount, reason=asked.reason, now=self._clock.utc()
            )
            self._audit.append(connection, account_id, actor, f"{asked.kind.value}_charge", subject=charge_id)
            store.add(connection, account_id, wish, wish.operation.created_at + FIRST_ASK)
            return wish

        made = await self._database.transact(intend)
        if isinstance(made, Refusal):
            raise made
        return made

    async def _end(self, account_id: AccountId, wish: Wish, code: str) -> None:
        ended = wish.operation.ended(code, self._clock.utc())
        await self._save(account_id, lambda c: self._mirror.end_operation(c, account_id, ended))

    async def _find(self, account_id: AccountId, operation_id: OperationId) -> Wish | None:
        return await self._database.read(lambda c: store.find(c, account_id, operation_id))

    async def _save(self, account_id: AccountId, work: Callable[[Connection], list[Numbered]]) -> None:
        self._events.publish(account_id, await self._database.transact(work))
