"""Stripe as a gateway: an intent is opened without the card, the card handed over, the intent confirmed; each under a key of its own."""

import asyncio
from collections.abc import AsyncIterator, Coroutine, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Final

import stripe

from tonevault.cde.blanks import Blanks
from tonevault.cde.gateway import (
    Authorisation,
    Feature,
    GatewayAnswer,
    GatewayTraits,
    GatewayUnreachableError,
    Hint,
    Kind,
    Listed,
    Made,
    Verdict,
)
from tonevault.cde.gateway_codes import Code
from tonevault.cde.gateways.stripe import answers, forms
from tonevault.cde.gateways.stripe.amounts import to_stripe
from tonevault.cde.gateways.stripe.api import StripeApi
from tonevault.cde.gateways.stripe.finder import KEY_TTL_S, Finder
from tonevault.cde.gateways.stripe.line import StripeLine
from tonevault.cde.gateways.stripe.listing import EVENT_TYPES, line
from tonevault.cde.gateways.stripe.webhook import hints
from tonevault.kernel.clock import Clock
from tonevault.kernel.ids import AccountId, Entropy
from tonevault.plumbing.entropy import SYSTEM_ENTROPY

TIMEOUT_S: Final = 20.0
"""For each request: an issuer's slow answer, and what a person on the telephone can just bear."""
VISIBILITY_LAG_S: Final = 60.0
"""A confirmation that we no longer wait for may still be with the issuer; Stripe's own libraries wait 80 seconds in all."""
FEATURES: Final = frozenset(Feature)
UNREACHABLE: Final = GatewayAnswer(Verdict.UNKNOWN)


