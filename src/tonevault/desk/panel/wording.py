"""What the panel says: a title for each field, a sentence for each error, result and reason (SPEC section 3). It decides nothing."""

from typing import Final

from tonevault.boundary.captures import EndReason, FieldError, FieldName

FIELD_TITLES: Final = {
    FieldName.CARD_NUMBER: "Card Number",
    FieldName.EXPIRY: "Expiration Date",
    FieldName.SECURITY_CODE: "Security Code",
    FieldName.POSTAL_CODE: "Postal Code",
}

FIELD_ERRORS: Final = {
    FieldError.INVALID_CARD_NUMBER: "Invalid card number",
    FieldError.INVALID_SECURITY_CODE: "Invalid security code",
    FieldError.INVALID_EXPIRY: "Invalid expiration date",
    FieldError.INVALID_POSTAL_CODE: "Invalid postal code",
    FieldError.INPUT_TIMEOUT: "Input timed out",
    FieldError.CARD_TYPE_NOT_ACCEPTED: "Card type not accepted",
}

END_REASONS: Final = {
    EndReason.TOO_MANY_ATTEMPTS: ("Too many attempts", "Nothing was kept. Try Again opens a new session."),
    EndReason.TOKENIZATION_FAILED: (
        "Token could not be created",
        "Nothing was kept and nothing was charged. Try again.",
    ),
    EndReason.AUTHORISATION_DECLINED: (
        "Payment declined",
        "The card is kept as a token; no money has moved.",
    ),
    EndReason.AUTHORISATION_UNKNOWN: (
        "Result not known yet",
        "The gateway fell silent. It is being looked up; do not charge again. The result appears here by itself.",
    ),
    EndReason.AUTHORISATION_FAILED: (
        "Payment could not be made",
        "The card is kept as a token; no money has moved.",
    ),
    EndReason.CANCELED_BY_AGENT: ("Canceled", "What had been keyed was discarded."),
    EndReason.CALL_ENDED: ("The call ended", "What had been keyed was discarded."),
    EndReason.SESSION_EXPIRED: ("The session expired", "What had been keyed was discarded."),
    EndReason.INTERRUPTED: (
        "The secure zone was restarted",
        "What had been keyed is gone and nothing was kept. Start again.",
    ),
}

CODES: Final = {
    "insufficient_funds": "Not enough money on the card. Ask for another card.",
    "do_not_honour": "The issuer declined without a reason. Ask for another card, or have the customer call the issuer.",
    "lost_card": "The issuer declined. Ask for another card.",
    "stolen_card": "The issuer declined. Ask for another card.",
    "expired_card": "The issuer says the card has expired. Ask for another card.",
    "limit_exceeded": "A limit of the card was reached. Ask for another card, or try tomorrow.",
    "incorrect_security_code": "The issuer says the security code is wrong. Take the card again.",
    "postal_code_mismatch": "The postal code is not the card holder's. Correct it and take the card again.",
    "processing_error": "The gateway could not process it. Try again.",
    "never_arrived": "The request never reached the gateway. Try again.",
    "token_not_chargeable": "The token can no longer be charged. Capture the card again.",
}
"""Advice for each code of a declined or failed charge. Lost and stolen are worded as any decline: the agent must not have to act on it."""

CALL_STATES: Final = {"ringing": "Ringing", "answered": "Live", "ended": "Ended"}
