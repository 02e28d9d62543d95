"""Sealed values show nothing, by any road that Python offers."""

import copy
import io
import json
import logging
import pickle  # noqa: TID251 - to show that it is refused
import traceback
from collections.abc import Callable
from typing import Any

import pytest

from tonevault.cde.sealed import warrant
from tonevault.cde.sealed.card_number import CardNumber
from tonevault.cde.sealed.entry import CAPACITY, Entry
from tonevault.cde.sealed.key import Key
from tonevault.cde.sealed.seal import Sealed, SealedError
from tonevault.cde.sealed.security_code import SecurityCode
from tonevault.cde.sealed.small_field import expiry_from, postal_code_from

PAN = "4000056655665556"
CODE = "9173"


def entry(digits: str) -> Entry:
    made = Entry()
    for digit in digits.encode():
        made.append(Key.from_character(digit))
    return made


def sealed_values() -> list[Sealed]:
    return [entry(PAN), CardNumber(bytearray(PAN.encode())), SecurityCode(bytearray(CODE.encode())), Key(7)]


def secret_of(text: str) -> bool:
    return PAN in text or PAN[6:12] in text or CODE in text


SHOWS: list[Callable[[Sealed], str]] = [
    str,
    repr,
    ascii,
    lambda v: f"{v}",
    lambda v: f"{v!r:>40}",
    lambda v: f"{v:20}",
    lambda v: str([v]),
]


@pytest.mark.parametrize("value", sealed_values(), ids=lambda v: type(v).__name__)
@pytest.mark.parametrize("show", SHOWS)
def test_shown_only_as_a_mask(value: Sealed, show: Callable[[Sealed], str]) -> None:
    assert "sealed" in show(value)
    assert not secret_of(show(value))


@pytest.mark.parametrize("value", sealed_values(), ids=lambda v: type(v).__name__)
def test_copies_are_refused(value: Sealed) -> None:
    attempts: list[Callable[[Any], object]] = [
        copy.copy,
        copy.deepcopy,
        pickle.dumps,
        hash,
        json.dumps,
        vars,
        list,
        bytes,
        lambda v: v == Key(1),
        lambda v: v != Key(1),
    ]
    for attempt in attempts:
        with pytest.raises((SealedError, TypeError)) as caught:
            attempt(value)
        assert not secret_of(str(caught.value))


def test_a_log_line_and_a_traceback_show_the_mask() -> None:
    stream = io.StringIO()
    logger = logging.getLogger("sealed-test")
    logger.addHandler(logging.StreamHandler(stream))
    number = CardNumber(bytearray(PAN.encode()))
    try:
        raise RuntimeError(f"failed on {number}")
    except RuntimeError:
        logger.exception("with %s and %r", number, number)
        stream.write(traceback.format_exc())
    assert "sealed" in stream.getvalue()
    assert not secret_of(stream.getvalue())


def test_a_sealed_type_without_slots_is_refused() -> None:
    with pytest.raises(SealedError):
        type("Loose", (Sealed,), {})


@pytest.mark.parametrize("digits", ["123", "4" * 20, "40000566556655x6"])
def test_a_wrong_number_is_zeroed_and_not_repeated(digits: str) -> None:
    buffer = bytearray(digits.encode())
    with pytest.raises(ValueError, match="12 to 19 digits") as caught:
        CardNumber(buffer)
    assert digits not in str(caught.value)
    assert not any(buffer)


def test_destroy_zeroes_what_the_warrant_would_open() -> None:
    number = CardNumber(bytearray(PAN.encode()))
    with warrant.open_number(number) as view:
        assert bytes(view) == PAN.encode()
    number.destroy()
    with warrant.open_number(number) as view:
        assert not any(view)
    code = SecurityCode(bytearray(CODE.encode()))
    with warrant.open_code(code) as view:
        assert bytes(view) == CODE.encode()
    code.destroy()
    with warrant.open_code(code) as view:
        assert not any(view)


def test_an_entry_hands_over_and_keeps_nothing() -> None:
    held = entry(PAN)
    number = CardNumber.from_entry(held)
    assert (held.length, number.length, number.last4, number.first6) == (0, 16, "5556", "400005")
    assert not any(held._digits)


def test_an_entry_takes_digits_alone_and_not_too_many() -> None:
    held = entry("1" * CAPACITY)
    assert held.is_full
    with pytest.raises(ValueError, match="19 digits"):
        held.append(Key(1))
    with pytest.raises(ValueError, match="0 to 9"):
        Entry().append(Key.from_character(ord("#")))


def test_keys_tell_kind_and_likeness_only() -> None:
    star, pound, five = (Key.from_character(ord(c)) for c in "*#5")
    assert star.is_clear
    assert pound.is_confirm
    assert five.is_digit
    assert not pound.is_digit
    assert five.matches(Key.from_event(5))
    assert not five.matches(pound)
    for wrong in (ord("E"), ord(" ")):
        with pytest.raises(ValueError, match="must be one of"):
            Key.from_character(wrong)
    with pytest.raises(ValueError, match="0 to 15"):
        Key.from_event(16)


@pytest.mark.parametrize(
    ("keyed", "expected"),
    [
        ("1226", (12, 2026)),
        ("1126", (11, 2026)),
        ("1026", None),
        ("1327", None),
        ("0027", None),
        ("126", None),
        ("0147", None),
    ],
)
def test_expiry(keyed: str, expected: tuple[int, int] | None) -> None:
    held = entry(keyed)
    found = expiry_from(held, (2026, 11))
    assert (None if found is None else (found.month, found.year)) == expected
    assert held.length == 0


def test_postal_code() -> None:
    assert postal_code_from(entry("90210"), 4) == "90210"
    assert postal_code_from(entry("902"), 4) is None
    assert postal_code_from(entry(PAN), 4) is None
