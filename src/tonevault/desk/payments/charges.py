"""Charges of tokens. The intent is committed before the secure zone is asked, and asked again under the same id: nobody pays twice."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Final

from sqlalchemy import Connection

from tonevault.boundary.charges import (
    Amount,
    ChargeRequest,
    ChargeResult,
    ChargeState,
    Initiator,
    Taking,
)
from tonevault.boundary.problems import SecureZoneError, SecureZoneUnreachableError
from tonevault.boundary.secure_zone import SecureZone
from tonevault.boundary.tokens import TokenState
from tonevault.desk.events.model import Numbered
from tonevault.desk.events.service import EventService
from tonevault.desk.paging import Page, PageRequest
from tonevault.desk.payments import store
from tonevault.desk.payments.mirror import PaymentMirror
from tonevault.desk.payments.model import CardToken, Charge, new_charge
from tonevault.desk.payments.sending import begin_by, is_last_word
from tonevault.desk.payments.tokens import TokenService
from tonevault.desk.people.audit import AuditLog
from tonevault.desk.people.model import SYSTEM_ACTOR
from tonevault.desk.refusal import FieldFault, Refusal, not_found
from tonevault.desk.side_by_side import side_by_side
from tonevault.kernel.clock import Clock
from tonevault.kernel.ids import AccountId, ChargeId, CustomerId, SessionId, TokenId
from tonevault.kernel.money import Money
from tonevault.plumbing.log import get_logger
from tonevault.plumbing.sql import Database

TOKEN_NOT_CHARGEABLE: Final = "token_not_chargeable"  # noqa: S105 - a code
MAX_WAIT_S: Final = 60.0
"""The longest pause between two questions after one charge."""
BATCH: Final = 50
"""Charges asked after in one sweep; the next sweep takes the next ones."""

_log = get_logger("desk.charges")


@dataclass(frozen=True, slots=True)
class ChargeAsked:
    """What is asked of a charge beside its token and amount; `schedule_id` and `split_id` where it belongs to one."""

    description: str = ""
    capture: Taking = Taking.AUTOMATIC
    initiator: Initiator = Initiator.UNSCHEDULED
    schedule_id: str | None = None
    split_id: str | None = None


class ChargeService:
    """The charges of every account."""

    def __init__(
        self,
        database: Database,
        zone: SecureZone,
        clock: Clock,
        *,
        events: EventService,
        mirror: PaymentMirror,
        tokens: TokenService,
        audit: AuditLog,
    ) -> None:
        self._database = database
        self._zone = zone
        self._clock = clock
        self._events = events
        self._mirror = mirror
        self._tokens = tokens
        self._audit = audit

    async def create(
        self,
        account_id: AccountId,
        charge_id: ChargeId,
        token_id: TokenId,
        amount: Money,
        *,
        asked: ChargeAsked,
        actor: str,
    ) -> Charge:
        """Charge a token. A decline is an answer; silence leaves the charge `pending` until the sweep has settled it.

        Raises Refusal `token_not_chargeable`, `not_found` or `secure_zone_unreachable`; then no money moves.
        """
        known = await self._find(account_id, charge_id)
        if known is None:
            token = await self.require_chargeable(account_id, token_id)
            charge = new_charge(
                charge_id,
                amount.amount_minor,
                amount.currency,
                asked.description,
                self._clock.utc(),
                token=token_id,
                customer_id=token.customer_id,
                capture=asked.capture,
                initiator=asked.initiator,
                schedule_id=asked.schedule_id,
                split_id=asked.split_id,
            )
            await self._intend(account_id, charge, actor)
            await self._send(account_id, charge)
        elif not known.is_settled:
            await self._send(account_id, known)
        settled = await self.get(account_id, charge_id)
        if settled.code == TOKEN_NOT_CHARGEABLE:
            raise _not_chargeable(await self._tokens.get(account_id, token_id))
        return settled

    async def require_chargeable(self, account_id: AccountId, token_id: TokenId) -> CardToken:
        """A token that may be charged now. Raises Refusal `token_not_chargeable`, `not_found` or `secure_zone_unreachable`."""
        token = await self._tokens.get_fresh(account_id, token_id)
        if token.state is not TokenState.ACTIVE:
            raise _not_chargeable(token)
        return token

    async def refuse(
        self,
        account_id: AccountId,
        charge_id: ChargeId,
        token_id: TokenId,
        amount: Money,
        *,
        asked: ChargeAsked,
        code: str,
    ) -> None:
        """Write down as failed what was refused before it was begun: for whom a charge that is not there would mean *not yet*."""
        if await self._find(account_id, charge_id) is not None:
            return
        charge = new_charge(
            charge_id,
            amount.amount_minor,
            amount.currency,
            asked.description,
            self._clock.utc(),
            token=token_id,
            capture=asked.capture,
            initiator=asked.initiator,
            schedule_id=asked.schedule_id,
            split_id=asked.split_id,
        )
        await self._intend(account_id, charge, SYSTEM_ACTOR)
        await self._end(account_id, charge, ChargeState.FAILED, code)

    async def get(self, account_id: AccountId, charge_id: ChargeId) -> Charge:
        """One charge."""
        charge = await self._find(account_id, charge_id)
        if charge is None:
            raise not_found("charge")
        return charge

    async def page(
        self,
        account_id: AccountId,
        request: PageRequest,
        customer_id: CustomerId | None = None,
        session_id: SessionId | None = None,
    ) -> Page[Charge]:
        """Charges, newest first."""
        return await self._database.read(
            lambda c: store.page_of_charges(c, account_id, request, customer_id, session_id)
        )

    async def take(self, result: ChargeResult) -> None:
        """Take in a report of the secure zone."""
        account_id, now = result.account_id, self._clock.utc()
        await self._save(account_id, lambda c: self._mirror.charge(c, account_id, result, now))

    async def ask_after_all(self) -> None:
        """The secure zone is back: every unsettled charge is due."""
        await self._database.transact(lambda c: store.make_all_due(c, self._clock.utc()))

    async def settle(self) -> None:
        """Ask after the unsettled charges that are due. Stops at silence: the rest keeps."""
        due = await self._database.read(lambda c: store.due_charges(c, self._clock.utc(), BATCH))
        silent = asyncio.Event()

        async def ask(
            account_id: AccountId, charge: Charge, reported_at: datetime | None, asked: int
        ) -> None:
            if silent.is_set():
                return
            await self._put_off(account_id, charge, asked)
            try:
                await self._ask(account_id, charge, never_seen=reported_at is None)
            except SecureZoneUnreachableError:
                silent.set()

        await side_by_side("settle_charges", [partial(ask, *each) for each in due])

    async def _put_off(self, account_id: AccountId, charge: Charge, asked: int) -> None:
        """Before the question goes out, so that other nodes do not ask it too."""
        wait = timedelta(seconds=min(MAX_WAIT_S, 2.0 ** min(asked + 1, 10)))
        ask_at = self._clock.utc() + wait
        await self._database.transact(lambda c: store.ask_again(c, account_id, charge.id, ask_at, asked + 1))

    async def _ask(self, account_id: AccountId, charge: Charge, *, never_seen: bool) -> None:
        if never_seen and charge.session_id is None:
            # Sent again however old it is: the secure zone refuses what is too late, at the one place where it would be begun.
            await self._send(account_id, charge)
        else:
            await self._look_up(account_id, charge)

    async def _send(self, account_id: AccountId, charge: Charge) -> None:
        if charge.token is None:
            raise AssertionError("a charge of a session is sent by completing the session")
        request = ChargeRequest(
            charge_id=charge.id,
            account_id=account_id,
            token_id=charge.token,
            amount=Amount(amount_minor=charge.amount, currency=charge.currency),
            description=charge.description,
            capture=charge.capture,
            initiator=charge.initiator,
            begin_by=begin_by(charge.created_at),
        )
        try:
            result = await self._zone.charge(request)
        except SecureZoneUnreachableError:
            _log.warning("charge_unanswered", charge=charge.id)
            return
        except SecureZoneError as refused:
            if is_last_word(refused, charge.created_at, self._clock.utc()):
                await self._end(account_id, charge, ChargeState.FAILED, refused.code)
            return
        await self.take(result)

    async def _look_up(self, account_id: AccountId, charge: Charge) -> None:
        # A charge of a session is begun by completing it, and is ended with the session by the session's own mirror.
        with suppress(SecureZoneError):
            await self.take(await self._zone.charge_result(account_id, charge.id))

    async def _intend(self, account_id: AccountId, charge: Charge, actor: str) -> None:
        def intend(connection: Connection) -> list[Numbered]:
            self._audit.append(connection, account_id, actor, "create_charge", subject=charge.id)
            return self._mirror.intend(connection, account_id, charge)

        await self._save(account_id, intend)

    async def _end(self, account_id: AccountId, charge: Charge, state: ChargeState, code: str) -> None:
        now = self._clock.utc()
        await self._save(
            account_id,
            lambda c: self._mirror.end_charge(c, account_id, charge.id, state=state, code=code, now=now),
        )

    async def _find(self, account_id: AccountId, charge_id: ChargeId) -> Charge | None:
        found = await self._database.read(lambda c: store.find_charge(c, account_id, charge_id))
        return None if found is None else found[0]

    async def _save(self, account_id: AccountId, work: Callable[[Connection], list[Numbered]]) -> None:
        self._events.publish(account_id, await self._database.transact(work))


def _not_chargeable(token: CardToken) -> Refusal:
    facts = {"token_state": token.state.value}
    way_out = "Capture the card again for a new token."
    if token.replaced_by is not None:
        facts["replaced_by"] = token.replaced_by
        way_out = "Charge its successor, `replaced_by`."
    return Refusal(
        409,
        TOKEN_NOT_CHARGEABLE,
        f"token: is {token.state} and cannot be charged. {way_out}",
        errors=(FieldFault("token", TOKEN_NOT_CHARGEABLE, f"is {token.state}"),),
        facts=facts,
    )