class StripeGateway:
    """One merchant's Stripe account. Idempotent by reference for a day; looked up by replaying what opened the intent."""

    def __init__(
        self,
        secret_key: str,
        clock: Clock,
        *,
        webhook_secrets: Sequence[str] = (),
        base_url: str | None = None,
        timeout_s: float = TIMEOUT_S,
        visibility_lag_s: float = VISIBILITY_LAG_S,
        entropy: Entropy = SYSTEM_ENTROPY,
    ) -> None:
        """`webhook_secrets`: `whsec_…`, two while one is rolled. `base_url`: another server than Stripe's own, for tests."""
        self._blanks = Blanks(entropy)
        self._api = StripeApi(secret_key, StripeLine(self._blanks, timeout_s), base_url)
        self._finder = Finder(self._api, clock)
        self._webhook_secrets = tuple(webhook_secrets)
        self._traits = GatewayTraits("stripe", True, KEY_TTL_S, visibility_lag_s, FEATURES)

    @property
    def traits(self) -> GatewayTraits:
        """Idempotent for as long as Stripe keeps its keys."""
        return self._traits

    async def authorise(self, request: Authorisation) -> GatewayAnswer:
        """Open, hand the card over, confirm. Until the confirmation has left, silence is a certain failure."""
        amount = to_stripe(request.money)
        if amount is None:
            return GatewayAnswer(Verdict.FAILED, code=Code.AMOUNT_NOT_SUPPORTED)
        key = request.reference
        params = forms.opening(request.account_id, key, request.money, amount, request.terms)
        try:
            intent_id, method = await self._prepare(request, self._api.open(key, params))
        except stripe.StripeError as error:
            return _unprepared(error)
        try:
            confirmation = forms.confirmation(request, method)
            intent = await self._api.confirm(f"{key}-confirm", intent_id, confirmation)
        except stripe.StripeError as error:
            return await self._refused(intent_id, error)
        return answers.of_intent(intent) or GatewayAnswer(Verdict.UNKNOWN, intent_id)

    async def verify(self, request: Authorisation) -> GatewayAnswer:
        """The same with a SetupIntent, which checks the card for no money."""
        key = request.reference
        params = forms.verification_opening(request.account_id, key)
        try:
            intent_id, method = await self._prepare(request, self._api.open_verification(key, params))
        except stripe.StripeError as error:
            return _unprepared(error)
        try:
            verification = forms.verification(request, method)
            intent = await self._api.confirm_verification(f"{key}-confirm", intent_id, verification)
        except stripe.StripeError as error:
            return await self._refused(intent_id, error)
        return answers.of_intent(intent) or GatewayAnswer(Verdict.UNKNOWN, intent_id)

    async def follow_up(self, made: Made) -> GatewayAnswer:
        """Capture, cancel or refund under the attempt's own key."""
        try:
            payment = made.of and (made.of.gateway_reference or await self._finder.id_of(made.of))
        except stripe.StripeError as error:
            # Only the payment was looked for: nothing has been asked of it.
            return _unprepared(error)
        if not payment:
            return GatewayAnswer(Verdict.DECLINED, code=answers.REFUSED_FOLLOW_UP[made.kind])
        try:
            return await self._follow_up(made, payment)
        except stripe.StripeError as error:
            return answers.of_refused_follow_up(made.kind, error)

    async def look_up(self, made: Made) -> GatewayAnswer | None:
        """What stands at Stripe now."""
        try:
            return await self._look_up(made)
        except stripe.StripeError:
            return UNREACHABLE

    async def cancel(self, made: Made) -> GatewayAnswer:
        """Cancel the intent unless it has ended; a confirmation that comes later finds it cancelled."""
        try:
            intent = await self._finder.find(made)
            if intent is None:
                return GatewayAnswer(Verdict.FAILED, code=Code.CANCELED)
            answer = answers.of_intent(intent)
            if answer is not None and answer.verdict is not Verdict.CHALLENGED:
                return answer
            if made.kind is Kind.VERIFICATION:
                return answer or UNREACHABLE
            try:
                intent = await self._api.cancel(None, intent.id, {"cancellation_reason": "abandoned"})
            except stripe.InvalidRequestError:
                # It ended between the look and the cancelling.
                intent = await self._finder.find(made)
            return (intent and answers.of_intent(intent)) or UNREACHABLE
        except stripe.StripeError:
            return UNREACHABLE

    async def listed(self, account_id: AccountId, since: datetime, until: datetime) -> AsyncIterator[Listed]:
        """Payments, captures, voids and refunds out of Stripe's events, which it keeps for 30 days."""
        try:
            async for event in self._api.events(EVENT_TYPES, since, until):
                owner = event.data.object.metadata.get(forms.ACCOUNT, account_id)
                listed = line(event) if owner == account_id else None
                if listed is not None and since <= listed.at < until:
                    yield listed
        except (stripe.StripeError, ValueError):
            raise GatewayUnreachableError from None

    def heard(self, headers: Mapping[str, str], body: bytes, now: datetime) -> tuple[Hint, ...]:
        """The hints of a webhook, once `Stripe-Signature` is verified. Raises WebhookRefusedError."""
        return hints(headers, body, self._webhook_secrets, now)

    async def ping(self) -> None:
        """Ask for something that moves nothing. Raises GatewayUnreachableError when line or key fail."""
        try:
            await self._api.ping()
        except (stripe.AuthenticationError, stripe.PermissionError):
            raise GatewayUnreachableError("Stripe refuses the secret key") from None
        except stripe.StripeError:
            raise GatewayUnreachableError("Stripe cannot be reached") from None

    async def close(self) -> None:
        """Release connections."""
        await self._api.close()

    async def _prepare(self, request: Authorisation, opening: Coroutine[None, None, str]) -> tuple[str, str]:
        """Open the intent and hand the card over, at the same time: neither moves anything."""
        with self._blanks.lent(request.card.number, request.card.security_code) as blanks:
            handing = self._api.hand_over(f"{request.reference}-card", forms.card(request, blanks))
            intent_id, method = await asyncio.gather(opening, handing, return_exceptions=True)
        for outcome in (intent_id, method):
            if isinstance(outcome, BaseException):
                raise outcome
        return str(intent_id), str(method)

    async def _refused(self, intent_id: str, error: stripe.StripeError) -> GatewayAnswer:
        """After a confirmation that was not accepted. A declined intent tells more than the error: checks, and whose rule it was."""
        answer = answers.of_error(error)
        ended = answers.error_code(error) in _ENDED
        if answer.verdict is Verdict.DECLINED or ended:
            try:
                intent = await self._api.intent(intent_id)
            except stripe.StripeError:
                intent = None
            seen = intent and answers.of_intent(intent)
            if seen and (ended or seen.verdict is Verdict.DECLINED):
                return seen
            if ended:
                return GatewayAnswer(Verdict.UNKNOWN, intent_id)
        return replace(answer, gateway_reference=intent_id)

    async def _follow_up(self, made: Made, payment: str) -> GatewayAnswer:
        amount = to_stripe(made.money)
        if amount is None:
            return GatewayAnswer(Verdict.FAILED, code=Code.AMOUNT_NOT_SUPPORTED)
        match made.kind:
            case Kind.CAPTURE:
                mark = {answers.CAPTURE_REFERENCE: made.reference}
                taken = await self._api.capture(
                    made.reference, payment, {"amount_to_capture": amount, "metadata": mark}
                )
                return answers.of_capture(taken, made.reference) or UNREACHABLE
            case Kind.VOID:
                ended = await self._api.cancel(made.reference, payment, {})
                return answers.of_void(ended) or UNREACHABLE
            case Kind.REFUND:
                marks = forms.marks(made.account_id, made.reference)
                refund = await self._api.refund(
                    made.reference, {"payment_intent": payment, "amount": amount, "metadata": marks}
                )
                return answers.of_refund(refund)
            case Kind.PAYMENT | Kind.VERIFICATION:
                raise ValueError("follow_up: takes a capture, void or refund")

    async def _look_up(self, made: Made) -> GatewayAnswer | None:
        intent = await self._finder.find(made if made.of is None else made.of)
        if intent is None:
            return None
        match made.kind:
            case Kind.PAYMENT | Kind.VERIFICATION:
                return answers.of_intent(intent)
            case Kind.CAPTURE:
                return answers.of_capture(intent, made.reference)
            case Kind.VOID:
                return answers.of_void(intent)
            case Kind.REFUND:
                for refund in await self._api.refunds_of(intent.id):
                    if refund.metadata.get(forms.REFERENCE) == made.reference:
                        return answers.of_refund(refund)
                return None


_ENDED: Final = frozenset({"payment_intent_unexpected_state", "setup_intent_unexpected_state"})
"""The intent is not to be confirmed any more: cancelled meanwhile, or confirmed by another process."""


def _unprepared(error: stripe.StripeError) -> GatewayAnswer:
    """Nothing has been asked for yet, so silence is a certain failure; but not where another request under our key is at work."""
    answer = answers.of_error(error)
    if answer.verdict is Verdict.UNKNOWN and error.http_status != 409:
        return GatewayAnswer(Verdict.FAILED, code=Code.TRY_AGAIN_LATER)
    return answer
