"""The amount as an agent types it: `12.50`, `12,50`, `1250 `. Refuses what it cannot read for certain."""

import re
from typing import Final

from tonevault.desk.refusal import invalid
from tonevault.kernel.money import MAX_AMOUNT_MINOR, MINOR_DIGITS, Money

_TYPED: Final = re.compile(r"(\d{1,11})(?:[.,](\d{1,3}))?")


def read_amount(typed: str, currency: str) -> Money | None:
    """None for an empty field, which means that only the card is kept. Raises Refusal naming `amount` or `currency`."""
    typed = typed.strip().replace(" ", "")
    if not typed:
        return None
    digits = MINOR_DIGITS.get(currency)
    if digits is None:
        raise invalid("currency", "unknown", "must be one of the currencies offered")
    match = _TYPED.fullmatch(typed)
    if match is None or len(match[2] or "") > digits:
        example = "1250" if digits == 0 else "12." + "50"[:digits].ljust(digits, "0")
        raise invalid("amount", "pattern", f"must be an amount such as {example}, without other signs")
    amount = int(match[1]) * 10**digits + int((match[2] or "").ljust(digits, "0") or 0)
    if not 0 < amount <= MAX_AMOUNT_MINOR:
        raise invalid(
            "amount", "range", "must be above zero; leave it empty to keep the card without charging it"
        )
    return Money(amount, currency)
