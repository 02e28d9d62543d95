"""How the double's issuer spells each decline in Stripe's words: `code`, `decline_code` and `advice_code`."""

from dataclasses import dataclass
from typing import Final

from tonevault.cde.gateway_codes import Code
from tonevault.testing.gateways.behaviour import Behaviour


@dataclass(frozen=True, slots=True)
class Spelling:
    """A decline in Stripe's words. `blocked`: by Stripe's or the merchant's rules, not by the issuer."""

    code: str = "card_declined"
    decline_code: str | None = "generic_decline"
    advice_code: str | None = "try_again_later"
    blocked: bool = False


_SPELLINGS: Final[dict[Code, Spelling]] = {
    Code.DO_NOT_HONOUR: Spelling(decline_code="do_not_honor"),
    Code.INSUFFICIENT_FUNDS: Spelling(decline_code="insufficient_funds"),
    Code.LIMIT_EXCEEDED: Spelling(decline_code="card_velocity_exceeded"),
    Code.ISSUER_UNAVAILABLE: Spelling(decline_code="issuer_not_available"),
    Code.TRY_AGAIN_LATER: Spelling(decline_code="try_again_later"),
    Code.AUTHENTICATION_REQUIRED: Spelling("authentication_required", "authentication_required", None),
    Code.LOST_CARD: Spelling(decline_code="lost_card", advice_code="do_not_try_again"),
    Code.STOLEN_CARD: Spelling(decline_code="stolen_card", advice_code="do_not_try_again"),
    Code.EXPIRED_CARD: Spelling("expired_card", "expired_card", "do_not_try_again"),
    Code.INVALID_CARD: Spelling("incorrect_number", "incorrect_number", "confirm_card_data"),
    Code.FRAUD_SUSPECTED: Spelling(decline_code="fraudulent", advice_code="do_not_try_again"),
    Code.NOT_PERMITTED: Spelling(decline_code="transaction_not_allowed", advice_code="do_not_try_again"),
    Code.CONSENT_REVOKED: Spelling(
        decline_code="revocation_of_authorization", advice_code="do_not_try_again"
    ),
    Code.INCORRECT_SECURITY_CODE: Spelling("incorrect_cvc", "incorrect_cvc", "confirm_card_data"),
    Code.POSTAL_CODE_MISMATCH: Spelling("incorrect_zip", "incorrect_zip", "confirm_card_data"),
    # Stripe has no issuer's word for a wrong address: such payments are blocked by a rule of the merchant's.
    Code.ADDRESS_MISMATCH: Spelling(decline_code=None, advice_code=None, blocked=True),
    Code.ACQUIRER_REJECTED: Spelling(decline_code="fraudulent", advice_code=None, blocked=True),
    Code.PROCESSING_ERROR: Spelling("processing_error", None),
    Code.CURRENCY_NOT_SUPPORTED: Spelling(decline_code="currency_not_supported"),
}


def spelling(behaviour: Behaviour) -> Spelling | None:
    """The decline that a behaviour asks for; None where it asks for none."""
    if behaviour.native is not None:
        return Spelling(decline_code=behaviour.native, advice_code=None)
    if behaviour.decline is None:
        return None
    return _SPELLINGS.get(behaviour.decline, Spelling())
