"""The simulated gateway as an adapter of the port: in process, yet with a memory that survives a kill. Stores no card."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from tonevault.cde.gateway import (
    Authorisation,
    Code,
    Feature,
    GatewayAnswer,
    GatewayTraits,
    Hint,
    Kind,
    Listed,
    Made,
    Verdict,
)
from tonevault.cde.gateways.simulator.cards import choose, choose_by_amount
from tonevault.cde.gateways.simulator.decision import decide
from tonevault.cde.gateways.simulator.ledger import Ledger
from tonevault.cde.gateways.simulator.outcomes import Outcome
from tonevault.cde.gateways.simulator.posting import Movement, Posting
from tonevault.cde.gateways.simulator.webhook import read_webhook, write_webhook
from tonevault.cde.sealed.warrant import open_number
from tonevault.kernel.clock import Clock
from tonevault.kernel.ids import AccountId, Entropy, make_secret_id
from tonevault.kernel.money import MINOR_DIGITS
from tonevault.plumbing.entropy import SYSTEM_ENTROPY
from tonevault.plumbing.sql import Database

TIMEOUT_S: Final = 10.0
"""How long the adapter waits for the answers that never come: what a person on the telephone can just bear."""
VISIBILITY_LAG_S: Final = 30.0
"""Declared to the settling of the unknown: longer than the laggards of the test cards."""
KEY_TTL_S: Final = 10 * 365 * 86_400.0
"""References are never forgotten."""
CURRENCIES_REFUSED: Final = frozenset({"KWD"})
"""One currency that the kernel knows and this gateway does not, so that what happens then can be seen."""


class SimulatorGateway:
    """Approves, declines, delays and falls silent by test card and amount; one outcome a reference, whatever is resent."""

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
        self._next: Outcome | None = None
        self._traits = GatewayTraits(
            "simulator",
            idempotent,
            KEY_TTL_S if idempotent else 0.0,
            visibility_lag_s,
            features=frozenset(Feature) - {Feature.CHALLENGE},
            currencies=frozenset(MINOR_DIGITS) - CURRENCIES_REFUSED,
        )

    @property
    def traits(self) -> GatewayTraits:
        """Idempotent by reference unless it was made otherwise."""
        return self._traits

    def play_next(self, outcome: Outcome) -> None:
        """What the next request meets, whatever its card or amount says: for tests."""
        self._next = outcome

    async def authorise(self, request: Authorisation) -> GatewayAnswer:
        """Do what the card or the amount asks for. The outcome is on disk before any delay, as at a real gateway."""
        return await self._check(request, Kind.PAYMENT)

    async def verify(self, request: Authorisation) -> GatewayAnswer:
        """The same for no money."""
        return await self._check(request, Kind.VERIFICATION)

    async def follow_up(self, made: Made) -> GatewayAnswer:
        """Capture, void or refund what a payment has left; more than that is declined, and one reference does it once."""
        if made.of is None:
            raise ValueError("made: a follow-up names the payment that it belongs to")
        outcome = self._outcome() or choose_by_amount(made.money.amount_minor)
        now = self._clock.utc()
        answer = GatewayAnswer(outcome.verdict, self._new_reference(), outcome.code)
        return await self._play(outcome, self._posting(made, answer, outcome, now))

    async def look_up(self, made: Made) -> GatewayAnswer | None:
        """What stands in the ledger, once its lag and its silence are over."""
        posting = await self._ledger.find(made.account_id, made.reference)
        now = self._clock.utc()
        if posting is None:
            return None
        if now < posting.heard_at:
            return GatewayAnswer(Verdict.UNKNOWN)
        return posting.answer if now >= posting.visible_at else None

    async def cancel(self, made: Made) -> GatewayAnswer:
        """Post the payment as called off unless it stands already: whatever arrives late under its reference meets that."""
        answer = GatewayAnswer(Verdict.FAILED, self._new_reference(), Code.CANCELED)
        now = self._clock.utc()
        posting = Posting(
            made.account_id,
            made.reference,
            Kind.PAYMENT,
            made.money,
            answer,
            now,
            visible_at=now,
            heard_at=now,
        )
        standing = await self._ledger.post(posting, self._new_reference())
        return standing.answer if now >= standing.heard_at else GatewayAnswer(Verdict.UNKNOWN)

    async def listed(self, account_id: AccountId, since: datetime, until: datetime) -> AsyncIterator[Listed]:
        """What was done in a span of time."""
        for posting in await self._ledger.approved(account_id, since, until):
            yield Listed(
                posting.reference,
                posting.answer.gateway_reference or "",
                posting.kind,
                posting.money,
                posting.answer.verdict,
                posting.at,
            )

    def heard(self, headers: Mapping[str, str], body: bytes, now: datetime) -> tuple[Hint, ...]:
        """See Gateway."""
        return read_webhook(self._ledger.webhook_secret, headers, body, now)

    def webhook(self, hint: Hint) -> tuple[dict[str, str], bytes]:
        """Headers and body of a webhook as this gateway would send it now."""
        return write_webhook(self._ledger.webhook_secret, hint, self._clock.utc())

    async def movements(self, account_id: AccountId) -> tuple[Movement, ...]:
        """Every movement of money, so that a test can count what was charged twice or lost."""
        return await self._ledger.movements(account_id)

    async def close(self) -> None:
        """Release the ledger's file."""
        await self._ledger.close()

    async def _check(self, request: Authorisation, kind: Kind) -> GatewayAnswer:
        if not self._traits.takes(request.money.currency):
            return GatewayAnswer(Verdict.FAILED, code=Code.CURRENCY_NOT_SUPPORTED)
        with open_number(request.card.number) as digits:
            outcome = self._outcome() or choose(digits, request.money.amount_minor)
        now = self._clock.utc()
        answer = replace(
            decide(outcome, request, kind),
            gateway_reference=self._new_reference(),
            scheme_reference=self._new_reference(),
        )
        made = Made(request.account_id, request.reference, kind, request.money, now)
        return await self._play(outcome, self._posting(made, answer, outcome, now))

    async def _play(self, outcome: Outcome, posting: Posting) -> GatewayAnswer:
        if not outcome.arrives:
            await self._sleep(self._timeout_s)
            return GatewayAnswer(Verdict.UNKNOWN)
        standing = await self._ledger.post(posting, self._new_reference(), again=not self._traits.idempotent)
        if not standing.asks_the_same(posting):
            return GatewayAnswer(Verdict.FAILED, code=Code.REFERENCE_REUSED)
        if not outcome.answers:
            await self._sleep(self._timeout_s)
            return GatewayAnswer(Verdict.UNKNOWN)
        if outcome.delay_s:
            await self._sleep(min(outcome.delay_s, self._timeout_s))
            if outcome.delay_s > self._timeout_s:
                return GatewayAnswer(Verdict.UNKNOWN)
        return standing.answer

    def _posting(self, made: Made, answer: GatewayAnswer, outcome: Outcome, now: datetime) -> Posting:
        return Posting(
            made.account_id,
            made.reference,
            made.kind,
            made.money,
            answer,
            at=now,
            visible_at=now + timedelta(seconds=outcome.look_up_lag_s),
            heard_at=now + timedelta(seconds=outcome.silent_look_up_s),
            of_reference=made.of.reference if made.of else None,
        )

    def _outcome(self) -> Outcome | None:
        outcome, self._next = self._next, None
        return outcome

    def _new_reference(self) -> str:
        return make_secret_id("sim", self._entropy)
