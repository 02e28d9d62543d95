"""Sends an attempt that is written down: records that it leaves, asks the gateway once, records the answer. Never sends twice."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from sqlalchemy.exc import SQLAlchemyError

from tonevault.cde.charging.charge import StoredCharge, made_of
from tonevault.cde.charging.model import EVENTS, Attempt, AttemptEvent, AttemptState, Fault
from tonevault.cde.charging.recorder import Moved, Recorder
from tonevault.cde.charging.settling import ANSWER_LIMIT_S
from tonevault.cde.gateway import (
    Authorisation,
    BillingDetails,
    CardInHand,
    Gateway,
    GatewayAnswer,
    Kind,
    Verdict,
)
from tonevault.cde.key_custody import KeyCustodyError
from tonevault.cde.sealed.security_code import SecurityCode
from tonevault.cde.vault.errors import CardUnreadableError
from tonevault.cde.vault.model import SealedCard
from tonevault.cde.vault.service import OpenCard, OpeningPurpose, Vault
from tonevault.kernel.clock import Clock
from tonevault.plumbing.log import get_logger

log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Begun:
    """A payment that is written down and may be sent: `card` is in this process's hands alone if its token was single-use."""

    charge: StoredCharge
    attempt: Attempt
    gateway: Gateway
    card: SealedCard


@dataclass(frozen=True, slots=True)
class Following:
    """A capture, void or refund that is written down and may be sent; `paying` is the attempt that it follows."""

    charge: StoredCharge
    attempt: Attempt
    gateway: Gateway
    paying: Attempt


class Sender:
    """Takes what was begun to its gateway."""

    def __init__(self, vault: Vault, recorder: Recorder, clock: Clock) -> None:
        self._vault = vault
        self._recorder = recorder
        self._clock = clock

    async def pay(
        self, begun: Begun, security_code: SecurityCode | None, billing: BillingDetails
    ) -> StoredCharge:
        """Send a payment or verification. The security code is destroyed as soon as the gateway was asked."""
        attempt, now = begun.attempt, self._clock.utc
        try:
            async with self._vault.open_drawn(begun.card, OpeningPurpose.CHARGE, now()) as card:
                sent = await self._recorder.record(attempt, AttemptEvent.SEND, now())
                if not sent.by_this:
                    return sent.charge
                request = _authorisation(begun, card, security_code, billing)
                is_payment = attempt.kind is Kind.PAYMENT
                ask = begun.gateway.authorise if is_payment else begun.gateway.verify
                answer = await self._ask(begun.gateway, lambda: ask(request))
        except (CardUnreadableError, KeyCustodyError) as error:
            log.error("a card could not be opened", error=type(error).__name__)  # noqa: TRY400
            fault = Fault.CARD_UNREADABLE
            return (await self._recorder.record(attempt, AttemptEvent.FAIL, now(), fault=fault)).charge
        finally:
            # PCI DSS 3.3.1: authorisation is over, so the code is gone, before even the answer is written down.
            if security_code is not None:
                security_code.destroy()
        return (await self._answered(begun.charge, attempt, answer)).charge

    async def follow(self, following: Following) -> Attempt:
        """Send a capture, void or refund."""
        attempt = following.attempt
        sent = await self._recorder.record(attempt, AttemptEvent.SEND, self._clock.utc())
        if not sent.by_this:
            return sent.attempt
        made = made_of(following.charge, attempt, following.paying)
        answer = await self._ask(following.gateway, lambda: following.gateway.follow_up(made))
        return (await self._answered(following.charge, attempt, answer)).attempt

    async def _ask(self, gateway: Gateway, ask: Callable[[], Awaitable[GatewayAnswer]]) -> GatewayAnswer:
        try:
            async with asyncio.timeout(ANSWER_LIMIT_S):
                return await ask()
        except Exception as error:  # noqa: BLE001 - whatever an adapter lets through, the request may have arrived
            log.error(  # noqa: TRY400
                "a gateway adapter failed", gateway=gateway.traits.name, error=type(error).__name__
            )
            return GatewayAnswer(Verdict.UNKNOWN)

    async def _answered(self, charge: StoredCharge, attempt: Attempt, answer: GatewayAnswer) -> Moved:
        now = self._clock.utc()
        try:
            return await self._recorder.record(attempt, EVENTS[answer.verdict], now, answer=answer)
        except SQLAlchemyError as error:
            # The answer is lost with the database; the attempt stands as sent, and its job will look it up.
            log.error("an answer could not be recorded", error=type(error).__name__)  # noqa: TRY400
            unknown = attempt.after(AttemptState.UNKNOWN, None, None, now)
            if attempt.operation_id is None:
                charge = charge.paid(AttemptState.UNKNOWN, None, None, now)
            return Moved(charge, unknown, by_this=False)


def _authorisation(
    begun: Begun, card: OpenCard, security_code: SecurityCode | None, billing: BillingDetails
) -> Authorisation:
    charge = begun.charge
    return Authorisation(
        account_id=charge.account_id,
        reference=begun.attempt.attempt_id,
        money=charge.amount.as_money(),
        card=CardInHand(card.number, card.expiry, security_code, billing),
        terms=charge.terms,
    )
