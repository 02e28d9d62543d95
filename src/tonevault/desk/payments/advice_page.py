"""docs/declines.md, printed from the table that the API answers from: `python -m tonevault.desk.payments.advice_page`."""

import sys
from typing import Final

from tonevault.desk.payments.advice import ADVICE, SILENCE

_HEAD: Final = f"""\
# Codes and what to do about them

Every charge, capture, void and refund that was declined or failed has a `code`, and with it `advice` for whoever has the customer
on the line. `decline` is `hard` where no later try of the card can pass (schemes fine merchants who try), and `soft` where one may.
While a result is `unknown`: {SILENCE}

| code | advice |
| --- | --- |
"""

_TROUBLES_HEAD: Final = """
## What each trouble leaves behind
`tests/scenario/money` plays each of these at the API.

| trouble | charge | token | money | then |
| --- | --- | --- | --- | --- |
"""
_TROUBLES: Final = (
    (
        "the gateway falls silent",
        "`unknown`, and what a look-up finds: `succeeded`, `declined`, or `failed` with `never_arrived`",
        "kept",
        "at most once",
        "nothing: it is looked up, never sent again",
    ),
    (
        "the gateway falls silent while a hold is captured",
        "stays `authorised`; the capture is `unknown`",
        "kept",
        "at most once",
        "a second capture is refused (`not_capturable`) until the first is known",
    ),
    (
        "postal code or address do not match, on a first payment",
        "`declined`, the `..._check` that `failed` names the part",
        "none",
        "none; a hold is let go",
        "correct it and `POST /v1/sessions/{id}/retry`, while the capture lasts",
    ),
    (
        "a card that is known already",
        "as for any card",
        "the one it has, `existing: true`",
        "as charged",
        "nothing",
    ),
    (
        "the gateway takes a payment for a repetition",
        "`declined` with `duplicate_transaction`",
        "kept",
        "none",
        "look for the earlier payment",
    ),
    (
        "the acquirer rejects",
        "`declined` with `acquirer_rejected`",
        "kept",
        "none",
        "another card",
    ),
    (
        "a soft decline",
        "`declined`, `decline: soft`",
        "kept",
        "none",
        "the same card may be tried again later; a schedule does it by `retry_days`",
    ),
    (
        "a hard decline",
        "`declined`, `decline: hard`",
        "kept",
        "none",
        "another card; a schedule ends",
    ),
    (
        "the token is expired, revoked or consumed",
        "none: 409 `token_not_chargeable` with `token_state`",
        "as it was",
        "none",
        "capture the card again",
    ),
    (
        "the token was replaced",
        "the same, with `replaced_by`",
        "as it was",
        "none",
        "charge its successor; a schedule does it by itself",
    ),
    (
        "the card could not be vaulted",
        "none: the session fails with `tokenization_failed`",
        "none",
        "none",
        "try again",
    ),
)
"""Trouble, charge, token, money, and what to do then."""


def render() -> str:
    """The whole page."""
    return _HEAD + "".join(f"| `{code}` | {sentence} |\n" for code, sentence in ADVICE.items()) + _troubles()


def _troubles() -> str:
    return _TROUBLES_HEAD + "".join(f"| {' | '.join(row)} |\n" for row in _TROUBLES)


if __name__ == "__main__":
    sys.stdout.write(render())
