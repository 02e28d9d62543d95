"""Who calls whom, as the carrier signalled it: bounded, cleaned, and withheld where it could hold a card number."""

import re
from typing import Final

from tonevault.boundary.text import holds_card_number
from tonevault.cde.wire.sip.errors import SipParseError
from tonevault.cde.wire.sip.message import Request
from tonevault.cde.wire.sip.name_addr import NameAddr
from tonevault.cde.wire.sip.uri import SipUri

MAX_REFERENCE: Final = 200
"""The boundary's `Words` has as much room."""
SHORTEST_CARD: Final = 14
"""As in the boundary: a telephone number of 12 or 13 digits passes Luhn one time in ten, so only longer ones are suspected."""

_SEPARATORS = re.compile(r"[\s().\-]")
_NUMBER = re.compile(r"\+?[0-9]{1,15}")
_CONTROL = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")


def caller_number(invite: Request) -> str | None:
    """The telephone number of the caller: the network's word (P-Asserted-Identity, RFC 3325) before the phone's own (From)."""
    for candidate in (*_asserted(invite), invite.from_.uri):
        number = phone_number(candidate)
        if number is not None:
            return number
    return None


def called_number(invite: Request) -> str | None:
    """The telephone number that was dialled: the Request-URI, else To."""
    return phone_number(invite.uri) or phone_number(invite.to.uri)


def _asserted(invite: Request) -> list[SipUri]:
    try:
        values = invite.headers.get_list("P-Asserted-Identity")
        return [NameAddr.parse(value, "P-Asserted-Identity").uri for value in values]
    except SipParseError:
        return []


def phone_number(uri: SipUri) -> str | None:
    """The number in a URI's user part without its separators (RFC 3966 section 5.1.1); None when it is no telephone number."""
    user = uri.user_text.partition(";")[0]
    number = _SEPARATORS.sub("", user)
    if not _NUMBER.fullmatch(number):
        return None
    digits = number.removeprefix("+")
    if len(digits) >= SHORTEST_CARD and holds_card_number(digits):
        return None
    return number


def customer_reference(invite: Request, header: str | None) -> str | None:
    """The customer's id from the route's header: one line of printable text; None when absent, too long or suspicious."""
    value = invite.headers.get(header) if header else None
    if not value or len(value) > MAX_REFERENCE or _CONTROL.search(value) or holds_card_number(value):
        return None
    return value
