"""What Stripe's objects and errors mean: intents, refunds and faults become verdicts. Pure."""

from dataclasses import replace
from typing import Final

import stripe

from tonevault.cde.gateway import Check, GatewayAnswer, Kind, Verdict
from tonevault.cde.gateway_codes import Code
from tonevault.cde.gateways.stripe.codes import ADVICE, DECLINES, REFUSALS, REFUSED_PARAMETERS, check
from tonevault.cde.gateways.stripe.line import UnsentError
from tonevault.cde.gateways.stripe.views import Intent, Refund, Trouble

CAPTURE_REFERENCE: Final = "tonevault_capture"
"""Metadata of an intent: the reference of the capture that took its money."""
REFUSED_FOLLOW_UP: Final = {
    Kind.CAPTURE: Code.NOT_CAPTURABLE,
    Kind.VOID: Code.NOT_VOIDABLE,
    Kind.REFUND: Code.NOT_REFUNDABLE,
}


def of_intent(intent: Intent) -> GatewayAnswer | None:
    """What became of a payment or verification; None for one that was opened and never confirmed."""
    match intent.status:
        case "succeeded":
            return _with_checks(intent, Verdict.APPROVED, taken=intent.moves_money)
        case "requires_capture":
            return _with_checks(intent, Verdict.APPROVED, taken=False)
        case "requires_action":
            return _challenged(intent)
        case "requires_payment_method" | "requires_confirmation":
            return _declined(intent, intent.trouble) if intent.trouble else None
        case "canceled":
            return _ended(intent)
        case _:
            return GatewayAnswer(Verdict.UNKNOWN, intent.id)


def _challenged(intent: Intent) -> GatewayAnswer:
    url = intent.challenge_url
    if url is None:
        # Nobody can answer a challenge that leads nowhere: the telephone has no page for it.
        return GatewayAnswer(Verdict.DECLINED, intent.id, Code.AUTHENTICATION_REQUIRED)
    return GatewayAnswer(Verdict.CHALLENGED, intent.id, Code.AUTHENTICATION_REQUIRED, challenge_url=url)


def _ended(intent: Intent) -> GatewayAnswer:
    if intent.trouble:
        return _declined(intent, intent.trouble)
    if intent.attempted is not None and intent.attempted.status == "succeeded":
        # It was held, and let go since: as an authorisation it had been approved.
        return _with_checks(intent, Verdict.APPROVED, taken=False)
    return GatewayAnswer(Verdict.FAILED, intent.id, Code.CANCELED)


def _with_checks(intent: Intent, verdict: Verdict, *, taken: bool = False) -> GatewayAnswer:
    answer = GatewayAnswer(verdict, intent.id, taken=taken)
    if intent.attempted is None:
        return answer
    card = intent.attempted.card
    answer = replace(answer, scheme_reference=card.network_transaction_id)
    if card.checks is None:
        return answer
    return replace(
        answer,
        security_code_check=check(card.checks.cvc_check),
        postal_code_check=check(card.checks.address_postal_code_check),
        address_check=check(card.checks.address_line1_check),
    )


def _declined(intent: Intent, trouble: Trouble) -> GatewayAnswer:
    answer = replace(
        _with_checks(intent, Verdict.DECLINED),
        scheme_reference=None,
        taken=True,
        final=ADVICE.get(trouble.advice_code or ""),
    )
    attempted = intent.attempted
    blocked = attempted is not None and attempted.outcome is not None and attempted.outcome.type == "blocked"
    code = _blocked(answer) if blocked else reason(trouble)
    match code:
        # The issuer's word for it counts, even where the check itself was not told.
        case Code.INCORRECT_SECURITY_CODE:
            return replace(answer, code=code, security_code_check=Check.FAILED)
        case Code.POSTAL_CODE_MISMATCH:
            return replace(answer, code=code, postal_code_check=Check.FAILED)
        case Code.ADDRESS_MISMATCH:
            return replace(answer, code=code, address_check=Check.FAILED)
        case _:
            return replace(answer, code=code)


def _blocked(answer: GatewayAnswer) -> Code:
    """Refused by the account's own rules; which one, the checks tell where it was one of theirs."""
    if answer.postal_code_check is Check.FAILED:
        return Code.POSTAL_CODE_MISMATCH
    if answer.address_check is Check.FAILED:
        return Code.ADDRESS_MISMATCH
    if answer.security_code_check is Check.FAILED:
        return Code.INCORRECT_SECURITY_CODE
    return Code.ACQUIRER_REJECTED


