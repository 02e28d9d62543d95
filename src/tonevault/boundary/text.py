"""Field types of the boundary's messages. Each is bounded so that no card number and no security code fits or passes."""

import re
from typing import Annotated, Final

from pydantic import AfterValidator, StringConstraints

from tonevault.kernel.ids import (
    ACCOUNT_PATTERN,
    AccountId,
    CallId,
    ChargeId,
    EventId,
    OperationId,
    SessionId,
    TokenId,
)
from tonevault.kernel.luhn import passes_luhn

_SEPARATED_DIGITS: Final = re.compile(r"\d(?:(?:(?!\n)[\W_]){0,3}\d)+")
"""People part groups by a blank, a dash, an underscore, or a dash between blanks."""
_SHORTEST_CARD: Final = 12
_LONGEST_CARD: Final = 19


def holds_card_number(text: str) -> bool:
    """Whether any run of 12 to 19 digits in `text`, separators allowed, passes Luhn: what a card number would look like.

    No card has fewer than 12 digits, and shorter runs are what merchants and gateways write all day: invoices, telephone numbers, order
    numbers. So a type cannot tell a *part* of a number from them, and does not try to. That no part leaves the secure zone is shown by the
    canary search of docs/proof.md, which looks for seven digits and more of known cards.
    """
    for run in _SEPARATED_DIGITS.finditer(text):
        digits = bytes(0x30 + int(c) for c in run.group() if c.isdecimal())
        for length in range(_SHORTEST_CARD, min(_LONGEST_CARD, len(digits)) + 1):
            if any(passes_luhn(digits[at : at + length]) for at in range(len(digits) - length + 1)):
                return True
    return False


def _refuse_card_number(text: str) -> str:
    if holds_card_number(text):
        raise ValueError("looks like a card number; card data never crosses this interface")
    return text


def _refuse_long_card_number(text: str) -> str:
    # A telephone number of 12 or 13 digits passes Luhn one time in ten, so only lengths that real cards have are refused.
    digits = text.lstrip("+")
    if len(digits) >= 14 and holds_card_number(digits):
        raise ValueError("looks like a card number; card data never crosses this interface")
    return text


def _id(prefix: str) -> StringConstraints:
    return StringConstraints(strict=True, pattern=rf"^{prefix}_[a-z]{{28}}$")


Account = Annotated[AccountId, StringConstraints(strict=True, pattern=ACCOUNT_PATTERN)]
Session = Annotated[SessionId, _id("ps")]
Token = Annotated[TokenId, _id("tok")]
Charge = Annotated[ChargeId, _id("ch")]
Call = Annotated[CallId, _id("call")]
Event = Annotated[EventId, _id("ev")]
Operation = Annotated[OperationId, _id("(?:cap|void|re)")]
"""A capture, void or refund; the prefix tells which."""
Reconciliation = Annotated[str, _id("rec")]
Name = Annotated[str, StringConstraints(strict=True, pattern=r"^[a-z](?:[a-z_-]{0,46}[a-z])?$")]
"""A word of our own: a route, a gateway, a reason code."""
PhoneNumber = Annotated[
    str, StringConstraints(strict=True, pattern=r"^\+?\d{1,15}$"), AfterValidator(_refuse_long_card_number)
]
"""ITU-T E.164: at most 15 digits."""
Words = Annotated[
    str,
    StringConstraints(strict=True, max_length=200, pattern=r"^[^\x00-\x1f]*$"),
    AfterValidator(_refuse_card_number),
]
"""Free text of a merchant (reference, description): one line of at most 200 characters with no card number in it."""
FirstSix = Annotated[str, StringConstraints(strict=True, pattern=r"^\d{6}$")]
LastFour = Annotated[str, StringConstraints(strict=True, pattern=r"^\d{4}$")]
PostalCode = Annotated[
    str,
    StringConstraints(strict=True, pattern=r"^[A-Za-z0-9][A-Za-z0-9 -]{0,8}[A-Za-z0-9]$"),
    AfterValidator(_refuse_card_number),
]
"""At most ten characters: `SW1A 1AA`, `10001-1234`. Too short for a card number."""
AddressLine = Annotated[
    str,
    StringConstraints(strict=True, min_length=1, max_length=60, pattern=r"^[^\x00-\x1f]*$"),
    AfterValidator(_refuse_card_number),
]
"""The first line of a billing address, as the card's issuer has it."""
Reference = Annotated[
    str,
    StringConstraints(strict=True, max_length=64, pattern=r"^[A-Za-z0-9_.:-]*$"),
    AfterValidator(_refuse_card_number),
]
"""A gateway's own reference of a payment. Gateways number their payments, so up to 11 digits in a row are as good as letters here."""
