"""Worldpay's refusal codes (ISO 8583 response codes and its own), schemes' advice and errors in our words."""

from typing import Final

from tonevault.cde.gateway import Check, Code
from tonevault.plumbing.https_line import Reply, dig

REFUSALS: Final = {
    "3": Code.ACQUIRER_REJECTED,
    "4": Code.STOLEN_CARD,
    "5": Code.DO_NOT_HONOUR,
    "7": Code.FRAUD_SUSPECTED,
    "8": Code.DO_NOT_HONOUR,
    "12": Code.PROCESSING_ERROR,
    "13": Code.AMOUNT_NOT_SUPPORTED,
    "14": Code.INVALID_CARD,
    "15": Code.INVALID_CARD,
    "19": Code.TRY_AGAIN_LATER,
    "28": Code.TRY_AGAIN_LATER,
    "33": Code.EXPIRED_CARD,
    "34": Code.FRAUD_SUSPECTED,
    "41": Code.LOST_CARD,
    "43": Code.STOLEN_CARD,
    "46": Code.INVALID_CARD,
    "51": Code.INSUFFICIENT_FUNDS,
    "54": Code.EXPIRED_CARD,
    "57": Code.NOT_PERMITTED,
    "58": Code.NOT_PERMITTED,
    "59": Code.FRAUD_SUSPECTED,
    "61": Code.LIMIT_EXCEEDED,
    "62": Code.NOT_PERMITTED,
    "65": Code.AUTHENTICATION_REQUIRED,
    "68": Code.ISSUER_UNAVAILABLE,
    "80": Code.INVALID_CARD,
    "82": Code.INCORRECT_SECURITY_CODE,
    "91": Code.ISSUER_UNAVAILABLE,
    "92": Code.ISSUER_UNAVAILABLE,
    "96": Code.PROCESSING_ERROR,
    "97": Code.INCORRECT_SECURITY_CODE,
    "R0": Code.CONSENT_REVOKED,
    "R1": Code.CONSENT_REVOKED,
    "R3": Code.CONSENT_REVOKED,
}
"""What is not listed reads `do_not_honour`, a soft decline."""

ADVICE: Final = {"01": False, "02": False, "03": True, "21": True, "24": False, "25": False, "26": False}
"""Mastercard's merchant advice codes: whether the card must never be sent again."""

_FIELDS: Final = (
    ("value.currency", Code.CURRENCY_NOT_SUPPORTED),
    ("value.amount", Code.AMOUNT_NOT_SUPPORTED),
    ("cardNumber", Code.INVALID_CARD),
    ("expiryDate", Code.EXPIRED_CARD),
    ("cvc", Code.INCORRECT_SECURITY_CODE),
)


def refusal(code: object) -> Code:
    """Our word for a refusal code."""
    return (
        REFUSALS.get(code.upper().lstrip("0"), Code.DO_NOT_HONOUR)
        if isinstance(code, str)
        else Code.DO_NOT_HONOUR
    )


def error(reply: Reply) -> Code:
    """Our word for a 4xx: the request was not carried out."""
    if reply.status == 429:
        return Code.TRY_AGAIN_LATER
    if reply.status in (401, 403):
        return Code.GATEWAY_MISCONFIGURED
    faults = reply.get("validationErrors")
    paths = [str(dig(fault, "jsonPath")) for fault in faults] if isinstance(faults, list) else []
    for part, code in _FIELDS:
        if any(part in path for path in paths):
            return code
    return (
        Code.GATEWAY_MISCONFIGURED
        if reply.get("errorName") == "entityIsNotConfigured"
        else Code.PROCESSING_ERROR
    )


def checks(reply: Reply, *, code: bool, postal_code: bool, address: bool) -> tuple[Check, Check, Check]:
    """What the issuer said of security code, postal code and address, each told of only where it was given.

    Worldpay lists what is at risk and passes over what matches.
    """
    risks: dict[tuple[str, str], Check] = {}
    listed = reply.get("riskFactors")
    for each in listed if isinstance(listed, list) else []:
        found = {"notMatched": Check.FAILED, "notChecked": Check.UNAVAILABLE}.get(str(dig(each, "risk")))
        if found is not None:
            risks[str(dig(each, "type")), str(dig(each, "detail") or "")] = found

    def told(given: bool, kind: str, detail: str) -> Check:
        if not given:
            return Check.NOT_GIVEN
        return risks.get((kind, detail)) or risks.get((kind, "")) or Check.PASSED

    return told(code, "cvc", ""), told(postal_code, "avs", "postcode"), told(address, "avs", "address")
