"""Stripe's own idea of minor units, where it differs from ISO 4217 (docs.stripe.com/currencies). Refuses what it cannot charge exactly."""

from typing import Final

from tonevault.kernel.money import MINOR_DIGITS, Money

_TWO_DIGITS_THERE: Final = frozenset({"ISK"})
"""Without decimals by ISO 4217, given with two at Stripe, of which both must be nought."""
_LAST_DIGIT_NOUGHT: Final = frozenset(code for code, digits in MINOR_DIGITS.items() if digits == 3)
"""Three decimals, of which Stripe wants the last to be nought."""


def to_stripe(money: Money) -> int | None:
    """The amount as Stripe counts it; None for one that it cannot charge exactly."""
    if money.currency in _TWO_DIGITS_THERE:
        return money.amount_minor * 100
    if money.currency in _LAST_DIGIT_NOUGHT and money.amount_minor % 10:
        return None
    return money.amount_minor


def from_stripe(amount: int, currency: str) -> Money:
    """Money of an amount as Stripe counts it. Raises ValueError for a currency that Tonevault does not know."""
    code = currency.upper()
    return Money(amount // 100 if code in _TWO_DIGITS_THERE else amount, code)
