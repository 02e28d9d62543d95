"""What the panel says: a title for each field, a sentence for each error, result and reason (SPEC section 3). It decides nothing."""

from typing import Final

from tonevault.boundary.captures import EndReason, FieldError, FieldName
from tonevault.boundary.charges import ChargeState

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
    FieldError.POSTAL_CODE_MISMATCH: "Postal code does not match",
}

END_REASONS: Final = {
    EndReason.TOO_MANY_ATTEMPTS: ("Too many attempts", "Nothing was kept. Try Again opens a new session."),
    EndReason.TOKENIZATION_FAILED: (
        "Token could not be created",
        "Nothing was kept and nothing was charged. Try again.",
    ),
    EndReason.AUTHORISATION_DECLINED: ("Payment declined", "Ask for another card."),
    EndReason.AUTHORISATION_UNKNOWN: (
        "Result not known yet",
        "The gateway fell silent. It is being looked up; do not charge again. The result appears here by itself.",
    ),
    EndReason.AUTHORISATION_FAILED: ("Payment could not be made", "Try again."),
    EndReason.CANCELED_BY_AGENT: ("Canceled", "What had been keyed was discarded."),
    EndReason.CALL_ENDED: ("The call ended", "What had been keyed was discarded; nothing was charged."),
    EndReason.SESSION_EXPIRED: ("The session expired", "What had been keyed was discarded."),
    EndReason.INTERRUPTED: (
        "Interrupted",
        "The secure zone stopped in mid-capture. What had been keyed is gone; nothing was kept or charged.",
    ),
}
"""A title and what it means, for each way in which a session ends short of success."""

SECURED_LEGS: Final = {
    (True, True): "Voice encrypted on both legs",
    (True, False): "Voice encrypted on the customer's leg",
    (False, True): "Voice encrypted on your leg",
    (False, False): "",
}
"""By whether the customer's and the agent's leg are SRTP. Voice that is not encrypted is the rule on telephone lines and needs no word."""

CARD_KEPT: Final = "The card is kept as a token; no money has moved."
NO_MONEY: Final = "No money has moved."

CHARGE_STATES: Final = {
    ChargeState.PENDING: "On its way",
    ChargeState.AUTHORISED: "Held",
    ChargeState.SUCCEEDED: "Charged",
    ChargeState.DECLINED: "Declined",
    ChargeState.FAILED: "Not charged",
    ChargeState.UNKNOWN: "Being looked up",
    ChargeState.CANCELED: "Canceled",
    ChargeState.REFUNDED: "Refunded",
    ChargeState.PARTIALLY_REFUNDED: "Partly refunded",
}

CALL_STATES: Final = {"ringing": "Ringing", "answered": "Live", "ended": "Ended"}

CALL_ENDS: Final = {
    "customer_hung_up": "The customer hung up.",
    "agent_hung_up": "The agent's side hung up.",
    "canceled": "The customer hung up before the call was answered.",
    "refused": "The contact centre refused the call.",
    "busy": "The contact centre was busy.",
    "no_answer": "Nobody answered the call.",
    "unreachable": "The contact centre could not be reached.",
    "no_common_codec": "The two sides share no audio codec.",
    "leg_lost": "The connection to one side was lost.",
    "media_lost": "The sound of the call was lost.",
    "hung_up_by_edge": "The edge ended the call.",
    "session_timed_out": "One side stopped answering.",
    "malformed": "One side sent what the edge cannot understand.",
    "interrupted": "The secure zone stopped, and the call with it.",
}
"""Why a call is over, by the word that the secure zone gives for it."""
CALL_ENDED: Final = "The call is over."

REFUSALS: Final = {
    "secure_zone_unreachable": (
        "The secure zone did not confirm this. If it was done after all, that shows here by itself; else try again."
    ),
    "session_in_progress": "A payment is open on this call already. Complete or cancel it first.",
    "session_over": "This payment is over. Start a new one.",
    "call_not_live": "The call is not up any more.",
    "fields_missing": "Something is missing: capture every field, or correct what did not match.",
    "correction_needed": "The address did not match. Correct it below, or cancel.",
    "nothing_to_correct": "Nothing waits for a correction any more.",
    "not_found": "That is no longer here. Choose the call again.",
    "permission_denied": "Your role may watch, but not take payments.",
}
"""Refusals in an agent's words, where those of the API speak to a program."""

INPUT_TITLES: Final = {
    "amount": "Amount",
    "currency": "Currency",
    "reference": "Reference",
    "postal_code": "Postal code",
    "address_line": "Address",
}
"""The start form's inputs, by their names."""
