"""What an account's captures take: the fields that a session asks for unless told otherwise, and the brands it accepts."""

from collections.abc import Callable
from dataclasses import dataclass

from tonevault.boundary.captures import FieldName
from tonevault.desk.sessions.model import DEFAULT_FIELDS
from tonevault.kernel.card import Brand
from tonevault.kernel.ids import AccountId


@dataclass(frozen=True, slots=True)
class CapturePolicy:
    """A card of another brand is refused with `card_type_not_accepted`, as soon as its number is keyed."""

    fields: tuple[FieldName, ...] = DEFAULT_FIELDS
    brands: tuple[Brand, ...] = tuple(Brand)
    verifies_in: str | None = None
    """The currency in which a card that is only taken is checked for no money; None: it is not checked."""


PolicyOf = Callable[[AccountId], CapturePolicy]
"""The configuration of an account, as the process's wiring reads it."""


def every_brand(account_id: AccountId) -> CapturePolicy:  # noqa: ARG001 - the policy of whoever has configured none
    """Card number, expiry and security code of any card."""
    return CapturePolicy()
