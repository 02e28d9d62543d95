"""Amounts in requests: integer minor units and a currency that Tonevault charges in."""

from typing import Annotated

from pydantic import Field

from tonevault.desk.refusal import invalid
from tonevault.kernel.money import MAX_AMOUNT_MINOR, MINOR_DIGITS, Money

AmountMinor = Annotated[
    int, Field(strict=True, ge=1, le=MAX_AMOUNT_MINOR, description="In minor units: 12.50 GBP is 1250.")
]
Currency = Annotated[str, Field(pattern=r"^[A-Z]{3}$", description="ISO 4217, such as GBP.")]


def money(amount: int, currency: str) -> Money:
    """The kernel's value; refuses a currency that nothing is charged in."""
    if currency not in MINOR_DIGITS:
        raise invalid(
            "currency",
            "iso_4217",
            "is not a code that Tonevault charges in; write for example GBP, EUR or USD",
        )
    return Money(amount, currency)
