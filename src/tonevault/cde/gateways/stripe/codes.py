"""Stripe's decline codes (docs.stripe.com/declines/codes) and advice in our words. Knows no amounts and no cards."""

from typing import Final

from tonevault.cde.gateway import Check
from tonevault.cde.gateway_codes import Code

DECLINES: Final[dict[str, Code]] = {
    "approve_with_id": Code.TRY_AGAIN_LATER,
    "authentication_not_handled": Code.AUTHENTICATION_REQUIRED,
    "authentication_required": Code.AUTHENTICATION_REQUIRED,
    "call_issuer": Code.DO_NOT_HONOUR,
    "card_not_supported": Code.NOT_PERMITTED,
    "card_velocity_exceeded": Code.LIMIT_EXCEEDED,
    "currency_not_supported": Code.CURRENCY_NOT_SUPPORTED,
    "do_not_honor": Code.DO_NOT_HONOUR,
    "do_not_try_again": Code.DO_NOT_HONOUR,
    "duplicate_transaction": Code.DUPLICATE_TRANSACTION,
    "expired_card": Code.EXPIRED_CARD,
    "fraudulent": Code.FRAUD_SUSPECTED,
    "generic_decline": Code.DO_NOT_HONOUR,
    "highest_risk_level": Code.ACQUIRER_REJECTED,
    "incorrect_address": Code.ADDRESS_MISMATCH,
    "incorrect_cvc": Code.INCORRECT_SECURITY_CODE,
    "incorrect_number": Code.INVALID_CARD,
    "incorrect_pin": Code.NOT_PERMITTED,
    "incorrect_zip": Code.POSTAL_CODE_MISMATCH,
    "insufficient_funds": Code.INSUFFICIENT_FUNDS,
    "invalid_account": Code.INVALID_CARD,
    "invalid_amount": Code.AMOUNT_NOT_SUPPORTED,
    "invalid_cvc": Code.INCORRECT_SECURITY_CODE,
    "invalid_expiry_month": Code.EXPIRED_CARD,
    "invalid_expiry_year": Code.EXPIRED_CARD,
    "invalid_number": Code.INVALID_CARD,
    "invalid_pin": Code.NOT_PERMITTED,
    "issuer_not_available": Code.ISSUER_UNAVAILABLE,
    "lost_card": Code.LOST_CARD,
    "merchant_blacklist": Code.ACQUIRER_REJECTED,
    "new_account_information_available": Code.INVALID_CARD,
    "no_action_taken": Code.DO_NOT_HONOUR,
    "not_permitted": Code.NOT_PERMITTED,
    "offline_pin_required": Code.NOT_PERMITTED,
    "online_or_offline_pin_required": Code.NOT_PERMITTED,
    "payment_intent_authentication_failure": Code.AUTHENTICATION_REQUIRED,
    "pickup_card": Code.STOLEN_CARD,
    "pin_try_exceeded": Code.LIMIT_EXCEEDED,
    "processing_error": Code.PROCESSING_ERROR,
    "reenter_transaction": Code.TRY_AGAIN_LATER,
    "restricted_card": Code.NOT_PERMITTED,
    "revocation_of_all_authorizations": Code.CONSENT_REVOKED,
    "revocation_of_authorization": Code.CONSENT_REVOKED,
    "security_violation": Code.DO_NOT_HONOUR,
    "service_not_allowed": Code.NOT_PERMITTED,
    "setup_intent_authentication_failure": Code.AUTHENTICATION_REQUIRED,
    "stolen_card": Code.STOLEN_CARD,
    "stop_payment_order": Code.CONSENT_REVOKED,
    "testmode_decline": Code.INVALID_CARD,
    "transaction_not_allowed": Code.NOT_PERMITTED,
    "try_again_later": Code.TRY_AGAIN_LATER,
    "withdrawal_count_limit_exceeded": Code.LIMIT_EXCEEDED,
}
"""A `decline_code`, or the `code` where there is none. What is not in the table is DO_NOT_HONOUR, as Stripe advises."""

ADVICE: Final[dict[str, bool]] = {
    "do_not_try_again": True,
    "try_again_later": False,
    "confirm_card_data": False,
}
"""`advice_code` to whether the decline is final."""

REFUSALS: Final[dict[str, Code]] = {
    "amount_too_large": Code.AMOUNT_NOT_SUPPORTED,
    "amount_too_small": Code.AMOUNT_NOT_SUPPORTED,
    "invalid_charge_amount": Code.AMOUNT_NOT_SUPPORTED,
    "parameter_invalid_integer": Code.AMOUNT_NOT_SUPPORTED,
    "account_country_invalid_address": Code.GATEWAY_MISCONFIGURED,
    "account_invalid": Code.GATEWAY_MISCONFIGURED,
    "charge_invalid_parameter": Code.PROCESSING_ERROR,
    "livemode_mismatch": Code.GATEWAY_MISCONFIGURED,
    "platform_api_key_expired": Code.GATEWAY_MISCONFIGURED,
    "api_key_expired": Code.GATEWAY_MISCONFIGURED,
    "secret_key_required": Code.GATEWAY_MISCONFIGURED,
    "testmode_charges_only": Code.GATEWAY_MISCONFIGURED,
    "tls_version_unsupported": Code.GATEWAY_MISCONFIGURED,
}
"""The `code` of an invalid request, where it says more than *refused*."""

REFUSED_PARAMETERS: Final[dict[str, Code]] = {
    "amount": Code.AMOUNT_NOT_SUPPORTED,
    "amount_to_capture": Code.AMOUNT_NOT_SUPPORTED,
    "currency": Code.CURRENCY_NOT_SUPPORTED,
    "payment_method_options[card][moto]": Code.GATEWAY_MISCONFIGURED,
}
"""The `param` of an invalid request: an account that is not enabled for telephone orders is named by the last."""

_CHECKS: Final[dict[str | None, Check]] = {
    None: Check.NOT_GIVEN,
    "pass": Check.PASSED,
    "fail": Check.FAILED,
}


def check(said: str | None) -> Check:
    """A check in our words; `unchecked` and `unavailable` are one to us."""
    return _CHECKS.get(said, Check.UNAVAILABLE)
