"""The form for a better address: which parts it asks for, what it says of the code, and what becomes of it."""

import pytest
from pydantic import ValidationError
from tests.unit.desk.panel.samples import field, session

from tonevault.boundary.calls import CallState
from tonevault.boundary.captures import BillingPart, FieldName, FieldState
from tonevault.desk.panel.box import box_of
from tonevault.desk.panel.correction import CorrectionBody, correction_of

POSTAL, ADDRESS = BillingPart.POSTAL_CODE, BillingPart.ADDRESS


@pytest.mark.parametrize(
    ("parts", "title"),
    [
        ((POSTAL,), "The postal code does not match"),
        ((ADDRESS,), "The address does not match"),
        ((POSTAL, ADDRESS), "The postal code and the address do not match"),
    ],
)
def test_it_asks_for_what_did_not_match(parts: tuple[BillingPart, ...], title: str) -> None:
    form = correction_of(session(mismatch=parts))
    assert form is not None
    assert (form.title, form.postal_code, form.address_line) == (title, POSTAL in parts, ADDRESS in parts)


def test_the_code_is_asked_for_until_it_is_captured_again() -> None:
    idle = session(mismatch=(POSTAL,), fields=(field(FieldName.SECURITY_CODE),))
    taken = session(mismatch=(POSTAL,), fields=(field(FieldName.SECURITY_CODE, FieldState.CAPTURED),))
    forms = [correction_of(each) for each in (idle, taken, session(mismatch=(POSTAL,), fields=()))]
    assert [form and form.needs_code for form in forms] == [True, False, False]


def test_there_is_none_without_a_mismatch_nor_for_those_who_only_watch() -> None:
    assert correction_of(session()) is None
    waiting = session(mismatch=(POSTAL,))
    assert box_of(waiting, call=CallState.ANSWERED, may_act=True).correction is not None
    assert box_of(waiting, call=CallState.ANSWERED, may_act=False).correction is None


def test_what_the_browser_sends_becomes_a_correction() -> None:
    sent = {"postal_code": "SW1A 1AA", "address_line": "", "without_security_code": "yes"}
    correction = CorrectionBody.model_validate(sent).correction()
    assert (correction.billing.postal_code, correction.billing.address_line) == ("SW1A 1AA", None)
    assert correction.without_security_code
    with pytest.raises(ValidationError):
        CorrectionBody.model_validate({"postal_code": "4242424242424242"}).correction()
    with pytest.raises(ValidationError):
        CorrectionBody.model_validate({"postal_code": "!"}).correction()