def reason(trouble: Trouble) -> Code:
    """Why, in our words."""
    return DECLINES.get(trouble.decline_code or trouble.code or "", Code.DO_NOT_HONOUR)


def of_capture(intent: Intent, reference: str) -> GatewayAnswer | None:
    """What became of the capture under a reference; None for one that was never made."""
    if intent.metadata.get(CAPTURE_REFERENCE) == reference and intent.status == "succeeded":
        return GatewayAnswer(Verdict.APPROVED, intent.id)
    if intent.status == "requires_capture":
        return None
    return GatewayAnswer(Verdict.DECLINED, intent.id, Code.NOT_CAPTURABLE)


def of_void(intent: Intent) -> GatewayAnswer | None:
    """What became of a void; None for one that was never made. A hold that lapsed by itself is let go as well."""
    if intent.status == "canceled":
        return GatewayAnswer(Verdict.APPROVED, intent.id, taken=False)
    if intent.status == "requires_capture":
        return None
    return GatewayAnswer(Verdict.DECLINED, intent.id, Code.NOT_VOIDABLE)


def of_refund(refund: Refund) -> GatewayAnswer:
    """What became of a refund. One that is pending has left the merchant's balance and only failing brings it back."""
    if refund.status in ("failed", "canceled"):
        return GatewayAnswer(Verdict.DECLINED, refund.id, Code.NOT_REFUNDABLE)
    return GatewayAnswer(Verdict.APPROVED, refund.id)


def of_error(error: stripe.StripeError) -> GatewayAnswer:
    """What a refused or unanswered request means for the money it was to move."""
    match error:
        case UnsentError():
            return GatewayAnswer(Verdict.FAILED, code=Code.TRY_AGAIN_LATER)
        case stripe.IdempotencyError():
            return GatewayAnswer(Verdict.FAILED, code=Code.REFERENCE_REUSED)
        case stripe.AuthenticationError() | stripe.PermissionError():
            return GatewayAnswer(Verdict.FAILED, code=Code.GATEWAY_MISCONFIGURED)
        case stripe.RateLimitError() if error_code(error) != "lock_timeout":
            return GatewayAnswer(Verdict.FAILED, code=Code.TRY_AGAIN_LATER)
        case stripe.CardError():
            return of_card_error(error)
        case stripe.InvalidRequestError():
            code = REFUSALS.get(error_code(error) or "") or REFUSED_PARAMETERS.get(error.param or "")
            return GatewayAnswer(Verdict.FAILED, code=code or Code.PROCESSING_ERROR)
        case _:
            # Silence, 5xx, an object that another request holds: it may have been done.
            return GatewayAnswer(Verdict.UNKNOWN)


def of_card_error(error: stripe.CardError) -> GatewayAnswer:
    """A decline as the error tells it, for when its intent cannot be read."""
    detail, code = error.error, error_code(error)
    if (
        detail is not None
        and detail.type != "card_error"
        and code != "card_declined"
        and code not in DECLINES
    ):
        # 402 is also said to accounts that may not send card numbers: nothing the customer could mend.
        return GatewayAnswer(Verdict.FAILED, code=Code.GATEWAY_MISCONFIGURED)
    trouble = Trouble(
        code=code,
        decline_code=detail.decline_code if detail else None,
        advice_code=detail.advice_code if detail else None,
    )
    return GatewayAnswer(Verdict.DECLINED, code=reason(trouble), final=ADVICE.get(trouble.advice_code or ""))


def error_code(error: stripe.StripeError) -> str | None:
    """The error's `code`, which the SDK leaves out of some of its exceptions."""
    return error.code or (error.error.code if error.error else None)


def of_refused_follow_up(kind: Kind, error: stripe.StripeError) -> GatewayAnswer:
    """The same for a capture, void or refund: a payment that does not allow it is a decline."""
    if isinstance(error, stripe.InvalidRequestError | stripe.CardError):
        return GatewayAnswer(Verdict.DECLINED, code=REFUSED_FOLLOW_UP[kind])
    return of_error(error)
