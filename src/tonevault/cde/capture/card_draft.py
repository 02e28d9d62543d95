"""The values captured so far, sealed, and the rules that a value must pass to get here. What fails a rule is destroyed on the spot."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, assert_never

from tonevault.boundary.captures import Billing, CaptureRequest, FieldError, FieldName
from tonevault.cde.gateway import BillingDetails, CardInHand
from tonevault.cde.sealed.card_number import MIN_DIGITS, CardNumber
from tonevault.cde.sealed.entry import Entry
from tonevault.cde.sealed.security_code import LENGTHS, SecurityCode
from tonevault.cde.sealed.small_field import Expiry, expiry_from, postal_code_from
from tonevault.kernel.card import Brand, mask_number

LAST_ZONE_BEHIND_UTC: Final = timedelta(hours=12)
"""A card is good to the end of its month where its holder is; the last place on earth to end a month does so 12 hours after UTC."""


@dataclass(frozen=True, slots=True)
class Accepted:
    """A value passed its rules and is kept; `masked` is how it shows."""

    masked: str


class CardDraft:
    """At most one value a field. `take` and `drop` destroy what they replace; `hand_over` leaves nothing behind."""

    __slots__ = ("_code", "_expiry", "_number", "_postal_code", "_request")

    def __init__(self, request: CaptureRequest) -> None:
        self._request = request
        self._number: CardNumber | None = None
        self._code: SecurityCode | None = None
        self._expiry: Expiry | None = None
        self._postal_code: str | None = None

    @property
    def brand(self) -> Brand | None:
        """The brand of the number, once it is captured."""
        issuer = self._number.issuer if self._number else None
        return issuer.brand if issuer else None

    @property
    def code_contradicts_number(self) -> bool:
        """Whether number and security code are both there, and the number's brand has codes of another length."""
        if self._code is None or self._number is None or self._number.issuer is None:
            return False
        return self._code.length != self._number.issuer.code_length

    def take(self, name: FieldName, entry: Entry, utc: datetime) -> Accepted | FieldError:
        """Check an entry and keep its value. The entry is empty afterwards, whatever the answer."""
        self.drop(name)
        try:
            match name:
                case FieldName.CARD_NUMBER:
                    return self._take_number(entry)
                case FieldName.EXPIRY:
                    return self._take_expiry(entry, utc)
                case FieldName.SECURITY_CODE:
                    return self._take_code(entry)
                case FieldName.POSTAL_CODE:
                    return self._take_postal_code(entry)
                case _:
                    assert_never(name)
        finally:
            entry.destroy()

    def drop(self, name: FieldName) -> None:
        """Destroy a field's value, if there is one."""
        match name:
            case FieldName.CARD_NUMBER:
                if self._number is not None:
                    self._number.destroy()
                self._number = None
            case FieldName.EXPIRY:
                self._expiry = None
            case FieldName.SECURITY_CODE:
                if self._code is not None:
                    self._code.destroy()
                self._code = None
            case FieldName.POSTAL_CODE:
                self._postal_code = None
            case _:
                assert_never(name)

    def destroy(self) -> None:
        """Destroy every value."""
        for name in FieldName:
            self.drop(name)

    def hand_over(self, billing: Billing) -> CardInHand:
        """The card, to whoever charges it and destroys it afterwards. Raises RuntimeError unless number and expiry are there.

        A postal code that was keyed counts before that of `billing`.
        """
        if self._number is None or self._expiry is None:
            raise RuntimeError("card draft: number and expiry come first")
        card = CardInHand(
            self._number,
            self._expiry,
            self._code,
            BillingDetails(self._postal_code or billing.postal_code, billing.address_line),
        )
        self._number = self._code = self._expiry = self._postal_code = None
        return card

    def take_back(self, card: CardInHand) -> None:
        """The card comes back from a charge that was declined for its address alone: number and expiry, never the code."""
        self.destroy()
        self._number, self._expiry = card.number, card.expiry

    def _take_number(self, entry: Entry) -> Accepted | FieldError:
        if entry.length < MIN_DIGITS:
            return FieldError.INVALID_CARD_NUMBER
        number = CardNumber.from_entry(entry)
        issuer = number.issuer
        if issuer is None or not number.is_valid:
            number.destroy()
            return FieldError.INVALID_CARD_NUMBER
        if issuer.brand not in self._request.accepted_brands:
            number.destroy()
            return FieldError.CARD_TYPE_NOT_ACCEPTED
        self._number = number
        return Accepted(mask_number(issuer.brand, number.length, number.last4))

    def _take_expiry(self, entry: Entry, utc: datetime) -> Accepted | FieldError:
        today = utc - LAST_ZONE_BEHIND_UTC
        self._expiry = expiry_from(entry, (today.year, today.month))
        return FieldError.INVALID_EXPIRY if self._expiry is None else Accepted("**/**")

    def _take_code(self, entry: Entry) -> Accepted | FieldError:
        if entry.length not in LENGTHS:
            return FieldError.INVALID_SECURITY_CODE
        self._code = SecurityCode.from_entry(entry)
        if self.code_contradicts_number:
            self.drop(FieldName.SECURITY_CODE)
            return FieldError.INVALID_SECURITY_CODE
        return Accepted("*" * self._code.length)

    def _take_postal_code(self, entry: Entry) -> Accepted | FieldError:
        length = entry.length
        self._postal_code = postal_code_from(entry, self._request.min_postal_code_length)
        return FieldError.INVALID_POSTAL_CODE if self._postal_code is None else Accepted("*" * length)
