"""Keys in message bodies: both forms, as tidy and as untidy as phones write them; everything else is no key."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tonevault.cde.edge.key_body import MAX_DURATION_MS, duration_s, key_in
from tonevault.cde.sealed.key import Key


@pytest.mark.parametrize("character", list("0123456789*#ABCDabcd"))
@pytest.mark.parametrize(
    "form",
    [
        "Signal={}\r\nDuration=160\r\n",
        "Signal= {}\nDuration= 160\n",
        "signal={}",
        "Duration=160\r\nSIGNAL = {} \r\n",
        "{}",
        " {}\r\n",
    ],
)
def test_one_key_in_every_form(character: str, form: str) -> None:
    key = key_in(form.format(character).encode())
    assert key is not None
    assert key.matches(Key.from_character(ord(character)))


@pytest.mark.parametrize(("code", "event"), [("10", 10), ("11", 11), ("15", 15)])
def test_event_codes_of_two_digits(code: str, event: int) -> None:
    key = key_in(f"Signal={code}\r\n".encode())
    assert key is not None
    assert key.matches(Key.from_event(event))


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\r\n",
        b"Signal=",
        b"Signal=16",
        b"Signal=55",
        b"Signal=hf",
        b"55",
        b"4111111111111111",
        b"!",
        b"Duration=160",
        b"\xb2",
    ],
)
def test_what_is_no_key(body: bytes) -> None:
    assert key_in(body) is None


def test_a_body_too_long_for_a_key() -> None:
    assert key_in(b"Signal=5\r\n" + b"x" * 300) is None


@pytest.mark.parametrize(
    ("body", "seconds"),
    [
        (b"Signal=5\r\nDuration=160\r\n", 0.16),
        (b"Signal=5\r\nduration = 2000", 2.0),
        (b"Signal=5\r\nDuration=999999", MAX_DURATION_MS / 1000),
        (b"Signal=5\r\nDuration=99999999", 0.0),
        (b"Signal=5\r\nDuration=-1", 0.0),
        (b"5", 0.0),
    ],
)
def test_the_length_that_a_sender_claims(body: bytes, seconds: float) -> None:
    assert duration_s(body) == seconds


@given(st.binary(max_size=300))
def test_no_body_raises(body: bytes) -> None:
    key_in(body)
    assert 0.0 <= duration_s(body) <= MAX_DURATION_MS / 1000
