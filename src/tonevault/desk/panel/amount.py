"""The amount as an agent types it: `12.50`, `12,50`, `1250 `. Refuses what it cannot read for certain."""

import re
from typing import Final

from tonevault.desk.refusal import invalid
from tonevault.kernel.money import MAX_AMOUNT_MINOR, MINOR_DIGITS, Money

_TYPED: Final = re.compile(r"([0-9]{1,11})(?:([.,])([0-9]{1,3}))?")


def read_amount(typed: str, currency: str) -> Money | None:
    """None for an empty field, which means that only the card is kept. Raises Refusal naming `amount` or `currency`."""
    typed = typed.strip().replace(" ", "")
    if not typed:
        return None
    digits = MINOR_DIGITS.get(currency)
    if digits is None:
        raise invalid("currency", "unknown", "must be one of the currencies offered")
    match = _TYPED.fullmatch(typed)
    part = "" if match is None else match[3] or ""
    # `1,234` is a thousand to one person and a fraction to another.
    if match is None or len(part) > digits or (match[2] == "," and len(part) == 3):
        example = "1250" if digits == 0 else "12." + "50"[:digits].ljust(digits, "0")
        raise invalid("amount", "pattern", f"must be a number such as {example}, without other signs")
    amount = int(match[1]) * 10**digits + int(part.ljust(digits, "0") or 0)
    if amount == 0:
        raise invalid("amount", "minimum", "must be above zero; leave it empty to charge nothing")
    if amount > MAX_AMOUNT_MINOR:
        raise invalid("amount", "maximum", "is larger than any payment by card")
    return Money(amount, currency)
