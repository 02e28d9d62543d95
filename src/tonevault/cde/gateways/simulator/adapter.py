"""The simulated gateway as an adapter of the port: in process, yet with a memory that survives a kill. Stores no card."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path
from typing import Final

from tonevault.cde.gateway import (
    Authorisation,
    CardInHand,
    Check,
    Code,
    GatewayAnswer,
    GatewayTraits,
    Verdict,
)
from tonevault.cde.gateways.simulator.cards import choose
from tonevault.cde.gateways.simulator.ledger import Entry, Kind, Ledger, Movement
from tonevault.cde.gateways.simulator.outcomes import Outcome
from tonevault.cde.sealed.warrant import open_number
from tonevault.kernel.clock import Clock
from tonevault.kernel.ids import AccountId, Entropy, make_secret_id
from tonevault.kernel.money import Money
from tonevault.plumbing.entropy import SYSTEM_ENTROPY
from tonevault.plumbing.sql import Database

TIMEOUT_S: Final = 10.0
"""How long the adapter waits for the answers that never come: what a person on the telephone can just bear."""
VISIBILITY_LAG_S: Final = 30.0
"""Declared to the settling of the unknown: longer than the laggards of the test cards."""
KEY_TTL_S: Final = 10 * 365 * 86_400.0
"""References are never forgotten."""
KNOWN_POSTAL_CODE: Final = "10001"
"""The postal code that the issuer of the mismatch card has on file, so that a correction can succeed."""


class SimulatorGateway:
    """Approves, declines, delays and falls silent by test card and amount; one payment a reference, whatever is resent."""

    def __init__(
        self,
        path: Path,
        clock: Clock,
        *,
        timeout_s: float = TIMEOUT_S,
        visibility_lag_s: float = VISIBILITY_LAG_S,
        idempotent: bool = True,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        entropy: Entropy = SYSTEM_ENTROPY,
    ) -> None:
        """`path`: its SQLite file, apart from the vault's. `idempotent=False`: a resent reference moves money again."""
        path.parent.mkdir(parents=True, exist_ok=True)
        self._ledger = Ledger(Database(f"sqlite:///{path}"))
        self._clock = clock
        self._timeout_s = timeout_s
        self._sleep = sleep
        self._entropy = entropy
        self._traits = GatewayTraits(
            "simulator", idempotent, KEY_TTL_S if idempotent else 0.0, visibility_lag_s
        )

    @property
    def traits(self) -> GatewayTraits:
        """Idempotent by reference unless it was made otherwise."""
        return self._traits

    async def authorise(self, request: Authorisation) -> GatewayAnswer:
        """Do what the card or the amount asks for. The outcome is on disk before any delay, as at a real gateway."""
        with open_number(request.card.number) as digits:
            outcome = choose(digits, request.money.amount_minor)
        if not outcome.arrives:
            await self._sleep(self._timeout_s)
            return GatewayAnswer(Verdict.UNKNOWN)
        now = self._clock.utc()
        entry = Entry(
            request.account_id,
            request.reference,
            Kind.PAYMENT,
            request.money,
            self._decide(outcome, request.card),
            visible_at=now + timedelta(seconds=outcome.look_up_lag_s),
            heard_at=now + timedelta(seconds=outcome.silent_look_up_s),
        )
        standing = await self._ledger.enter(entry, self._new_reference())
        if standing is not entry:
            return await self._answer_again(standing, entry)
        if not outcome.answers:
            await self._sleep(self._timeout_s)
            return GatewayAnswer(Verdict.UNKNOWN)
        if outcome.delay_s:
            await self._sleep(min(outcome.delay_s, self._timeout_s))
            if outcome.delay_s > self._timeout_s:
                return GatewayAnswer(Verdict.UNKNOWN)
        return standing.answer

    async def look_up(self, account_id: AccountId, reference: str) -> GatewayAnswer | None:
        """What stands in the ledger, once its lag and its silence are over."""
        entry = await self._ledger.find(account_id, reference)
        now = self._clock.utc()
        if entry is None:
            return None
        if now < entry.heard_at:
            return GatewayAnswer(Verdict.UNKNOWN)
        return entry.answer if now >= entry.visible_at else None

    async def refund(
        self, account_id: AccountId, reference: str, of_reference: str, money: Money
    ) -> GatewayAnswer:
        """Give back what an approved payment has left; more than that is declined, and one reference refunds once."""
        now = self._clock.utc()
        answer = GatewayAnswer(Verdict.APPROVED, self._new_reference())
        refusal = GatewayAnswer(Verdict.DECLINED, self._new_reference(), Code.NOT_REFUNDABLE)
        refund = Entry(account_id, reference, Kind.REFUND, money, answer, now, now, of_reference)
        entered = await self._ledger.enter_refund(refund, refusal, self._new_reference())
        if entered.money != money or entered.of_reference != of_reference:
            return GatewayAnswer(Verdict.FAILED, code=Code.REFERENCE_REUSED)
        return entered.answer

    async def movements(self, account_id: AccountId) -> tuple[Movement, ...]:
        """Every movement of money, so that a test can count what was charged twice or lost."""
        return await self._ledger.movements(account_id)

    async def close(self) -> None:
        """Release the ledger's file."""
        await self._ledger.close()

    async def _answer_again(self, standing: Entry, asked: Entry) -> GatewayAnswer:
        if standing.money != asked.money or standing.kind is not Kind.PAYMENT:
            return GatewayAnswer(Verdict.FAILED, code=Code.REFERENCE_REUSED)
        if not self._traits.idempotent:
            await self._ledger.move_again(standing, self._new_reference())
        return standing.answer

    def _decide(self, outcome: Outcome, card: CardInHand) -> GatewayAnswer:
        verdict, code = outcome.verdict, outcome.code
        if verdict is Verdict.FAILED:
            return GatewayAnswer(verdict, self._new_reference(), code)
        code_check = Check.NOT_GIVEN if card.security_code is None else Check.PASSED
        postal_check = Check.NOT_GIVEN if card.postal_code is None else Check.PASSED
        match outcome.when_given:
            case "code" if card.security_code is not None:
                code_check = Check.FAILED
            case "postal" if card.postal_code not in (None, KNOWN_POSTAL_CODE):
                postal_check = Check.FAILED
            case None:
                pass
            case _:
                verdict, code = Verdict.APPROVED, None
        return GatewayAnswer(
            verdict,
            self._new_reference(),
            code,
            security_code_check=code_check,
            postal_code_check=postal_check,
        )

    def _new_reference(self) -> str:
        return make_secret_id("sim", self._entropy)
