"""Blanks: the wire gets the digits, in small pieces; whoever built the request never had them."""

import json
import random
import re

import pytest
from tests.till import VISA, code, number

from tonevault.cde.blanks import PIECE, BlankError, Blanks, refuse_blanks


def blanks() -> Blanks:
    return Blanks(random.Random(1).randrange)


def test_digits_take_the_blanks_place_in_small_pieces() -> None:
    lender = blanks()
    with lender.lent(number(), code()) as lent:
        text = json.dumps({"number": lent.number, "cvc": lent.security_code}).encode()
        body = lender.body(text)
        pieces = list(body.pieces())
    assert b"".join(pieces) == b'{"number": "%s", "cvc": "123"}' % VISA
    assert body.length == len(b"".join(pieces))
    assert all(len(run) <= PIECE for piece in pieces for run in re.findall(rb"\d+", piece))


def test_a_body_without_blanks_is_itself() -> None:
    body = blanks().body(b"amount=100")
    assert (body.length, list(body.pieces())) == (10, [b"amount=100"])
    assert list(blanks().body(b"").pieces()) == []


def test_nothing_is_sent_for_a_blank_that_is_over_or_stands_twice() -> None:
    lender = blanks()
    with lender.lent(number()) as lent, pytest.raises(BlankError):
        lender.body(f"{lent.number}&description={lent.number}".encode())
    with pytest.raises(BlankError):
        lender.body(lent.number.encode())
    with pytest.raises(BlankError):
        lender.body(b"blank_" + b"a" * 28)


def test_blanks_of_two_cards_are_apart() -> None:
    lender = blanks()
    with lender.lent(number()) as one, lender.lent(number(b"4000000000000002")) as two:
        assert one.number != two.number
        assert b"".join(lender.body(two.number.encode()).pieces()) == b"4000000000000002"


def test_urls_and_headers_hold_none() -> None:
    lender = blanks()
    refuse_blanks("https://gateway.example/v1", "Bearer blank")
    with lender.lent(number()) as lent, pytest.raises(BlankError):
        refuse_blanks(f"https://gateway.example/v1/{lent.number}")


def test_nothing_shows_the_card() -> None:
    lender = blanks()
    with lender.lent(number(), code()) as lent:
        shown = repr(lender.body(lent.number.encode())) + repr(lent) + repr(vars(lender))
    assert "4242" not in shown
