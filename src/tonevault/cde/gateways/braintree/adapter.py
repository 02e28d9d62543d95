"""Braintree as a gateway: not idempotent, so a request is sent once, and silence is settled by searching for its `order_id`."""

from collections.abc import AsyncIterator, Awaitable, Mapping
from datetime import datetime, timedelta
from typing import Final

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
from tonevault.cde.gateways.braintree import answers, forms
from tonevault.cde.gateways.braintree.api import BraintreeAccess, BraintreeApi, RefusedError
from tonevault.cde.gateways.braintree.codes import UNSETTLED
from tonevault.cde.gateways.braintree.line import SilenceError, UnsentError
from tonevault.cde.gateways.braintree.listing import lines
from tonevault.cde.gateways.braintree.views import Outcome, Transaction
from tonevault.cde.gateways.braintree.webhook import hints
from tonevault.kernel.clock import Clock
from tonevault.kernel.ids import AccountId, Entropy
from tonevault.plumbing.entropy import SYSTEM_ENTROPY

TIMEOUT_S: Final = 20.0
"""For each request: an issuer's slow answer, and what a person on the telephone can just bear."""
VISIBILITY_LAG_S: Final = 60.0
"""A sale that we no longer wait for may still be with the processor; Braintree's own SDK waits 60 seconds."""
FEATURES: Final = frozenset(Feature) - {Feature.CHALLENGE}
"""A challenge needs Braintree's script in the customer's browser."""
UNREACHED: Final = GatewayAnswer(Verdict.UNKNOWN)
CALLED_OFF: Final = GatewayAnswer(Verdict.FAILED, code=Code.CANCELED)
REFUSALS: Final[dict[str, Code]] = {
    "AuthenticationError": Code.GATEWAY_MISCONFIGURED,
    "AuthorizationError": Code.GATEWAY_MISCONFIGURED,
    "NotFoundError": Code.GATEWAY_MISCONFIGURED,
    "UpgradeRequiredError": Code.GATEWAY_MISCONFIGURED,
    "TooManyRequestsError": Code.TRY_AGAIN_LATER,
}
"""HTTP errors that say that nothing was done. 408, 500, 503 and 504 do not: they are silence."""
LISTS: Final = ("created_at", "submitted_for_settlement_at", "voided_at")
"""A transaction is listed for what was done to it in the span, whenever it was made."""

Fault = (UnsentError, SilenceError, RefusedError)


