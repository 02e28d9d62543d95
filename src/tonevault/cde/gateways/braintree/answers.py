"""What Braintree's objects and errors mean: transactions, verifications and faults become verdicts. Pure."""

from dataclasses import replace
from decimal import Decimal
from typing import Final

from tonevault.cde.gateway import Check, GatewayAnswer, Kind, Made, Verdict
from tonevault.cde.gateway_codes import Code
from tonevault.cde.gateways.braintree.codes import (
    FINAL_REJECTIONS,
    FIRST_UNAVAILABLE,
    INVALID_CARDS,
    INVALID_REQUESTS,
    REJECTIONS,
    RESPONSES,
    check,
)
from tonevault.cde.gateways.braintree.views import Outcome, Transaction, Tried
from tonevault.kernel.money import MINOR_DIGITS, Money

HELD: Final = frozenset({"authorized"})
TAKEN: Final = frozenset(
    {
        "submitted_for_settlement",
        "settling",
        "settlement_pending",
        "settlement_confirmed",
        "settled",
    }
)
DECLINED: Final = frozenset({"processor_declined", "gateway_rejected", "settlement_declined"})
REFUSED_FOLLOW_UP: Final = {
    Kind.CAPTURE: Code.NOT_CAPTURABLE,
    Kind.VOID: Code.NOT_VOIDABLE,
    Kind.REFUND: Code.NOT_REFUNDABLE,
}
SOFT_OR_HARD: Final[dict[str | None, bool]] = {"soft_declined": False, "hard_declined": True}


def amount_text(money: Money) -> str:
    """The amount as Braintree writes it: a decimal number with the currency's own places."""
    return str(Decimal(money.amount_minor).scaleb(-MINOR_DIGITS[money.currency]))


def money_of(amount: Decimal, currency: str) -> Money:
    """Back to minor units. Raises ValueError for a currency that Tonevault does not know."""
    return Money(int(amount.scaleb(MINOR_DIGITS.get(currency, 0))), currency)


def of_sale(sale: Transaction) -> GatewayAnswer:
    """What became of a payment. One that was voided since had been approved."""
    if sale.status in TAKEN:
        return _approved(sale)
    if sale.status in HELD or sale.status in ("voided", "authorization_expired"):
        return replace(_approved(sale), taken=False)
    if sale.status in DECLINED:
        return declined(sale)
    if sale.status in ("failed", "settlement_failed"):
        return GatewayAnswer(Verdict.FAILED, sale.id, Code.ISSUER_UNAVAILABLE)
    return GatewayAnswer(Verdict.UNKNOWN, sale.id)


def of_verification(tried: Tried) -> GatewayAnswer:
    """What became of a verification."""
    if tried.status == "verified":
        return replace(_approved(tried), taken=False)
    if tried.status == "failed":
        return GatewayAnswer(Verdict.FAILED, tried.id, Code.ISSUER_UNAVAILABLE)
    return declined(tried)


def _approved(tried: Tried) -> GatewayAnswer:
    return GatewayAnswer(
        Verdict.APPROVED,
        tried.id,
        security_code_check=check(tried.cvv_response_code),
        postal_code_check=check(tried.avs_postal_code_response_code),
        address_check=check(tried.avs_street_address_response_code),
        scheme_reference=tried.network_transaction_id,
    )


def declined(tried: Tried) -> GatewayAnswer:
    """A decline by the issuer, the processor, or a rule at Braintree."""
    answer = replace(_approved(tried), verdict=Verdict.DECLINED, scheme_reference=None)
    rejection = tried.gateway_rejection_reason
    if rejection:
        code = REJECTIONS.get(rejection, Code.ACQUIRER_REJECTED)
        final = True if rejection in FINAL_REJECTIONS else None
    else:
        code = response_code(tried.processor_response_code)
        final = SOFT_OR_HARD.get(tried.processor_response_type)
    match code:
        case Code.ADDRESS_MISMATCH if answer.postal_code_check is Check.FAILED:
            # AVS failed as a whole; which part did, its letters tell. A wrong street beside it is told by its own check.
            code = Code.POSTAL_CODE_MISMATCH
        case Code.ADDRESS_MISMATCH if (
            answer.address_check is not Check.FAILED and answer.security_code_check is Check.FAILED
        ):
            code = Code.INCORRECT_SECURITY_CODE
        case Code.INCORRECT_SECURITY_CODE:
            answer = replace(answer, security_code_check=Check.FAILED)
    return replace(answer, code=code, final=final)


def response_code(processor: str | None) -> Code:
    """The processor's response in our words."""
    if processor is not None and processor.isdigit() and int(processor) >= FIRST_UNAVAILABLE:
        return Code.ISSUER_UNAVAILABLE
    return RESPONSES.get(processor or "", Code.DO_NOT_HONOUR)


def of_invalid(codes: tuple[str, ...]) -> GatewayAnswer:
    """A request that Braintree would not look at, by the codes of its validation errors."""
    for each in codes:
        if each in INVALID_CARDS:
            return GatewayAnswer(Verdict.DECLINED, code=INVALID_CARDS[each])
    code = next((INVALID_REQUESTS[each] for each in codes if each in INVALID_REQUESTS), Code.PROCESSING_ERROR)
    return GatewayAnswer(Verdict.FAILED, code=code)


def of_outcome(outcome: Outcome) -> GatewayAnswer:
    """What a sale or verification came to."""
    if outcome.transaction is not None:
        return of_sale(outcome.transaction)
    if outcome.verification is not None:
        return of_verification(outcome.verification)
    return of_invalid(outcome.invalid)


def of_capture(sale: Transaction, made: Made) -> GatewayAnswer | None:
    """What became of a capture, by what the payment is now; None for one that was never made."""
    if sale.status in HELD:
        return None
    if sale.status in TAKEN and money_of(sale.amount, sale.currency_iso_code) == made.money:
        return GatewayAnswer(Verdict.APPROVED, sale.id)
    return GatewayAnswer(Verdict.DECLINED, sale.id, Code.NOT_CAPTURABLE)


def of_void(sale: Transaction) -> GatewayAnswer | None:
    """What became of a void; None for one that was never made. A hold that lapsed by itself is let go as well."""
    if sale.status in ("voided", "authorization_expired"):
        return GatewayAnswer(Verdict.APPROVED, sale.id, taken=False)
    if sale.status in HELD or sale.status == "submitted_for_settlement":
        return None
    return GatewayAnswer(Verdict.DECLINED, sale.id, Code.NOT_VOIDABLE)


def of_refund(credit: Transaction) -> GatewayAnswer:
    """What became of a refund."""
    if credit.status in DECLINED or credit.status in ("failed", "settlement_failed", "voided"):
        return GatewayAnswer(Verdict.DECLINED, credit.id, Code.NOT_REFUNDABLE)
    return GatewayAnswer(Verdict.APPROVED, credit.id)


def of_refused_follow_up(made: Made) -> GatewayAnswer:
    """A capture, void or refund that the payment does not allow."""
    return GatewayAnswer(Verdict.DECLINED, code=REFUSED_FOLLOW_UP[made.kind])


def best(sales: list[Transaction]) -> Transaction | None:
    """Of several under one reference, the one that counts: what the duplicate check refused was never one of its own."""
    ranks = [*TAKEN, *HELD, "voided", "authorization_expired", "authorizing"]

    def rank(sale: Transaction) -> tuple[bool, bool]:
        return sale.status not in ranks, sale.gateway_rejection_reason == "duplicate"

    return min(sales, key=rank, default=None)
