"""Our words for why a gateway said no, one list for every adapter, and which of them no later try can change. Refuses free text."""

from enum import StrEnum
from typing import Final


class Code(StrEnum):
    """Every adapter maps its gateway's own codes to these, so that users learn one list. docs/declines.md has the advice for each."""

    # The issuer or scheme said no, for now.
    DO_NOT_HONOUR = "do_not_honour"
    INSUFFICIENT_FUNDS = "insufficient_funds"
    LIMIT_EXCEEDED = "limit_exceeded"
    ISSUER_UNAVAILABLE = "issuer_unavailable"
    TRY_AGAIN_LATER = "try_again_later"
    AUTHENTICATION_REQUIRED = "authentication_required"
    """The issuer wants the card holder to authenticate, which the telephone cannot do."""
    # The issuer or scheme said no, for good.
    LOST_CARD = "lost_card"
    STOLEN_CARD = "stolen_card"
    EXPIRED_CARD = "expired_card"
    INVALID_CARD = "invalid_card"
    """No such card, or its account is closed."""
    FRAUD_SUSPECTED = "fraud_suspected"
    NOT_PERMITTED = "not_permitted"
    """The card is not for this kind of payment, or the scheme refuses the merchant's category."""
    CONSENT_REVOKED = "consent_revoked"
    """The card holder told the issuer to stop this merchant's repeat charges."""
    # Something that was given does not match.
    INCORRECT_SECURITY_CODE = "incorrect_security_code"
    POSTAL_CODE_MISMATCH = "postal_code_mismatch"
    ADDRESS_MISMATCH = "address_mismatch"
    # The acquirer or gateway would not do it; certainly nothing happened.
    ACQUIRER_REJECTED = "acquirer_rejected"
    """The acquirer's or gateway's own rules (risk, velocity) refused it before the issuer was asked."""
    DUPLICATE_TRANSACTION = "duplicate_transaction"
    """The gateway's own duplicate check took it for one that it has just seen."""
    PROCESSING_ERROR = "processing_error"
    CURRENCY_NOT_SUPPORTED = "currency_not_supported"
    AMOUNT_NOT_SUPPORTED = "amount_not_supported"
    """Below the gateway's least amount, or above its most."""
    FEATURE_NOT_SUPPORTED = "feature_not_supported"
    """The gateway or the merchant's contract there has no such verb."""
    GATEWAY_MISCONFIGURED = "gateway_misconfigured"
    """The gateway refuses our credentials or the merchant's set-up."""
    REFERENCE_REUSED = "reference_reused"
    """The gateway knows our reference with another amount; it did nothing."""
    CANCELED = "canceled"
    """The payment was called off before it was made, by `Gateway.cancel`; it never will be."""
    # A capture, void or refund that the payment does not allow any more.
    NOT_CAPTURABLE = "not_capturable"
    NOT_VOIDABLE = "not_voidable"
    NOT_REFUNDABLE = "not_refundable"
    """No approved payment has that much left to give back."""


FINAL: Final = frozenset(
    {
        Code.LOST_CARD,
        Code.STOLEN_CARD,
        Code.EXPIRED_CARD,
        Code.INVALID_CARD,
        Code.FRAUD_SUSPECTED,
        Code.NOT_PERMITTED,
        Code.CONSENT_REVOKED,
        Code.NOT_CAPTURABLE,
        Code.NOT_VOIDABLE,
        Code.NOT_REFUNDABLE,
    }
)
"""Hard declines: schemes fine whoever sends such a card again. Every other decline is soft, and may pass later."""
