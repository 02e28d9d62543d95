"""No message of the boundary takes a card number, and no error of one repeats its input."""

import json
import random
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, TypeAdapter, ValidationError

from tonevault.boundary import calls, captures, charges, notices, problems, tokens
from tonevault.boundary.message import Message
from tonevault.boundary.text import PhoneNumber, Words, holds_card_number
from tonevault.kernel.ids import AccountId, CallId

PANS = [
    "4242424242424242",
    "378282246310005",
    "5555555555554444",
    "36227206271667",
    "6759649826438453",
    "4222222222222",
]
MODULES = (calls, captures, charges, notices, problems, tokens)


def messages() -> list[type[Message]]:
    found = {
        value
        for module in MODULES
        for value in vars(module).values()
        if isinstance(value, type) and issubclass(value, Message)
    }
    return sorted(found - {Message}, key=lambda each: each.__name__)


def leaves(schema: dict[str, Any], root: dict[str, Any]) -> list[dict[str, Any]]:
    """Every string and number that a JSON schema lets in."""
    if "$ref" in schema:
        return leaves(root["$defs"][schema["$ref"].rpartition("/")[2]], root)
    out: list[dict[str, Any]] = []
    for key in ("anyOf", "oneOf", "allOf", "prefixItems"):
        for each in schema.get(key, []):
            out += leaves(each, root)
    for each in schema.get("properties", {}).values():
        out += leaves(each, root)
    if "items" in schema and isinstance(schema["items"], dict):
        out += leaves(schema["items"], root)
    if (
        schema.get("type") in ("string", "integer", "number")
        and "enum" not in schema
        and "const" not in schema
    ):
        out.append(schema)
    return out


@pytest.mark.parametrize("model", messages(), ids=lambda m: m.__name__)
def test_every_text_and_number_is_bounded(model: type[BaseModel]) -> None:
    schema = model.model_json_schema()
    for leaf in leaves(schema, schema):
        if leaf["type"] == "string":
            bounded = {"pattern", "maxLength"} & leaf.keys() or leaf.get("format") == "date-time"
        else:
            bounded = leaf.get("maximum", 10**12) < 10**11 or leaf.get("title") == "Revision"
        assert bounded or model is problems.Problem, f"{model.__name__}: {leaf} could hold a card number"


@pytest.mark.parametrize("pan", PANS)
@pytest.mark.parametrize("spread", ["{}", "card {} ok", "{0:.4}", "x{}y"])
def test_words_refuse_a_card_number(pan: str, spread: str) -> None:
    text = (
        " ".join(pan[i : i + 4] for i in range(0, len(pan), 4)) if spread == "{0:.4}" else spread.format(pan)
    )
    with pytest.raises(ValidationError) as caught:
        TypeAdapter(Words, config={"hide_input_in_errors": True}).validate_python(text)
    assert pan not in str(caught.value)
    assert text not in str(caught.value)


@pytest.mark.parametrize("text", ["Invoice INV-2026-000123", "Order 12, March 2026", "", "Ref 998877"])
def test_words_take_what_merchants_write(text: str) -> None:
    assert TypeAdapter(Words).validate_python(text) == text


@given(st.integers(0, 10**16), st.text(alphabet=" -._/–\u200b", max_size=3))
def test_separators_do_not_hide_a_number(seed: int, separator: str) -> None:
    source = random.Random(seed)
    body = [source.randrange(10) for _ in range(15)]
    total = sum(d if i % 2 else (d * 2 - 9 if d * 2 > 9 else d * 2) for i, d in enumerate(body))
    digits = [*body, -total % 10]
    assert holds_card_number(separator.join(map(str, digits)))


def test_digits_of_other_scripts_are_digits() -> None:
    assert holds_card_number("".join(chr(0xFF10 + int(digit)) for digit in PANS[0]))
    assert holds_card_number("".join(chr(0x0660 + int(digit)) for digit in PANS[0]))


@pytest.mark.parametrize("number", ["+442079460018", "02079460018", "+4915112345678", "+12025550143"])
def test_telephone_numbers_pass(number: str) -> None:
    assert TypeAdapter(PhoneNumber).validate_python(number) == number


@pytest.mark.parametrize("number", ["378282246310005", "+36227206271667", "4242424242424242"])
def test_a_card_number_is_no_telephone_number(number: str) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(PhoneNumber).validate_python(number)


def test_unknown_fields_are_refused_without_being_repeated() -> None:
    with pytest.raises(ValidationError) as caught:
        charges.Amount.model_validate_json(json.dumps({"amount_minor": 1, "currency": "GBP", "pan": PANS[0]}))
    assert PANS[0] not in str(caught.value)


def test_a_notice_round_trip() -> None:
    moment = datetime(2026, 11, 21, tzinfo=UTC)
    view = calls.CallView(
        call_id=CallId("call_" + "a" * 28),
        account_id=AccountId("acme"),
        route="support",
        state=calls.CallState.RINGING,
        started_at=moment,
    )
    line = notices.CallChanged(call=view).model_dump_json()
    assert notices.NOTICE.validate_json(line) == notices.CallChanged(call=view)
