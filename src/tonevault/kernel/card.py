"""The card as everyone may see it: brand, first six, last four, expiry. Too little to name a card (PCI DSS 3.4.1, FAQ 1091)."""

from dataclasses import dataclass
from enum import StrEnum


class Brand(StrEnum):
    """Card schemes, told apart by issuer range (ISO/IEC 7812)."""

    VISA = "visa"
    MASTERCARD = "mastercard"
    AMEX = "amex"
    DISCOVER = "discover"
    DINERS = "diners"
    JCB = "jcb"
    UNIONPAY = "unionpay"
    MAESTRO = "maestro"

    @property
    def title(self) -> str:  # type: ignore[override]
        """The scheme's name as printed on its cards."""
        return _TITLES[self]


_TITLES = {
    Brand.VISA: "Visa",
    Brand.MASTERCARD: "Mastercard",
    Brand.AMEX: "American Express",
    Brand.DISCOVER: "Discover",
    Brand.DINERS: "Diners Club",
    Brand.JCB: "JCB",
    Brand.UNIONPAY: "UnionPay",
    Brand.MAESTRO: "Maestro",
}


@dataclass(frozen=True, slots=True)
class MaskedCard:
    """What stands beside a token: `first6` and `last4` as text of exactly that many digits, expiry as month 1–12 and four-digit year."""

    brand: Brand
    first6: str
    last4: str
    length: int
    exp_month: int
    exp_year: int

    def __post_init__(self) -> None:
        if not (len(self.first6) == 6 and self.first6.isascii() and self.first6.isdigit()):
            raise ValueError("first6: must be six digits")
        if not (len(self.last4) == 4 and self.last4.isascii() and self.last4.isdigit()):
            raise ValueError("last4: must be four digits")
        if not 12 <= self.length <= 19:
            raise ValueError("length: a card number has 12 to 19 digits (ISO/IEC 7812-1)")
        if not 1 <= self.exp_month <= 12:
            raise ValueError("exp_month: must be 1 to 12")
        if not 2000 <= self.exp_year <= 2099:
            raise ValueError("exp_year: must be a year of four digits, 2000 to 2099")

    @property
    def masked_number(self) -> str:
        """Stars in groups of four and the last four, as the panel shows it: `**** **** **** 4242`."""
        return mask_number(self.brand, self.length, self.last4)


def mask_number(brand: Brand, length: int, last4: str) -> str:
    """A number of `length` digits as it may be shown, its expiry known or not: stars, and the last four as one group."""
    if brand is Brand.AMEX and length == 15:
        return f"**** ****** *{last4}"
    # Groups are counted from the right, so that the last four of a number of 13 or 19 digits stay together.
    stars = "*" * (length - 4)
    first = len(stars) % 4
    groups = [stars[:first]] if first else []
    groups += [stars[at : at + 4] for at in range(first, len(stars), 4)]
    return " ".join([*groups, last4])
