"""Caller, called and customer reference: taken from where the network says them, cleaned, or withheld."""

import pytest

from tonevault.cde.edge.identity import called_number, caller_number, customer_reference, phone_number
from tonevault.cde.wire.sip.headers import Headers
from tonevault.cde.wire.sip.message import Request
from tonevault.cde.wire.sip.uri import SipUri

CARD = "4111111111111111"


def invite(
    *headers: tuple[str, str], uri: str = "sip:4420@edge.invalid", caller: str = "sip:+44 1632"
) -> Request:
    del caller
    return Request("INVITE", SipUri.parse(uri), Headers(list(headers)))


@pytest.mark.parametrize(
    ("uri", "number"),
    [
        ("sip:+441632960001@carrier.invalid;user=phone", "+441632960001"),
        ("sip:+44(1632)960-001@carrier.invalid", "+441632960001"),
        ("tel:+44-1632-960001;phone-context=x", "+441632960001"),
        ("sip:0163296;npdi@carrier.invalid", "0163296"),
        ("sip:%2B44163296@carrier.invalid", "+44163296"),
        ("sip:alice@carrier.invalid", None),
        ("sip:anonymous@anonymous.invalid", None),
        ("sip:carrier.invalid", None),
        (f"sip:{CARD}@carrier.invalid", None),
        ("sip:41111111111111@carrier.invalid", "41111111111111"),
        ("sip:+@carrier.invalid", None),
    ],
)
def test_numbers_in_uris(uri: str, number: str | None) -> None:
    assert phone_number(SipUri.parse(uri)) == number


def test_the_networks_word_goes_before_the_phones() -> None:
    from_ = ("From", '"Mallory" <sip:+15550001@phone.invalid>;tag=1')
    asserted = ("P-Asserted-Identity", "<sip:alice@carrier.invalid>, <tel:+15550002>")
    assert caller_number(invite(from_)) == "+15550001"
    assert caller_number(invite(from_, asserted)) == "+15550002"
    assert caller_number(invite(from_, ("P-Asserted-Identity", "nonsense <"))) == "+15550001"
    assert caller_number(invite(("From", "<sip:anonymous@anonymous.invalid>;tag=1"))) is None


def test_the_dialled_number() -> None:
    to = ("To", "<sip:4421@edge.invalid>")
    assert called_number(invite(to)) == "4420"
    assert called_number(invite(to, uri="sip:queue@edge.invalid")) == "4421"


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("cust-17", "cust-17"),
        ("", None),
        ("x" * 201, None),
        ("a\tb", None),
        (CARD, None),
        ("ref 4111 1111 1111 1111", None),
    ],
)
def test_the_customers_reference(value: str, expected: str | None) -> None:
    request = invite(("X-Customer", value)) if value else invite()
    assert customer_reference(request, "x-customer") == expected
    assert customer_reference(request, None) is None
