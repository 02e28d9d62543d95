"""What to do about each code of a charge: the API's `advice`, the panel's sentence, docs/declines.md. Decides nothing."""

from typing import Final

ADVICE: Final = {
    # Soft declines: the same card may pass later.
    "insufficient_funds": "Not enough money on the card. Ask for another card.",
    "do_not_honour": "The issuer declined without a reason. Ask for another card, or have the customer call the issuer.",
    "limit_exceeded": "A limit of the card was reached. Ask for another card, or try tomorrow.",
    "issuer_unavailable": "The issuer could not be asked. Try again in a few minutes, or ask for another card.",
    "try_again_later": "The issuer asks to try again later. Try again tomorrow, or ask for another card.",
    "authentication_required": "The issuer wants the customer to confirm the payment. Send a payment link.",
    # Hard declines: this card will not pass again. Lost, stolen and fraud are worded as any other: the agent must not act on it.
    "lost_card": "The issuer declined. Ask for another card.",
    "stolen_card": "The issuer declined. Ask for another card.",
    "fraud_suspected": "The issuer declined. Ask for another card.",
    "invalid_card": "The issuer knows no such card. Check the number and take it again, or ask for another card.",
    "expired_card": "The issuer says the card has expired. Ask for another card.",
    "not_permitted": "The card is not for this kind of payment. Ask for another card.",
    "consent_revoked": "The customer has stopped these payments at the issuer. Ask the customer before charging again.",
    # Something that was given does not match.
    "incorrect_security_code": "The issuer says the security code is wrong. Take the card again.",
    "postal_code_mismatch": "The postal code is not the card holder's. Correct it and charge again.",
    "address_mismatch": "The address is not the card holder's. Correct it and charge again.",
    # The acquirer or the gateway would not do it.
    "acquirer_rejected": "The acquirer refused the payment before the issuer was asked. Ask for another card.",
    "duplicate_transaction": "The gateway took it for a repetition. Look for the earlier payment before charging again.",
    "processing_error": "The gateway could not process it. Try again.",
    "currency_not_supported": "The gateway does not charge in this currency. Charge in another one.",
    "amount_not_supported": "The gateway does not charge so little, or so much. Change the amount.",
    "feature_not_supported": "The gateway cannot do this. Ask whoever looks after the gateway.",
    "gateway_misconfigured": "The gateway refuses our set-up. Ask whoever looks after the gateway; trying again will not help.",
    "reference_reused": "The gateway knows this payment with another amount and did nothing. Start a new one.",
    "canceled": "The payment was called off before it was made. Nothing was charged; start a new one if it is still wanted.",
    # Captures, voids and refunds.
    "not_capturable": "Nothing is held that could be taken, or less than that. Look at the charge.",
    "not_voidable": "It is too late to void this payment. Refund it.",
    "not_refundable": "No more than what was taken can be given back. Look at the charge's refunds.",
    # Faults of ours: no money moved.
    "token_not_chargeable": "The token can no longer be charged. Capture the card again.",
    "amount_not_chargeable": "The amount is nothing. Charge at least one minor unit.",
    "gateway_not_configured": "The account has no gateway. Ask whoever looks after Tonevault.",
    "card_unreadable": "The stored card could not be opened. Capture the card again, and tell whoever looks after Tonevault.",
    "not_sent": "The request never left. Nothing was charged; try again.",
    "never_arrived": "The request never reached the gateway. Nothing was charged; try again.",
    "session_expired": "The session ended before the payment was made. Nothing was charged; start a new one.",
}
"""One sentence or two for each code, in an agent's words."""

SILENCE: Final = "The gateway fell silent. It is being looked up; do not charge again. The result comes by itself, as an event."
"""What to do while a charge is `pending` or `unknown`."""


def advice_on(code: str | None) -> str | None:
    """What to do about a code; None where there is nothing to do."""
    return None if code is None else ADVICE.get(code)