class BraintreeGateway:
    """One account's Braintree."""

    def __init__(
        self,
        account_id: AccountId,
        access: BraintreeAccess,
        clock: Clock,
        *,
        timeout_s: float = TIMEOUT_S,
        visibility_lag_s: float = VISIBILITY_LAG_S,
        entropy: Entropy = SYSTEM_ENTROPY,
    ) -> None:
        self._account_id = account_id
        self._access = access
        self._clock = clock
        self._blanks = Blanks(entropy)
        self._api = BraintreeApi(access, self._blanks, timeout_s)
        self._traits = GatewayTraits(
            "braintree", False, 0.0, visibility_lag_s, FEATURES, frozenset(access.merchant_accounts)
        )

    @property
    def traits(self) -> GatewayTraits:
        """Not idempotent; charges in the currencies that a merchant account is named for."""
        return self._traits

    async def authorise(self, request: Authorisation) -> GatewayAnswer:
        """One sale, sent once."""
        merchant_account = self._access.merchant_accounts.get(request.money.currency)
        if merchant_account is None:
            return GatewayAnswer(Verdict.FAILED, code=Code.CURRENCY_NOT_SUPPORTED)
        if request.account_id != self._account_id:
            return GatewayAnswer(Verdict.FAILED, code=Code.GATEWAY_MISCONFIGURED)
        with self._blanks.lent(request.card.number, request.card.security_code) as blanks:
            answer = await _asked(self._api.sale(forms.sale(request, merchant_account, blanks)))
        if answer.code is not Code.DUPLICATE_TRANSACTION:
            return answer
        # The duplicate check takes a sale for the one before it, and the one before it under our reference is ours.
        try:
            earlier = answers.best(await self._sales(request.reference))
        except Fault:
            return UNREACHED
        return answers.of_sale(earlier) if earlier else answer

    async def verify(self, request: Authorisation) -> GatewayAnswer:
        """A verification, which moves nothing."""
        merchant_account = self._access.merchant_accounts.get(request.money.currency)
        if merchant_account is None:
            return GatewayAnswer(Verdict.FAILED, code=Code.CURRENCY_NOT_SUPPORTED)
        if request.account_id != self._account_id:
            return GatewayAnswer(Verdict.FAILED, code=Code.GATEWAY_MISCONFIGURED)
        with self._blanks.lent(request.card.number, request.card.security_code) as blanks:
            return await _asked(self._api.verify(forms.verification(request, merchant_account, blanks)))

    async def follow_up(self, made: Made) -> GatewayAnswer:
        """Capture, void or refund. A refund of all that is not settled yet is a void."""
        refused = answers.of_refused_follow_up(made)
        if made.of is None or made.account_id != self._account_id:
            return refused
        try:
            payment = made.of.gateway_reference
            if payment is None:
                sale = answers.best(await self._sales(made.of.reference))
                payment = sale.id if sale else None
        except Fault:
            # Only the payment was looked for: nothing has been asked of it.
            return GatewayAnswer(Verdict.FAILED, code=Code.TRY_AGAIN_LATER)
        if payment is None:
            return refused
        try:
            return await self._follow_up(made, payment)
        except Fault as error:
            return _of_fault(error)

    async def look_up(self, made: Made) -> GatewayAnswer | None:
        """By its id where that is known, else by searching for the reference."""
        if made.account_id != self._account_id:
            return None
        try:
            return await self._look_up(made)
        except Fault:
            return UNREACHED

    async def cancel(self, made: Made) -> GatewayAnswer:
        """Look first; what is not found within the visibility lag is not believed to be absent."""
        found = await self.look_up(made)
        if found is not None:
            return found
        patience = timedelta(seconds=self._traits.visibility_lag_s)
        return UNREACHED if self._clock.utc() - made.made_at < patience else CALLED_OFF

    async def listed(self, account_id: AccountId, since: datetime, until: datetime) -> AsyncIterator[Listed]:
        """Payments, captures, voids and refunds, out of the histories of the transactions that something was done to."""
        if account_id != self._account_id:
            return
        seen: set[str] = set()
        for what in LISTS:
            try:
                found = [line for each in await self._new(what, since, until, seen) for line in lines(each)]
            except (*Fault, ValueError):
                raise GatewayUnreachableError from None
            for line in found:
                if since <= line.at < until:
                    yield line

    def heard(self, headers: Mapping[str, str], body: bytes, now: datetime) -> tuple[Hint, ...]:
        """The hints of a webhook, once `bt_signature` is verified. Raises WebhookRefusedError."""
        return hints(headers, body, now, self._api.webhook)

    async def ping(self) -> None:
        """Ask for something that moves nothing. Raises GatewayUnreachableError when line or keys fail."""
        try:
            await self._api.by_order("none")
        except RefusedError as error:
            if error.kind in REFUSALS:
                raise GatewayUnreachableError(
                    "Braintree refuses merchant_id, public_key or private_key"
                ) from None
            raise GatewayUnreachableError("Braintree cannot be reached") from None
        except Fault:
            raise GatewayUnreachableError("Braintree cannot be reached") from None

    async def close(self) -> None:
        """Release connections and threads."""
        await self._api.close()

    async def _new(self, what: str, since: datetime, until: datetime, seen: set[str]) -> list[Transaction]:
        found = [each for each in await self._api.between(what, since, until) if each.id not in seen]
        seen.update(each.id for each in found)
        return found

    async def _sales(self, reference: str) -> list[Transaction]:
        return [each for each in await self._api.by_order(reference) if each.type == "sale"]

    async def _sale(self, made: Made) -> Transaction | None:
        if made.gateway_reference is not None:
            return await self._api.transaction(made.gateway_reference)
        return answers.best(await self._sales(made.reference))

    async def _look_up(self, made: Made) -> GatewayAnswer | None:
        match made.kind:
            case Kind.VERIFICATION:
                # It has no order id and cannot be searched for; it moved nothing either.
                tried = made.gateway_reference and await self._api.verification(made.gateway_reference)
                return answers.of_verification(tried) if tried else None
            case Kind.PAYMENT:
                sale = await self._sale(made)
                return answers.of_sale(sale) if sale else None
            case Kind.CAPTURE | Kind.VOID:
                sale = await self._sale(made.of) if made.of else None
                if sale is None:
                    return None
                return answers.of_capture(sale, made) if made.kind is Kind.CAPTURE else answers.of_void(sale)
            case Kind.REFUND:
                return await self._look_up_refund(made)

    async def _look_up_refund(self, made: Made) -> GatewayAnswer | None:
        for each in await self._api.by_order(made.reference):
            if each.type == "credit":
                return answers.of_refund(each)
        sale = await self._sale(made.of) if made.of else None
        if sale is not None and sale.status == "voided":
            # It came before the settlement, and was made by letting the payment go.
            return GatewayAnswer(Verdict.APPROVED, sale.id)
        return None

    async def _follow_up(self, made: Made, payment: str) -> GatewayAnswer:
        amount = answers.amount_text(made.money)
        match made.kind:
            case Kind.CAPTURE:
                outcome = await self._api.capture(payment, amount)
            case Kind.VOID:
                outcome = await self._api.void(payment)
            case Kind.REFUND:
                outcome = await self._api.refund(payment, amount, made.reference)
                if not UNSETTLED.isdisjoint(outcome.invalid):
                    return await self._refund_unsettled(made, payment)
            case _:
                raise ValueError("follow_up: takes a capture, void or refund")
        return _followed(made, outcome)

    async def _refund_unsettled(self, made: Made, payment: str) -> GatewayAnswer:
        """Money that was taken and is not settled: all of it can be let go now, a part only be given back once it is settled."""
        sale = await self._api.transaction(payment)
        if sale is None or sale.status not in answers.TAKEN:
            return answers.of_refused_follow_up(made)
        if answers.money_of(sale.amount, sale.currency_iso_code) == made.money:
            voided = await self._api.void(payment)
            if voided.transaction is not None and not voided.invalid:
                return GatewayAnswer(Verdict.APPROVED, payment)
        return GatewayAnswer(Verdict.DECLINED, payment, Code.TRY_AGAIN_LATER)


async def _asked(asking: Awaitable[Outcome]) -> GatewayAnswer:
    try:
        return answers.of_outcome(await asking)
    except Fault as error:
        return _of_fault(error)


def _followed(made: Made, outcome: Outcome) -> GatewayAnswer:
    done = outcome.transaction
    if done is None or outcome.invalid or done.status in answers.DECLINED:
        return answers.of_refused_follow_up(made)
    return GatewayAnswer(Verdict.APPROVED, done.id, taken=made.kind is not Kind.VOID)


def _of_fault(error: Exception) -> GatewayAnswer:
    match error:
        case UnsentError():
            return GatewayAnswer(Verdict.FAILED, code=Code.TRY_AGAIN_LATER)
        case RefusedError() if error.kind in REFUSALS:
            return GatewayAnswer(Verdict.FAILED, code=REFUSALS[error.kind])
        case _:
            return UNREACHED
