"""Braintree's codes in our words: processor responses, gateway rejections, validation errors, AVS and CVV letters."""

from typing import Final

from tonevault.cde.gateway import Check
from tonevault.cde.gateway_codes import Code

RESPONSES: Final[dict[str, Code]] = {
    "2000": Code.DO_NOT_HONOUR,
    "2001": Code.INSUFFICIENT_FUNDS,
    "2002": Code.LIMIT_EXCEEDED,
    "2003": Code.LIMIT_EXCEEDED,
    "2004": Code.EXPIRED_CARD,
    "2005": Code.INVALID_CARD,
    "2006": Code.EXPIRED_CARD,
    "2007": Code.INVALID_CARD,
    "2008": Code.INVALID_CARD,
    "2009": Code.INVALID_CARD,
    "2010": Code.INCORRECT_SECURITY_CODE,
    "2012": Code.LOST_CARD,
    "2013": Code.STOLEN_CARD,
    "2014": Code.FRAUD_SUSPECTED,
    "2015": Code.NOT_PERMITTED,
    "2016": Code.DUPLICATE_TRANSACTION,
    "2017": Code.CONSENT_REVOKED,
    "2018": Code.CONSENT_REVOKED,
    "2019": Code.NOT_PERMITTED,
    "2022": Code.INVALID_CARD,
    "2023": Code.FEATURE_NOT_SUPPORTED,
    "2024": Code.NOT_PERMITTED,
    "2025": Code.GATEWAY_MISCONFIGURED,
    "2026": Code.GATEWAY_MISCONFIGURED,
    "2027": Code.GATEWAY_MISCONFIGURED,
    "2028": Code.GATEWAY_MISCONFIGURED,
    "2029": Code.GATEWAY_MISCONFIGURED,
    "2030": Code.GATEWAY_MISCONFIGURED,
    "2031": Code.PROCESSING_ERROR,
    "2033": Code.PROCESSING_ERROR,
    "2040": Code.GATEWAY_MISCONFIGURED,
    "2042": Code.GATEWAY_MISCONFIGURED,
    "2045": Code.GATEWAY_MISCONFIGURED,
    "2047": Code.STOLEN_CARD,
    "2048": Code.AMOUNT_NOT_SUPPORTED,
    "2051": Code.INVALID_CARD,
    "2053": Code.LOST_CARD,
    "2056": Code.AMOUNT_NOT_SUPPORTED,
    "2057": Code.NOT_PERMITTED,
    "2059": Code.ADDRESS_MISMATCH,
    "2060": Code.ADDRESS_MISMATCH,
    "2061": Code.PROCESSING_ERROR,
    "2064": Code.CURRENCY_NOT_SUPPORTED,
    "2099": Code.AUTHENTICATION_REQUIRED,
    "2108": Code.INVALID_CARD,
}
"""The processor's response code. What is not in the table, like 2038 or 2046, is the issuer's *no* without a reason."""

FIRST_UNAVAILABLE: Final = 3000
"""From here on the processor could not be reached at all."""

REJECTIONS: Final[dict[str, Code]] = {
    "application_incomplete": Code.GATEWAY_MISCONFIGURED,
    "avs": Code.ADDRESS_MISMATCH,
    "avs_and_cvv": Code.ADDRESS_MISMATCH,
    "cvv": Code.INCORRECT_SECURITY_CODE,
    "duplicate": Code.DUPLICATE_TRANSACTION,
    "excessive_retry": Code.ACQUIRER_REJECTED,
    "fraud": Code.ACQUIRER_REJECTED,
    "risk_threshold": Code.ACQUIRER_REJECTED,
    "three_d_secure": Code.AUTHENTICATION_REQUIRED,
    "token_issuance": Code.GATEWAY_MISCONFIGURED,
}
"""Why Braintree itself, or a rule of the merchant's there, refused."""

FINAL_REJECTIONS: Final = frozenset({"excessive_retry"})
"""Schemes fine whoever goes on."""

INVALID_CARDS: Final[dict[str, Code]] = {
    "81703": Code.NOT_PERMITTED,
    "81706": Code.INCORRECT_SECURITY_CODE,
    "81707": Code.INCORRECT_SECURITY_CODE,
    "81709": Code.EXPIRED_CARD,
    "81710": Code.EXPIRED_CARD,
    "81711": Code.EXPIRED_CARD,
    "81712": Code.EXPIRED_CARD,
    "81713": Code.EXPIRED_CARD,
    "81714": Code.INVALID_CARD,
    "81715": Code.INVALID_CARD,
    "81716": Code.INVALID_CARD,
    "81717": Code.INVALID_CARD,
    "81723": Code.INVALID_CARD,
}
"""Validation errors that are about the card: a decline, for the customer can mend it."""

INVALID_REQUESTS: Final[dict[str, Code]] = {
    "81501": Code.AMOUNT_NOT_SUPPORTED,
    "81503": Code.AMOUNT_NOT_SUPPORTED,
    "81528": Code.AMOUNT_NOT_SUPPORTED,
    "81531": Code.AMOUNT_NOT_SUPPORTED,
    "815193": Code.AMOUNT_NOT_SUPPORTED,
    "91513": Code.GATEWAY_MISCONFIGURED,
    "91514": Code.GATEWAY_MISCONFIGURED,
    "91547": Code.GATEWAY_MISCONFIGURED,
    "91558": Code.GATEWAY_MISCONFIGURED,
    "915104": Code.FEATURE_NOT_SUPPORTED,
    "915195": Code.GATEWAY_MISCONFIGURED,
}
"""Validation errors that are about the merchant's set-up or the amount. 91558 and 915195: not enabled for telephone orders."""

UNSETTLED: Final = frozenset({"91506", "91574"})
"""A refund that comes before the money has been settled."""

_CHECKS: Final[dict[str | None, Check]] = {
    None: Check.NOT_GIVEN,
    "": Check.NOT_GIVEN,
    "I": Check.NOT_GIVEN,
    "M": Check.PASSED,
    "N": Check.FAILED,
}


def check(letter: str | None) -> Check:
    """A check in our words. U not verified, S not supported, A not applicable, B bypassed: unavailable, all of them."""
    return _CHECKS.get(letter, Check.UNAVAILABLE)
